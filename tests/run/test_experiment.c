// Experiments: the file, its cells and their commands; running them with a stand-in for the
// program; what is kept, gone on with and refused; the report.
#include "run/experiment.h"

#include "base/alloc.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static char file[600], runs[600], program[600];

static void set_up(void) {
  folder = support_tmpdir();
  snprintf(file, sizeof file, "%s/test.json", folder);
  snprintf(runs, sizeof runs, "%s/runs", folder);
  snprintf(program, sizeof program, "%s/tendril", folder);
}

static void tear_down(void) {
  support_tmpdir_remove(folder);
}

TestSuite(experiment, .init = set_up, .fini = tear_down);

// ' stands for "
static void write_experiment(const char *text) {
  char json[4000];
  snprintf(json, sizeof json, "%s", text);
  for (char *c = json; *c; c++)
    if (*c == '\'') *c = '"';
  support_write_file(file, json, strlen(json));
}

static tnd_experiment *open_experiment(const char *text, int seeds, bool quick) {
  tnd_experiment *e = NULL;
  write_experiment(text);
  check_ok(tnd_experiment_open(file, seeds, quick, &e, check_err));
  return e;
}

#define SMALL "'summary': 's', 'tasks': [{'task': 'a'}], 'methods': [{'name': 'm'}]"

// ------------------------------------------------------------------------------------------- file

Test(experiment, is_tasks_by_methods_by_seeds) {
  tnd_experiment *e = open_experiment(
      "{'summary': 's', 'seeds': 2, 'tasks': [{'task': 'a'}, {'task': 'b', 'preset': 'p'}],"
      " 'methods': [{'name': 'X, y'}, {'name': 'z', 'learner': 'l', 'preset': '{task}-q-{task}'}]}",
      0, false);
  static const char *const commands[] = {
      "tendril train a --seed 1 --threads 1",
      "tendril train a --seed 2 --threads 1",
      "tendril train a --learner l --preset a-q-a --seed 1 --threads 1",
      "tendril train a --learner l --preset a-q-a --seed 2 --threads 1",
      "tendril train b --preset p --seed 1 --threads 1",
      "tendril train b --preset p --seed 2 --threads 1",
      "tendril train b --learner l --preset b-q-b --seed 1 --threads 1",
      "tendril train b --learner l --preset b-q-b --seed 2 --threads 1"};
  cr_assert_eq(e->ncell, 8);
  for (int i = 0; i < 8; i++)
    cr_assert_str_eq(e->cells[i].command, commands[i]);
  cr_assert_str_eq(e->name, "test");
  cr_assert_str_eq(e->methods[0].folder, "x-y");
  tnd_experiment_destroy(e);
}

static const char settings[] =
    "{'summary': 's', 'seeds': 3, 'settings': {'run': {'steps': 1e6}, 'policy': {'hidden': [8, "
    "4]}},"
    " 'tasks': [{'task': 'a', 'settings': {'run': {'steps': 500}}}, {'task': 'b'}],"
    " 'methods': [{'name': 'm', 'settings': {'learner': {'metric': 'empirical'}},"
    "              'quick': {'learner': {'lambda': 0.5}}}],"
    " 'overrides': [{'task': 'b', 'settings': {'policy': {'normalize': false, 'hidden': [2]}}}],"
    " 'quick': {'seeds': 1, 'settings': {'run': {'steps': 10}}}}";

Test(experiment, has_settings_of_which_the_later_ones_win) {
  tnd_experiment *e = open_experiment(settings, 1, false);
  cr_assert_eq(e->ncell, 2);
  cr_assert_str_eq(e->cells[0].command,
                   "tendril train a --seed 1 --threads 1 --set run.steps=500 --set "
                   "'policy.hidden=8 4' --set learner.metric=empirical");
  cr_assert_str_eq(e->cells[1].command,
                   "tendril train b --seed 1 --threads 1 --set run.steps=1000000 --set "
                   "policy.hidden=2 --set policy.normalize=false --set learner.metric=empirical");
  tnd_experiment_destroy(e);
}

Test(experiment, is_shrunk_when_it_is_quick) {
  tnd_experiment *e = open_experiment(settings, 0, true);
  cr_assert_eq(e->ncell, 2);
  cr_assert_str_eq(e->cells[0].command,
                   "tendril train a --seed 1 --threads 1 --set run.steps=10 --set "
                   "'policy.hidden=8 4' --set learner.metric=empirical --set learner.lambda=0.5");
  tnd_experiment_destroy(e);
  e = open_experiment(settings, 4, true);
  cr_assert_eq(e->ncell, 8);
  tnd_experiment_destroy(e);
}

Test(experiment, leaves_out_what_is_to_be_skipped) {
  static const char text[] = "{'summary': 's', 'seeds': 1, 'tasks': [{'task': 'a'}, {'task': 'b'}],"
                             " 'methods': [{'name': 'm'}, {'name': 'n'}], 'overrides': [%s]}";
  char full[400];
  snprintf(full, sizeof full, text, "{'task': 'a', 'method': 'n', 'skip': true}");
  tnd_experiment *e = open_experiment(full, 0, false);
  cr_assert_eq(e->ncell, 3);
  cr_assert(e->cells[1].task == 1 && e->cells[1].method == 0);
  tnd_experiment_destroy(e);
}

Test(experiment, quotes_its_commands_for_a_shell) {
  tnd_experiment *e = open_experiment("{'summary': 's', 'seeds': 1, 'tasks': [{'task': 'a b; $c'}],"
                                      " 'methods': [{'name': 'm'}]}",
                                      0, false);
  cr_assert_str_eq(e->cells[0].command, "tendril train 'a b; $c' --seed 1 --threads 1");
  cr_assert_str_eq(e->cells[0].words[1], "a b; $c");
  tnd_experiment_destroy(e);
}

Test(experiment, that_is_wrong_is_refused_with_the_place) {
  // clang-format off
  static const char *const cases[][2] = {
      {"[]", "test.json: must be an object"},
      {"{'tasks': []", "test.json: line 1"},
      {"{'tasks': []}", "test.json: summary: is missing"},
      {"{'summary': 's', 'tasks': []}", "test.json: tasks: must be a list with an item"},
      {"{'summary': 's', 'tasks': [{'tusk': 'a'}]}", "test.json: tasks[0].tusk: no such member; did you mean task?"},
      {"{'summary': 's', 'tasks': [{}]}", "test.json: tasks[0].task: is missing"},
      {"{'summary': 's', 'tasks': [{'task': '../x'}]}", "test.json: tasks[0]: task: no name"},
      {"{'summary': 's', 'tasks': [{'task': 'a'}, {'task': 'a'}]}", "test.json: tasks[1]: the task is there twice"},
      {"{'summary': 's', 'tasks': [{'task': 'a', 'thresholds': ['x']}]}", "test.json: tasks[0].thresholds: must be a list of numbers"},
      {"{'summary': 's', 'tasks': [{'task': 'a', 'references': [{'name': 'x'}]}]}", "test.json: tasks[0].references: value must be a number"},
      {"{'summary': 's', 'tasks': [{'task': 'a'}]}", "test.json: methods: must be a list"},
      {"{'summary': 's', 'tasks': [{'task': 'a'}], 'methods': [{'name': '?'}]}", "test.json: methods[0]: name: has no letter"},
      {"{'summary': 's', 'tasks': [{'task': 'a'}], 'methods': [{'name': 'M'}, {'name': 'm!'}]}", "test.json: methods[1]: name: too much like"},
      {"{" SMALL ", 'sedes': 3}", "test.json: sedes: no such member; did you mean seeds?"},
      {"{" SMALL ", 'seeds': 0}", "test.json: seeds: must be a whole number from 1 to 1000"},
      {"{" SMALL ", 'seeds': 1.5}", "test.json: seeds: must be a whole number"},
      {"{" SMALL ", 'smooth': 4}", "test.json: smooth: must be odd"},
      {"{" SMALL ", 'x': 'step'}", "test.json: x: step: no axis; did you mean steps?"},
      {"{" SMALL ", 'settings': {'rum': {}}}", "test.json: settings.rum: no such member; did you mean run?"},
      {"{" SMALL ", 'settings': {'run': 3}}", "test.json: settings.run: must be an object"},
      {"{" SMALL ", 'settings': {'run': {'stepz': 3}}}", "test.json: settings.run.stepz: no such option; did you mean steps?"},
      {"{" SMALL ", 'settings': {'learner': {'states': 3, 'lamda': 3}}}", "test.json: settings.learner.lamda: no such option; did you mean lambda?"},
      {"{" SMALL ", 'settings': {'run': {'steps': {}}}}", "test.json: settings.run.steps: must be a plain value"},
      {"{" SMALL ", 'settings': {'run': {'seed': 3}}}", "test.json: settings.run: seed is the cell's"},
      {"{" SMALL ", 'quick': {'settings': {'run': {'x': 3}}}}", "test.json: quick.settings.run.x: no such option"},
      {"{" SMALL ", 'overrides': [{'task': 'b'}]}", "test.json: overrides[0]: task: not one of the tasks"},
      {"{" SMALL ", 'overrides': [{'method': 'b'}]}", "test.json: overrides[0]: method: not the name"},
      {"{" SMALL ", 'overrides': [{'skip': 1}]}", "test.json: overrides[0]: skip: must be true or false"},
      {"{" SMALL ", 'overrides': [{'skip': true}]}", "test.json: overrides: nothing is left"},
  };
  // clang-format on
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tendril_error err = {{0}};
    tnd_experiment *e = NULL;
    write_experiment(cases[i][0]);
    const tendril_status status = tnd_experiment_open(file, 0, false, &e, &err);
    cr_assert(status == TENDRIL_E_CONFIG || status == TENDRIL_E_FORMAT, "%s", cases[i][0]);
    cr_assert(strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
    cr_assert_null(e);
  }
}

Test(experiment, is_found_by_its_name) {
  tnd_experiment *e = NULL;
  tendril_error err = {{0}};
  check_ok(tnd_experiment_open("gymnasium-v4", 0, false, &e, check_err));
  cr_assert_str_eq(e->name, "gymnasium-v4");
  tnd_experiment_destroy(e);
  cr_assert_eq(tnd_experiment_open("gymnasum-v4", 0, false, &e, &err), TENDRIL_E_UNKNOWN);
  cr_assert_str_eq(err.text, "gymnasum-v4: no such experiment; did you mean gymnasium-v4?");
  cr_assert_eq(tnd_experiment_open("", 0, false, &e, &err), TENDRIL_E_UNKNOWN);
  cr_assert_eq(tnd_experiment_open("no.json", 0, false, &e, &err), TENDRIL_E_IO);
}

static tendril_status open_once(void *context, tendril_error *err) {
  (void)context;
  tnd_experiment *e = NULL;
  const tendril_status status = tnd_experiment_open(file, 0, true, &e, err);
  tnd_experiment_destroy(e);
  return status;
}

Test(experiment, without_memory_fails_cleanly) {
  write_experiment(settings);
  cr_assert_gt(support_fail_each_alloc(open_once, NULL), 50);
}

// -------------------------------------------------------------------------------------- running

// A stand-in for the program. It makes the run folder that is named, notes how it was called, and
// does what the commands say; $run, $seed (of what is not resumed) and $mode are set, `finish`
// prints the result.
static void pretend_program(const char *commands) {
  static const char begin[] =
      "#!/bin/sh\n"
      "here=$(dirname \"$0\"); echo \"$*\" >>\"$here/calls\"\n"
      "mode=new seed=0\n"
      "while [ $# -gt 0 ]; do case $1 in --out) run=$2;; --resume) run=$2 mode=resumed;;"
      " --seed) seed=$2;; esac; shift; done\n"
      "mkdir -p \"$run/checkpoints\"\n"
      "echo '{\"task\": \"a\", \"run\": {\"steps\": 200}, \"learner\": {\"name\": \"trpo\"}}'"
      " >\"$run/config.json\"\n"
      "printf 'iteration,steps,return_mean,cpu_seconds\\n1,100,%s,1\\n2,200,%s0,1\\n' $seed $seed"
      " >\"$run/progress.csv\"\n"
      "printf 'iteration,steps,return_mean\\n2,200,1\\n' >\"$run/evaluations.csv\"\n"
      "finish() { echo '{\"finished\": true, \"held\": '$seed'00}'; }\n";
  char text[4000];
  snprintf(text, sizeof text, "%s%s\n", begin, commands);
  support_write_file(program, text, strlen(text));
  cr_assert_eq(chmod(program, 0755), 0);
}

static int count_lines(const char *name) {
  const char *path = support_path(folder, name);
  if (access(path, F_OK)) return 0;
  char *text = support_read_file(path, NULL);
  int n = 0;
  for (const char *c = text; *c; c++)
    n += *c == '\n';
  free(text);
  return n;
}

static bool was_called_with(const char *words) {
  char *text = support_read_file(support_path(folder, "calls"), NULL);
  const bool found = strstr(text, words) != NULL;
  free(text);
  return found;
}

static const char three[] =
    "{'summary': 's', 'seeds': 3, 'tasks': [{'task': 'a', 'thresholds': [15],"
    " 'references': [{'name': 'paper', 'value': 12}]}],"
    " 'methods': [{'name': 'm'}]}";

static volatile sig_atomic_t stop;

static tendril_status run(tnd_experiment *e, int jobs, bool force, tendril_error *err) {
  const tnd_experiment_setup setup = {
      .folder = runs, .program = program, .jobs = jobs, .force = force, .stop = &stop};
  return tnd_experiment_run(e, &setup, err);
}

// A letter a cell: new, begun, failed, Finished.
static void check_states(const tnd_experiment *e, const char *states) {
  static const char letters[] = "nbfF";
  for (int i = 0; i < e->ncell; i++)
    cr_assert_eq(letters[e->cells[i].state], states[i], "cell %d is %d: %s", i, e->cells[i].state,
                 e->cells[i].error ? e->cells[i].error : "");
}

Test(experiment, runs_each_cell_once_and_keeps_what_has_finished) {
  pretend_program("finish");
  for (int turn = 0; turn < 2; turn++) {
    tnd_experiment *e = open_experiment(three, 0, false);
    check_ok(run(e, 2, false, check_err));
    check_states(e, "FFF");
    cr_assert_eq(count_lines("calls"), 3);
    // what an earlier call finished is known as well
    cr_assert_eq(cJSON_GetObjectItem(e->cells[1].result, "held")->valuedouble, 200);
    tnd_experiment_destroy(e);
  }
  cr_assert(was_called_with("train a --seed 2 --threads 1 --out "));
  cr_assert(was_called_with("/runs/a/m/seed2 --force --quiet --json\n"));
  // more seeds are more cells
  tnd_experiment *e = open_experiment(three, 4, false);
  check_ok(run(e, 2, false, check_err));
  cr_assert_eq(count_lines("calls"), 4);
  tnd_experiment_destroy(e);
  // all of it again
  e = open_experiment(three, 0, false);
  check_ok(run(e, 2, true, check_err));
  cr_assert_eq(count_lines("calls"), 7);
  tnd_experiment_destroy(e);
}

Test(experiment, runs_as_many_at_once_as_it_may) {
  // the first two wait for each other: one after the other they would wait for ever
  pretend_program("ls \"$here\" | grep -c running >>\"$here/most\"; touch \"$here/running$seed\"\n"
                  "[ $seed = 3 ] || { touch \"$here/here$seed\"; until [ -e \"$here/here1\" ] &&"
                  " [ -e \"$here/here2\" ]; do sleep 0.01; done; }\n"
                  "rm \"$here/running$seed\"; finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 2, false, check_err));
  check_states(e, "FFF");
  // never three
  char *most = support_read_file(support_path(folder, "most"), NULL);
  cr_assert(!strstr(most, "2"), "%s", most);
  free(most);
  tnd_experiment_destroy(e);
}

Test(experiment, reports_failed_cells_and_tries_them_again) {
  pretend_program("[ $seed = 2 ] || { finish; exit; }\n"
                  "echo 'tendril: a.json: no luck' >&2; exit 1");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "FfF");
  cr_assert_str_eq(e->cells[1].error, "a.json: no luck");
  char *markdown, *json;
  check_ok(tnd_experiment_report(e, runs, &markdown, &json, check_err));
  cr_assert(strstr(markdown, "- `tendril train a --seed 2 --threads 1`: a.json: no luck\n"));
  cr_assert(strstr(json, "\"error\": \"a.json: no luck\""));
  tnd_free(markdown);
  tnd_free(json);
  tnd_experiment_destroy(e);

  // nonsense for a result, and an end by a signal, are failures too
  pretend_program("echo nonsense");
  e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "FfF");
  tnd_experiment_destroy(e);
  pretend_program("kill -9 $$");
  e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "FfF");
  cr_assert(strstr(e->cells[1].error, "ended by signal 9"));
  tnd_experiment_destroy(e);

  pretend_program("finish");
  e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "FFF");
  cr_assert_eq(count_lines("calls"), 6);
  tnd_experiment_destroy(e);
}

Test(experiment, without_its_program_says_so) {
  tendril_error err = {{0}};
  tnd_experiment *e = open_experiment(three, 0, false);
  cr_assert_eq(run(e, 1, false, &err), TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err.text, "tendril: program not found");
  tnd_experiment_destroy(e);
}

// As soon as a training runs, Ctrl-C.
static void stop_when_running(void *user, const tnd_experiment_progress *p) {
  (void)user;
  if (p->running && access(support_path(folder, "ready"), F_OK) == 0) stop = 1;
}

static tendril_status run_until_ready(tnd_experiment *e, tendril_error *err) {
  const tnd_experiment_setup setup = {
      .folder = runs, .program = program, .jobs = 1, .stop = &stop, .progress = stop_when_running};
  return tnd_experiment_run(e, &setup, err);
}

Test(experiment, stops_its_trainings_and_goes_on_from_their_checkpoints) {
  pretend_program("trap 'touch \"$run/checkpoints/last.safetensors\"; echo \"{\\\"finished\\\": "
                  "false}\"; exit' INT\n"
                  "[ $seed = 1 ] && { finish; exit; }\n"
                  "[ $mode = resumed ] && { seed=7; finish; exit; }\n"
                  "[ $seed = 3 ] && { finish; exit; }\n"
                  "touch \"$here/ready\"; while :; do sleep 0.01; done");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run_until_ready(e, check_err));
  check_states(e, "Fbn");
  tnd_experiment_destroy(e);
  stop = 0;
  e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "FFF");
  cr_assert(was_called_with("train --resume "));
  cr_assert(was_called_with("/runs/a/m/seed2 --threads 1 --quiet --json\n"));
  cr_assert_eq(cJSON_GetObjectItem(e->cells[1].result, "held")->valuedouble, 700);
  tnd_experiment_destroy(e);
}

Test(experiment, begins_anew_what_has_no_checkpoint_or_is_forced) {
  // killed at once: no checkpoint
  pretend_program("touch \"$here/ready\"; while :; do sleep 0.01; done");
  tnd_experiment *e = open_experiment(three, 1, false);
  check_ok(run_until_ready(e, check_err));
  check_states(e, "b");
  tnd_experiment_destroy(e);
  stop = 0;
  pretend_program("[ $mode = new ] || exit 9; touch \"$run/checkpoints/last.safetensors\"; exit 3");
  e = open_experiment(three, 1, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "f");
  cr_assert(strstr(e->cells[0].error, "status 3"));
  tnd_experiment_destroy(e);
  // a checkpoint, but of what was before
  pretend_program("[ $mode = new ] && [ ! -e \"$run/checkpoints/last.safetensors\" ] && finish");
  e = open_experiment(three, 1, false);
  check_ok(run(e, 1, true, check_err));
  check_states(e, "F");
  tnd_experiment_destroy(e);
}

static void check_refused(const char *text, tendril_status expected, const char *why) {
  tendril_error err = {{0}};
  tnd_experiment *e = open_experiment(text, 0, false);
  const int calls = count_lines("calls");
  cr_assert_eq(run(e, 1, false, &err), expected);
  cr_assert(strstr(err.text, why), "%s", err.text);
  cr_assert_eq(count_lines("calls"), calls);
  tnd_experiment_destroy(e);
}

Test(experiment, refuses_a_folder_with_other_cells_or_runs) {
  pretend_program("finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  tnd_experiment_destroy(e);
  static const char changed[] = "{'summary': 's', 'seeds': 3, 'tasks': [{'task': 'a'}], 'methods': "
                                "[{'name': 'm', 'preset': 'other'}]}";
  check_refused(changed, TENDRIL_E_EXISTS, "seed1.json: of another experiment");
  support_write_file(support_path(runs, "a/m/seed3.json"), "{", 1);
  check_refused(three, TENDRIL_E_FORMAT, "seed3.json: line 1");
  support_write_file(support_path(runs, "a/m/seed3.json"), "{}", 2);
  check_refused(three, TENDRIL_E_FORMAT, "seed3.json: no record of a cell");
  remove(support_path(runs, "a/m/seed3.json"));
  check_refused(three, TENDRIL_E_EXISTS, "seed3: there already, and no cell");
}

Test(experiment, is_alone_in_its_folder) {
  pretend_program("finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  tnd_experiment_destroy(e);
  const int fd = open(support_path(runs, ".lock"), O_RDWR);
  cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
  check_refused(three, TENDRIL_E_EXISTS, "an experiment is running there");
  close(fd);
}

// ---------------------------------------------------------------------------------------- report

Test(experiment, ends_in_a_figure_and_tables) {
  pretend_program("finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  char *markdown, *json;
  check_ok(tnd_experiment_report(e, runs, &markdown, &json, check_err));
  // seeds 1, 2, 3 return 1, 2, 3 after 100 steps and 10, 20, 30 after 200: two reach 15
  char *text = support_read_file(support_path(runs, "results.md"), NULL);
  cr_assert_str_eq(text, markdown);
  cr_assert(strstr(markdown, "| m | 3 | 20.00 | 1"), "%s", markdown);
  cr_assert(strstr(markdown, " | 20.00 | 20.00 | 200 | 158 (2 of 3) | 1.58 (2 of 3) | 200 | 2 |\n"),
            "%s", markdown);
  cr_assert(strstr(markdown, "To compare with: paper, 12.00."));
  cr_assert_null(strstr(markdown, " to 100 % |"));  // no goal: no columns
  cr_assert(strstr(markdown, "tendril train a --seed 3 --threads 1\n"));
  free(text);

  text = support_read_file(support_path(runs, "results.json"), NULL);
  cr_assert_str_eq(text, json);
  cJSON *object = NULL;
  check_ok(tnd_json_parse(text, strlen(text), "results", &object, check_err));
  const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(object, "tasks"), 0);
  const cJSON *method = cJSON_GetArrayItem(cJSON_GetObjectItem(task, "methods"), 0);
  const cJSON *final = cJSON_GetObjectItem(method, "final");
  const double values[] = {10, 20, 30};
  tendril_summary summary;
  check_ok(tendril_summarise(values, 3, 1, &summary, check_err));
  check_close(cJSON_GetObjectItem(final, "low")->valuedouble, summary.low, 0);
  check_close(cJSON_GetObjectItem(final, "high")->valuedouble, summary.high, 0);
  const cJSON *level = cJSON_GetArrayItem(cJSON_GetObjectItem(method, "thresholds"), 0);
  const cJSON *steps = cJSON_GetObjectItem(level, "steps");
  cr_assert_eq(cJSON_GetObjectItem(steps, "n")->valuedouble, 2);
  // 100 + 100 (15 - 2) / 18 and 100 + 100 (15 - 3) / 27
  check_close(cJSON_GetObjectItem(steps, "min")->valuedouble, 100 + 1200.0 / 27, 1e-14);
  check_close(cJSON_GetObjectItem(steps, "max")->valuedouble, 100 + 1300.0 / 18, 1e-14);
  cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(method, "cells")), 3);
  cJSON_Delete(object);
  free(text);

  text = support_read_file(support_path(runs, "figure.svg"), NULL);
  cr_assert(strstr(text, "paper<") && strstr(text, "Mean over 3 seeds"));
  free(text);
  tnd_free(markdown);
  tnd_free(json);
  tnd_experiment_destroy(e);
}

// of 20 episodes seed 1 succeeds in 5, then in all, seed 2 in all, then in 10, the third in none
#define GOAL                                                                                       \
  "set -- 0 0; [ $seed = 1 ] && set -- 5 20; [ $seed = 2 ] && set -- 20 10\n"                      \
  "printf 'iteration,steps,return_mean,succeeded\\n1,100,1,%s\\n2,200,1,%s\\n' $1 $2"              \
  " >\"$run/evaluations.csv\"\n"

Test(experiment, tells_how_often_and_how_soon_the_goal_is_reached) {
  pretend_program(GOAL "finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  char *markdown, *json;
  check_ok(tnd_experiment_report(e, runs, &markdown, &json, check_err));
  cr_assert(strstr(markdown, "| held: median | success | steps to 100 % | CPU s to 100 % | steps "
                             "to 15 | CPU s to 15 | steps | CPU s |\n"
                             "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"),
            "%s", markdown);
  cr_assert(strstr(markdown, " | 200 | 50 % | 150 (2 of 3) | 1.5 (2 of 3) | 158 (2 of 3) | "), "%s",
            markdown);
  cJSON *object = NULL;
  check_ok(tnd_json_parse(json, strlen(json), "results", &object, check_err));
  const cJSON *at = cJSON_GetArrayItem(cJSON_GetObjectItem(object, "tasks"), 0);
  const cJSON *method = cJSON_GetArrayItem(cJSON_GetObjectItem(at, "methods"), 0);
  const cJSON *success = cJSON_GetObjectItem(method, "success");
  const cJSON *final = cJSON_GetObjectItem(success, "final");
  const cJSON *steps = cJSON_GetObjectItem(success, "steps");
  cr_assert_eq(cJSON_GetObjectItem(final, "n")->valuedouble, 3);
  cr_assert_eq(cJSON_GetObjectItem(final, "mean")->valuedouble, 0.5);
  cr_assert_eq(cJSON_GetObjectItem(steps, "n")->valuedouble, 2);
  cr_assert_eq(cJSON_GetObjectItem(steps, "min")->valuedouble, 100);
  cr_assert_eq(cJSON_GetObjectItem(steps, "max")->valuedouble, 200);
  cJSON_Delete(object);
  tnd_free(markdown);
  tnd_free(json);
  tnd_experiment_destroy(e);
}

// takes the returns out of progress.csv
#define NO_EPISODE "sed -i 's/,[0-9]*,1$/,,1/' \"$run/progress.csv\"\n"

Test(experiment, leaves_out_the_curve_of_a_training_without_a_whole_episode) {
  pretend_program("[ $seed = 2 ] && " NO_EPISODE "finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  check_states(e, "FFF");
  char *markdown, *json;
  check_ok(tnd_experiment_report(e, runs, &markdown, &json, check_err));
  // seeds 1 and 3 end with 10 and 30, of which one reaches 15; seed 2 took its steps all the same
  cr_assert(strstr(markdown, "| m | 3 | 20.00 (2 of 3) | 10.00 .. 30.00 | 20.00 | 20.00 | 200 | "
                             "144 (1 of 3) | 1.44 (1 of 3) | 200 | 2 |\n"),
            "%s", markdown);
  static const char note[] = "1 run without any return of a whole episode left out";
  cr_assert(strstr(markdown, note), "%s", markdown);
  cr_assert(strstr(markdown, "## Without a curve\n\nFinished, without any return of a whole "
                             "episode:\n\n- `tendril train a --seed 2 --threads 1`\n"),
            "%s", markdown);
  cJSON *object = NULL;
  check_ok(tnd_json_parse(json, strlen(json), "results", &object, check_err));
  const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(object, "tasks"), 0);
  const cJSON *method = cJSON_GetArrayItem(cJSON_GetObjectItem(task, "methods"), 0);
  static const struct {
    const char *measure;
    int n;
  } counts[] = {{"final", 2}, {"best", 2}, {"held", 3}, {"steps", 3}, {"cpu_seconds", 3}};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    const cJSON *n = cJSON_GetObjectItem(cJSON_GetObjectItem(method, counts[i].measure), "n");
    cr_assert_eq(n->valuedouble, counts[i].n, "%s", counts[i].measure);
  }
  cJSON_Delete(object);
  char *text = support_read_file(support_path(runs, "figure.svg"), NULL);
  cr_assert(strstr(text, "Mean over 2 seeds"));
  free(text);
  tnd_free(markdown);
  tnd_free(json);
  tnd_experiment_destroy(e);
}

Test(experiment, of_trainings_without_a_whole_episode_has_a_report_without_curves) {
  pretend_program(NO_EPISODE "finish");
  tnd_experiment *e = open_experiment(three, 0, false);
  check_ok(run(e, 1, false, check_err));
  char *markdown, *json;
  check_ok(tnd_experiment_report(e, runs, &markdown, &json, check_err));
  cr_assert(strstr(markdown, "No run has any return of a whole episode."), "%s", markdown);
  cr_assert(strstr(markdown, "| m | 3 | - (0 of 3) | - | - | - | 200 | - (0 of 3) | - (0 of 3) | "
                             "200 | 2 |\n"),
            "%s", markdown);
  char *text = support_read_file(support_path(runs, "figure.svg"), NULL);
  cr_assert(strstr(text, "paper<"));
  free(text);
  tnd_free(markdown);
  tnd_free(json);
  tnd_experiment_destroy(e);
}

Test(experiment, of_which_nothing_has_finished_has_no_report) {
  char *markdown, *json;
  tendril_error err = {{0}};
  tnd_experiment *e = open_experiment(three, 0, false);
  cr_assert_eq(tnd_experiment_report(e, runs, &markdown, &json, &err), TENDRIL_E_IO);
  cr_assert(strstr(err.text, "no cell has finished"));
  cr_assert(!markdown && !json);
  tnd_experiment_destroy(e);
}

static tendril_status report_once(void *context, tendril_error *err) {
  char *markdown, *json;
  const tendril_status status = tnd_experiment_report(context, runs, &markdown, &json, err);
  tnd_free(markdown);
  tnd_free(json);
  return status;
}

static tendril_status run_once(void *context, tendril_error *err) {
  const bool *force = context;
  tnd_experiment *e = NULL;
  TENDRIL_TRY(tnd_experiment_open(file, 1, false, &e, err));
  const tendril_status status = run(e, 1, *force, err);
  tnd_experiment_destroy(e);
  return status;
}

Test(experiment, without_memory_for_how_far_a_cell_had_come_fails_cleanly) {
  pretend_program("touch \"$here/ready\"; while :; do sleep 0.01; done");
  tnd_experiment *e = open_experiment(three, 1, false);
  check_ok(run_until_ready(e, check_err));
  check_states(e, "b");
  tnd_experiment_destroy(e);
  // still stopped: the cell is looked at, and not gone on with
  bool force = false;
  cr_assert_gt(support_fail_each_alloc(run_once, &force), 50);
}

Test(experiment, survives_every_failing_allocation, .timeout = 100) {
  pretend_program(GOAL "finish");
  write_experiment(three);
  bool force = true;
  cr_assert_gt(support_fail_each_alloc(run_once, &force), 50);
  tnd_experiment *e = open_experiment(three, 1, false);
  check_ok(run(e, 1, false, check_err));
  // a stand-in, since gnuplot would have to be waited for hundreds of times
  char path[700];
  snprintf(path, sizeof path, "%s/gnuplot", folder);
  support_write_file(path, "#!/bin/sh\nexec /bin/cat\n", 24);
  cr_assert_eq(chmod(path, 0755), 0);
  setenv("PATH", folder, 1);
  cr_assert_gt(support_fail_each_alloc(report_once, e), 100);
  tnd_experiment_destroy(e);
}
