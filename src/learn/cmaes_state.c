// A search as a row of finite numbers and back. What the options and the set-up fix is not in it,
// nor are candidates: they are drawn again, the same to the bit.
#include "learn/cmaes.h"

#include <math.h>
#include <string.h>

#include "math/linalg.h"

// Numbers at the beginning of a state; arrays follow.
enum {
  AT_FORMAT,
  AT_N,
  AT_SEED_LOW,
  AT_SEED_HIGH,
  AT_LAMBDA0,
  AT_RESTARTS,
  AT_END,
  AT_RUN_END,
  AT_EVALUATIONS,
  AT_GENERATIONS,
  AT_BEST_EVALUATION,
  AT_G,
  AT_SINCE_EIGEN,
  AT_WEIGHTED,
  AT_NSPREAD,
  NWHOLE,  // those before are whole numbers
  AT_BEST = NWHOLE,
  AT_SIGMA,
  NHEADER
};
enum { FORMAT = 1, NARRAY = 11 };

// rows of `columns` numbers, `stride` apart
typedef struct array {
  double *at;
  int64_t rows, columns, stride;
} array;

// All arrays of a state in their order; those of variable length have `generations` in this run
// and `nspread` entries.
static void arrays_of(const tendril_cmaes *c, int64_t generations, int64_t nspread,
                      array out[NARRAY]) {
  const int64_t n = c->n, kept = generations < TND_CMAES_HISTORY ? generations : TND_CMAES_HISTORY;
  const array all[NARRAY] = {{c->best_x, 1, n, n},
                             {c->m, 1, n, n},
                             {c->ps, 1, n, n},
                             {c->pc, 1, n, n},
                             {c->d, 1, n, n},
                             {c->C, n, n, c->wide},
                             {c->B, n, n, c->wide},
                             {c->bounds.gamma, 1, n, n},
                             {c->bounds.spread, 1, nspread, nspread},
                             {c->history.best, 1, kept, kept},
                             {c->history.median, 1, kept, kept}};
  memcpy(out, all, sizeof all);
}

static int64_t size_of(const array arrays[NARRAY]) {
  int64_t size = NHEADER;
  for (int a = 0; a < NARRAY; a++)
    size += arrays[a].rows * arrays[a].columns;
  return size;
}

int64_t tendril_cmaes_get_nstate(const tendril_cmaes *c) {
  array arrays[NARRAY];
  arrays_of(c, c->g, c->bounds.nspread, arrays);
  return size_of(arrays);
}

void tendril_cmaes_save(const tendril_cmaes *c, double *state) {
  const double header[NHEADER] = {[AT_FORMAT] = FORMAT,
                                  [AT_N] = c->n,
                                  [AT_SEED_LOW] = (double)(uint32_t)c->seed,
                                  [AT_SEED_HIGH] = (double)(uint32_t)(c->seed >> 32),
                                  [AT_LAMBDA0] = c->lambda0,
                                  [AT_RESTARTS] = c->restarts,
                                  [AT_END] = c->end,
                                  [AT_RUN_END] = c->run_end,
                                  [AT_EVALUATIONS] = (double)c->evaluations,
                                  [AT_GENERATIONS] = (double)c->generations,
                                  [AT_BEST_EVALUATION] = (double)c->best_evaluation,
                                  [AT_G] = (double)c->g,
                                  [AT_SINCE_EIGEN] = (double)c->since_eigen,
                                  [AT_WEIGHTED] = c->bounds.weighted,
                                  [AT_NSPREAD] = c->bounds.nspread,
                                  [AT_BEST] = c->best,
                                  [AT_SIGMA] = c->sigma};
  memcpy(state, header, sizeof header);
  double *to = state + NHEADER;
  array arrays[NARRAY];
  arrays_of(c, c->g, c->bounds.nspread, arrays);
  for (int a = 0; a < NARRAY; a++)
    for (int64_t i = 0; i < arrays[a].rows; i++, to += arrays[a].columns)
      memcpy(to, arrays[a].at + i * arrays[a].stride, sizeof *to * (size_t)arrays[a].columns);
}

static tendril_status refuse(tendril_error *err, const char *what) {
  return tnd_fail(err, TENDRIL_E_FORMAT, "cmaes: a state that can't be loaded: %s", what);
}

static tendril_status check_state(const tendril_cmaes *c, int64_t nstate, const double *state,
                                  tendril_error *err) {
  if (nstate < NHEADER || !tnd_all_finite(nstate, state))
    return refuse(err, "it is cut short, or not all of it is finite");
  for (int i = 0; i < NWHOLE; i++)
    if (!(state[i] >= 0 && state[i] <= 0x1p53 && state[i] == floor(state[i])))
      return refuse(err, "a count is no whole number");
  if (state[AT_FORMAT] != FORMAT) return refuse(err, "of another version of the library");
  if (state[AT_N] != c->n || state[AT_LAMBDA0] != c->lambda0)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "cmaes: a state of %.0f variables and a population of %.0f, not %d and %d; "
                    "create the search as the saved one was",
                    state[AT_N], state[AT_LAMBDA0], c->n, c->lambda0);
  if (state[AT_SEED_LOW] != (uint32_t)c->seed || state[AT_SEED_HIGH] != (uint32_t)(c->seed >> 32))
    return refuse(err, "of another seed; create the search with the saved one's");
  if (state[AT_RESTARTS] > (double)c->options.restarts)
    return refuse(err, "it has restarted more often than cmaes.restarts allows");
  array arrays[NARRAY];
  const double window = tnd_cmaes_bounds_window(c->n);
  if (state[AT_END] > TENDRIL_CMAES_NO_EFFECT_COORD || state[AT_WEIGHTED] > 1 ||
      state[AT_RUN_END] > TENDRIL_CMAES_NO_EFFECT_COORD || state[AT_NSPREAD] > window ||
      !(state[AT_SIGMA] > 0))
    return refuse(err, "a number is out of range");
  arrays_of(c, (int64_t)state[AT_G], (int64_t)state[AT_NSPREAD], arrays);
  if (nstate != size_of(arrays)) return refuse(err, "it is cut short or too long");
  const double *d = state + NHEADER + 4 * (ptrdiff_t)c->n;
  for (int j = 0; j < c->n; j++)
    if (!(d[j] > 0)) return refuse(err, "a number is out of range");
  return TENDRIL_OK;
}

tendril_status tendril_cmaes_load(tendril_cmaes *c, int64_t nstate, const double *state,
                                  tendril_error *err) {
  TENDRIL_TRY(check_state(c, nstate, state, err));

  // what the run's parameters and empty arrays are, then what is stored
  c->restarts = (int)state[AT_RESTARTS];
  tnd_cmaes_begin_run(c);
  c->end = (tendril_cmaes_end)state[AT_END];
  c->run_end = (tendril_cmaes_end)state[AT_RUN_END];
  c->evaluations = (int64_t)state[AT_EVALUATIONS];
  c->generations = (int64_t)state[AT_GENERATIONS];
  c->best_evaluation = (int64_t)state[AT_BEST_EVALUATION];
  c->g = c->history.count = (int64_t)state[AT_G];
  c->since_eigen = (int64_t)state[AT_SINCE_EIGEN];
  c->bounds.weighted = state[AT_WEIGHTED] != 0;
  c->bounds.nspread = (int)state[AT_NSPREAD];
  c->best = state[AT_BEST];
  c->sigma = state[AT_SIGMA];
  const double *from = state + NHEADER;
  array arrays[NARRAY];
  arrays_of(c, c->g, c->bounds.nspread, arrays);
  for (int a = 0; a < NARRAY; a++)
    for (int64_t i = 0; i < arrays[a].rows; i++, from += arrays[a].columns)
      memcpy(arrays[a].at + i * arrays[a].stride, from, sizeof *from * (size_t)arrays[a].columns);
  tnd_cmaes_scale_axes(c);
  c->asked = false;

  // the budget is this search's own
  if (c->end == TENDRIL_CMAES_BUDGET) c->end = TENDRIL_CMAES_RUNNING;
  if (c->end == TENDRIL_CMAES_RUNNING) tnd_cmaes_check_budget(c);
  return TENDRIL_OK;
}
