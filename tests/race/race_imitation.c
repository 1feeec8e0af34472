// The learners that begin with demonstrations, constrained guided policy search, DAGGER,
// cost-weighted regression and importance-sampled guided policy search, plain and adapted, under
// ThreadSanitizer: three iterations on one and on four threads, which must end at the same policy.
// A plain program: exits with 0 if all was right.
#include <tendril/tendril.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { T = 20, STREAMS = 8 };

static tendril_error err;

static void require(tendril_status status, const char *what) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "race_imitation: %s: %s\n", what, err.text);
  exit(1);
}

static tendril_learner *cgps_of(const tendril_learner_setup *setup) {
  tendril_learner *learner;
  tendril_cgps_options options;
  tendril_cgps_defaults(&options);
  options.samples = 10;
  options.tail = 5;
  require(tendril_cgps_create(&options, setup, &learner, &err), "cgps");
  return learner;
}

static tendril_learner *dagger_of(const tendril_learner_setup *setup) {
  tendril_learner *learner;
  tendril_dagger_options options;
  tendril_dagger_defaults(&options);
  options.samples = 10;
  options.rollouts = 6;
  options.tail = 5;
  require(tendril_dagger_create(&options, setup, &learner, &err), "dagger");
  return learner;
}

static tendril_learner *cwr_of(const tendril_learner_setup *setup) {
  tendril_learner *learner;
  tendril_cwr_options options;
  tendril_cwr_defaults(&options);
  options.effective = 0.5;  // of so few rollouts one has too few states
  options.samples = 10;
  options.tail = 5;
  require(tendril_cwr_create(&options, setup, &learner, &err), "cwr");
  return learner;
}

static tendril_isgps_options small_isgps(void) {
  tendril_isgps_options options;
  tendril_isgps_defaults(&options);
  options.samples = 10;
  options.rollouts = 6;
  options.tail = 5;
  return options;
}

static tendril_learner *isgps_of(const tendril_learner_setup *setup) {
  tendril_learner *learner;
  const tendril_isgps_options options = small_isgps();
  require(tendril_isgps_create(&options, setup, &learner, &err), "isgps");
  return learner;
}

static tendril_learner *adapted_isgps_of(const tendril_learner_setup *setup) {
  tendril_learner *learner;
  const tendril_isgps_options options = small_isgps();
  require(tendril_adapted_isgps_create(&options, setup, &learner, &err), "adapted-isgps");
  return learner;
}

typedef struct subject {
  const char *name;
  tendril_learner *(*create)(const tendril_learner_setup *setup);
} subject;

static const subject methods[] = {{"cgps", cgps_of},
                                  {"dagger", dagger_of},
                                  {"cwr", cwr_of},
                                  {"isgps", isgps_of},
                                  {"adapted-isgps", adapted_isgps_of}};

static tendril_policy *train(const tendril_model *model, int threads, const subject *of) {
  tendril_policy_options shape;
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_ilqg *ilqg;
  const double x0[10] = {0};  // of the swimmer
  tendril_policy_defaults(&shape);
  shape.hidden = (tendril_sizes){.n = 1, .at = {6}};
  require(tendril_pool_create(threads, &pool, &err), "pool");
  require(tendril_policy_create(&shape, tendril_model_nobs(model), tendril_model_nact(model),
                                tendril_model_max_steps(model), 1, &policy, &err),
          "policy");
  require(tendril_ilqg_create(model, T, NULL, pool, &ilqg, &err), "iLQG");
  require(tendril_ilqg_start(ilqg, x0, NULL, &err), "demonstration");
  tendril_learner_setup setup = {
      .model = model,
      .pool = pool,
      .policy = policy,
      .seed = 1,
      .rollout = {.streams = STREAMS, .batch = STREAMS * T, .episodes = TENDRIL_EPISODES_WHOLE},
      .demonstrations = tendril_ilqg_get(ilqg),
      .ndemonstration = 1};
  tendril_critic_defaults(&setup.critic);
  tendril_learner *learner = of->create(&setup);
  double stats[64];
  for (int k = 0; k < 3; k++)
    require(tendril_learner_iterate(learner, stats, &err), "iterate");
  tendril_learner_destroy(learner);
  tendril_ilqg_destroy(ilqg);
  tendril_pool_destroy(pool);
  return policy;
}

int main(void) {
  tendril_tasks *tasks;
  tendril_model *model;
  tendril_sim_options sim;
  tendril_sim_defaults(&sim);
  sim.max_steps = T;
  sim.start_qpos = sim.start_qvel = 0.01;
  require(tendril_tasks_create(&tasks, &err), "tasks");
  require(tendril_tasks_model(tasks, "swimmer-gps", &sim, &model, &err), "model");
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    tendril_policy *one = train(model, 1, &methods[i]), *four = train(model, 4, &methods[i]);
    const size_t size = sizeof(double) * (size_t)tendril_policy_nparam(one);
    if (memcmp(tendril_policy_get_params(one), tendril_policy_get_params(four), size) != 0) {
      fprintf(stderr, "race_imitation: %s: another policy on four threads\n", methods[i].name);
      return 1;
    }
    tendril_policy_destroy(one);
    tendril_policy_destroy(four);
  }
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return 0;
}
