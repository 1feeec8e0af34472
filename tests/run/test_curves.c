// Learning curves: which runs are one method and what it is called, means over seeds, runs that are
// damaged or still growing. The run folders are written by hand.
#include "run/curves.h"

#include "base/alloc.h"
#include "run/curve_sketch.h"
#include "run/curves_draw.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *paths[16];
static char names[16][600];
static int npath;
static tnd_curves_options options = {.y = "return", .smooth = 1};

TestSuite(curves, .init = support_folder_open, .fini = support_folder_close);

static void write_in(const char *run, const char *name, const char *text) {
  support_write_file(support_path(run, name), text, strlen(text));
}

// A run of a task, its settings as members of JSON, its tables as text. The last one's path. If
// the settings end with the learner's, the run has a seed of its own.
static const char *add_run(const char *config, const char *progress, const char *evaluations) {
  char text[1000];
  snprintf(names[npath], sizeof names[0], "%s/%d", support_folder, npath);
  const char *path = paths[npath] = names[npath];
  npath++;
  cr_assert_eq(mkdir(path, 0777), 0);
  const size_t n = strlen(config);
  const bool seedless = !strstr(config, "\"run\"") && n > 2 && strcmp(config + n - 2, "}}") == 0;
  snprintf(text, sizeof text, "%.*s, \"run\": {\"seed\": %d}}", (int)n - 1, config, npath);
  write_in(path, "config.json", seedless ? text : config);
  if (progress) write_in(path, "progress.csv", progress);
  if (evaluations) write_in(path, "evaluations.csv", evaluations);
  return path;
}

#define HEADER "iteration,steps,return_mean,kl,cpu_seconds\n"
#define EVAL_HEADER "iteration,steps,return_mean\n"
static const char rows[] = HEADER "1,100,1,0.01,2\n2,200,3,0.02,3\n";

static const char *add_config(const char *config) {
  return add_run(config, rows, EVAL_HEADER "1,100,7\n");
}

static tnd_curves *read_all(void) {
  tnd_curves *curves = NULL;
  check_ok(tnd_curves_create(&options, paths, NULL, npath, &curves, check_err));
  return curves;
}

static void check_method(const tnd_curves *curves, int m, const char *name, int nrun,
                         const char *differences) {
  cr_assert_str_eq(curves->methods[m].name, name);
  cr_assert_eq(curves->methods[m].nrun, nrun);
  cr_assert_str_eq(curves->methods[m].differences, differences);
}

// ---------------------------------------------------------------------------------------- methods

Test(curves, of_runs_that_differ_in_their_seed_only_are_one_method) {
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"}, \"run\": {\"seed\": 1}}");
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"}, \"run\": {\"seed\": 2,"
             "\"save_every\": 7, \"keep_every\": 3}, \"versions\": {\"cpu\": \"another\"}}");
  // what a file lacks is its default
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"max_kl\": 0.01}}");
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->nmethod, 1);
  check_method(curves, 0, "trpo", 3, "");
  cr_assert_eq(curves->curves[1].seed, 2);
  tnd_curves_destroy(curves);
}

Test(curves, are_called_by_what_differs) {
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"lambda\": 0.9}}");
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"lambda\": 0.95},"
             "\"policy\": {\"hidden\": [8]}}");
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"lambda\": 0.9},"
             "\"run\": {\"seed\": 2}}");
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->nmethod, 2);
  // hidden is an option of two sections
  check_method(curves, 0, "policy.hidden 64 64, lambda 0.9", 2,
               "policy.hidden 64 64, learner.lambda 0.9");
  check_method(curves, 1, "policy.hidden 8, lambda 0.95", 1,
               "policy.hidden 8, learner.lambda 0.95");
  cr_assert_eq(curves->curves[2].method, 0);
  tnd_curves_destroy(curves);
}

Test(curves, are_called_by_the_learner_where_that_is_enough) {
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"gamma\": 0.9}}");
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo-vine\", \"states\": 5}}");
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo-vine\", \"states\": 6}}");
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->nmethod, 3);
  check_method(curves, 0, "trpo", 1, "learner.name trpo, learner.gamma 0.9");
  check_method(curves, 1, "trpo-vine, states 5", 1,
               "learner.name trpo-vine, learner.gamma 0.995, learner.states 5");
  check_method(curves, 2, "trpo-vine, states 6", 1,
               "learner.name trpo-vine, learner.gamma 0.995, learner.states 6");
  tnd_curves_destroy(curves);
}

Test(curves, of_different_tasks_are_not_compared_and_share_names_and_styles) {
  add_config("{\"task\": \"a\", \"learner\": {\"name\": \"trpo-vine\"}}");
  add_config("{\"task\": \"b\", \"learner\": {\"name\": \"trpo\", \"lambda\": 0.5}}");
  add_config("{\"task\": \"b\", \"learner\": {\"name\": \"trpo-vine\", \"lambda\": 0.5}}");
  add_config("{\"task\": \"a\", \"learner\": {\"name\": \"trpo\"}}");
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->nmethod, 4);
  check_method(curves, 0, "trpo-vine", 1, "learner.name trpo-vine");
  check_method(curves, 2, "trpo-vine", 1, "learner.name trpo-vine");
  cr_assert_eq(curves->methods[0].style, curves->methods[2].style);
  cr_assert_eq(curves->methods[1].style, curves->methods[3].style);
  cr_assert_neq(curves->methods[0].style, curves->methods[1].style);
  tnd_curves_destroy(curves);
}

Test(curves, with_many_differences_have_short_names_that_differ) {
  char config[400];
  for (int i = 0; i < 3; i++) {
    // the third differs from the second in an option that the name has no room for
    snprintf(config, sizeof config,
             "{\"task\": \"t\", \"sim\": {\"max_steps\": %d}, \"policy\": {\"log_std\": -%d},"
             "\"rollout\": {\"batch\": %d}, \"learner\": {\"name\": \"trpo\", \"lambda\": 0.%d}}",
             100 + (i > 0), 1 + (i > 0), 512 + (i > 0), i);
    add_config(config);
  }
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->nmethod, 3);
  cr_assert_str_eq(curves->methods[1].name, "max_steps 101, log_std -2, batch 513, 1 more");
  cr_assert_str_eq(curves->methods[2].name, "max_steps 101, log_std -2, batch 513, 1 more (3)");
  tnd_curves_destroy(curves);
}

Test(curves, of_evaluations_differ_by_how_these_are_made) {
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"}}");
  add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"},"
             "\"run\": {\"seed\": 2, \"eval_every\": 9, \"eval_episodes\": 5, \"average\": 0.5}}");
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->nmethod, 1);
  tnd_curves_destroy(curves);
  options.y = "evaluation";
  curves = read_all();
  check_method(curves, 1, "eval_every 9, eval_episodes 5, average 0.5", 1,
               "run.eval_every 9, run.eval_episodes 5, run.average 0.5");
  tnd_curves_destroy(curves);
}

Test(curves, take_the_names_that_are_given) {
  static const char *const given[] = {"x", "y", "x"};
  for (int i = 0; i < 3; i++)
    add_config("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"}}");
  tnd_curves *curves = NULL;
  check_ok(tnd_curves_create(&options, paths, given, 3, &curves, check_err));
  cr_assert_eq(curves->nmethod, 2);
  check_method(curves, 0, "x", 2, "");
  check_method(curves, 1, "y", 1, "");
  tnd_curves_destroy(curves);
}

Test(curves, count_a_seed_once) {
  char text[300], expected[1300];
  static const int runs[][2] = {{9, 1}, {9, 2}, {8, 2}, {9, 2}};  // the last is the second's copy
  for (int i = 0; i < 4; i++) {
    snprintf(text, sizeof text,
             "{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"lambda\": 0.%d},"
             "\"run\": {\"seed\": %d, \"save_every\": %d}}",
             runs[i][0], runs[i][1], i + 1);
    add_config(text);
  }
  tendril_error err = {{0}};
  tnd_curves *curves = NULL;
  check_ok(tnd_curves_create(&options, paths, NULL, 3, &curves, check_err));
  cr_assert_eq(curves->nmethod, 2);
  tnd_curves_destroy(curves);
  curves = NULL;
  cr_assert_eq(tnd_curves_create(&options, paths, NULL, 4, &curves, &err), TENDRIL_E_ARGUMENT);
  snprintf(expected, sizeof expected,
           "%s: has the configuration and the seed of %s: one run; leave out either", paths[3],
           paths[1]);
  cr_assert_str_eq(err.text, expected);
  cr_assert_null(curves);

  // one folder by two names
  snprintf(names[3], sizeof names[3], "%s/../1/", paths[0]);
  cr_assert_eq(tnd_curves_create(&options, paths, NULL, 4, &curves, &err), TENDRIL_E_ARGUMENT);
  snprintf(expected, sizeof expected, "%s: given twice", paths[3]);
  cr_assert_str_eq(err.text, expected);
}

// ----------------------------------------------------------------------------------------- values

static const char plain[] = "{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"}}";

Test(curves, are_means_over_seeds_with_their_bootstrap_interval) {
  add_run(plain, HEADER "1,100,1,0,1\n2,200,10,0,1\n", NULL);
  add_run(plain, HEADER "1,100,2,0,1\n2,200,20,0,1\n", NULL);
  add_run(plain, HEADER "1,100,6,0,1\n2,200,60,0,1\n", NULL);
  tnd_curves *curves = read_all();
  const tnd_method_curve *method = &curves->methods[0];
  cr_assert_eq(method->n, 2);
  for (int k = 0; k < 2; k++) {
    const double scale = k ? 10 : 1;
    const double values[] = {scale, 2 * scale, 6 * scale};
    tendril_summary summary;
    check_ok(tendril_summarise(values, 3, 1, &summary, check_err));
    check_close(method->x[k], 100 * (k + 1), 0);
    check_close(method->mean[k], 3 * scale, 1e-15);  // one rounding
    check_close(method->low[k], summary.low, 0);
    check_close(method->high[k], summary.high, 0);
  }
  tnd_curves_destroy(curves);
}

Test(curves, are_means_over_the_runs_that_are_not_empty) {
  options.allow_empty = true;
  add_run(plain, HEADER "1,100,,0,1\n", NULL);
  add_run(plain, HEADER "1,100,1,0,1\n2,200,10,0,1\n", NULL);
  add_run(plain, HEADER "1,100,2,0,1\n2,200,20,0,1\n", NULL);
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->methods[0].nrun, 2);
  check_all_close(curves->methods[0].x, ((double[]){100, 200}), 2, 0);
  check_all_close(curves->methods[0].mean, ((double[]){1.5, 15}), 2, 0);
  check_close(curves->curves[0].steps, 100, 0);
  cr_assert(isnan(tnd_curve_reaches(&curves->curves[0], TND_AXIS_STEPS, 0)));
  tnd_curves_destroy(curves);
}

Test(curves, with_one_seed_have_no_band) {
  add_run(plain, rows, NULL);
  tnd_curves *curves = read_all();
  cr_assert_null(curves->methods[0].low);
  cr_assert_null(curves->methods[0].high);
  check_close(curves->methods[0].mean[1], 3, 0);
  tnd_curves_destroy(curves);
}

Test(curves, are_interpolated_where_their_points_differ_and_end_with_the_shortest) {
  // y = x / 10 and y = x / 10 + 2 on different points
  add_run(plain, HEADER "1,100,10,0,1\n2,170,17,0,1\n3,300,30,0,1\n4,500,50,0,1\n", NULL);
  add_run(plain, HEADER "1,150,17,0,1\n2,400,42,0,1\n", NULL);
  tnd_curves *curves = read_all();
  const tnd_method_curve *method = &curves->methods[0];
  cr_assert_gt(method->n, 50);
  check_close(method->x[0], 150, 0);
  check_close(method->x[method->n - 1], 400, 0);
  for (int k = 0; k < method->n; k++)
    check_close(method->mean[k], method->x[k] / 10 + 1, 1e-14);  // a few roundings
  tnd_curves_destroy(curves);
}

Test(curves, of_seeds_that_share_no_range_have_no_point) {
  add_run(plain, HEADER "1,100,1,0,1\n2,200,1,0,1\n", NULL);
  add_run(plain, HEADER "1,300,1,0,1\n2,400,1,0,1\n", NULL);
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->methods[0].n, 0);
  check_ok(tnd_curves_draw(curves, NULL, NULL, 0, support_file("x.svg"), check_err));
  tnd_curves_destroy(curves);
}

Test(curves, are_smoothed_around_each_row_within_the_run) {
  options.smooth = 3;
  add_run(plain, HEADER "1,100,0,0,1\n2,200,3,0,1\n3,300,,0,1\n4,400,6,0,1\n5,500,-6,0,1\n", NULL);
  tnd_curves *curves = read_all();
  const double expected[] = {1.5, 3, 1, 0};
  cr_assert_eq(curves->curves[0].n, 4);  // without the row that has no value
  check_all_close(curves->curves[0].y, expected, 4, 1e-15);
  const double kept[] = {0, 3, 6, -6};
  check_all_close(curves->curves[0].raw, kept, 4, 0);
  char *caption = NULL;
  check_ok(tnd_curves_caption(curves, &caption, check_err));
  cr_assert(strstr(caption, "moving mean over 3 iterations"), "%s", caption);
  tnd_free(caption);
  tnd_curves_destroy(curves);
}

Test(curves, choose_their_smoothing_by_the_longest_run) {
  options.smooth = 0;
  static char text[20000];
  int n = snprintf(text, sizeof text, "%s", HEADER);
  for (int i = 1; i <= 250; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, "%d,%d,5,0,1\n", i, 100 * i);
  add_run(plain, text, NULL);
  add_run(plain, rows, NULL);
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->smooth, 5);
  tnd_curves_destroy(curves);
  npath = 1;
  paths[0] = paths[1];
  curves = read_all();
  cr_assert_eq(curves->smooth, 1);
  tnd_curves_destroy(curves);
}

Test(curves, have_steps_cpu_seconds_or_iterations_below_them) {
  add_run(plain, HEADER "1,100,1,0,1.5\n2,200,,0,2\n3,300,3,0,4\n",
          EVAL_HEADER "2,200,50\n3,300,60\n");
  static const double at[TND_AXES][2] = {{100, 300}, {1.5, 7.5}, {1, 3}};
  for (int x = 0; x < TND_AXES; x++) {
    options.x = (tnd_axis)x;
    tnd_curves *curves = read_all();
    check_all_close(curves->methods[0].x, at[x], 2, 0);
    check_close(curves->curves[0].steps, 300, 0);
    check_close(curves->curves[0].cpu, 7.5, 0);
    tnd_curves_destroy(curves);
  }
  // an evaluation is where its iteration is
  options.x = TND_AXIS_CPU;
  options.y = "evaluation";
  tnd_curves *curves = read_all();
  check_all_close(curves->methods[0].x, ((double[]){3.5, 7.5}), 2, 0);
  check_all_close(curves->methods[0].mean, ((double[]){50, 60}), 2, 0);
  tnd_curves_destroy(curves);
  // any column
  options.y = "kl";
  tnd_curves_destroy(read_all());
}

Test(curves, reach_a_level_between_two_rows) {
  add_run(plain, HEADER "1,100,1,0,1\n2,200,3,0,3\n3,300,2,0,1\n4,400,9,0,1\n", NULL);
  tnd_curves *curves = read_all();
  const tnd_curve *c = &curves->curves[0];
  check_close(tnd_curve_reaches(c, TND_AXIS_STEPS, 0.5), 100, 0);
  check_close(tnd_curve_reaches(c, TND_AXIS_STEPS, 2.5), 175, 0);
  check_close(tnd_curve_reaches(c, TND_AXIS_CPU, 2), 2.5, 0);
  check_close(tnd_curve_reaches(c, TND_AXIS_STEPS, 9), 400, 0);
  cr_assert(isnan(tnd_curve_reaches(c, TND_AXIS_STEPS, 9.1)));
  tnd_curves_destroy(curves);
}

Test(curves, of_a_running_training_end_with_its_last_whole_row) {
  add_run(plain, HEADER "1,100,1,0,1\n2,200,2,0,1\n3,30", NULL);
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->curves[0].n, 2);
  check_close(curves->curves[0].steps, 200, 0);
  tnd_curves_destroy(curves);
}

// --------------------------------------------------------------------------------------- refusals

// The last run that was added can't be drawn: why.
static void refuse(tendril_status status, const char *text) {
  tendril_error err = {{0}};
  tnd_curves *curves = NULL;
  cr_assert_eq(tnd_curves_create(&options, &paths[npath - 1], NULL, 1, &curves, &err), status, "%s",
               err.text);
  cr_assert(strstr(err.text, text), "%s", err.text);
  cr_assert_null(curves);
}

Test(curves, name_what_is_wrong_with_a_run) {
  paths[npath++] = "/no/such/run";
  refuse(TENDRIL_E_IO, "/no/such/run: no such run folder");
  paths[npath++] = "/dev/null";
  refuse(TENDRIL_E_IO, "/dev/null: a file; give the run folder");
  paths[npath++] = support_folder;
  refuse(TENDRIL_E_IO, "holds no run");
  add_run(plain, NULL, NULL);
  refuse(TENDRIL_E_IO, "holds no run");
  add_run("{", rows, NULL);
  refuse(TENDRIL_E_FORMAT, "config.json: line 1");
  add_run("{\"task\": 3}", rows, NULL);
  refuse(TENDRIL_E_FORMAT, "config.json: lacks task or learner.name");
  add_run("{\"task\": \"t\", \"learner\": {\"name\": \"tprp\"}}", rows, NULL);
  refuse(TENDRIL_E_FORMAT, "tprp: no such learner");
  add_run("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\", \"max_kll\": 1}}", rows, NULL);
  refuse(TENDRIL_E_FORMAT, "learner.max_kll: no such option; did you mean max_kl?");
  add_run(plain, HEADER "1,100,x,0,1\n", NULL);
  refuse(TENDRIL_E_FORMAT, "progress.csv: line 2: not a row");
  add_run(plain, "iteration,step\n", NULL);
  refuse(TENDRIL_E_FORMAT, "no column steps");
}

Test(curves, name_what_a_run_does_not_have) {
  add_run(plain, HEADER, EVAL_HEADER);
  refuse(TENDRIL_E_FORMAT, "has no return of a whole episode yet");
  options.y = "evaluation";
  refuse(TENDRIL_E_FORMAT, "has no evaluation yet");
  options.y = "k1";
  refuse(TENDRIL_E_UNKNOWN, "progress.csv: no column k1; did you mean kl?");
  options.y = "return";
  options.x = TND_AXIS_CPU;
  add_run(plain, "iteration,steps,return_mean\n1,100,1\n", NULL);
  refuse(TENDRIL_E_FORMAT, "no column cpu_seconds; choose another --x");
  tnd_curves *curves = NULL;
  cr_assert_eq(tnd_curves_create(&options, paths, NULL, 0, &curves, NULL), TENDRIL_E_ARGUMENT);
}

Test(curves, of_success_are_shares_of_an_evaluations_episodes) {
  options.y = "success";
  add_run("{\"task\": \"t\", \"learner\": {\"name\": \"trpo\"},"
          "\"run\": {\"seed\": 1, \"eval_episodes\": 8}}",
          rows, "iteration,steps,return_mean,succeeded\n1,100,7,2\n2,200,7,8\n");
  tnd_curves *curves = read_all();
  cr_assert_eq(curves->curves[0].n, 2);
  cr_assert_eq(curves->curves[0].y[0], 0.25);
  cr_assert_eq(tnd_curve_reaches(&curves->curves[0], TND_AXIS_STEPS, 1), 200);
  tnd_curves_destroy(curves);
  // a task that has no goal
  add_run(plain, rows, EVAL_HEADER "1,100,7\n");
  refuse(TENDRIL_E_UNKNOWN, "evaluations.csv: no success: task");
}

Test(curves, have_axes_by_name) {
  tnd_axis axis;
  tendril_error err = {{0}};
  check_ok(tnd_axis_parse("cpu", &axis, check_err));
  cr_assert_eq(axis, TND_AXIS_CPU);
  cr_assert_eq(tnd_axis_parse("iteration", &axis, &err), TENDRIL_E_ARGUMENT);
  cr_assert_str_eq(err.text, "iteration: no axis; did you mean iterations?");
}

// ---------------------------------------------------------------------------------------- drawing

Test(curves, are_drawn_in_a_panel_for_each_task_with_its_levels) {
  add_config("{\"task\": \"first\", \"learner\": {\"name\": \"trpo\"}}");
  add_config("{\"task\": \"first\", \"learner\": {\"name\": \"trpo\"}, \"run\": {\"seed\": 2}}");
  add_config("{\"task\": \"second\", \"learner\": {\"name\": \"trpo\"}}");
  tnd_curves *curves = read_all();
  static const tnd_level level = {"published, 5", 5};
  const tnd_curves_levels levels = {"second", 1, &level};
  const char *path = support_file("x.svg");
  check_ok(tnd_curves_draw(curves, "both", &levels, 1, path, check_err));
  char *text = support_read_file(path, NULL);
  static const char *const words[] = {"first<",
                                      "second<",
                                      "published, 5<",
                                      "both<",
                                      "Mean over 1 to 2 seeds and its 95 % bootstrap",
                                      "not smoothed",
                                      "control steps<"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    cr_assert(strstr(text, words[i]), "%s", words[i]);
  free(text);
  tnd_curves_destroy(curves);
}

Test(curves, of_a_run_on_its_way_are_sketched_when_there_is_a_point) {
  tnd_drawing *drawing = NULL;
  const char *run = add_run(plain, HEADER, EVAL_HEADER);
  check_ok(tnd_curve_sketch(run, &drawing, check_err));
  cr_assert_null(drawing);
  // long enough to be thinned
  static char text[200000];
  int n = snprintf(text, sizeof text, "%s", HEADER);
  for (int i = 1; i <= 5000; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, "%d,%d,5,0,1\n", i, 100 * i);
  write_in(run, "progress.csv", text);
  write_in(run, "evaluations.csv", EVAL_HEADER "1,100,7\n3,3");
  check_ok(tnd_curve_sketch(run, &drawing, check_err));
  check_ok(tnd_drawing_finish(drawing, check_err));
  char *picture = support_read_file(support_path(run, "curves.svg"), NULL);
  cr_assert(strstr(picture, "moving mean over 101 iterations"));
  cr_assert_lt(strlen(picture), 40000);
  free(picture);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  tnd_curves *curves = NULL;
  const tendril_status status = tnd_curves_create(&options, paths, NULL, npath, &curves, err);
  tnd_curves_destroy(curves);
  return status;
}

Test(curves, without_memory_fail_cleanly) {
  for (int i = 0; i < 2; i++)
    add_config("{\"task\": \"a\", \"learner\": {\"name\": \"trpo\"}}");
  add_config("{\"task\": \"a\", \"learner\": {\"name\": \"trpo\", \"lambda\": 0.5}}");
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 100);
}
