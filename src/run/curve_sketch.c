// The picture that a run has of itself while it goes on: returns of the training's episodes,
// smoothed, and of the evaluations, as they are.
#include "run/curve_sketch.h"

#include <stdio.h>

#include "run/curve.h"
#include "run/folder.h"

// No more points than a picture shows: every so-manieth, the last among them.
static void thin(tnd_curve *c) {
  if (c->n <= TND_CURVE_DRAWN) return;
  for (int k = 0; k < TND_CURVE_DRAWN; k++) {
    const int i = (int)((int64_t)k * (c->n - 1) / (TND_CURVE_DRAWN - 1));
    c->at[TND_AXIS_STEPS][k] = c->at[TND_AXIS_STEPS][i];
    c->y[k] = c->y[i];
  }
  c->n = TND_CURVE_DRAWN;
}

tendril_status tnd_curve_sketch(const char *path, tnd_drawing **out, tendril_error *err) {
  tnd_curve training = {0}, evaluation = {0};
  tnd_folder folder;
  char title[256], caption[128];
  *out = NULL;
  tendril_status status = tnd_folder_paths(path, &folder, err);
  if (status == TENDRIL_OK) status = tnd_curve_read(path, "return", &training, err);
  if (status == TENDRIL_OK) status = tnd_curve_read(path, "evaluation", &evaluation, err);
  if (status == TENDRIL_OK && training.n + evaluation.n > 0) {
    snprintf(title, sizeof title, "%.100s, %.60s, seed %.0f", training.task, training.learner,
             training.seed);
    const int window = tnd_curve_window(training.n);
    snprintf(caption, sizeof caption, "Training: moving mean over %d iterations.", window);
    tnd_curve_smooth(&training, window);
    thin(&training);
    const tnd_series series[] = {{"training", 0, training.n == 1, training.n,
                                  training.at[TND_AXIS_STEPS], training.y, NULL, NULL},
                                 {"evaluation, mean action", 1, evaluation.n == 1, evaluation.n,
                                  evaluation.at[TND_AXIS_STEPS], evaluation.raw, NULL, NULL}};
    const tnd_panel panel = {.title = title,
                             .x_label = tnd_axis_label(TND_AXIS_STEPS),
                             .y_label = "mean return",
                             .nseries = 2,
                             .series = series};
    const tnd_figure figure = {
        .caption = window > 1 ? caption : NULL, .npanel = 1, .panels = &panel};
    status = tnd_drawing_start(&figure, folder.curves, out, err);
  }
  tnd_curve_release(&training);
  tnd_curve_release(&evaluation);
  return status;
}
