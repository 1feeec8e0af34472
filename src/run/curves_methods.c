// Runs that differ in nothing but their seed are one method, called by what it differs in from the
// others.
#include "run/curves_methods.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buffer.h"

// Options of `run` that change no training, and those that change its evaluations only.
static bool is_ignored(const char *section, const char *name, bool evaluation) {
  static const char *const never[] = {"seed", "save_every", "keep_every"};
  static const char *const otherwise[] = {"eval_at", "eval_every", "eval_episodes", "average"};
  if (strcmp(section, "run") != 0) return false;
  for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
    if (strcmp(name, never[i]) == 0) return true;
  for (size_t i = 0; i < sizeof otherwise / sizeof otherwise[0] && !evaluation; i++)
    if (strcmp(name, otherwise[i]) == 0) return true;
  return false;
}

static const cJSON *option_of(const tnd_curve *c, const char *section, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(c->config, section),
                                          name);
}

// a and b do the same thing.
static bool same_configuration(const tnd_curve *a, const tnd_curve *b, bool evaluation) {
  if (strcmp(a->task, b->task) != 0 || strcmp(a->learner, b->learner) != 0) return false;
  for (const cJSON *section = a->config->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next)
      if (!is_ignored(section->string, option->string, evaluation) &&
          !cJSON_Compare(option, option_of(b, section->string, option->string), true))
        return false;
  return true;
}

// The first run of a method: what its configuration is.
static const tnd_curve *example(const tnd_curves *curves, int method) {
  int i = 0;
  while (curves->curves[i].method != method)
    i++;
  return &curves->curves[i];
}

// Whether the option differs among the methods of method m's task; `alike`: of its learner, too.
static bool differs(const tnd_curves *curves, int m, const cJSON *section, const cJSON *option,
                    bool alike) {
  const tnd_method_curve *method = &curves->methods[m];
  const bool evaluation = tnd_curve_of_evaluations(curves->options.y);
  if (is_ignored(section->string, option->string, evaluation)) return false;
  for (int k = 0; k < curves->nmethod; k++) {
    const tnd_method_curve *other = &curves->methods[k];
    if (k == m || strcmp(other->task, method->task) != 0) continue;
    if (alike && strcmp(other->learner, method->learner) != 0) continue;
    const cJSON *theirs = option_of(example(curves, k), section->string, option->string);
    if (theirs && !cJSON_Compare(option, theirs, true)) return true;
  }
  return false;
}

// How many sections have an option of that name.
static int count_name(const cJSON *config, const char *name) {
  int n = 0;
  for (const cJSON *section = config->child; section; section = section->next)
    n += cJSON_HasObjectItem(section, name);
  return n;
}

// Whether another learner is among the methods of the task.
static bool has_other_learner(const tnd_curves *curves, int m) {
  for (int k = 0; k < curves->nmethod; k++)
    if (strcmp(curves->methods[k].task, curves->methods[m].task) == 0 &&
        strcmp(curves->methods[k].learner, curves->methods[m].learner) != 0)
      return true;
  return false;
}

// A short name: the learner if there are several, and by what the method differs from others with
// that learner.
static void put_name(const tnd_curves *curves, int m, tnd_buffer *out) {
  enum { SHOWN = 3 };
  const cJSON *config = example(curves, m)->config;
  int n = 0;
  if (has_other_learner(curves, m)) tnd_buffer_text(out, curves->methods[m].learner);
  for (const cJSON *section = config->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next) {
      if (!differs(curves, m, section, option, true) || n++ >= SHOWN) continue;
      if (out->n) tnd_buffer_text(out, ", ");
      if (count_name(config, option->string) > 1) tnd_buffer_format(out, "%s.", section->string);
      tnd_buffer_format(out, "%s ", option->string);
      tnd_json_plain(out, option);
    }
  if (n > SHOWN) tnd_buffer_format(out, ", %d more", n - SHOWN);
  if (!out->n) tnd_buffer_text(out, curves->methods[m].learner);
}

// Everything that is not the same in all methods of the task.
static void put_differences(const tnd_curves *curves, int m, tnd_buffer *out) {
  const cJSON *config = example(curves, m)->config;
  if (has_other_learner(curves, m))
    tnd_buffer_format(out, "learner.name %s", curves->methods[m].learner);
  for (const cJSON *section = config->child; section; section = section->next)
    for (const cJSON *option = section->child; option; option = option->next) {
      if (!differs(curves, m, section, option, false)) continue;
      tnd_buffer_format(out, "%s%s.%s ", out->n ? ", " : "", section->string, option->string);
      tnd_json_plain(out, option);
    }
}

// Two methods of a task have the same name when what they differ by is not shown: the number of the
// method makes them two.
static void put_number(const tnd_curves *curves, int m, tnd_buffer *out) {
  for (int k = 0; k < m; k++)
    if (strcmp(curves->methods[k].task, curves->methods[m].task) == 0 && out->text &&
        strcmp(curves->methods[k].name, out->text) == 0) {
      tnd_buffer_format(out, " (%d)", m + 1);
      return;
    }
}

static tendril_status name_method(tnd_curves *curves, int m, tendril_error *err) {
  tnd_buffer name = {0}, differences = {0};
  if (!curves->methods[m].name) {
    put_name(curves, m, &name);
    put_number(curves, m, &name);
    TENDRIL_TRY(tnd_buffer_take(&name, &curves->methods[m].name, NULL, err));
  }
  put_differences(curves, m, &differences);
  return tnd_buffer_take(&differences, &curves->methods[m].differences, NULL, err);
}

// The same style for the same name in all panels.
static void set_styles(tnd_curves *curves) {
  int n = 0;
  for (int m = 0; m < curves->nmethod; m++) {
    int k = 0;
    while (k < m && strcmp(curves->methods[k].name, curves->methods[m].name) != 0)
      k++;
    curves->methods[m].style = k < m ? curves->methods[k].style : n++;
  }
}

static bool same_folder(const tnd_curve *a, const tnd_curve *b) {
  struct stat x, y;
  return stat(a->path, &x) == 0 && stat(b->path, &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}

// A seed counts once: run i, whose method is known, is none of those before it.
static tendril_status check_seed(const tnd_curves *curves, int i, tendril_error *err) {
  const tnd_curve *c = &curves->curves[i];
  for (int k = 0; k < i; k++) {
    const tnd_curve *other = &curves->curves[k];
    if (other->method != c->method || other->seed != c->seed) continue;
    if (same_folder(c, other))
      return tnd_fail(err, TENDRIL_E_ARGUMENT, "%.300s: given twice", c->path);
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "%.200s: has the configuration and the seed of %.200s: one run; leave out "
                    "either",
                    c->path, other->path);
  }
  return TENDRIL_OK;
}

tendril_status tnd_curves_find_method(tnd_curves *curves, int i, const char *const *names,
                                      tendril_error *err) {
  const bool evaluation = tnd_curve_of_evaluations(curves->options.y);
  tnd_curve *c = &curves->curves[i];
  for (int k = 0; k < i; k++) {
    const tnd_curve *other = &curves->curves[k];
    const bool same = names ? strcmp(names[i], names[k]) == 0 && strcmp(c->task, other->task) == 0
                            : same_configuration(c, other, evaluation);
    if (!same) continue;
    c->method = other->method;
    curves->methods[c->method].nrun += c->n > 0;
    return names ? TENDRIL_OK : check_seed(curves, i, err);
  }
  c->method = curves->nmethod++;
  tnd_method_curve *method = &curves->methods[c->method];
  *method = (tnd_method_curve){.task = c->task, .learner = c->learner, .nrun = c->n > 0};
  if (!names) return TENDRIL_OK;
  method->name = tnd_strdup(names[i]);
  return method->name ? TENDRIL_OK : tnd_fail_memory(err);
}

tendril_status tnd_curves_name_methods(tnd_curves *curves, tendril_error *err) {
  for (int m = 0; m < curves->nmethod; m++)
    TENDRIL_TRY(name_method(curves, m, err));
  set_styles(curves);
  return TENDRIL_OK;
}
