// Episodes as tables: read back to the bit, and refused with the place where they are wrong.
#include "support/sim.h"
#include "support/tmpdir.h"
#include "support/view.h"
#include "view/trace_csv.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static tnd_buffer table_of(const tendril_model *model, const tnd_trace *trace, int pushes) {
  tnd_buffer text = {0};
  tnd_trace_csv_header(model, pushes, &text);
  cr_assert_eq(tnd_trace_csv_episode(trace, 0, pushes, &text, NULL), TENDRIL_OK);
  return text;
}

static void expect_equal_traces(const tendril_model *model, const tnd_trace *a,
                                const tnd_trace *b) {
  const size_t nu = (size_t)tendril_model_nact(model) * sizeof(double);
  cr_assert_eq(tnd_trace_last(a), tnd_trace_last(b));
  for (int t = 0; t < tnd_trace_last(a); t++) {
    const tendril_step *x = tnd_trace_step(a, t), *y = tnd_trace_step(b, t);
    cr_assert_arr_eq(tnd_trace_action(a, t), tnd_trace_action(b, t), nu);
    cr_assert_eq(x->reward, y->reward);
    cr_assert_arr_eq(x->terms, y->terms, sizeof x->terms);
    cr_assert(x->terminated == y->terminated && x->truncated == y->truncated &&
              x->diverged == y->diverged);
    cr_assert_eq(tnd_trace_return(a, t + 1), tnd_trace_return(b, t + 1));
  }
}

// Written, read and written again: the same bytes, so every number in them survives.
static void expect_round_trip(tendril_model *model, tnd_trace *trace, int pushes) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "episode.csv");
  tnd_trace *back = NULL;
  tendril_error err = {{0}};
  tnd_buffer first = table_of(model, trace, pushes);
  support_write_file(path, first.text, first.n);
  cr_assert_eq(tnd_trace_csv_read(path, model, -1, &back, &err), TENDRIL_OK, "%s", err.text);
  expect_equal_traces(model, trace, back);
  tnd_buffer second = table_of(model, back, pushes);
  cr_assert_str_eq(first.text, second.text);
  tnd_buffer_free(&first);
  tnd_buffer_free(&second);
  tnd_trace_destroy(back);
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
  support_tmpdir_remove(folder);
}

Test(trace_csv, reads_back_what_it_wrote) {
  tendril_model *model = support_model("walker2d-v4", NULL);
  expect_round_trip(model, support_random_trace(model, 2), 0);
}

Test(trace_csv, reads_back_floating_bases_ball_joints_and_activations) {
  tendril_model *model = support_toy_model("bare.xml");
  expect_round_trip(model, support_random_trace(model, 2), 0);
}

Test(trace_csv, reads_back_pushes) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_controller *controller = NULL;
  tnd_trace *trace = NULL;
  tendril_push pushes[2];
  cr_assert_eq(tendril_push_parse("60@0.04,0.05", &pushes[0], NULL), TENDRIL_OK);
  cr_assert_eq(tendril_push_parse("7@0.05,0.02,1:2:3,foot", &pushes[1], NULL), TENDRIL_OK);
  cr_assert_eq(tendril_controller_create(tendril_agent_zero(), model, &controller, NULL),
               TENDRIL_OK);
  cr_assert_eq(tnd_trace_create(model, 1000, &trace, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(trace, controller, 1, 0, pushes, 2, NULL), TENDRIL_OK);
  tendril_controller_destroy(controller);
  expect_round_trip(model, trace, 2);
}

// The state that a diverged step leads to is void; the one before it is there twice.
Test(trace_csv, reads_back_an_episode_that_diverged) {
  tendril_model *model = support_model("hopper-v4", NULL);
  tendril_env *env = support_env(model, 1, NULL);
  tnd_trace *trace = NULL;
  const double action[3] = {0.1, 0.2, 0.3};
  cr_assert_eq(tnd_trace_create(model, 2, &trace, NULL), TENDRIL_OK);
  tnd_trace_begin(trace, env);
  tnd_trace_add(trace, env, action, &(tendril_step){.reward = 1});
  tnd_trace_add(trace, env, action, &(tendril_step){.diverged = true});
  tendril_env_destroy(env);
  expect_round_trip(model, trace, 0);
}

Test(trace_csv, names_columns_after_joints_and_numbers_those_whose_names_need_quotes) {
  tendril_model *model = support_toy_model("bare.xml");
  tnd_buffer header = {0};
  tnd_trace_csv_header(model, 1, &header);
  cr_assert_str_eq(header.text,
                   "episode,step,time,qpos.root.0,qpos.root.1,qpos.root.2,qpos.root.3,qpos.root.4,"
                   "qpos.root.5,qpos.root.6,qpos.front left,qpos.8,qpos.9,qpos.knee.0,qpos.knee.1,"
                   "qpos.knee.2,qpos.knee.3,qvel.root.0,qvel.root.1,qvel.root.2,qvel.root.3,"
                   "qvel.root.4,qvel.root.5,qvel.front left,qvel.7,qvel.8,qvel.knee.0,qvel.knee.1,"
                   "qvel.knee.2,act.muscle,action.left,action.1,action.muscle,reward,reward.one,"
                   "terminated,truncated,diverged,push0.body,push0.x,push0.y,push0.z\n");
  tnd_buffer_free(&header);
  tendril_model_destroy(model);
}

Test(trace_csv, finds_an_episode_by_its_number) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "episodes.csv");
  tendril_model *model = support_model("inverted-pendulum-v4", NULL);
  tnd_trace *traces[2], *back = NULL;
  tendril_error err = {{0}};
  tnd_buffer text = {0};
  tnd_trace_csv_header(model, 0, &text);
  for (int i = 0; i < 2; i++) {
    traces[i] = support_random_trace(model, (uint64_t)i + 1);
    cr_assert_eq(tnd_trace_csv_episode(traces[i], i, 0, &text, NULL), TENDRIL_OK);
  }
  support_write_file(path, text.text, text.n);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(tnd_trace_csv_read(path, model, i, &back, &err), TENDRIL_OK, "%s", err.text);
    expect_equal_traces(model, traces[i], back);
    tnd_trace_destroy(back);
    tnd_trace_destroy(traces[i]);
  }
  cr_assert_eq(tnd_trace_csv_read(path, model, 2, &back, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "has no episode 2"), "%s", err.text);
  tnd_buffer_free(&text);
  tendril_model_destroy(model);
  support_tmpdir_remove(folder);
}

// ------------------------------------------------------------------------------------ refused

#define HEADER                                                                                     \
  "episode,step,time,qpos.cart,qpos.pole,qvel.cart,qvel.pole,action.cart,reward,reward.upright,"   \
  "terminated,truncated,diverged"
#define ROW0 "0,0,0,0.1,0.2,0.3,0.4,-1,1,1,0,0,0\n"
#define LAST "0,1,0.02,0.1,0.2,0.3,0.4,,,,,,\n"

static void refused(const char *text, const char *expected) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "x.csv");
  tendril_model *model = support_model("cartpole", NULL);
  tnd_trace *trace = NULL;
  tendril_error err = {{0}};
  support_write_file(path, text, strlen(text));
  const tendril_status status = tnd_trace_csv_read(path, model, -1, &trace, &err);
  if (!expected) {
    cr_assert_eq(status, TENDRIL_OK, "%s", err.text);
  } else {
    cr_assert_eq(status, TENDRIL_E_FORMAT, "%s: read", text);
    cr_assert_null(trace);
    cr_assert(strstr(err.text, expected), "%s", err.text);
    cr_assert(strstr(err.text, "x.csv: "), "%s", err.text);
  }
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
  support_tmpdir_remove(folder);
}

Test(trace_csv, names_line_and_column_of_what_it_refuses) {
  tendril_model *model = support_model("cartpole", NULL);
  tnd_buffer header = {0};
  tnd_trace_csv_header(model, 0, &header);
  cr_assert_str_eq(header.text, HEADER "\n");
  tnd_buffer_free(&header);
  tendril_model_destroy(model);

  refused(HEADER "\n" ROW0 LAST, NULL);
  refused("", "an empty file");
  refused(HEADER, "line 1: has no end");
  refused(HEADER "\n", "no rows");
  refused("episode,step,tame\n", "line 1, column 3 (time): expected here, but found tame");
  refused("episode,step,time,qpos.rootx\n", "column 4 (qpos.cart): expected here");
  refused("episode,step\n", "line 1, column 3 (time): is missing");
  refused(HEADER ",push0.body,push0.x\n", "(push0.y): is missing");
  refused(HEADER ",more\n", "column 14 (push0.body): expected here, but found more");
  refused(HEADER "\n0,0,0,0.1,abc,0.3,0.4,-1,1,1,0,0,0\n" LAST,
          "line 2, column 5 (qpos.pole): not a number");
  refused(HEADER "\n0,0,0,0.1,nan,0.3,0.4,-1,1,1,0,0,0\n" LAST, "(qpos.pole): not a number");
  refused(HEADER "\n0,0,0,0.1,1e999,0.3,0.4,-1,1,1,0,0,0\n" LAST, "(qpos.pole): not a number");
  refused(HEADER "\n0,0,0,0.1,,0.3,0.4,-1,1,1,0,0,0\n" LAST, "(qpos.pole): empty");
  refused(HEADER "\n" ROW0 "0,1,0.02,0.1\n", "line 3: fewer cells than columns");
  refused(HEADER "\n" ROW0 "0,1,0.02,0.1,0.2,0.3,0.4,,,,,,,\n", "line 3: more cells than columns");
  refused(HEADER "\n" ROW0 "0,1,0.02,0.1,0.2", "line 3: has no end; is the file cut short?");
  refused(HEADER "\n" ROW0, "line 2: the episode's last row, but with a step");
  refused(HEADER "\n0,0,0,0.1,0.2,0.3,0.4,,,,,,\n" LAST,
          "a row without a step, but its episode goes on");
  refused(HEADER "\n" ROW0 "0,2,0.02,0.1,0.2,0.3,0.4,,,,,,\n",
          "line 3, column 2 (step): steps must count from 0 on");
  refused(HEADER "\n0,0.5,0,0.1,0.2,0.3,0.4,-1,1,1,0,0,0\n" LAST, "(step): not a whole number");
  refused(HEADER "\n0,0,0,0.1,0.2,0.3,0.4,-1,1,1,2,0,0\n" LAST, "(terminated): neither 0 nor 1");
  refused(HEADER "\n0,0,0,0.1,0.2,0.3,0.4,-1,,1,0,0,0\n" LAST, "(reward): empty");
  refused(HEADER "\n" ROW0 "0,1,0.02,0.1,0.2,0.3,0.4,5,,,,,\n", "(action.cart): filled");
  refused(HEADER ",push0.body,push0.x,push0.y,push0.z\n"
                 "0,0,0,0.1,0.2,0.3,0.4,-1,1,1,0,0,0,9,1,2,3\n",
          "(push0.body): no body of the model");
}
