// Steps a task by hand: random actions, a snapshot, and the same steps again from it.
//
//   cc step.c $(pkg-config --cflags --libs tendril) -o step && ./step
#include <stdio.h>
#include <stdlib.h>
#include <tendril/tendril.h>

#define TRY(call)                                                                                  \
  if ((call) != TENDRIL_OK) {                                                                      \
    fprintf(stderr, "%s\n", err.text);                                                             \
    return EXIT_FAILURE;                                                                           \
  }

// Reward of 20 steps under actions drawn from `noise`.
static tendril_status walk(tendril_env *env, tendril_random noise, double *sum,
                           tendril_error *err) {
  double obs[11], action[3];
  *sum = 0;
  for (int t = 0; t < 20; t++) {
    tendril_step step;
    for (int i = 0; i < 3; i++)
      action[i] = tendril_random_uniform(&noise, -0.2, 0.2);
    tendril_status status = tendril_env_step(env, action, obs, &step, err);
    if (status != TENDRIL_OK || step.terminated) return status;
    *sum += step.reward;
  }
  return TENDRIL_OK;
}

int main(void) {
  tendril_error err = {{0}};
  tendril_tasks *tasks = NULL;
  tendril_model *model = NULL;
  tendril_env *env = NULL;
  double obs[11], first, again;
  tendril_random start = tendril_random_stream(1, TENDRIL_PURPOSE_RESET, 0, 0);
  tendril_random noise = tendril_random_stream(1, TENDRIL_PURPOSE_ACTION, 0, 0);

  TRY(tendril_tasks_create(&tasks, &err));
  TRY(tendril_tasks_model(tasks, "hopper-v4", NULL, &model, &err));
  TRY(tendril_env_create(model, &env, &err));
  TRY(tendril_env_reset(env, &start, obs, &err));

  double *snapshot = malloc(sizeof *snapshot * (size_t)tendril_snapshot_size(model));
  tendril_env_save(env, snapshot);
  TRY(walk(env, noise, &first, &err));
  tendril_env_restore(env, snapshot, NULL);
  TRY(walk(env, noise, &again, &err));
  printf("return of 20 steps: %.6f, and again from the snapshot: %.6f\n", first, again);

  free(snapshot);
  tendril_env_destroy(env);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  return first == again ? EXIT_SUCCESS : EXIT_FAILURE;
}
