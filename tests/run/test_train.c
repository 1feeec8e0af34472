// Whole runs: the checkpoint is a function of the configuration, whatever the threads and the
// stops; bad folders, foreign and damaged checkpoints are refused in one line.
#include "run/checkpoint.h"
#include "run/config.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"
#include "support/training.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(train, .init = support_tasks_open, .fini = support_tasks_close);

static const char *task = "hopper-v4";   // of the trainings
static const char *integrator = "task";  // of them
static const char *every = "0";          // iterations from one evaluation to the next
static bool uneven;                      // they are on one of many grounds in each episode

// Twelve short iterations with two evaluations and kept checkpoints.
static tendril_config *small_config(void) {
  static const char *const settings[][2] = {{"run.steps", "6144"},
                                            {"run.eval_at", "50 90 95 100"},
                                            {"run.eval_episodes", "3"},
                                            {"run.save_every", "4"},
                                            {"run.keep_every", "5"},
                                            {"rollout.batch", "512"},
                                            {"rollout.streams", "4"},
                                            {"policy.hidden", "16"},
                                            {"critic.hidden", "16"},
                                            {"run.average", "0.5"},
                                            {"learner.max_kl_final", "0.2"},
                                            {"learner.fisher_share", "0.5"},
                                            {"learner.reward_scale", "return-sd"}};
  tendril_config *config = NULL;
  check_ok(tendril_config_create(support_tasks, task, "trpo", &config, check_err));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    check_ok(tendril_config_set(config, settings[i][0], settings[i][1], check_err));
  check_ok(tendril_config_set(config, "sim.integrator", integrator, check_err));
  check_ok(tendril_config_set(config, "run.eval_every", every, check_err));
  if (uneven) {
    check_ok(tendril_config_set(config, "terrain.kind", "rough", check_err));
    check_ok(tendril_config_set(config, "terrain.flat", "0.2", check_err));
    check_ok(tendril_config_set(config, "terrain.seeds", "7", check_err));
  }
  return config;
}

static tendril_train_result train(const char *run, int threads, const tendril_run_hooks *hooks) {
  tendril_config *config = small_config();
  tendril_train_result result;
  check_ok(tendril_train(config, support_tasks, support_file(run), false, NULL, threads, hooks,
                         &result, check_err));
  tendril_config_destroy(config);
  return result;
}

static void check_refused(tendril_status status, tendril_status expected, const tendril_error *err,
                          const char *mend) {
  cr_assert_eq(status, expected, "%s: %s", tendril_status_text(status), err->text);
  cr_assert(strstr(err->text, mend), "%s", err->text);
  cr_assert_null(strchr(err->text, '\n'), "%s", err->text);
}

static const char *const checkpoints[] = {
    "checkpoints/last.safetensors", "checkpoints/best.safetensors",
    "checkpoints/iteration-000005.safetensors", "checkpoints/iteration-000010.safetensors"};

static void check_same_checkpoints(const char *a, const char *b) {
  for (size_t i = 0; i < sizeof checkpoints / sizeof checkpoints[0]; i++)
    support_check_same_file(support_file_of(a, checkpoints[i]), support_file_of(b, checkpoints[i]));
  support_check_same_file(support_file_of(a, "evaluations.csv"),
                          support_file_of(b, "evaluations.csv"));
}

Test(train, writes_the_same_checkpoints_on_one_two_and_three_threads) {
  tendril_train_result one = train("one", 1, NULL);
  cr_assert(one.finished);
  cr_assert_eq(one.iterations, 12);
  cr_assert_eq(one.steps, 6144);
  cr_assert(isfinite(one.held) && isfinite(one.best) && isfinite(one.final));
  cr_assert_gt(one.eval_steps, 0);
  train("two", 2, NULL);
  train("three", 3, NULL);
  check_same_checkpoints("one", "two");
  check_same_checkpoints("one", "three");
}

Test(train, a_stopped_and_resumed_run_is_the_run_that_never_stopped) {
  train("whole", 2, NULL);
  // stopped at 3, 7 and 9, resumed with another number of threads each time
  support_stop s = {.at = 3};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  tendril_train_result result = train("parts", 1, &hooks);
  cr_assert_not(result.finished);
  cr_assert_eq(result.iterations, 3);
  const int64_t stops[] = {7, 9, 1000};
  for (int i = 0; i < 3; i++) {
    s = (support_stop){.at = stops[i]};
    check_ok(tendril_train_resume(support_tasks, support_file("parts"), 3 - i, &hooks, &result,
                                  check_err));
  }
  cr_assert(result.finished);
  check_same_checkpoints("whole", "parts");
}

// ------------------------------------------------- training and evaluating under different physics

static void check_as_trained(void *user, const tendril_progress *p) {
  if (!p->evaluation) return;
  int *evaluations = user;
  cr_assert_not_null(p->as_trained);
  cr_assert_neq(p->as_trained->returns.mean, p->evaluation->returns.mean);
  (*evaluations)++;
}

static int columns(const char *run) {
  char *table = support_read_file(support_file_of(run, "evaluations.csv"), NULL);
  int n = 1;
  for (const char *c = table; *c != '\n'; c++)
    n += *c == ',';
  free(table);
  return n;
}

Test(train, a_training_under_other_physics_is_judged_under_the_tasks_own) {
  int evaluations = 0;
  tendril_run_hooks hooks = {.progress = check_as_trained, .user = &evaluations};
  integrator = "euler";
  tendril_train_result result = train("euler", 2, &hooks);
  cr_assert_eq(evaluations, 3);  // 95 and 100 % are reached by one iteration
  cr_assert(isfinite(result.held) && isfinite(result.held_as_trained));
  cr_assert_neq(result.held, result.held_as_trained);
  cr_assert_eq(columns("euler"), 20);

  // the last evaluation again, from the checkpoint
  tendril_trained t;
  check_ok(tendril_trained_open(support_tasks, support_file("euler"), "last", NULL, &t, check_err));
  tendril_agent *agent;
  tendril_pool *pool = support_pool(1);
  check_ok(tendril_agent_create(t.policy, false, &agent, check_err));
  const tendril_eval_options options = {.episodes = 3, .seed = 1, .series = 1};
  const tendril_model *models[2] = {t.task_model, t.model};
  const double expected[2] = {result.final, result.final_as_trained};
  static const char *const names[2] = {"rk4", "euler"};
  for (int i = 0; i < 2; i++) {
    tendril_eval_result again;
    cr_assert_str_eq(tendril_model_integrator(models[i]), names[i]);
    check_ok(tendril_evaluate(models[i], agent, pool, &options, &again, NULL, check_err));
    cr_assert_eq(again.returns.mean, expected[i]);
  }
  tendril_pool_destroy(pool);
  tendril_agent_destroy(agent);
  tendril_trained_close(&t);

  // who asks for physics gets them alone
  static const char *const chosen[] = {"physics_steps", "2", NULL};
  check_ok(tendril_trained_open(support_tasks, support_file("euler"), NULL, chosen, &t, check_err));
  cr_assert_null(t.task_model);
  cr_assert_eq(tendril_model_physics_steps(t.model), 2);
  tendril_trained_close(&t);
}

Test(train, a_training_under_the_tasks_own_physics_is_evaluated_once) {
  tendril_train_result own = train("own", 2, NULL);
  integrator = "rk4";  // the same by its name
  tendril_train_result named = train("named", 2, NULL);
  cr_assert(isnan(own.held_as_trained) && isnan(own.final_as_trained));
  cr_assert(isnan(named.held_as_trained) && isnan(named.final_as_trained));
  cr_assert_eq(columns("own"), 11);
  support_check_same_file(support_file_of("own", "evaluations.csv"),
                          support_file_of("named", "evaluations.csv"));
}

Test(train, a_run_evaluated_under_two_physics_resumes_to_the_bit) {
  integrator = "euler";
  tendril_train_result whole = train("whole", 2, NULL), parts;
  support_stop s = {.at = 7};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  train("parts", 1, &hooks);
  check_ok(tendril_train_resume(support_tasks, support_file("parts"), 2, NULL, &parts, check_err));
  check_same_checkpoints("whole", "parts");
  cr_assert_eq(parts.held_as_trained, whole.held_as_trained);
  cr_assert_eq(parts.final_as_trained, whole.final_as_trained);
  cr_assert_eq(parts.eval_steps, whole.eval_steps);
}

Test(train, a_run_of_a_task_with_a_goal_resumes_to_the_bit) {
  task = "double-link";
  integrator = "euler";
  train("whole", 2, NULL);
  support_stop s = {.at = 7};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  tendril_train_result parts;
  train("parts", 1, &hooks);
  check_ok(tendril_train_resume(support_tasks, support_file("parts"), 2, NULL, &parts, check_err));
  check_same_checkpoints("whole", "parts");
  cr_assert_eq(columns("whole"), 22);  // two more than without a goal
}

Test(train, a_run_on_many_grounds_resumes_to_the_bit) {
  uneven = true;
  train("whole", 2, NULL);
  tendril_train_result result;
  support_stop s = {.at = 7};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  train("parts", 1, &hooks);
  check_ok(tendril_train_resume(support_tasks, support_file("parts"), 2, NULL, &result, check_err));
  check_same_checkpoints("whole", "parts");
}

Test(train, a_run_whose_process_died_resumes_from_its_last_checkpoint) {
  train("whole", 2, NULL);
  // as kill -9 leaves it: logs and best are ahead of the checkpoint of iteration 8
  support_stop s = {.at = 11};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  train("dead", 2, &hooks);
  support_stop early = {.at = 8};
  tendril_run_hooks until_8 = support_stop_hooks(&early);
  train("donor", 1, &until_8);
  size_t size;
  char *last = support_read_file(support_file_of("donor", checkpoints[0]), &size);
  support_write_file(support_file_of("dead", checkpoints[0]), last, size);
  free(last);
  tendril_train_result result;
  check_ok(tendril_train_resume(support_tasks, support_file("dead"), 2, NULL, &result, check_err));
  check_same_checkpoints("whole", "dead");
}

static void note_evaluations(void *user, const tendril_progress *p) {
  if (p->evaluation) ((bool *)user)[p->iteration] = true;
}

Test(train, evaluates_at_the_iteration_that_reaches_the_percentage) {
  // 29, 57 and 58 of 100 are among those whose share times 100 is less than the whole number
  static const char *const settings[][2] = {{"run.iterations", "100"},
                                            {"run.eval_at", "29 57 58 100"},
                                            {"run.eval_episodes", "1"},
                                            {"rollout.batch", "4"},
                                            {"rollout.streams", "1"}};
  tendril_config *config = NULL;
  check_ok(
      tendril_config_create(support_tasks, "inverted-pendulum-v4", "trpo", &config, check_err));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    check_ok(tendril_config_set(config, settings[i][0], settings[i][1], check_err));
  bool evaluated[101] = {false};
  tendril_run_hooks hooks = {.progress = note_evaluations, .user = evaluated};
  tendril_train_result result;
  check_ok(tendril_train(config, support_tasks, support_file("run"), false, NULL, 1, &hooks,
                         &result, check_err));
  for (int i = 0; i <= 100; i++)
    cr_assert_eq(evaluated[i], i == 29 || i == 57 || i == 58 || i == 100, "iteration %d", i);
  tendril_config_destroy(config);
}

// ------------------------------------------------------------------------ run.eval_every

// Evaluations as the hook sees them.
typedef struct seen {
  int n;
  int64_t iteration[16];
  double mean[16];
} seen;

static void note_means(void *user, const tendril_progress *p) {
  seen *s = user;
  if (!p->evaluation) return;
  cr_assert_lt(s->n, 16);
  s->iteration[s->n] = p->iteration;
  s->mean[s->n++] = p->evaluation->returns.mean;
}

static void check_iterations(const char *run, const seen *s, const int *expected, int n) {
  cr_assert_eq(s->n, n);
  char *table = support_read_file(support_file_of(run, "evaluations.csv"), NULL);
  const char *row = table;
  for (int i = 0; i < n; i++) {
    cr_assert_eq(s->iteration[i], expected[i]);
    row = strchr(row, '\n') + 1;
    cr_assert_eq(strtol(row, NULL, 10), expected[i]);
  }
  cr_assert_eq(strchr(row, '\n')[1], '\0');  // no more rows
  free(table);
}

// The parameters in training, of the last checkpoint; [*n] the caller's.
static double *theta_of(const char *run, int64_t *n) {
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_read(support_file_of(run, checkpoints[0]), &tensors, check_err));
  *n = tnd_tensors_length(tensors, "policy.theta");
  double *theta = malloc(sizeof *theta * (size_t)*n);
  check_ok(tnd_tensors_get(tensors, "policy.theta", *n, 0, theta, check_err));
  tnd_tensors_destroy(tensors);
  return theta;
}

Test(train, evaluates_every_so_many_iterations_beside_the_percentages) {
  seen at = {0}, both = {0};
  tendril_run_hooks hooks = {.progress = note_means, .user = &at};
  const tendril_train_result without = train("without", 2, &hooks);
  check_iterations("without", &at, (int[]){6, 11, 12}, 3);  // 95 and 100 % are one
  every = "3";                                              // one of which is due by eval_at, too
  hooks.user = &both;
  const tendril_train_result with = train("with", 2, &hooks);
  check_iterations("with", &both, (int[]){3, 6, 9, 11, 12}, 5);
  // those of eval_at, and what the training does, are as without
  check_same_bits(((double[]){both.mean[1], both.mean[3], both.mean[4]}), at.mean, 3);
  check_same_bits(((double[]){with.held, with.final}), ((double[]){without.held, without.final}),
                  2);
  cr_assert_gt(with.eval_steps, without.eval_steps);
  int64_t na, nb;
  double *a = theta_of("without", &na), *b = theta_of("with", &nb);
  cr_assert_eq(na, nb);
  check_same_bits(b, a, na);
  free(a);
  free(b);
}

// A run of a pole on a cart that learns next to nothing and goes up and down; the hook compares
// the best of all evaluations with the checkpoint that is kept of it.
typedef struct judged {
  const char *run;
  int evaluations, worse;
  int64_t best_iteration;
  double best;
} judged;

static void check_best(void *user, const tendril_progress *p) {
  judged *j = user;
  if (!p->evaluation) return;
  if (j->evaluations++ == 0 || p->evaluation->returns.mean > j->best) {
    j->best = p->evaluation->returns.mean;
    j->best_iteration = p->iteration;
  } else {
    j->worse++;
  }
  tendril_trained t;
  check_ok(tendril_trained_open(support_tasks, support_file(j->run), "best", NULL, &t, check_err));
  cr_assert_eq(t.iteration, j->best_iteration);
  tendril_trained_close(&t);
}

Test(train, keeps_the_best_of_evaluations_before_the_first_percentage) {
  static const char *const settings[][2] = {{"run.iterations", "12"}, {"run.eval_at", "100"},
                                            {"run.eval_every", "1"},  {"run.eval_episodes", "3"},
                                            {"rollout.batch", "16"},  {"rollout.streams", "1"},
                                            {"learner.max_kl", "1"}};
  tendril_config *config = NULL;
  check_ok(
      tendril_config_create(support_tasks, "inverted-pendulum-v4", "trpo", &config, check_err));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    check_ok(tendril_config_set(config, settings[i][0], settings[i][1], check_err));
  judged j = {.run = "run"};
  tendril_run_hooks hooks = {.progress = check_best, .user = &j};
  tendril_train_result result;
  check_ok(tendril_train(config, support_tasks, support_file("run"), false, NULL, 1, &hooks,
                         &result, check_err));
  cr_assert_eq(j.evaluations, 12);
  cr_assert_gt(j.worse, 0);  // else the best would be the last whatever is kept
  cr_assert_eq(result.best, j.best);
  tendril_config_destroy(config);
}

Test(train, a_run_that_stops_before_the_first_percentage_knows_its_best) {
  every = "2";
  train("whole", 2, NULL);
  // no evaluation yet
  support_stop s = {.at = 1};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  tendril_train_result result = train("parts", 1, &hooks), again;
  cr_assert(isnan(result.best) && isnan(result.final) && isnan(result.held));
  cr_assert_eq(result.eval_steps, 0);
  // two of eval_every, none of eval_at
  s = (support_stop){.at = 5};
  check_ok(
      tendril_train_resume(support_tasks, support_file("parts"), 2, &hooks, &result, check_err));
  cr_assert(isfinite(result.best) && isnan(result.final));
  // and from the checkpoint alone
  s = (support_stop){.flag = 1};
  check_ok(
      tendril_train_resume(support_tasks, support_file("parts"), 2, &hooks, &again, check_err));
  cr_assert_eq(again.iterations, 5);
  cr_assert_eq(again.best, result.best);
  cr_assert_eq(again.eval_steps, result.eval_steps);
  check_ok(tendril_train_resume(support_tasks, support_file("parts"), 3, NULL, &result, check_err));
  cr_assert(result.finished && result.best >= again.best);
  check_same_checkpoints("whole", "parts");
}

Test(train, evaluations_of_every_so_many_iterations_are_under_both_physics) {
  int evaluations = 0;
  tendril_run_hooks hooks = {.progress = check_as_trained, .user = &evaluations};
  integrator = "euler";
  const tendril_train_result without = train("without", 2, &hooks);
  cr_assert_eq(evaluations, 3);
  every = "4";
  const tendril_train_result with = train("with", 2, &hooks);
  cr_assert_eq(evaluations, 3 + 5);  // at 4, 6, 8, 11, 12
  check_same_bits(((double[]){with.held_as_trained, with.final_as_trained}),
                  ((double[]){without.held_as_trained, without.final_as_trained}), 2);
}

// What a file says, as spaces.
static void blank(const char *path, const char *what) {
  size_t size;
  char *bytes = support_read_file(path, &size), *found = NULL;
  for (size_t i = 0; i + strlen(what) <= size && !found; i++)
    if (memcmp(bytes + i, what, strlen(what)) == 0) found = bytes + i;
  cr_assert_not_null(found, "%s has no %s", path, what);
  memset(found, ' ', strlen(what));
  support_write_file(path, bytes, size);
  free(bytes);
}

Test(train, a_run_from_before_eval_every_goes_on_as_without_it) {
  train("whole", 2, NULL);
  support_stop s = {.at = 7};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  train("old", 2, &hooks);
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_read(support_file_of("old", checkpoints[0]), &tensors, check_err));
  cr_assert_eq(tnd_tensors_length(tensors, "run.other_evaluations"), -1);
  tnd_tensors_destroy(tensors);
  // the option did not exist: neither file has it
  blank(support_file_of("old", "config.json"), "\"eval_every\": 0,");
  blank(support_file_of("old", checkpoints[0]), "\\\"eval_every\\\": 0,");
  tendril_train_result result;
  check_ok(tendril_train_resume(support_tasks, support_file("old"), 2, NULL, &result, check_err));
  check_same_checkpoints("whole", "old");
}

Test(train, a_count_of_evaluations_that_makes_no_sense_is_refused) {
  every = "2";
  tnd_checkpoint checkpoint = {.config = small_config()};
  const int64_t counts[] = {0, 5, -1, INT64_C(9007199254740992)}, counters[2] = {0, 0};
  const double means[TENDRIL_MAX_SIZES] = {0}, best = 3;
  for (int i = 0; i < 5; i++) {  // the last without one
    tnd_run_state state = {.others = 7};
    tendril_error err = {{0}};
    check_ok(tnd_tensors_create(&checkpoint.tensors, check_err));
    check_ok(tnd_tensors_put_ints(checkpoint.tensors, "run.counters", 2, counters, check_err));
    check_ok(tnd_tensors_put(checkpoint.tensors, "run.eval_mean", TENDRIL_MAX_SIZES, 0, means,
                             check_err));
    check_ok(tnd_tensors_put(checkpoint.tensors, "run.best", 1, 0, &best, check_err));
    if (i < 4)
      check_ok(tnd_tensors_put_ints(checkpoint.tensors, "run.other_evaluations", 1, &counts[i],
                                    check_err));
    const tendril_status status = tnd_checkpoint_state(&checkpoint, &state, &err);
    if (i < 2) {
      cr_assert_eq(status, TENDRIL_OK, "%s", err.text);
      cr_assert_eq(state.others, counts[i]);
    } else {
      check_refused(status, TENDRIL_E_FORMAT, &err, "run.other_evaluations");
      cr_assert_eq(state.others, 7);
    }
    tnd_tensors_destroy(checkpoint.tensors);
  }
  tendril_config_destroy(checkpoint.config);
}

// ------------------------------------------------------------------------ folders and files

Test(train, a_finished_run_resumes_to_itself) {
  train("run", 2, NULL);
  tendril_train_result result;
  check_ok(tendril_train_resume(support_tasks, support_file("run"), 1, NULL, &result, check_err));
  cr_assert(result.finished);
  cr_assert_eq(result.iterations, 12);
}

Test(train, an_existing_run_is_kept_without_force_and_replaced_with_it) {
  train("run", 1, NULL);
  tendril_config *config = small_config();
  tendril_train_result result;
  tendril_error err = {{0}};
  const char *run = support_file("run");
  check_refused(tendril_train(config, support_tasks, run, false, NULL, 1, NULL, &result, &err),
                TENDRIL_E_EXISTS, &err, "--force");
  cr_assert_eq(tendril_train(config, support_tasks, run, true, NULL, 1, NULL, &result, &err),
               TENDRIL_OK);
  // a folder that no run made is left alone, force or not
  cr_assert_eq(mkdir(support_file("mine"), 0755), 0);
  support_write_file(support_file_of("mine", "thesis.txt"), "words", 5);
  check_refused(tendril_train(config, support_tasks, support_file("mine"), true, NULL, 1, NULL,
                              &result, &err),
                TENDRIL_E_EXISTS, &err, "no run wrote");
  free(support_read_file(support_file_of("mine", "thesis.txt"), NULL));
  // a file where the folder should be
  support_write_file(support_file("file"), "x", 1);
  cr_assert_neq(tendril_train(config, support_tasks, support_file("file"), true, NULL, 1, NULL,
                              &result, &err),
                TENDRIL_OK);
  tendril_config_destroy(config);
}

Test(train, a_changed_configuration_is_not_resumed) {
  support_stop s = {.at = 3};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  train("run", 1, &hooks);
  char *text = support_read_file(support_file_of("run", "config.json"), NULL);
  char *found = strstr(text, "\"max_kl\": 0.01");
  cr_assert_not_null(found);
  memcpy(found, "\"max_kl\": 0.02", strlen("\"max_kl\": 0.02"));
  support_write_file(support_file_of("run", "config.json"), text, strlen(text));
  free(text);
  tendril_train_result result;
  tendril_error err = {{0}};
  check_refused(tendril_train_resume(support_tasks, support_file("run"), 1, NULL, &result, &err),
                TENDRIL_E_CONFIG, &err, "config.json");
}

Test(train, a_damaged_or_foreign_checkpoint_is_refused_at_any_place) {
  support_stop s = {.at = 2};
  tendril_run_hooks hooks = support_stop_hooks(&s);
  train("run", 1, &hooks);
  char path[512];
  snprintf(path, sizeof path, "%s", support_file_of("run", checkpoints[0]));
  size_t size;
  char *whole = support_read_file(path, &size);
  cr_assert_gt(size, sizeof(double));
  tendril_trained trained;
  tendril_error err = {{0}};
  for (size_t cut = 0; cut < size; cut += 1 + size / 97) {
    support_write_file(path, whole, cut);
    cr_assert_neq(tendril_trained_open(support_tasks, path, NULL, NULL, &trained, &err),
                  TENDRIL_OK);
    cr_assert(strstr(err.text, "last.safetensors"), "%s", err.text);
  }
  // NaN in the policy's parameters
  char *nan_inside = malloc(size);
  memcpy(nan_inside, whole, size);
  const double bad = (double)NAN;
  memcpy(nan_inside + size - sizeof bad * 1, &bad, sizeof bad);
  support_write_file(path, nan_inside, size);
  free(nan_inside);
  tendril_train_result result;
  tendril_status status =
      tendril_train_resume(support_tasks, support_file("run"), 1, NULL, &result, &err);
  cr_assert(status == TENDRIL_E_NUMERIC || status == TENDRIL_E_FORMAT, "%s", err.text);
  free(whole);
}

Test(train, a_run_starts_from_another_runs_policy) {
  train("first", 1, NULL);
  tendril_config *config = small_config();
  tendril_train_result result;
  check_ok(tendril_config_set(config, "run.iterations", "1", check_err));
  check_ok(tendril_config_set(config, "learner.max_kl", "1e-8", check_err));
  char first[512];
  snprintf(first, sizeof first, "%s", support_file("first"));
  const tendril_train_start start = {.from = first};
  check_ok(tendril_train(config, support_tasks, support_file("second"), false, &start, 1, NULL,
                         &result, check_err));
  tendril_trained a, b;
  check_ok(tendril_trained_open(support_tasks, support_file("first"), NULL, NULL, &a, check_err));
  check_ok(
      tendril_trained_open(support_tasks, support_file("second"), "last", NULL, &b, check_err));
  // a step of KL 1e-8 leaves the parameters where the first run had them
  check_all_close(tendril_policy_get_params(b.policy), tendril_policy_get_params(a.policy),
                  tendril_policy_nparam(a.policy), 1e-2);
  tendril_trained_close(&a);
  tendril_trained_close(&b);
  // another shape is refused
  tendril_error err = {{0}};
  check_ok(tendril_config_set(config, "policy.hidden", "32", check_err));
  check_refused(tendril_train(config, support_tasks, support_file("third"), false, &start, 1, NULL,
                              &result, &err),
                TENDRIL_E_CONFIG, &err, "policy");
  tendril_config_destroy(config);
}

Test(train, checkpoints_are_found_by_name_and_iteration) {
  train("run", 1, NULL);
  tendril_trained t;
  tendril_error err = {{0}};
  char run[512];
  snprintf(run, sizeof run, "%s", support_file("run"));
  check_ok(tendril_trained_open(support_tasks, run, "10", NULL, &t, check_err));
  cr_assert_eq(t.iteration, 10);
  cr_assert_eq(t.steps, 5120);
  tendril_trained_close(&t);
  check_refused(tendril_trained_open(support_tasks, run, "11", NULL, &t, &err), TENDRIL_E_IO, &err,
                "no such checkpoint");
  check_refused(tendril_trained_open(support_tasks, run, "newest", NULL, &t, &err),
                TENDRIL_E_ARGUMENT, &err, "best, last");
  check_refused(tendril_trained_open(support_tasks, support_file("nowhere"), NULL, NULL, &t, &err),
                TENDRIL_E_IO, &err, "nowhere");
  // the physics of an evaluation may differ from that of the training
  const char *const sim[] = {"integrator", "euler", "physics_steps", "1", NULL};
  check_ok(tendril_trained_open(support_tasks, run, "last", sim, &t, check_err));
  cr_assert_eq(tendril_model_physics_steps(t.model), 1);
  check_close(tendril_model_seconds(t.model), 0.008, 1e-15);  // 4 x 0.002, one rounding
  tendril_trained_close(&t);
}

// -------------------------------------------------------------------------- the picture of a run

// A program of gnuplot's name that runs a shell script.
static void pretend_gnuplot(const char *commands) {
  char text[512];
  snprintf(text, sizeof text, "#!/bin/sh\n%s\n", commands);
  const char *path = support_file("gnuplot");
  support_write_file(path, text, strlen(text));
  cr_assert_eq(chmod(path, 0755), 0);
  snprintf(text, sizeof text, "%s:/bin:/usr/bin", support_folder);
  setenv("PATH", text, 1);
}

Test(train, leaves_a_picture_of_its_curves) {
  train("run", 2, NULL);
  char *text = support_read_file(support_file_of("run", "curves.svg"), NULL);
  cr_assert(strstr(text, "<svg") && strstr(text, "hopper-v4, trpo, seed 1"));
  free(text);
}

Test(train, draws_once_an_evaluation_and_at_its_end) {
  pretend_gnuplot("cat >/dev/null; echo drawn >>$0.log; echo picture");
  train("run", 1, NULL);  // evaluations at 50, 90 (11 iterations), 95 and 100 %
  char *log = support_read_file(support_file("gnuplot.log"), NULL);
  cr_assert_geq(strlen(log), strlen("drawn\ndrawn\n"));
  cr_assert_leq(strlen(log), 3 * strlen("drawn\n"));
  free(log);
}

Test(train, is_the_same_without_gnuplot_and_with_a_broken_one) {
  train("with", 2, NULL);
  setenv("PATH", "/nowhere", 1);
  train("without", 2, NULL);
  check_same_checkpoints("with", "without");
  cr_assert_neq(access(support_file_of("without", "curves.svg"), F_OK), 0);
  pretend_gnuplot("echo broken >&2; exit 1");
  train("broken", 2, NULL);
  check_same_checkpoints("with", "broken");
  cr_assert_neq(access(support_file_of("broken", "curves.svg"), F_OK), 0);
}

static tendril_status train_once(void *context, tendril_error *err) {
  (void)context;
  tendril_config *config = NULL;
  tendril_train_result result;
  tendril_status status =
      tendril_config_create(support_tasks, "inverted-pendulum-v4", "trpo", &config, err);
  static const char *const settings[][2] = {{"run.iterations", "1"}, {"run.eval_episodes", "1"},
                                            {"rollout.batch", "16"}, {"rollout.streams", "1"},
                                            {"policy.hidden", "4"},  {"critic.hidden", "4"},
                                            {"run.keep_every", "0"}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0] && status == TENDRIL_OK; i++)
    status = tendril_config_set(config, settings[i][0], settings[i][1], err);
  if (status == TENDRIL_OK)
    status = tendril_train(config, support_tasks, support_file("scarce"), true, NULL, 1, NULL,
                           &result, err);
  tendril_config_destroy(config);
  return status;
}

Test(train, averages_the_parameters_of_the_policy_that_a_checkpoint_stands_for) {
  tendril_config *config = small_config();
  check_ok(tendril_config_set(config, "run.keep_every", "1", check_err));
  check_ok(tendril_config_set(config, "run.average", "0.75", check_err));
  tendril_train_result result;
  check_ok(tendril_train(config, support_tasks, support_file("a"), false, NULL, 1, NULL, &result,
                         check_err));
  tendril_config_destroy(config);
  double *average = NULL, *theta = NULL;
  for (int k = 1; k <= 12; k++) {
    char name[16];
    snprintf(name, sizeof name, "%d", k);
    tendril_trained trained;
    check_ok(
        tendril_trained_open(support_tasks, support_file("a"), name, NULL, &trained, check_err));
    const int nparam = tendril_policy_nparam(trained.policy);
    const double *opened = tendril_policy_get_params(trained.policy);
    if (!theta) {
      // the average starts at the fresh policy's parameters
      theta = malloc(sizeof *theta * (size_t)nparam);
      average = malloc(sizeof *average * (size_t)nparam);
      tendril_policy *fresh;
      check_ok(tendril_policy_create(&trained.config->policy, tendril_model_nobs(trained.model),
                                     tendril_model_nact(trained.model),
                                     tendril_model_max_steps(trained.model), 1, &fresh, check_err));
      memcpy(average, tendril_policy_get_params(fresh), sizeof *average * (size_t)nparam);
      tendril_policy_destroy(fresh);
    }
    tnd_tensors *tensors = NULL;
    check_ok(tnd_tensors_read(trained.path, &tensors, check_err));
    check_ok(tnd_tensors_get(tensors, "policy.theta", nparam, 0, theta, check_err));
    for (int i = 0; i < nparam; i++)
      average[i] = 0.75 * average[i] + 0.25 * theta[i];
    check_same_bits(opened, average, nparam);
    tnd_tensors_destroy(tensors);
    tendril_trained_close(&trained);
  }
  free(theta);
  free(average);
}

Test(train, every_failed_allocation_is_a_clean_error, .timeout = 250) {
  pretend_gnuplot("cat");  // gnuplot itself would have to be waited for hundreds of times
  cr_assert_gt(support_fail_each_alloc(train_once, NULL), 50);
}
