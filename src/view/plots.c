// Three mjvFigures filled from a trace. Joints are the model's hinges and slides, as their first
// coordinate lies in a snapshot; what moves along the ground without end (a root's slide) would
// press all others flat and is left out.
#include "view/plots.h"

#include "base/alloc.h"
#include "sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECONDS 2.0  // that are shown
enum { MOST_LINES = 8 };

struct tnd_plots {
  const tendril_model *model;
  int window;  // steps that are shown
  int nterm, naction, njoint;
  int joints[MOST_LINES];  // places in qpos
  mjvFigure *figures;      // [TND_NPLOT]
  tnd_arena arena;
};

// Colours that the colour-blind can tell apart (Okabe and Ito).
static const float palette[MOST_LINES][3] = {
    {.90F, .62F, .00F}, {.34F, .71F, .91F}, {.00F, .62F, .45F}, {.94F, .89F, .26F},
    {.00F, .45F, .70F}, {.84F, .37F, .00F}, {.80F, .47F, .65F}, {.90F, .90F, .90F}};

static void start_figure(mjvFigure *figure, const char *title) {
  mjv_defaultFigure(figure);
  snprintf(figure->title, sizeof figure->title, "%s", title);
  snprintf(figure->xformat, sizeof figure->xformat, "%s", "%.1f");
  snprintf(figure->yformat, sizeof figure->yformat, "%s", "%.2g");
  figure->flg_extend = 1;
  figure->flg_legend = 1;
  figure->figurergba[0] = figure->figurergba[1] = figure->figurergba[2] = 0.1F;
  figure->figurergba[3] = 0.5F;
  figure->gridsize[0] = 3;
  figure->gridsize[1] = 3;
  memcpy(figure->linergb, palette, sizeof palette);
}

static void name_line(mjvFigure *figure, int line, const char *name, const char *kind) {
  if (name)
    snprintf(figure->linename[line], sizeof figure->linename[line], "%s", name);
  else
    snprintf(figure->linename[line], sizeof figure->linename[line], "%s %d", kind, line);
}

static int min_int(int a, int b) {
  return a < b ? a : b;
}

static void start_figures(tnd_plots *p) {
  const mjModel *m = tendril_model_mujoco(p->model);
  const tendril_task *task = tendril_model_task(p->model);
  start_figure(&p->figures[0], "Reward");
  start_figure(&p->figures[1], "Actions");
  start_figure(&p->figures[2], "Joints");
  p->nterm = min_int(task->nterm, MOST_LINES);
  for (int i = 0; i < p->nterm; i++)
    name_line(&p->figures[0], i, task->terms[i], "term");
  p->naction = min_int((int)m->nu, MOST_LINES);
  for (int i = 0; i < p->naction; i++)
    name_line(&p->figures[1], i, mj_id2name(m, mjOBJ_ACTUATOR, i), "action");
  for (int i = 0; i < (int)m->njnt && p->njoint < MOST_LINES; i++) {
    if (m->jnt_type[i] != mjJNT_HINGE) continue;
    name_line(&p->figures[2], p->njoint, mj_id2name(m, mjOBJ_JOINT, i), "joint");
    p->joints[p->njoint++] = m->jnt_qposadr[i];
  }
}

static void put(mjvFigure *figure, int line, int point, double x, double y) {
  figure->linedata[line][2 * point] = (float)x;
  figure->linedata[line][2 * point + 1] = (float)y;
  figure->linepnt[line] = point + 1;
}

void tnd_plots_update(tnd_plots *p, const tnd_player_view *view) {
  const int from = view->t - p->window > tnd_trace_first(view->trace)
                       ? view->t - p->window
                       : tnd_trace_first(view->trace);
  const double dt = tendril_model_seconds(p->model);
  for (int i = 0; i < TND_NPLOT; i++) {
    memset(p->figures[i].linepnt, 0, sizeof p->figures[i].linepnt);
    // the axis stays where it is while the curves run through it
    p->figures[i].range[0][0] = (float)((view->t - p->window) * dt);
    p->figures[i].range[0][1] = (float)(view->t * dt);
  }
  for (int t = from; t < view->t; t++) {
    const tendril_step *step = tnd_trace_step(view->trace, t);
    const double *action = tnd_trace_action(view->trace, t);
    const double *qpos = tnd_snapshot_qpos(tnd_trace_snapshot(view->trace, t + 1));
    const double x = (t + 1) * dt;
    for (int i = 0; i < p->nterm; i++)
      put(&p->figures[0], i, t - from, x, step->terms[i]);
    for (int i = 0; i < p->naction; i++)
      put(&p->figures[1], i, t - from, x, action[i]);
    for (int i = 0; i < p->njoint; i++)
      put(&p->figures[2], i, t - from, x, qpos[p->joints[i]]);
  }
}

const mjvFigure *tnd_plots_figure(const tnd_plots *plots, int which) {
  return &plots->figures[which];
}

tendril_status tnd_plots_create(const tendril_model *model, tnd_plots **out, tendril_error *err) {
  tnd_plots *p = tnd_alloc(sizeof *p);
  if (!p) return tnd_fail_memory(err);
  p->model = model;
  const double steps = ceil(SECONDS / tendril_model_seconds(model));
  p->window = steps < mjMAXLINEPNT ? (int)steps : mjMAXLINEPNT;
  tnd_arena_take(&p->arena, TND_NPLOT, sizeof *p->figures);
  tendril_status status = tnd_arena_alloc(&p->arena, err);
  if (status != TENDRIL_OK) {
    tnd_plots_destroy(p);
    return status;
  }
  p->figures = tnd_arena_take(&p->arena, TND_NPLOT, sizeof *p->figures);
  start_figures(p);
  *out = p;
  return TENDRIL_OK;
}

void tnd_plots_destroy(tnd_plots *plots) {
  if (!plots) return;
  tnd_arena_free(&plots->arena);
  tnd_free(plots);
}
