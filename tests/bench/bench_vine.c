// What the vine buys (Schulman et al. 2015, sec. 5.2): how much noise there is in advantages and in
// gradients, branches against single paths, with common random numbers and without.
//   advantage  mean squared error of an estimate of A(s,a) from returns of L steps, over the mean
//              square of A itself
//   gradient   trace of the covariance of g over |E g|^2, and the mean cosine of two estimates, for
//              the same number of Q-values and for the same number of simulated steps
//
//   bench_vine [RUN] [--json]    a run's policy; without one a fresh policy of hopper-v4
#include "base/clock.h"
#include "critic/advantage.h"
#include "learn/trust_region.h"
#include "rollout/vine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/tendril.h>

enum { N = 250, K = 4, L = 50 };     // a vine: 1000 Q-values
enum { TRUNK = 1000, STREAMS = 1 };  // whole episodes
enum { REPEAT = 12 };                // gradients
enum { STATES = 50, REPLAYS = 32 };  // of the advantages
static const double gamma_ = 0.99;   // the paper's

static tendril_error err;

static void must(tendril_status status) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "bench_vine: %s\n", err.text);
  exit(1);
}

static double *doubles(int64_t n) {
  double *x = calloc((size_t)n, sizeof *x);
  if (!x) exit(1);
  return x;
}

typedef struct subject {
  tendril_tasks *tasks;
  tendril_trained trained;  // empty for a fresh policy
  tendril_model *model;
  tendril_policy *policy;
  tendril_pool *pool;
  int nobs, nact, nparam;
} subject;

static void open_subject(subject *s, const char *run) {
  must(tendril_tasks_create(&s->tasks, &err));
  must(tendril_pool_create(1, &s->pool, &err));
  if (run) {
    must(tendril_trained_open(s->tasks, run, NULL, NULL, &s->trained, &err));
    s->model = s->trained.model;
    s->policy = s->trained.policy;
  } else {
    tendril_policy_options options;
    tendril_policy_defaults(&options);
    must(tendril_tasks_model(s->tasks, "hopper-v4", NULL, &s->model, &err));
    must(tendril_policy_create(&options, tendril_model_nobs(s->model), tendril_model_nact(s->model),
                               tendril_model_max_steps(s->model), 1, &s->policy, &err));
  }
  s->nobs = tendril_model_nobs(s->model);
  s->nact = tendril_model_nact(s->model);
  s->nparam = tendril_policy_nparam(s->policy);
}

static void close_subject(subject *s) {
  if (s->trained.policy) {
    tendril_trained_close(&s->trained);
  } else {
    tendril_policy_destroy(s->policy);
    tendril_model_destroy(s->model);
  }
  tendril_pool_destroy(s->pool);
  tendril_tasks_destroy(s->tasks);
}

static tendril_rollout *rollout_of(const subject *s, int64_t batch, uint64_t seed) {
  const tendril_rollout_options options = {
      .batch = batch, .streams = STREAMS, .episodes = TENDRIL_EPISODES_WHOLE};
  tendril_rollout *rollout;
  must(tendril_rollout_create(&options, s->model, s->pool, seed, &rollout, &err));
  return rollout;
}

// ------------------------------------------------------------------------------------ advantages

typedef struct advantages {
  double signal;  // mean square of A(s, a_k) - mean_k A(s, a_k)
  // mean squared errors over the signal
  double common, own;       // vine, with common random numbers and without
  double single, baseline;  // one return less the mean of all; less the state's true value
} advantages;

// Return of L steps from a snapshot, the first action given, later noise from (key, l).
static double return_of(const subject *s, tendril_env *env, tendril_actor *actor,
                        const double *snapshot, const double *first, uint32_t key, double *obs) {
  double noise[64], action[64], Q = 0, discount = 1;
  tendril_step step = {0};
  tendril_env_restore(env, snapshot, obs);
  for (uint32_t l = 0; l < L && !step.terminated && !step.truncated; l++) {
    if (l > 0) {
      tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, key, l);
      tendril_random_normals(&random, s->nact, noise);
      tendril_policy_act(s->policy, actor, 0, obs, noise, action);
    }
    must(tendril_env_step(env, l == 0 ? first : action, obs, &step, &err));
    if (step.diverged) break;
    Q += discount * step.reward;
    discount *= gamma_;
  }
  return Q;
}

// Mean and, per value, the variance of REPLAYS numbers.
static double mean_of(const double *x, double *variance) {
  double mean = 0, sum = 0;
  for (int m = 0; m < REPLAYS; m++)
    mean += x[m] / REPLAYS;
  for (int m = 0; m < REPLAYS; m++)
    sum += (x[m] - mean) * (x[m] - mean);
  *variance = sum / (REPLAYS - 1);
  return mean;
}

// What one replay says of the K actions: Q less its mean over them.
static void center(double q[K][REPLAYS]) {
  for (int m = 0; m < REPLAYS; m++) {
    double mean = 0;
    for (int k = 0; k < K; k++)
      mean += q[k][m] / K;
    for (int k = 0; k < K; k++)
      q[k][m] -= mean;
  }
}

static advantages measure_advantages(const subject *s) {
  tendril_rollout *rollout = rollout_of(s, TRUNK, 11);
  const tendril_batch *trunk;
  tendril_rollout_stats stats;
  tendril_env *env;
  tendril_actor *actor;
  must(tnd_rollout_keep_snapshots(rollout, &err));
  must(tendril_rollout_collect(rollout, s->policy, &trunk, &stats, &err));
  must(tendril_env_create(s->model, &env, &err));
  must(tendril_actor_create(s->policy, &actor, &err));
  double *obs = doubles(s->nobs), values[STATES], mean_value = 0, variance;
  double noise[64], first[K][64], common[K][REPLAYS], own[K][REPLAYS];
  advantages a = {0};
  for (int n = 0; n < STATES; n++) {
    const int64_t row = n * trunk->n / STATES;
    const double *snapshot = tnd_rollout_snapshots(rollout) + row * tendril_snapshot_size(s->model);
    values[n] = 0;
    for (int k = 0; k < K; k++) {
      const uint32_t which = (uint32_t)(n * K + k);
      tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, which, 0);
      tendril_random_normals(&random, s->nact, noise);
      tendril_policy_act(s->policy, actor, 0, trunk->obs + row * s->nobs, noise, first[k]);
      for (uint32_t m = 0; m < REPLAYS; m++) {
        common[k][m] = return_of(s, env, actor, snapshot, first[k], (uint32_t)n * REPLAYS + m, obs);
        own[k][m] = return_of(s, env, actor, snapshot, first[k],
                              (uint32_t)(STATES * REPLAYS) + which * REPLAYS + m, obs);
      }
      // a single return, were the state's value known
      values[n] += mean_of(own[k], &variance) / K;
      a.baseline += variance / (STATES * K);
    }
    mean_value += values[n] / STATES;
    center(common);
    center(own);
    for (int k = 0; k < K; k++) {
      const double A = mean_of(common[k], &variance);
      a.common += variance / (STATES * K);
      a.signal += (A * A - variance / REPLAYS) / (STATES * K);  // without what noise adds to A^2
      mean_of(own[k], &variance);
      a.own += variance / (STATES * K);
    }
  }
  a.single = a.baseline;
  for (int n = 0; n < STATES; n++)
    a.single += (values[n] - mean_value) * (values[n] - mean_value) / STATES;
  a.common /= a.signal;
  a.own /= a.signal;
  a.single /= a.signal;
  a.baseline /= a.signal;
  free(obs);
  tendril_actor_destroy(actor);
  tendril_env_destroy(env);
  tendril_rollout_destroy(rollout);
  return a;
}

// ------------------------------------------------------------------------------------- gradients

typedef struct gradients {
  const char *name;
  double q_values, steps;  // of one estimate, mean
  double noise;            // trace of the covariance over |E g|^2; NAN if E g is lost in it
  double cosine;           // of two estimates, mean over all pairs
} gradients;

static double dot(int n, const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

// g [REPEAT][nparam]; the mean product of two different estimates is |E g|^2 without bias
static void compare(const subject *s, const double *g, gradients *out) {
  double pairs = 0, cosine = 0, squares = 0;
  const double count = REPEAT * (REPEAT - 1) / 2.0;
  for (int i = 0; i < REPEAT; i++) {
    const double *gi = g + (ptrdiff_t)i * s->nparam;
    const double size = dot(s->nparam, gi, gi);
    squares += size / REPEAT;
    for (int j = 0; j < i; j++) {
      const double *gj = g + (ptrdiff_t)j * s->nparam;
      const double product = dot(s->nparam, gi, gj);
      pairs += product / count;
      cosine += product / sqrt(size * dot(s->nparam, gj, gj)) / count;
    }
  }
  out->cosine = cosine;
  out->noise = pairs > 0 ? (squares - pairs) / pairs : (double)NAN;
}

static gradients measure_single(const subject *s, const char *name, int64_t rows) {
  gradients out = {.name = name};
  tendril_rollout *rollout = rollout_of(s, rows, 12);
  const int64_t n = tnd_rollout_capacity(rollout);
  double *x = doubles(n * s->nobs), *q = doubles(n), *g = doubles((int64_t)REPEAT * s->nparam);
  const tnd_trust_region_sizes sizes = {.states = n, .actions = 1, .fisher = 1};
  tnd_trust_region *region;
  must(tnd_trust_region_create(s->policy, s->pool, &sizes, &region, &err));
  for (int i = 0; i < REPEAT; i++) {
    const tendril_batch *b;
    tendril_rollout_stats stats;
    double mean = 0, L_old, entropy;
    must(tendril_rollout_collect(rollout, s->policy, &b, &stats, &err));
    tnd_policy_input(s->policy, b->n, b->obs, b->time, x);
    tnd_discounted_returns(b, b->reward, NULL, gamma_, q);
    for (int64_t j = 0; j < b->n; j++)
      mean += q[j] / (double)b->n;
    for (int64_t j = 0; j < b->n; j++)
      q[j] -= mean;
    const tnd_sample sample = {.n = b->n, .x = x, .actions = 1, .action = b->action, .q = q};
    tnd_trust_region_begin(region, &sample, g + (ptrdiff_t)i * s->nparam, &L_old, &entropy);
    out.q_values += (double)b->n / REPEAT;
    out.steps += (double)b->n / REPEAT;
  }
  compare(s, g, &out);
  tnd_trust_region_destroy(region);
  tendril_rollout_destroy(rollout);
  free(x);
  free(q);
  free(g);
  return out;
}

static gradients measure_vine(const subject *s, const char *name, bool common) {
  gradients out = {.name = name, .q_values = N * K};
  const tnd_vine_options options = {.states = N, .actions = K, .steps = L, .common_noise = common};
  const tnd_trust_region_sizes sizes = {.states = N, .actions = K, .fisher = 1};
  tendril_rollout *rollout = rollout_of(s, TRUNK, 13);
  tnd_vine *vine;
  tnd_trust_region *region;
  must(tnd_rollout_keep_snapshots(rollout, &err));
  must(tnd_vine_create(&options, s->model, s->pool, 13, &vine, &err));
  must(tnd_trust_region_create(s->policy, s->pool, &sizes, &region, &err));
  double *x = doubles((int64_t)N * s->nobs), *g = doubles((int64_t)REPEAT * s->nparam);
  for (uint32_t i = 0; i < REPEAT; i++) {
    const tendril_batch *trunk;
    const tnd_branches *b;
    tendril_rollout_stats stats;
    tnd_branch_stats grown;
    double L_old, entropy;
    must(tendril_rollout_collect(rollout, s->policy, &trunk, &stats, &err));
    must(tnd_vine_collect(vine, trunk, tnd_rollout_snapshots(rollout), s->policy, gamma_, i, &b,
                          &grown, &err));
    for (int n = 0; n < N; n++)
      tnd_policy_input(s->policy, 1, trunk->obs + b->row[n] * s->nobs, NULL, x + n * s->nobs);
    const tnd_sample sample = {.n = N, .x = x, .actions = K, .action = b->action, .q = b->Q};
    tnd_trust_region_begin(region, &sample, g + (ptrdiff_t)i * s->nparam, &L_old, &entropy);
    out.steps += (double)(trunk->n + grown.steps) / REPEAT;
  }
  compare(s, g, &out);
  tnd_trust_region_destroy(region);
  tnd_vine_destroy(vine);
  tendril_rollout_destroy(rollout);
  free(x);
  free(g);
  return out;
}

// ---------------------------------------------------------------------------------------- output

static void print_text(const char *subject_name, const advantages *a, const gradients *g, int n) {
  printf("%s; %d states, %d actions, returns of %d steps, discount %g\n\n", subject_name, STATES, K,
         L, gamma_);
  printf("advantage: mean square %.4g; mean squared error of an estimate over it\n", a->signal);
  printf("  %-44s %8.3g\n", "single return less the mean of all", a->single);
  printf("  %-44s %8.3g\n", "single return less the state's true value", a->baseline);
  printf("  %-44s %8.3g\n", "vine, noise of its own", a->own);
  printf("  %-44s %8.3g\n\n", "vine, common random numbers", a->common);
  printf("gradient: %d estimates each\n", REPEAT);
  printf("  %-32s %9s %9s %18s %14s\n", "", "Q-values", "steps", "tr Cov / |mean|^2", "cosine");
  for (int i = 0; i < n; i++)
    printf("  %-32s %9.0f %9.0f %18.3g %14.3f\n", g[i].name, g[i].q_values, g[i].steps, g[i].noise,
           g[i].cosine);
}

static void print_json(const char *subject_name, const advantages *a, const gradients *g, int n) {
  printf("{\"subject\": \"%s\", \"states\": %d, \"actions\": %d, \"steps\": %d, \"gamma\": %g,\n",
         subject_name, STATES, K, L, gamma_);
  printf(" \"advantage\": {\"signal\": %.6g, \"single\": %.6g, \"baseline\": %.6g, \"own\": %.6g, "
         "\"common\": %.6g},\n \"gradient\": [",
         a->signal, a->single, a->baseline, a->own, a->common);
  for (int i = 0; i < n; i++) {
    printf("%s\n  {\"name\": \"%s\", \"q_values\": %.6g, \"steps\": %.6g, \"cosine\": %.6g, "
           "\"noise\": ",
           i ? "," : "", g[i].name, g[i].q_values, g[i].steps, g[i].cosine);
    printf(isfinite(g[i].noise) ? "%.6g}" : "null}", g[i].noise);
  }
  printf("\n ]}\n");
}

int main(int argc, char **argv) {
  bool json = false;
  const char *run = NULL;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--json") == 0)
      json = true;
    else
      run = argv[i];
  subject s = {0};
  open_subject(&s, run);
  const advantages a = measure_advantages(&s);
  enum { OWN, COMMON, AS_VALUES, AS_STEPS, NALL };
  gradients all[NALL] = {[OWN] = measure_vine(&s, "vine, noise of its own", false),
                         [COMMON] = measure_vine(&s, "vine, common random numbers", true)};
  all[AS_VALUES] = measure_single(&s, "single path, as many Q-values", TRUNK);
  all[AS_STEPS] = measure_single(&s, "single path, as many steps", (int64_t)all[COMMON].steps);
  char name[256];
  snprintf(name, sizeof name, "%s, %s", tendril_model_task(s.model)->name,
           run ? "trained policy" : "fresh policy");
  if (json)
    print_json(name, &a, all, NALL);
  else
    print_text(name, &a, all, NALL);
  close_subject(&s);
  return 0;
}
