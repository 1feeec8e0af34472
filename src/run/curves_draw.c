// Figures of learning curves: a panel a task, a line and its band a method.
#include "run/curves_draw.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

const char *tnd_curves_y_label(const tnd_curves *curves) {
  if (strcmp(curves->options.y, "return") == 0) return "mean return, training";
  if (strcmp(curves->options.y, "evaluation") == 0) return "mean return, mean action";
  if (strcmp(curves->options.y, "success") == 0) return "success rate, mean action";
  return curves->options.y;
}

tendril_status tnd_curves_caption(const tnd_curves *curves, char **out, tendril_error *err) {
  tnd_buffer text = {0};
  const char *value = tnd_curve_value_name(curves->options.y);
  int least = INT_MAX, most = 0, empty = curves->ncurve;
  for (int m = 0; m < curves->nmethod; m++) {
    const int n = curves->methods[m].nrun;
    empty -= n;
    if (n > 0 && n < least) least = n;
    if (n > most) most = n;
  }
  if (most == 0) {
    tnd_buffer_format(&text, "No run has any %.80s.", value);
    return tnd_buffer_take(&text, out, NULL, err);
  }
  if (most == 1)
    tnd_buffer_text(&text, "One seed each");
  else if (least == most)
    tnd_buffer_format(&text, "Mean over %d seeds and its 95 %% bootstrap interval", most);
  else
    tnd_buffer_format(&text, "Mean over %d to %d seeds and its 95 %% bootstrap interval", least,
                      most);
  if (strcmp(curves->options.y, "return") == 0)
    tnd_buffer_text(&text, "; returns of the training's episodes, undiscounted");
  else if (tnd_curve_of_evaluations(curves->options.y))
    tnd_buffer_text(&text, "; evaluations of the mean action on the way");
  if (curves->smooth > 1)
    tnd_buffer_format(&text, "; moving mean over %d iterations", curves->smooth);
  else
    tnd_buffer_text(&text, "; not smoothed");
  if (most > 1) tnd_buffer_text(&text, "; drawn as far as all seeds of a method have got");
  if (empty)
    tnd_buffer_format(&text, "; %d run%s without any %.80s left out", empty, empty == 1 ? "" : "s",
                      value);
  tnd_buffer_text(&text, ".");
  return tnd_buffer_take(&text, out, NULL, err);
}

// Panels in the order in which the tasks come; panels and series are [nmethod].
static int make_panels(const tnd_curves *curves, const tnd_curves_levels *levels, int nlevels,
                       tnd_panel *panels, tnd_series *series) {
  int npanel = 0;
  for (int m = 0; m < curves->nmethod; m++) {
    const char *task = curves->methods[m].task;
    int k = 0;
    while (k < npanel && strcmp(panels[k].title, task) != 0)
      k++;
    if (k < npanel) continue;
    tnd_panel *panel = &panels[npanel++];
    *panel = (tnd_panel){.title = task,
                         .x_label = tnd_axis_label(curves->options.x),
                         .y_label = tnd_curves_y_label(curves),
                         .series = series};
    for (int i = m; i < curves->nmethod; i++) {
      const tnd_method_curve *c = &curves->methods[i];
      if (strcmp(c->task, task) != 0) continue;
      *series++ = (tnd_series){c->name, c->style, c->n == 1, c->n, c->x, c->mean, c->low, c->high};
      panel->nseries++;
    }
    for (int i = 0; i < nlevels; i++)
      if (strcmp(levels[i].task, task) == 0) {
        panel->levels = levels[i].levels;
        panel->nlevel = levels[i].n;
      }
  }
  return npanel;
}

tendril_status tnd_curves_draw(const tnd_curves *curves, const char *title,
                               const tnd_curves_levels *levels, int nlevels, const char *path,
                               tendril_error *err) {
  const size_t n = (size_t)curves->nmethod;
  tnd_panel *panels = tnd_alloc(sizeof *panels * n);
  tnd_series *series = tnd_alloc(sizeof *series * n);
  char *caption = NULL;
  tendril_status status = panels && series ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_curves_caption(curves, &caption, err);
  if (status == TENDRIL_OK) {
    const tnd_figure figure = {.title = title,
                               .caption = caption,
                               .npanel = make_panels(curves, levels, nlevels, panels, series),
                               .panels = panels};
    status = tnd_figure_write(&figure, path, err);
  }
  tnd_free(caption);
  tnd_free(panels);
  tnd_free(series);
  return status;
}
