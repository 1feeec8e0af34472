// Rows are deviations of the start, columns those of the torques.
#include "view/noise_map.h"

#include "base/alloc.h"
#include "view/figure.h"

#include <stdio.h>

enum { TEXT = 24 };

typedef struct map {
  double *shares;                  // [nstart][ntorque]
  const char **texts, **xs, **ys;  // [nstart][ntorque], [ntorque], [nstart]
  char (*words)[TEXT], (*x)[TEXT], (*y)[TEXT];
  tnd_arena arena;
} map;

static void layout(map *m, const tendril_noise_result *r, tnd_arena *arena) {
  const size_t rows = (size_t)r->nstart, columns = (size_t)r->ntorque;
  m->shares = tnd_arena_doubles(arena, rows * columns);
  m->texts = tnd_arena_take(arena, rows * columns, sizeof *m->texts);
  m->words = tnd_arena_take(arena, rows * columns, sizeof *m->words);
  m->xs = tnd_arena_take(arena, columns, sizeof *m->xs);
  m->ys = tnd_arena_take(arena, rows, sizeof *m->ys);
  m->x = tnd_arena_take(arena, columns, sizeof *m->x);
  m->y = tnd_arena_take(arena, rows, sizeof *m->y);
}

static void fill(map *m, const tendril_noise_result *r) {
  for (int i = 0; i < r->nstart; i++) {
    snprintf(m->y[i], TEXT, "%g", r->cells[i * r->ntorque].start);
    m->ys[i] = m->y[i];
  }
  for (int k = 0; k < r->ntorque; k++) {
    snprintf(m->x[k], TEXT, "%g", r->cells[k].torque);
    m->xs[k] = m->x[k];
  }
  for (int i = 0; i < r->nstart * r->ntorque; i++) {
    m->shares[i] = r->cells[i].share;
    snprintf(m->words[i], TEXT, "%d", r->cells[i].survived);
    m->texts[i] = m->words[i];
  }
}

tendril_status tnd_noise_map_write(const tendril_noise_result *r, const char *title,
                                   const char *path, tendril_error *err) {
  map m = {0};
  char caption[256];
  layout(&m, r, &m.arena);
  TENDRIL_TRY(tnd_arena_alloc(&m.arena, err));
  layout(&m, r, &m.arena);
  fill(&m, r);
  snprintf(caption, sizeof caption,
           "In each cell how many of %d rollouts got through %g s without a fall, bright for all.",
           r->rollouts, r->seconds);
  const tnd_heat heat = {.columns = r->ntorque,
                         .rows = r->nstart,
                         .shares = m.shares,
                         .texts = m.texts,
                         .x_ticks = m.xs,
                         .y_ticks = m.ys};
  const tnd_panel panel = {
      .x_label = "noise (standard deviation) on the actions, N m for motors of gear 1",
      .y_label = "on the start, m and rad",
      .heat = &heat};
  const tnd_figure figure = {.title = title, .caption = caption, .npanel = 1, .panels = &panel};
  const tendril_status status = tnd_figure_write(&figure, path, err);
  tnd_arena_free(&m.arena);
  return status;
}
