// What is written over the picture: information, help, the end of an episode, curves.
#include "view/overlay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Two columns in the making.
typedef struct columns {
  char left[1024], right[1024];
  size_t nleft, nright;
} columns;

TENDRIL_FORMAT(3, 4)
static void add(columns *c, const char *name, const char *format, ...) {
  va_list arguments;
  const char *line = c->nleft ? "\n" : "";
  if (c->nleft + 64 > sizeof c->left || c->nright + 128 > sizeof c->right) return;
  c->nleft += (size_t)snprintf(c->left + c->nleft, 64, "%s%.60s", line, name);
  c->nright += (size_t)snprintf(c->right + c->nright, 2, "%s", line);
  va_start(arguments, format);
  const int n = vsnprintf(c->right + c->nright, 120, format, arguments);
  va_end(arguments);
  c->nright += n < 120 ? (size_t)n : 119;
}

static void information(const tnd_viewer *v, const tnd_player_view *view, double pictures,
                        columns *c) {
  const tendril_task *task = tendril_model_task(v->model);
  mjData *d = tnd_player_data(v->player);
  mj_subtreeVel(tendril_model_mujoco(v->model), d);
  add(c, "Task", "%s", task->name);
  if (view->checkpoint[0]) add(c, "Checkpoint", "%s", view->checkpoint);
  add(c, "Episode", "%u", view->episode);
  add(c, "Step", "%d", view->t);
  add(c, "Time", "%.2f s", view->seconds);
  add(c, "Speed", "%.2f m/s", mju_norm(d->subtree_linvel + (ptrdiff_t)3 * v->scene->root, 2));
  if (view->t > tnd_trace_first(view->trace)) {
    const tendril_step *step = tnd_trace_step(view->trace, view->t - 1);
    add(c, "Reward", "%.3f", step->reward);
  }
  add(c, "Return", "%.1f", tnd_trace_return(view->trace, view->t));
  add(c, "Contacts", "%d", d->ncon);
  add(c, "Pictures", "%.0f a second", pictures);
}

static void render_plots(tnd_plots *plots, const tnd_player_view *view, mjrRect picture,
                         const mjrContext *context) {
  tnd_plots_update(plots, view);
  // a third, but between panels as much as it takes to be read
  const int third = picture.width / 3, half = picture.width / 2;
  const int least = half < 240 ? half : 240, wide = third > least ? third : least;
  const int width = wide < 300 ? wide : 300;
  const int height = picture.height / TND_NPLOT;
  for (int i = 0; i < TND_NPLOT; i++) {
    const mjrRect place = {picture.left + picture.width - width,
                           picture.bottom + (TND_NPLOT - 1 - i) * height, width, height};
    // mjr_figure() takes it as changeable but only reads it
    mjvFigure *figure = (mjvFigure *)tnd_plots_figure(plots, i);
    mjr_figure(place, figure, context);
  }
}

void tnd_overlay_render(const tnd_viewer *v, tnd_plots *plots, double pictures, bool recording,
                        mjrRect picture, const mjrContext *context) {
  tnd_player_view view;
  tnd_player_see(v->player, &view);
  const tnd_player_settings *settings = tnd_player_get_settings(v->player);
  if (v->plots && !v->help) render_plots(plots, &view, picture, context);
  if (v->info && !v->help) {
    columns c = {.nleft = 0};
    information(v, &view, pictures, &c);
    mjr_overlay(mjFONT_NORMAL, mjGRID_BOTTOMLEFT, picture, c.left, c.right, context);
  }
  if (v->help) {
    const char *keys, *meanings;
    tnd_viewer_help(TND_HELP_PLAY, &keys, &meanings);
    mjr_overlay(mjFONT_NORMAL, mjGRID_TOPLEFT, picture, keys, meanings, context);
    tnd_viewer_help(TND_HELP_SEE, &keys, &meanings);
    mjr_overlay(mjFONT_NORMAL, mjGRID_TOPRIGHT, picture, keys, meanings, context);
  }

  // states that a glance must tell
  char state[256];
  const bool past = view.t < tnd_trace_last(view.trace);
  int n = snprintf(state, sizeof state, "%s%s", recording ? "recording  " : "",
                   settings->running ? "" : "paused");
  if (past)
    n += snprintf(state + n, sizeof state - (size_t)n, "  %.2f s back",
                  (tnd_trace_last(view.trace) - view.t) * tendril_model_seconds(v->model));
  if (settings->running && settings->speed != 1)
    snprintf(state + n, sizeof state - (size_t)n, "  speed %g", settings->speed);
  if (state[0] && !v->help) mjr_overlay(mjFONT_BIG, mjGRID_TOPLEFT, picture, state, NULL, context);
  if (view.ending && !v->help) {
    const mjrRect above = {picture.left, picture.bottom + picture.height * 3 / 4, picture.width,
                           picture.height / 8};
    mjr_overlay(mjFONT_BIG, mjGRID_BOTTOMLEFT, above, view.ending, NULL, context);
  }
}
