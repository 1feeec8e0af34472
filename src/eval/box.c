// Boxes of models: axes as text, and the boxes that have names.
#include <tendril/eval.h>

#include "base/number.h"
#include "base/options.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [TENDRIL_VARY_MASS] = "mass",         [TENDRIL_VARY_BODY] = "mass.BODY",
    [TENDRIL_VARY_FRICTION] = "friction", [TENDRIL_VARY_FLOOR] = "floor",
    [TENDRIL_VARY_MOTOR] = "motor",       [TENDRIL_VARY_LATENCY] = "latency",
    [TENDRIL_VARY_NOISE] = "noise",
};
enum { NKIND = sizeof names / sizeof names[0] };

const char *tendril_axis_name(const tendril_axis *axis, char text[80]) {
  if (axis->kind == TENDRIL_VARY_BODY)
    snprintf(text, 80, "mass.%s", axis->body);
  else
    snprintf(text, 80, "%s", names[axis->kind]);
  return text;
}

static tendril_status find_kind(const char *text, size_t n, tendril_axis *axis,
                                tendril_error *err) {
  char name[80];
  if (n > 5 && strncmp(text, "mass.", 5) == 0 && n - 5 < sizeof axis->body) {
    axis->kind = TENDRIL_VARY_BODY;
    memcpy(axis->body, text + 5, n - 5);
    return TENDRIL_OK;
  }
  snprintf(name, sizeof name, "%.*s", (int)(n < 70 ? n : 70), text);
  for (int i = 0; i < NKIND; i++)
    if (i != TENDRIL_VARY_BODY && strcmp(names[i], name) == 0) {
      axis->kind = (tendril_axis_kind)i;
      return TENDRIL_OK;
    }
  const char *near = tnd_nearest(name, names, NKIND);
  return tnd_fail(err, TENDRIL_E_UNKNOWN,
                  "box %.80s: no such axis; there are mass, mass.BODY, friction, floor, motor, "
                  "latency and noise%s%s%s",
                  text, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

tendril_status tendril_axis_parse(const char *text, tendril_axis *out, tendril_error *err) {
  tendril_axis axis = {0};
  const char *equals = strchr(text, '=');
  TENDRIL_TRY(find_kind(text, equals ? (size_t)(equals - text) : strlen(text), &axis, err));
  const char *low = equals ? equals + 1 : "", *colon = strchr(low, ':');
  const char *high = colon ? colon + 1 : low;
  const size_t n = colon ? (size_t)(colon - low) : strlen(low);
  if (tnd_number_parse(low, n, &axis.low) != TND_NUMBER_OK ||
      tnd_number_parse(high, strlen(high), &axis.high) != TND_NUMBER_OK)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "box %.80s: needs a range, as in mass=0.7:1.3, or a number", text);
  if (axis.low > axis.high)
    return tnd_fail(err, TENDRIL_E_CONFIG, "box %.80s: %g is more than %g", text, axis.low,
                    axis.high);
  *out = axis;
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------ by name

// RRLS sets numbers of the model in place: kilograms, and the floor's friction. It leaves inertias
// as they are, and what MuJoCo derives from the masses; we don't.
static const struct rrls {
  const char *tasks[2];
  tendril_axis axes[3];
} rrls[] = {
    {{"hopper-v4", "hopper"},
     {{TENDRIL_VARY_FLOOR, "", 0.1, 3},
      {TENDRIL_VARY_BODY, "torso", 0.1, 3},
      {TENDRIL_VARY_BODY, "thigh", 0.1, 4}}},
    {{"walker2d-v4", "walker"},
     {{TENDRIL_VARY_FLOOR, "", 0.1, 4},
      {TENDRIL_VARY_BODY, "torso", 0.1, 5},
      {TENDRIL_VARY_BODY, "thigh", 0.1, 6}}},
};

static const tendril_axis general[] = {
    {TENDRIL_VARY_MASS, "", 0.7, 1.3},  {TENDRIL_VARY_FRICTION, "", 0.5, 1.5},
    {TENDRIL_VARY_MOTOR, "", 0.8, 1.2}, {TENDRIL_VARY_LATENCY, "", 0, 2},
    {TENDRIL_VARY_NOISE, "", 0, 0.05},
};

tendril_status tendril_box_find(const tendril_model *model, const char *name, tendril_axis *axes,
                                int *naxis, tendril_error *err) {
  static const char *const boxes[] = {"rrls", "general"};
  const char *task = tendril_model_task(model)->name;
  const struct rrls *box = NULL;
  for (size_t i = 0; i < sizeof rrls / sizeof rrls[0]; i++)
    for (int j = 0; j < 2; j++)
      if (strcmp(rrls[i].tasks[j], task) == 0) box = &rrls[i];
  if (name && strcmp(name, "rrls") == 0 && !box)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "box rrls: is for hopper-v4, hopper, walker2d-v4 and walker, not for %s; use "
                    "general or axes of your own",
                    task);
  if (box && (!name || strcmp(name, "rrls") == 0)) {
    memcpy(axes, box->axes, sizeof box->axes);
    *naxis = sizeof box->axes / sizeof box->axes[0];
    return TENDRIL_OK;
  }
  if (!name || strcmp(name, "general") == 0) {
    memcpy(axes, general, sizeof general);
    *naxis = sizeof general / sizeof general[0];
    return TENDRIL_OK;
  }
  const char *near = tnd_nearest(name, boxes, 2);
  return tnd_fail(err, TENDRIL_E_UNKNOWN, "box %.80s: must be rrls, general or NAME=LOW:HIGH%s%s%s",
                  name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
