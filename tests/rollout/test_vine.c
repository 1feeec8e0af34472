// Branches: what they earn against the same steps taken by hand, common random numbers, the same
// bits on any number of threads, the ends of a branch, tasks that cannot be restored.
#include "base/alloc.h"
#include "policy/policy.h"
#include "rollout/vine.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 40, K = 3, L = 12, NK = N * K, MOST_OBS = 17, SEED = 4 };
static const double gamma_ = 0.97;

static const tendril_rollout_options trunk_options = {.batch = 600, .streams = 6};

static tnd_vine_options vine_options(void) {
  return (tnd_vine_options){.states = N, .actions = K, .steps = L, .common_noise = true};
}

typedef struct fixture {
  support_scene scene;
  tendril_rollout *rollout;
  const tendril_batch *trunk;
  const double *snapshots;
  tnd_vine *vine;
  const tnd_branches *branches;
  tnd_branch_stats stats;
} fixture;

static void open_with(fixture *f, const char *task, int threads, const tendril_model *model,
                      const tnd_vine_options *options, const tendril_rollout_options *trunk) {
  support_scene_open(&f->scene, task, threads);
  if (!model) model = f->scene.model;
  check_ok(tendril_rollout_create(trunk, model, f->scene.pool, SEED, &f->rollout, check_err));
  check_ok(tnd_rollout_keep_snapshots(f->rollout, check_err));
  tendril_rollout_stats stats;
  check_ok(tendril_rollout_collect(f->rollout, f->scene.policy, &f->trunk, &stats, check_err));
  f->snapshots = tnd_rollout_snapshots(f->rollout);
  check_ok(tnd_vine_create(options, model, f->scene.pool, SEED, &f->vine, check_err));
}

static void open_fixture(fixture *f, const char *task, int threads,
                         const tnd_vine_options *options) {
  open_with(f, task, threads, NULL, options, &trunk_options);
}

static void close_fixture(fixture *f) {
  tnd_vine_destroy(f->vine);
  tendril_rollout_destroy(f->rollout);
  support_scene_close(&f->scene);
}

static const tnd_branches *grow(fixture *f, uint32_t iteration) {
  check_ok(tnd_vine_collect(f->vine, f->trunk, f->snapshots, f->scene.policy, gamma_, iteration,
                            &f->branches, &f->stats, check_err));
  return f->branches;
}

Test(vine, the_trunks_snapshots_are_the_states_before_its_rows) {
  const tendril_rollout_options both[] = {
      trunk_options, {.batch = 1002, .streams = 6, .episodes = TENDRIL_EPISODES_WHOLE}};
  const tnd_vine_options options = vine_options();
  for (int i = 0; i < 2; i++) {
    fixture f;
    open_with(&f, "walker2d-v4", 2, NULL, &options, &both[i]);
    tendril_env *env = NULL;
    check_ok(tendril_env_create(f.scene.model, &env, check_err));
    const int size = tendril_snapshot_size(f.scene.model), nobs = f.trunk->nobs;
    double obs[MOST_OBS];
    for (int64_t p = 0; p < f.trunk->npath; p++) {
      const tendril_path *path = &f.trunk->paths[p];
      for (int64_t row = path->first; row < path->first + path->length; row++) {
        tendril_env_restore(env, f.snapshots + row * size, obs);
        check_same_bits(obs, f.trunk->obs + row * nobs, nobs);
        cr_assert_eq(tendril_env_time(env), f.trunk->time[row]);
        tendril_step step;
        check_ok(
            tendril_env_step(env, f.trunk->action + row * f.trunk->nact, obs, &step, check_err));
        cr_assert_eq(step.reward, f.trunk->reward[row]);
      }
      check_same_bits(obs, f.trunk->last_obs + p * nobs, nobs);
    }
    tendril_env_destroy(env);
    close_fixture(&f);
  }
}

// A branch by hand, from the definition: returns Q, the discount behind its end (0: terminated).
static double by_hand(const fixture *f, tendril_actor *actor, tendril_env *env, int64_t n,
                      int64_t k, bool common, uint32_t iteration, double *future, double *last) {
  const int size = tendril_snapshot_size(f->scene.model), nact = f->trunk->nact;
  tendril_env_restore(env, f->snapshots + f->branches->row[n] * size, last);
  double rewards[L], noise[8], action[8];
  int l = 0;
  tendril_step step = {0};
  while (l < L && !step.terminated && !step.truncated) {
    const int64_t of = l == 0 || !common ? k : 0;
    tendril_random random = tendril_random_stream(SEED, TENDRIL_PURPOSE_BRANCH, iteration,
                                                  (uint32_t)((n * K + of) * L + l));
    tendril_random_normals(&random, nact, noise);
    tendril_policy_act(f->scene.policy, actor, 0, last, noise, action);
    if (l == 0) check_same_bits(f->branches->action + (k * N + n) * nact, action, nact);
    check_ok(tendril_env_step(env, action, last, &step, check_err));
    rewards[l++] = step.reward;
  }
  *future = step.terminated ? 0 : pow(gamma_, l);
  double Q = 0;
  for (int i = l - 1; i >= 0; i--)
    Q = rewards[i] + gamma_ * Q;
  return Q;
}

static void check_by_hand(bool common) {
  fixture f;
  tnd_vine_options options = vine_options();
  options.common_noise = common;
  open_fixture(&f, "hopper-v4", 2, &options);
  tendril_env *env = NULL;
  tendril_actor *actor = NULL;
  check_ok(tendril_env_create(f.scene.model, &env, check_err));
  check_ok(tendril_actor_create(f.scene.policy, &actor, check_err));
  const tnd_branches *b = grow(&f, 7);
  int64_t terminated = 0;
  double future, last[MOST_OBS];
  // backwards: what other branches left in the environment has no influence
  for (int64_t i = NK - 1; i >= 0; i--) {
    const double Q = by_hand(&f, actor, env, i % N, i / N, common, 7, &future, last);
    check_close(b->Q[i], Q, 1e-14);            // the sum in the other direction
    check_close(b->future[i], future, 1e-14);  // a power against a product
    check_same_bits(b->last_obs + i * f.trunk->nobs, last, f.trunk->nobs);
    cr_assert_eq(b->last_time[i], tendril_env_time(env));
    terminated += future == 0;
  }
  cr_assert_eq(f.stats.terminated, terminated);
  cr_assert(terminated > 0 && terminated < NK, "%lld", (long long)terminated);
  cr_assert_eq(f.stats.diverged, 0);
  tendril_actor_destroy(actor);
  tendril_env_destroy(env);
  close_fixture(&f);
}

Test(vine, branches_are_those_taken_by_hand) {
  check_by_hand(true);
}

Test(vine, branches_with_noise_of_their_own_are_those_taken_by_hand) {
  check_by_hand(false);
}

// A policy whose actions do not depend on the noise: all branches of a state begin alike.
static void silence(tendril_policy *policy, double *theta) {
  const int nparam = tendril_policy_nparam(policy), nact = tendril_policy_nact(policy);
  memcpy(theta, tendril_policy_get_params(policy), sizeof *theta * (size_t)nparam);
  for (int i = nparam - nact; i < nparam; i++)
    theta[i] = -600;  // log standard deviations, the last parameters: exp(-600) times the noise
  check_ok(tendril_policy_set_params(policy, theta, check_err));
}

Test(vine, branches_with_the_same_first_action_earn_the_same) {
  // one step long, the noise of the first action is all there is; with a policy without noise the
  // first actions are the same, and with common numbers so is all that follows
  double theta[8192];
  fixture f;
  tnd_vine_options options = vine_options();
  open_fixture(&f, "hopper-v4", 2, &options);
  silence(f.scene.policy, theta);
  const tnd_branches *b = grow(&f, 0);
  for (int64_t n = 0; n < N; n++)
    for (int k = 1; k < K; k++) {
      check_same_bits(b->action + (k * N + n) * 3, b->action + n * 3, 3);
      cr_assert_eq(b->Q[k * N + n], b->Q[n]);
    }
  close_fixture(&f);
}

Test(vine, noise_after_the_first_step_is_common_and_otherwise_never_shared) {
  // every key (n K + k) L + l in use belongs to one step of one state; the keys of later steps are
  // those of the first branch
  static bool first[N * K * L];
  for (int64_t n = 0; n < N; n++)
    for (int64_t k = 0; k < K; k++)
      for (int64_t l = 0; l < L; l++) {
        const int64_t key = (n * K + (l ? 0 : k)) * L + l;
        cr_assert(key < N * K * L);
        if (l == 0) cr_assert_not(first[key]);
        if (l == 0) first[key] = true;
        if (l > 0) cr_assert_not(first[key]);
      }
  // and the first actions of a state do differ
  fixture f;
  const tnd_vine_options options = vine_options();
  open_fixture(&f, "hopper-v4", 1, &options);
  const tnd_branches *b = grow(&f, 0);
  for (int64_t i = 0; i < NK; i++)
    for (int64_t j = 0; j < i; j++)
      cr_assert_neq(b->action[i * 3], b->action[j * 3]);
  close_fixture(&f);
}

static void check_same_branches(const tnd_branches *a, const tnd_branches *b, int nobs, int nact) {
  cr_assert(memcmp(a->row, b->row, sizeof *a->row * N) == 0);
  check_same_bits(a->action, b->action, NK * nact);
  check_same_bits(a->Q, b->Q, NK);
  check_same_bits(a->future, b->future, NK);
  check_same_bits(a->last_obs, b->last_obs, NK * nobs);
  cr_assert(memcmp(a->last_time, b->last_time, sizeof *a->last_time * NK) == 0);
}

Test(vine, gives_the_same_bits_on_one_two_and_four_threads) {
  fixture one, many;
  const tnd_vine_options options = vine_options();
  open_fixture(&one, "walker2d-v4", 1, &options);
  for (int threads = 2; threads <= 4; threads += 2) {
    open_fixture(&many, "walker2d-v4", threads, &options);
    for (uint32_t iteration = 0; iteration < 3; iteration++) {
      check_same_branches(grow(&many, iteration), grow(&one, iteration), one.trunk->nobs,
                          one.trunk->nact);
      cr_assert_eq(many.stats.steps, one.stats.steps);
      cr_assert_eq(many.stats.terminated, one.stats.terminated);
    }
    close_fixture(&many);
  }
  close_fixture(&one);
}

Test(vine, the_rollout_set_is_spread_evenly_over_the_trunk) {
  fixture f;
  tnd_vine_options options = vine_options();
  options.steps = 1;
  open_fixture(&f, "swimmer-v4", 1, &options);
  int64_t starts = 0;
  for (uint32_t iteration = 0; iteration < 20; iteration++) {
    const int64_t *row = grow(&f, iteration)->row;
    cr_assert_lt(row[0], trunk_options.batch / N);
    for (int n = 1; n < N; n++)
      cr_assert_eq(row[n] - row[n - 1], trunk_options.batch / N);
    cr_assert_lt(row[N - 1], trunk_options.batch);
    starts |= INT64_C(1) << row[0];
  }
  cr_assert_neq(starts & (starts - 1), 0, "every iteration begins at the same row");
  close_fixture(&f);

  // as many states as rows: each once
  options.states = trunk_options.batch;
  open_fixture(&f, "swimmer-v4", 1, &options);
  const tnd_branches *b = grow(&f, 0);
  for (int64_t n = 0; n < b->n; n++)
    cr_assert_eq(b->row[n], n);
  close_fixture(&f);
}

Test(vine, a_branch_that_reaches_the_time_limit_ends_there_with_a_future) {
  // nothing ends a swimmer but the limit, here of 20 steps
  const tendril_sim_options sim = {.clip_actions = true, .max_steps = 20};
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  check_ok(tendril_tasks_create(&tasks, check_err));
  check_ok(tendril_tasks_model(tasks, "swimmer-v4", &sim, &model, check_err));
  fixture f;
  tnd_vine_options options = vine_options();
  open_with(&f, "swimmer-v4", 2, model, &options, &trunk_options);
  const tnd_branches *b = grow(&f, 0);
  int64_t steps = 0, limited = 0;
  for (int64_t i = 0; i < NK; i++) {
    const int begin = f.trunk->time[b->row[i % N]], length = b->last_time[i] - begin;
    cr_assert_eq(length, begin + L <= 20 ? L : 20 - begin);
    check_close(b->future[i], pow(gamma_, length), 1e-14);  // a power against a product
    steps += length;
    limited += length < L;
  }
  cr_assert_gt(limited, 0);
  cr_assert_eq(f.stats.steps, steps);
  cr_assert_eq(f.stats.terminated, 0);
  close_fixture(&f);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
}

// ------------------------------------------------------------------------------- tasks with faults

static tendril_task altered;

// The pendulum's model under a task with some callbacks of its own.
static tendril_model *altered_model(void (*before)(const mjModel *, const mjData *, double *),
                                    void (*reset)(const mjModel *, mjData *, double *,
                                                  tendril_random *)) {
  tendril_tasks *tasks = NULL;
  tendril_model *plain = NULL, *model = NULL;
  char path[600];
  check_ok(tendril_tasks_create(&tasks, check_err));
  check_ok(tendril_tasks_model(tasks, "inverted-pendulum-v4", NULL, &plain, check_err));
  check_ok(tendril_models_folder(path, 500, check_err));
  altered = *tendril_model_task(plain);
  strcat(path, "/");
  strcat(path, altered.mjcf);
  altered.before = before;
  if (reset) altered.reset = reset;
  altered.nstate = 1;
  check_ok(tendril_model_create(&altered, path, NULL, &model, check_err));
  tendril_model_destroy(plain);
  tendril_tasks_destroy(tasks);
  return model;
}

// A wind that depends on how many steps were ever taken: hidden from snapshots.
static void hidden_wind(const mjModel *m, const mjData *d, double *state) {
  static int steps;
  (void)m, (void)state;
  *(double *)&d->qfrc_applied[0] = 1e-3 * steps++;
}

// The same, counted in the task's state.
static void known_wind(const mjModel *m, const mjData *d, double *state) {
  (void)m;
  *(double *)&d->qfrc_applied[0] = 1e-3 * state[0];
  state[0] += 1;
}

Test(vine, a_task_with_hidden_state_cannot_be_restored_and_is_refused) {
  tendril_model *model = altered_model(hidden_wind, NULL);
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 1);
  const tnd_vine_options options = vine_options();
  tnd_vine *vine = NULL;
  tendril_error err = {{0}};
  cr_assert_eq(tnd_vine_create(&options, model, s.pool, 1, &vine, &err), TENDRIL_E_CONFIG);
  cr_assert(strstr(err.text, "cannot be restored from a snapshot"), "%s", err.text);
  cr_assert_null(strchr(err.text, '\n'));
  cr_assert_null(vine);
  support_scene_close(&s);
  tendril_model_destroy(model);
}

Test(vine, every_built_in_task_and_one_with_state_of_its_own_can_be_restored) {
  tendril_model *model = altered_model(known_wind, NULL);
  check_ok(tnd_check_restorable(model, check_err));
  tendril_model_destroy(model);
  tendril_tasks *tasks = NULL;
  check_ok(tendril_tasks_create(&tasks, check_err));
  for (int i = 0; i < tendril_tasks_count(tasks); i++) {
    check_ok(
        tendril_tasks_model(tasks, tendril_tasks_get(tasks, i)->name, NULL, &model, check_err));
    check_ok(tnd_check_restorable(model, check_err));
    tendril_model_destroy(model);
  }
  tendril_tasks_destroy(tasks);
}

// In some episodes the velocity is set to NaN from the tenth of a second on.
static void reset_broken(const mjModel *m, mjData *d, double *state, tendril_random *random) {
  (void)m, (void)d;
  state[0] = (double)tendril_random_below(random, 2);
}
static void before_broken(const mjModel *m, const mjData *d, double *state) {
  (void)m;
  if (state[0] == 0 && d->time > 0.2) *(double *)&d->qvel[0] = (double)NAN;
}

Test(vine, a_branch_that_diverges_ends_with_its_last_good_step) {
  tendril_model *model = altered_model(before_broken, reset_broken);
  fixture f;
  const tnd_vine_options options = vine_options();
  open_with(&f, "inverted-pendulum-v4", 2, model, &options, &trunk_options);
  const tnd_branches *b = grow(&f, 0);
  cr_assert_gt(f.stats.diverged, 0);
  int64_t steps = 0;
  for (int64_t i = 0; i < NK; i++) {
    const int length = b->last_time[i] - f.trunk->time[b->row[i % N]];
    // the pendulum pays 1 for every step that was taken
    double Q = 0;
    for (int l = 0; l < length; l++)
      Q += pow(gamma_, l);
    check_close(b->Q[i], Q, 1e-13);  // powers against products
    if (b->future[i] > 0) check_close(b->future[i], pow(gamma_, length), 1e-14);
    for (int j = 0; j < f.trunk->nobs; j++)
      cr_assert(isfinite(b->last_obs[i * f.trunk->nobs + j]));
    steps += length;
  }
  cr_assert_eq(f.stats.steps, steps);
  close_fixture(&f);
  tendril_model_destroy(model);
}

// ------------------------------------------------------------------------------------- bad input

Test(vine, more_steps_than_there_are_random_streams_are_refused) {
  support_scene s;
  support_scene_open(&s, "swimmer-v4", 1);
  const tnd_vine_options many[] = {{.states = 65536, .actions = 65536, .steps = 2},
                                   {.states = INT64_C(1) << 31, .actions = 3, .steps = 1},
                                   {.states = 1, .actions = 1 << 20, .steps = 4097}};
  for (int i = 0; i < 3; i++) {
    tnd_vine *vine = NULL;
    tendril_error err = {{0}};
    cr_assert_eq(tnd_vine_create(&many[i], s.model, s.pool, 1, &vine, &err), TENDRIL_E_CONFIG);
    cr_assert(strstr(err.text, "2^32 steps"), "%s", err.text);
  }
  support_scene_close(&s);
}

static tendril_status create_and_destroy(void *context, tendril_error *err) {
  const support_scene *s = context;
  const tnd_vine_options options = {.states = 3, .actions = 2, .steps = 2};
  tnd_vine *vine = NULL;
  tendril_status status = tnd_vine_create(&options, s->model, s->pool, 1, &vine, err);
  tnd_vine_destroy(vine);
  return status;
}

Test(vine, every_failed_allocation_is_a_clean_error) {
  support_scene s;
  support_scene_open(&s, "inverted-pendulum-v4", 2);
  cr_assert_gt(support_fail_each_alloc(create_and_destroy, &s), 5);
  support_scene_close(&s);
}

Test(vine, growing_allocates_nothing_after_the_first_time) {
  fixture f;
  const tnd_vine_options options = vine_options();
  open_fixture(&f, "hopper-v4", 2, &options);
  grow(&f, 0);
  const long before = tnd_alloc_count();
  grow(&f, 1);
  cr_assert_eq(tnd_alloc_count(), before);
  close_fixture(&f);
}
