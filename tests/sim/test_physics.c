// MuJoCo's errors end as a status in the thread that met them; its warnings leave no trace.
#include "sim/physics.h"

#include <criterion/criterion.h>
#include <mujoco/mujoco.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void give_up(void *context) {
  mju_error((const char *)context);
}

static void count(void *context) {
  ++*(int *)context;
}

static void nest(void *context) {
  tendril_error err;
  cr_assert_eq(tnd_physics_run(give_up, (void *)"inner", &err), TENDRIL_E_PHYSICS);
  cr_assert_str_eq(err.text, "MuJoCo: inner");
  ++*(int *)context;
  mju_error("outer");
}

Test(physics, turns_an_error_into_a_status_of_one_line) {
  tendril_error err;
  cr_assert_eq(tnd_physics_run(give_up, (void *)"first\nsecond\n", &err), TENDRIL_E_PHYSICS);
  cr_assert_str_eq(err.text, "MuJoCo: first second");
  cr_assert_eq(tnd_physics_run(give_up, (void *)"no one listens", NULL), TENDRIL_E_PHYSICS);

  int calls = 0;
  cr_assert_eq(tnd_physics_run(count, &calls, &err), TENDRIL_OK);
  cr_assert_eq(calls, 1);
}

Test(physics, may_be_nested) {
  int calls = 0;
  tendril_error err;
  cr_assert_eq(tnd_physics_run(nest, &calls, &err), TENDRIL_E_PHYSICS);
  cr_assert_str_eq(err.text, "MuJoCo: outer");
  cr_assert_eq(calls, 1);
}

static void *fail_often(void *context) {
  const char *name = context;
  char expected[64];
  snprintf(expected, sizeof expected, "MuJoCo: %s", name);
  for (int i = 0; i < 20000; i++) {
    tendril_error err;
    if (tnd_physics_run(give_up, context, &err) != TENDRIL_E_PHYSICS) return context;
    if (strcmp(err.text, expected) != 0) return context;
  }
  return NULL;
}

Test(physics, keeps_threads_apart) {
  const char *const names[] = {"one", "two", "three"};
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    cr_assert_eq(pthread_create(&threads[i], NULL, fail_often, (void *)names[i]), 0);
  for (int i = 0; i < 3; i++) {
    void *bad = NULL;
    pthread_join(threads[i], &bad);
    cr_assert_null(bad);
  }
}
