// The driver around a learner: iterate, evaluate, log, save; stop and resume. What depends on the
// clock goes to the logs and to the hook, never into a checkpoint.
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "policy/policy.h"
#include "run/checkpoint.h"
#include "run/curve_sketch.h"
#include "run/demonstration.h"
#include "run/folder.h"
#include "run/log.h"
#include "run/versions.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define EVAL_SERIES 1  // start states of the evaluations during training; `tendril eval` uses 0

typedef struct run {
  const tendril_config *config;
  const tendril_run_hooks *hooks;
  tnd_folder folder;
  tendril_pool *pool;
  tendril_model *model;
  tendril_model *task_model;  // under the task's own physics, if the training's are others; or NULL
  tnd_demonstrations demonstrations;
  tendril_policy *policy;
  tendril_policy *judged;  // the one that is evaluated: `policy`, or one with averaged parameters
  tendril_agent *agent;    // its mean actions
  tendril_learner *learner;
  tnd_log *log;
  tnd_drawing *drawing;  // curves.svg, while gnuplot is at it
  int64_t drawn;         // iteration that the last drawing began after
  tnd_run_state state;
  int nstat;
  double *values;  // [nstat]
  double begin;    // wall clock
  double begin_cpu, eval_cpu;
  double first_fraction;
} run;

// ------------------------------------------------------------------------------- set-up

static tendril_status check(const tendril_config *config, tendril_error *err) {
  const tendril_sizes *at = &config->run.eval_at;
  for (int i = 1; i < at->n; i++)
    if (at->at[i] <= at->at[i - 1])
      return tnd_fail(err, TENDRIL_E_CONFIG,
                      "run.eval_at: %d after %d; the percentages must ascend", at->at[i],
                      at->at[i - 1]);
  return TENDRIL_OK;
}

// What the option `average` needs.
static tendril_status create_average(run *r, tendril_error *err) {
  const tendril_config *c = r->config;
  r->judged = r->policy;
  if (c->run.average == 0) return TENDRIL_OK;
  const int nparam = tendril_policy_nparam(r->policy);
  tendril_policy *judged;
  TENDRIL_TRY(tendril_policy_create(&c->policy, tendril_model_nobs(r->model),
                                    tendril_model_nact(r->model), tendril_model_max_steps(r->model),
                                    (uint64_t)c->run.seed, &judged, err));
  r->judged = judged;
  r->state.average = tnd_alloc(sizeof *r->state.average * (size_t)nparam);
  if (!r->state.average) return tnd_fail_memory(err);
  r->state.naverage = nparam;
  return TENDRIL_OK;
}

static tendril_status check_files(const tendril_demonstration_options *o,
                                  const tendril_train_start *start, tendril_error *err) {
  if (start->ndemonstration == 0) return TENDRIL_OK;
  if (start->ndemonstration != o->count)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "demonstration.count: %lld, but %d trajectories are given; it must be as many",
                    (long long)o->count, start->ndemonstration);
  if (o->steps == 0)
    return tnd_fail(
        err, TENDRIL_E_CONFIG,
        "%.400s: demonstration.steps is 0, so nothing of it would be used; say how many "
        "steps of it",
        start->demonstrations[0]);
  return TENDRIL_OK;
}

// Made anew, or those of the checkpoint that the run goes on from.
static tendril_status create_demonstrations(run *r, const tendril_tasks *tasks,
                                            const tendril_train_start *start,
                                            const tnd_checkpoint *checkpoint, tendril_error *err) {
  tnd_demonstrations *d = &r->demonstrations;
  if (checkpoint) {
    TENDRIL_TRY(tnd_demonstrations_create(r->config, r->model, d, err));
    TENDRIL_TRY(tnd_demonstrations_load(d, checkpoint->tensors, err));
  } else {
    TENDRIL_TRY(check_files(&r->config->demonstration, start, err));
    const char *const *files = start->ndemonstration ? start->demonstrations : NULL;
    TENDRIL_TRY(tnd_demonstrations_make(r->config, tasks, r->model, files, r->pool, d, err));
  }
  TENDRIL_TRY(tnd_demonstrations_start(d, r->config, r->model, err));
  return r->task_model ? tnd_demonstrations_start(d, r->config, r->task_model, err) : TENDRIL_OK;
}

// checkpoint: what the run goes on from, or NULL; then start counts
static tendril_status create_parts(run *r, const tendril_tasks *tasks,
                                   const tendril_train_start *start,
                                   const tnd_checkpoint *checkpoint, int threads,
                                   tendril_error *err) {
  const tendril_config *c = r->config;
  TENDRIL_TRY(check(c, err));
  TENDRIL_TRY(tendril_pool_create(threads, &r->pool, err));
  TENDRIL_TRY(tnd_config_models(c, tasks, &r->model, &r->task_model, err));
  r->state.two_physics = r->task_model != NULL;
  TENDRIL_TRY(create_demonstrations(r, tasks, start, checkpoint, err));
  const int nobs = tendril_model_nobs(r->model), nact = tendril_model_nact(r->model);
  const uint64_t seed = (uint64_t)c->run.seed;
  TENDRIL_TRY(tendril_policy_create(&c->policy, nobs, nact, tendril_model_max_steps(r->model), seed,
                                    &r->policy, err));
  tendril_learner_setup setup = {.model = r->model,
                                 .pool = r->pool,
                                 .policy = r->policy,
                                 .seed = seed,
                                 .rollout = c->rollout,
                                 .critic = c->critic,
                                 .demonstrations = r->demonstrations.of,
                                 .ndemonstration = r->demonstrations.n};
  TENDRIL_TRY(c->method->create(c->learner, &setup, &r->learner, err));
  TENDRIL_TRY(create_average(r, err));
  TENDRIL_TRY(tendril_agent_create(r->judged, false, &r->agent, err));
  tendril_learner_get_stats(r->learner, &r->nstat);
  r->values = tnd_alloc(sizeof *r->values * (size_t)r->nstat);
  return r->values ? TENDRIL_OK : tnd_fail_memory(err);
}

static void destroy_parts(run *r) {
  tnd_drawing_abandon(r->drawing);
  tnd_log_close(r->log);
  tendril_learner_destroy(r->learner);
  tendril_agent_destroy(r->agent);
  if (r->judged != r->policy) tendril_policy_destroy(r->judged);
  tendril_policy_destroy(r->policy);
  tnd_demonstrations_free(&r->demonstrations);
  tendril_model_destroy(r->task_model);
  tendril_model_destroy(r->model);
  tendril_pool_destroy(r->pool);
  tnd_free(r->values);
  tnd_free(r->state.average);
}

// config.json: the resolved configuration, and what it was run with.
static tendril_status write_config(const run *r, tendril_error *err) {
  char *text = NULL, *full = NULL;
  cJSON *object = NULL;
  tendril_status status = tendril_config_print(r->config, &text, err);
  if (status == TENDRIL_OK)
    status = tnd_json_parse(text, strlen(text), r->folder.config, &object, err);
  if (status == TENDRIL_OK) status = tnd_versions_write(object, err);
  if (status == TENDRIL_OK) status = tnd_json_print(object, &full, err);
  if (status == TENDRIL_OK) status = tnd_file_write(r->folder.config, full, strlen(full), err);
  cJSON_Delete(object);
  tnd_free(full);
  tendril_text_destroy(text);
  return status;
}

// ------------------------------------------------------------------------------- one iteration

// One division: a percentage that is reached exactly is the whole number that eval_at holds.
static double percent_done(const run *r) {
  const tendril_run_options *o = &r->config->run;
  double percent =
      o->iterations > 0
          ? 100.0 * (double)tendril_learner_iterations(r->learner) / (double)o->iterations
          : 100.0 * (double)tendril_learner_steps(r->learner) / (double)o->steps;
  return percent < 100 ? percent : 100;
}

static double fraction_done(const run *r) {
  return percent_done(r) / 100;
}

static tendril_status save(const run *r, const char *path, tendril_error *err) {
  return tnd_checkpoint_write(path, r->config, r->policy, r->learner, &r->demonstrations, &r->state,
                              err);
}

// The evaluation that is due by eval_at, eval_every or both, if one is; *made tells. Under the
// task's own physics: what a policy is judged by; as_trained is filled if the training's are
// others.
static tendril_status evaluate(run *r, tendril_eval_result *result, tendril_eval_result *as_trained,
                               bool *made, tendril_error *err) {
  const tendril_run_options *o = &r->config->run;
  int due = r->state.evaluations;
  const double percent = percent_done(r);
  while (due < o->eval_at.n && o->eval_at.at[due] <= percent)
    due++;
  const bool at = due > r->state.evaluations;
  const bool every = o->eval_every && tendril_learner_iterations(r->learner) % o->eval_every == 0;
  *made = at || every;
  if (!*made) return TENDRIL_OK;

  tendril_eval_options options = {
      .episodes = (int)o->eval_episodes, .seed = (uint64_t)o->seed, .series = EVAL_SERIES};
  if (r->state.naverage) {
    TENDRIL_TRY(tnd_policy_copy(r->judged, r->policy, err));
    TENDRIL_TRY(tendril_policy_set_params(r->judged, r->state.average, err));
  }
  const tendril_model *judge = r->task_model ? r->task_model : r->model;
  TENDRIL_TRY(tendril_evaluate(judge, r->agent, r->pool, &options, result, NULL, err));
  r->state.eval_steps += result->steps;
  if (r->task_model) {
    TENDRIL_TRY(tendril_evaluate(r->model, r->agent, r->pool, &options, as_trained, NULL, err));
    r->state.eval_steps += as_trained->steps;
  }
  // a long iteration may reach several percentages: all have this evaluation's result
  const bool first = r->state.evaluations == 0 && r->state.others == 0;
  const bool best = first || result->returns.mean > r->state.best;
  r->state.others += !at;
  while (r->state.evaluations < due) {
    if (r->task_model) r->state.as_trained[r->state.evaluations] = as_trained->returns.mean;
    r->state.eval_mean[r->state.evaluations++] = result->returns.mean;
  }
  if (best) {
    r->state.best = result->returns.mean;
    TENDRIL_TRY(save(r, r->folder.best, err));
  }
  return tnd_log_evaluation(r->log, tendril_learner_iterations(r->learner),
                            tendril_learner_steps(r->learner), result,
                            r->task_model ? as_trained : NULL, err);
}

// A training is as good without its picture (no gnuplot, a full disk): only memory is an error.
static tendril_status unless_memory(tendril_status status, tendril_error *err) {
  return status == TENDRIL_E_MEMORY ? tnd_fail_memory(err) : TENDRIL_OK;
}

static tendril_status finish_picture(run *r, tendril_error *err) {
  tnd_drawing *drawing = r->drawing;
  r->drawing = NULL;
  return drawing ? unless_memory(tnd_drawing_finish(drawing, NULL), err) : TENDRIL_OK;
}

// curves.svg anew; gnuplot is at work while the training goes on. If it still has the one before,
// this one is left out.
static tendril_status draw_picture(run *r, tendril_error *err) {
  if (r->drawing && !tnd_drawing_ready(r->drawing)) return TENDRIL_OK;
  TENDRIL_TRY(finish_picture(r, err));
  r->drawn = tendril_learner_iterations(r->learner);
  return unless_memory(tnd_curve_sketch(r->folder.root, &r->drawing, NULL), err);
}

// The last one, with a patience of ten seconds: a program that hangs must not hold up a result.
static tendril_status draw_last_picture(run *r, tendril_error *err) {
  const struct timespec moment = {.tv_nsec = 5000000};
  for (int turn = 0; turn < 2; turn++) {
    for (int i = 0; i < 2000 && r->drawing && !tnd_drawing_ready(r->drawing); i++)
      nanosleep(&moment, NULL);
    if (r->drawing && !tnd_drawing_ready(r->drawing)) return TENDRIL_OK;
    TENDRIL_TRY(finish_picture(r, err));
    if (turn == 0 && r->drawn != tendril_learner_iterations(r->learner))
      TENDRIL_TRY(draw_picture(r, err));
  }
  return TENDRIL_OK;
}

static void report(const run *r, const tendril_eval_result *evaluation,
                   const tendril_eval_result *as_trained) {
  if (!r->hooks || !r->hooks->progress) return;
  tendril_progress p = {.iteration = tendril_learner_iterations(r->learner),
                        .steps = tendril_learner_steps(r->learner),
                        .fraction = fraction_done(r),
                        .seconds = tnd_clock_wall() - r->begin,
                        .values = r->values,
                        .evaluation = evaluation,
                        .as_trained = as_trained};
  p.stats = tendril_learner_get_stats(r->learner, &p.nstat);
  double gained = p.fraction - r->first_fraction;
  p.eta = gained > 0 ? p.seconds * (1 - p.fraction) / gained : (double)NAN;
  r->hooks->progress(r->hooks->user, &p);
}

// average <- decay average + (1 - decay) theta; before the first iteration it is theta itself.
static void average(run *r, double decay) {
  const double *theta = tendril_policy_get_params(r->policy);
  for (int i = 0; i < r->state.naverage; i++)
    r->state.average[i] = decay * r->state.average[i] + (1 - decay) * theta[i];
}

// One iteration with all that follows it.
static tendril_status advance(run *r, tendril_error *err) {
  const tendril_run_options *o = &r->config->run;
  const int64_t steps_before = tendril_learner_steps(r->learner);
  const double wall = tnd_clock_wall(), cpu = tnd_clock_process();
  tendril_learner_set_progress(r->learner, fraction_done(r));
  TENDRIL_TRY(tendril_learner_iterate(r->learner, r->values, err));
  average(r, o->average);
  const int64_t iteration = tendril_learner_iterations(r->learner);
  const int64_t steps = tendril_learner_steps(r->learner);
  const double now = tnd_clock_wall();
  const tnd_log_times times = {
      .since_start = now - r->begin, .wall = now - wall, .cpu = tnd_clock_process() - cpu};
  TENDRIL_TRY(
      tnd_log_iteration(r->log, iteration, steps, steps - steps_before, r->values, &times, err));

  tendril_eval_result result, as_trained;
  bool evaluated;
  const double cpu_evaluate = tnd_clock_process();
  TENDRIL_TRY(evaluate(r, &result, &as_trained, &evaluated, err));
  r->eval_cpu += tnd_clock_process() - cpu_evaluate;
  if (evaluated) TENDRIL_TRY(draw_picture(r, err));
  if (o->keep_every && iteration % o->keep_every == 0) {
    char path[TND_PATH_MAX];
    TENDRIL_TRY(tnd_folder_kept(&r->folder, iteration, path, err));
    TENDRIL_TRY(save(r, path, err));
  }
  if (iteration % o->save_every == 0) {
    TENDRIL_TRY(tnd_log_sync(r->log, err));
    TENDRIL_TRY(save(r, r->folder.last, err));
  }
  report(r, evaluated ? &result : NULL, evaluated && r->task_model ? &as_trained : NULL);
  return TENDRIL_OK;
}

static bool asked_to_stop(const run *r) {
  return r->hooks && r->hooks->stop && *r->hooks->stop;
}

// Mean of the evaluations at 90, 95 and 100 %; means [evaluations] are their mean returns.
static double held(const run *r, const double *means) {
  const tendril_sizes *at = &r->config->run.eval_at;
  double sum = 0;
  int found = 0;
  for (int i = 0; i < r->state.evaluations; i++)
    if (at->at[i] == 90 || at->at[i] == 95 || at->at[i] == 100) {
      sum += means[i];
      found++;
    }
  return found == 3 ? sum / 3 : (double)NAN;
}

static tendril_status train(run *r, tendril_train_result *result, tendril_error *err) {
  r->begin = tnd_clock_wall();
  r->begin_cpu = tnd_clock_process();
  r->first_fraction = fraction_done(r);
  while (fraction_done(r) < 1 && !asked_to_stop(r))
    TENDRIL_TRY(advance(r, err));
  TENDRIL_TRY(tnd_log_sync(r->log, err));
  TENDRIL_TRY(save(r, r->folder.last, err));
  TENDRIL_TRY(draw_last_picture(r, err));
  const int n = r->state.evaluations;
  const double *as_trained = r->task_model && n ? r->state.as_trained : NULL;
  *result =
      (tendril_train_result){.finished = fraction_done(r) >= 1,
                             .iterations = tendril_learner_iterations(r->learner),
                             .steps = tendril_learner_steps(r->learner),
                             .eval_steps = r->state.eval_steps,
                             .held = held(r, r->state.eval_mean),
                             .best = n || r->state.others ? r->state.best : (double)NAN,
                             .final = n ? r->state.eval_mean[n - 1] : (double)NAN,
                             .held_as_trained = as_trained ? held(r, as_trained) : (double)NAN,
                             .final_as_trained = as_trained ? as_trained[n - 1] : (double)NAN,
                             .seconds = tnd_clock_wall() - r->begin,
                             .cpu_seconds = tnd_clock_process() - r->begin_cpu,
                             .eval_seconds = r->eval_cpu};
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------- entry points

// The policy of another run as the start, sizes and kind being equal.
static tendril_status start_from(run *r, const tendril_tasks *tasks, const char *from,
                                 tendril_error *err) {
  tendril_trained trained;
  TENDRIL_TRY(tendril_trained_open(tasks, from, NULL, NULL, &trained, err));
  tendril_status status = tnd_policy_copy(r->policy, trained.policy, err);
  tendril_trained_close(&trained);
  return status;
}

static tendril_status open_log(run *r, bool resume, tendril_error *err) {
  const tendril_stat *stats = tendril_learner_get_stats(r->learner, &r->nstat);
  const bool goal = tendril_model_task(r->model)->goal != NULL;
  return tnd_log_open(&r->folder, stats, r->nstat, r->task_model != NULL, goal, resume,
                      tendril_learner_iterations(r->learner), tendril_learner_steps(r->learner),
                      &r->log, err);
}

tendril_status tendril_train(const tendril_config *config, const tendril_tasks *tasks,
                             const char *folder, bool force, const tendril_train_start *start,
                             int threads, const tendril_run_hooks *hooks,
                             tendril_train_result *result, tendril_error *err) {
  const tendril_train_start nothing = {.from = NULL};
  run r = {.config = config, .hooks = hooks};
  if (!start) start = &nothing;
  tendril_status status = tnd_folder_paths(folder, &r.folder, err);
  // before anything that takes its time
  if (status == TENDRIL_OK) status = tnd_folder_check_free(&r.folder, force, err);
  if (status == TENDRIL_OK) status = create_parts(&r, tasks, start, NULL, threads, err);
  if (status == TENDRIL_OK && start->from) status = start_from(&r, tasks, start->from, err);
  if (status == TENDRIL_OK) average(&r, 0);
  if (status == TENDRIL_OK) status = tnd_folder_start(&r.folder, force, err);
  if (status == TENDRIL_OK) {
    status = write_config(&r, err);
    if (status == TENDRIL_OK) status = open_log(&r, false, err);
    if (status == TENDRIL_OK) status = save(&r, r.folder.last, err);
    if (status != TENDRIL_OK) tnd_folder_abandon(&r.folder);
  }
  if (status == TENDRIL_OK) status = train(&r, result, err);
  destroy_parts(&r);
  return status;
}

// config.json must still say what the checkpoint was made with.
static tendril_status check_unchanged(const run *r, const tendril_tasks *tasks,
                                      tendril_error *err) {
  cJSON *object = NULL;
  tendril_config *now = NULL;
  char *a = NULL, *b = NULL;
  tendril_status status = tnd_json_read(r->folder.config, &object, err);
  if (status == TENDRIL_OK) status = tnd_config_parse(tasks, object, r->folder.config, &now, err);
  if (status == TENDRIL_OK) status = tendril_config_print(now, &a, err);
  if (status == TENDRIL_OK) status = tendril_config_print(r->config, &b, err);
  if (status == TENDRIL_OK && strcmp(a, b) != 0)
    status = tnd_fail(err, TENDRIL_E_CONFIG,
                      "%.400s: differs from the configuration in checkpoints/last; a resumed run "
                      "keeps its own, start a new one with --from",
                      r->folder.config);
  tendril_text_destroy(a);
  tendril_text_destroy(b);
  tendril_config_destroy(now);
  cJSON_Delete(object);
  return status;
}

static tendril_status load_parts(run *r, const tnd_checkpoint *checkpoint, tendril_error *err) {
  TENDRIL_TRY(tnd_policy_load(r->policy, checkpoint->tensors, err));
  TENDRIL_TRY(tnd_learner_load(r->learner, checkpoint->tensors, err));
  return tnd_checkpoint_state(checkpoint, &r->state, err);
}

tendril_status tendril_train_resume(const tendril_tasks *tasks, const char *folder, int threads,
                                    const tendril_run_hooks *hooks, tendril_train_result *result,
                                    tendril_error *err) {
  run r = {.hooks = hooks};
  tnd_checkpoint checkpoint = {0};
  tendril_status status = tnd_folder_paths(folder, &r.folder, err);
  if (status == TENDRIL_OK) status = tnd_folder_check_resumable(&r.folder, err);
  if (status == TENDRIL_OK) status = tnd_checkpoint_read(r.folder.last, tasks, &checkpoint, err);
  r.config = checkpoint.config;
  if (status == TENDRIL_OK) status = check_unchanged(&r, tasks, err);
  if (status == TENDRIL_OK) status = create_parts(&r, tasks, NULL, &checkpoint, threads, err);
  if (status == TENDRIL_OK) status = load_parts(&r, &checkpoint, err);
  if (status == TENDRIL_OK) status = open_log(&r, true, err);
  if (status == TENDRIL_OK) status = train(&r, result, err);
  destroy_parts(&r);
  tnd_checkpoint_close(&checkpoint);
  return status;
}
