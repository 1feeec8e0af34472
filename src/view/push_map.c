// Rows are pushes, columns phases of the gait; a line lies above the largest push of those up to
// which every one passes.
#include "view/push_map.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "view/figure.h"

#include <stdio.h>

enum { TEXT = 24 };

typedef struct map {
  tnd_panel *panels;  // [ndirection]
  tnd_heat *heats;    // [ndirection]
  char (*titles)[64 + 2 * TEXT];
  double *shares;         // [cells]
  double *lines;          // [ndirection][nphase]
  const char **texts;     // [cells]
  char (*words)[TEXT];    // [cells]
  const char **xs, **ys;  // [nphase], [nnewton]
  char (*x)[TEXT], (*y)[TEXT];
  tnd_arena arena;
} map;

static void layout(map *m, const tendril_push_result *r, tnd_arena *arena) {
  const size_t d = (size_t)r->ndirection, p = (size_t)r->nphase, k = (size_t)r->nnewton;
  m->panels = tnd_arena_take(arena, d, sizeof *m->panels);
  m->heats = tnd_arena_take(arena, d, sizeof *m->heats);
  m->titles = tnd_arena_take(arena, d, sizeof *m->titles);
  m->shares = tnd_arena_doubles(arena, d * p * k);
  m->lines = tnd_arena_doubles(arena, d * p);
  m->texts = tnd_arena_take(arena, d * p * k, sizeof *m->texts);
  m->words = tnd_arena_take(arena, d * p * k, sizeof *m->words);
  m->xs = tnd_arena_take(arena, p, sizeof *m->xs);
  m->ys = tnd_arena_take(arena, k, sizeof *m->ys);
  m->x = tnd_arena_take(arena, p, sizeof *m->x);
  m->y = tnd_arena_take(arena, k, sizeof *m->y);
}

static void fill_direction(map *m, const tendril_push_result *r, const char *name, int d) {
  const int P = r->nphase, K = r->nnewton, first = d * P * K;
  for (int p = 0; p < P; p++)
    for (int k = 0; k < K; k++) {
      const int cell = first + k * P + p;  // a row is a push
      const int recovered = r->recovered[first + p * K + k];
      m->shares[cell] = (double)recovered / r->replicas;
      snprintf(m->words[cell], TEXT, "%d", recovered);
      m->texts[cell] = m->words[cell];
      if (r->newtons[k] <= r->threshold[d * P + p]) m->lines[d * P + p] = k + 1;
    }
  m->heats[d] = (tnd_heat){.columns = P,
                           .rows = K,
                           .shares = m->shares + first,
                           .texts = m->texts + first,
                           .x_ticks = m->xs,
                           .y_ticks = m->ys,
                           .line = m->lines + (ptrdiff_t)d * P};
  snprintf(m->titles[d], sizeof m->titles[d], "%.64s: up to %g N, %.2f m/s", name,
           r->direction_threshold[d], tendril_push_velocity(r, r->direction_threshold[d]));
  m->panels[d] = (tnd_panel){.title = m->titles[d],
                             .x_label = "phase of the gait at the push",
                             .y_label = "push, N",
                             .heat = &m->heats[d]};
}

tendril_status tnd_push_map_write(const tendril_push_result *r, const char *const *names,
                                  const char *title, const char *path, tendril_error *err) {
  map m = {0};
  char caption[512];
  layout(&m, r, &m.arena);
  TENDRIL_TRY(tnd_arena_alloc(&m.arena, err));
  layout(&m, r, &m.arena);
  for (int p = 0; p < r->nphase; p++) {
    snprintf(m.x[p], TEXT, "%.3g", (double)p / r->nphase);
    m.xs[p] = m.x[p];
  }
  for (int k = 0; k < r->nnewton; k++) {
    snprintf(m.y[k], TEXT, "%g", r->newtons[k]);
    m.ys[k] = m.y[k];
  }
  for (int d = 0; d < r->ndirection; d++)
    fill_direction(&m, r, names[d], d);
  snprintf(caption, sizeof caption,
           "A cell shows how many of %d replicas were up and moving again after a push of %g s, "
           "bright for all. Below the line every smaller push passes, too; the title has the "
           "direction's smallest, also as the change of velocity of %.3g kg.%s",
           r->replicas, r->seconds, r->mass,
           r->strength > 0 ? "" : " No gait was found: phases are spread over time.");
  const tnd_figure figure = {
      .title = title, .caption = caption, .npanel = r->ndirection, .panels = m.panels};
  const tendril_status status = tnd_figure_write(&figure, path, err);
  tnd_arena_free(&m.arena);
  return status;
}
