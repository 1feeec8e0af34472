// Stepping, resetting, saving and restoring allocate nothing: neither the library's own allocator
// nor, where malloc can be watched, anything below it.
#include "base/alloc.h"
#include "support/sim.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define WATCHED 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef WATCHED
#endif
#endif
#endif

static _Thread_local long mallocs;  // in this thread

#ifdef WATCHED
// glibc's own entry points, behind counters
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  mallocs++;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  mallocs++;
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  mallocs++;
  return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  mallocs++;
  return __libc_memalign(alignment, size);
}
#endif

static void expect_no_allocations(const char *name) {
  tendril_model *model = support_model(name, NULL);
  double obs[32], action[8], snapshot[256];
  long mallocs_before = mallocs, calls = tnd_alloc_count();
  tendril_env *env = support_env(model, 0, obs);
  cr_assert(tnd_alloc_count() > calls);
#ifdef WATCHED
  cr_assert(mallocs > mallocs_before);  // the watch works
#endif

  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  mallocs_before = mallocs;
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
  cr_assert_eq(mallocs, mallocs_before);
  cr_assert_eq(tnd_alloc_count(), calls);
  cr_assert_eq(failures, 0);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
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
