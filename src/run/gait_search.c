// The search for a gait: which of SIMBICON's numbers are variables, and a generation of CMA-ES over
// them. docs/methods/simbicon.md tells the steps. See gait_search.h.
#include "run/gait_search.h"

#include "base/alloc.h"
#include "base/number.h"
#include "control/simbicon.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// Series of start states; `tendril eval` has 0, evaluations during trainings have 1.
enum { SEARCH_SERIES = 2, JUDGE_SERIES = 3 };

// The variables, and how far from the start their optimum is looked for at first. Bounds are the
// options' ranges.
static const struct {
  const char *option;
  double sd;
} variables[] = {
    {"lift_time", 0.05},
    {"torso", 0.1},
    {"kp_torso", 25},
    {"kp_hip", 25},
    {"kp_knee", 25},
    {"kp_ankle", 25},
    {"kd", 0.03},
    {"kd_ankle", 0.015},
    {"lift_swing_hip", 0.25},
    {"lift_swing_knee", 0.25},
    {"lift_swing_ankle", 0.25},
    {"lift_stance_knee", 0.25},
    {"lift_stance_ankle", 0.25},
    {"lift_cd", 0.4},
    {"lift_cv", 0.1},
    {"land_swing_hip", 0.25},
    {"land_swing_knee", 0.25},
    {"land_swing_ankle", 0.25},
    {"land_stance_knee", 0.25},
    {"land_stance_ankle", 0.25},
    {"land_cd", 0.4},
    {"land_cv", 0.1},
};
enum { N = sizeof variables / sizeof variables[0] };

struct tnd_gait_search {
  tendril_gait_config config;
  tendril_cmaes *cmaes;
  tnd_trials *trials;
  int most;                              // candidates of a generation
  tendril_simbicon_options *candidates;  // [most]
  tendril_gait_walks *walks;             // [most] theirs
  double *values;                        // [most] theirs
  double lowest;                         // of them
  tnd_gait_best best;
  tnd_arena arena;
};

static void layout(tnd_gait_search *s, tnd_arena *arena) {
  s->candidates = tnd_arena_take(arena, (size_t)s->most, sizeof *s->candidates);
  s->walks = tnd_arena_take(arena, (size_t)s->most, sizeof *s->walks);
  s->values = tnd_arena_doubles(arena, (size_t)s->most);
}

// The i-th variable's option.
static const tnd_option *option_of(int i) {
  const tnd_option *row = tnd_simbicon_options.rows;
  while (strcmp(row->name, variables[i].option) != 0)
    row++;
  return row;
}

static double *place(tendril_simbicon_options *gait, int i) {
  return (double *)((char *)gait + option_of(i)->offset);
}

static double number(const char *text) {
  double value = (double)NAN;
  (void)tnd_number_parse(text, strlen(text), &value);
  return value;
}

static tendril_status begin(tnd_gait_search *s, const tendril_model *model, tendril_pool *pool,
                            tendril_error *err) {
  tendril_gait_config *c = &s->config;
  double mean[N], sd[N], lower[N], upper[N];
  for (int i = 0; i < N; i++) {
    mean[i] = *place(&c->simbicon, i);
    sd[i] = variables[i].sd;
    lower[i] = number(option_of(i)->min);
    upper[i] = number(option_of(i)->max);
  }
  const tendril_cmaes_setup setup = {.n = N,
                                     .mean = mean,
                                     .sd = sd,
                                     .lower = lower,
                                     .upper = upper,
                                     .seed = (uint64_t)c->gait.seed};
  TENDRIL_TRY(tendril_cmaes_create(&c->cmaes, &setup, &s->cmaes, err));
  // restarts double the population
  tendril_cmaes_result result;
  tendril_cmaes_get_result(s->cmaes, &result);
  const int64_t most = (int64_t)result.population << c->cmaes.restarts;
  if (most * c->gait.walks > 1000000)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "cmaes.population: %lld candidates of %lld walks are more than 1000000 walks",
                    (long long)most, (long long)c->gait.walks);
  s->most = (int)most;
  layout(s, &s->arena);
  TENDRIL_TRY(tnd_arena_alloc(&s->arena, err));
  layout(s, &s->arena);
  const int64_t walks = most * c->gait.walks, judge = c->gait.judge_walks;
  return tnd_trials_create(model, &c->gait, pool, (int)(walks > judge ? walks : judge), &s->trials,
                           err);
}

tendril_status tnd_gait_search_create(const tendril_gait_config *config, const tendril_model *model,
                                      tendril_pool *pool, tnd_gait_search **out,
                                      tendril_error *err) {
  tnd_gait_search *s = tnd_alloc(sizeof *s);
  if (!s) return tnd_fail_memory(err);
  s->config = *config;
  s->best = (tnd_gait_best){.gait = config->simbicon, .walks = {.value = (double)NAN}};
  const tendril_status status = begin(s, model, pool, err);
  if (status == TENDRIL_OK)
    *out = s;
  else
    tnd_gait_search_destroy(s);
  return status;
}

void tnd_gait_search_destroy(tnd_gait_search *s) {
  if (!s) return;
  tnd_trials_destroy(s->trials);
  tendril_cmaes_destroy(s->cmaes);
  tnd_arena_free(&s->arena);
  tnd_free(s);
}

// The gait at x [N].
static tendril_simbicon_options gait_at(const tnd_gait_search *s, const double *x) {
  tendril_simbicon_options gait = s->config.simbicon;
  for (int i = 0; i < N; i++)
    *place(&gait, i) = x[i];
  return gait;
}

tendril_status tnd_gait_search_iterate(tnd_gait_search *s, tendril_error *err) {
  const int walks = (int)s->config.gait.walks;
  const double *x;
  int lambda;
  tendril_cmaes_result at;
  tendril_cmaes_get_result(s->cmaes, &at);

  // 1. candidates
  TENDRIL_TRY(tendril_cmaes_ask(s->cmaes, &lambda, &x, err));
  for (int k = 0; k < lambda; k++)
    s->candidates[k] = gait_at(s, x + (ptrdiff_t)k * N);

  // 2. their walks, from start states that are this generation's
  const uint32_t first = (uint32_t)at.generations * (uint32_t)walks;
  TENDRIL_TRY(
      tnd_trials_run(s->trials, s->candidates, lambda, SEARCH_SERIES, first, walks, s->walks, err));

  // 3. the distribution moves
  s->lowest = s->walks[0].value;
  for (int k = 0; k < lambda; k++) {
    s->values[k] = s->walks[k].value;
    if (s->values[k] < s->lowest) s->lowest = s->values[k];
  }
  return tendril_cmaes_tell(s->cmaes, s->values, err);
}

tendril_status tnd_gait_search_judge(tnd_gait_search *s, bool *better, tendril_error *err) {
  tendril_cmaes_result at;
  tendril_cmaes_get_result(s->cmaes, &at);
  tnd_gait_best mean = {.gait = gait_at(s, at.mean), .generation = at.generations};
  *better = false;
  TENDRIL_TRY(tnd_trials_run(s->trials, &mean.gait, 1, JUDGE_SERIES, 0,
                             (int)s->config.gait.judge_walks, &mean.walks, err));
  *better = s->best.generation == 0 || mean.walks.value < s->best.walks.value;
  if (*better) s->best = mean;
  return TENDRIL_OK;
}

void tnd_gait_search_get(tnd_gait_search *s, tendril_cmaes_result *out) {
  tendril_cmaes_get_result(s->cmaes, out);
}

const tnd_gait_best *tnd_gait_search_best(const tnd_gait_search *s) {
  return &s->best;
}

double tnd_gait_search_lowest(const tnd_gait_search *s) {
  return s->lowest;
}

int64_t tnd_gait_search_steps(const tnd_gait_search *s) {
  return tnd_trials_steps(s->trials);
}
