// Stepping, resetting, saving and restoring allocate nothing: neither the library's own allocator
// nor, where malloc can be watched, anything below it.
#include "base/alloc.h"
#include "support/mallocs.h"
#include "support/sim.h"

#include <criterion/criterion.h>

// The model is destroyed in the end.
static void expect_none_in(tendril_model *model) {
  double obs[32], action[8], snapshot[256];
  long mallocs_before = support_mallocs, calls = tnd_alloc_count();
  tendril_env *env = support_env(model, 0, obs);
  cr_assert(tnd_alloc_count() > calls);
#ifdef SUPPORT_MALLOCS_WATCHED
  cr_assert(support_mallocs > mallocs_before);  // the watch works
#endif

  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  mallocs_before = support_mallocs;
  calls = tnd_alloc_count();
  int failures = 0;
  for (uint32_t t = 0; t < 2000; t++) {
    tendril_step step;
    support_actions(&random, model, action);
    failures += tendril_env_step(env, action, obs, &step, NULL) != TENDRIL_OK;
    tendril_random start = tendril_random_stream(1, TENDRIL_PURPOSE_RESET, t, 0);
    if (step.terminated || step.truncated)
      failures += tendril_env_reset(env, &start, obs, NULL) != TENDRIL_OK;
    if (t % 100 == 0) tendril_env_save(env, snapshot);
    if (t % 100 == 50) tendril_env_restore(env, snapshot, obs);
  }
  cr_assert_eq(support_mallocs, mallocs_before);
  cr_assert_eq(tnd_alloc_count(), calls);
  cr_assert_eq(failures, 0);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
}

static void expect_none(const char *name, const tendril_sim_options *options) {
  expect_none_in(support_model(name, options));
}

static void expect_no_allocations(const char *name) {
  expect_none(name, NULL);
}

Test(allocations, are_none_after_set_up) {
  expect_no_allocations("hopper-v4");
  expect_no_allocations("walker2d-v4");
  expect_no_allocations("swimmer-v4");
  expect_no_allocations("inverted-pendulum-v4");
  expect_no_allocations("cartpole");
  expect_no_allocations("swimmer");
  expect_no_allocations("hopper");
  expect_no_allocations("walker");
}

Test(allocations, are_none_under_pushes_of_its_own) {
  tendril_sim_options options = support_sim_options();
  options.push.newtons = 5;
  options.push.time = 0.05;
  options.push.every = 0.1;
  options.push.phase = 0.5;
  expect_none("hopper-v4", &options);
  expect_none("walker2d-v4", &options);
}

Test(allocations, are_none_with_start_states) {
  const double x[2][4] = {{0, 0.1, 0, 0}, {0, -0.1, 0, 0}};  // either way round
  tendril_sim_options options = support_sim_options();
  options.start_qpos = 0.01;
  tendril_model *model = support_model("inverted-pendulum-v4", &options);
  cr_assert_eq(tendril_model_set_starts(model, 1, 2, x[0], NULL), TENDRIL_OK);
  expect_none_in(model);
}
