// The player without a window: time, scrubbing, pushes, episodes and checkpoints, by commands.
#include "sim/sim.h"
#include "support/agents.h"
#include "support/sim.h"
#include "view/player.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

typedef struct fixture {
  tendril_model *model;
  tendril_controller *controller;
  tnd_player *player;
  char line[256];  // the last one said
  int checkpoint;  // of 0 .. 2
} fixture;

static void hear(void *user, const char *line) {
  fixture *f = user;
  snprintf(f->line, sizeof f->line, "%s", line);
}

static bool move(void *user, int by, char *label) {
  fixture *f = user;
  const int to = f->checkpoint + by;
  if (to < 0 || to > 2) return false;
  f->checkpoint = to;
  snprintf(label, 64, "iteration %d", to);
  return true;
}

// Random actions on the swimmer, which never falls: control steps of 40 ms.
static void begin(fixture *f, const char *task) {
  *f = (fixture){.model = support_model(task, NULL)};
  cr_assert_eq(tendril_controller_create(tendril_agent_random(), f->model, &f->controller, NULL),
               TENDRIL_OK);
  const tnd_player_setup setup = {.model = f->model,
                                  .controller = f->controller,
                                  .seed = 1,
                                  .checkpoint = "best",
                                  .hooks = {.move_checkpoint = move, .say = hear, .user = f}};
  tendril_error err = {{0}};
  cr_assert_eq(tnd_player_create(&setup, &f->player, &err), TENDRIL_OK, "%s", err.text);
}

static void end(fixture *f) {
  tnd_player_destroy(f->player);
  tendril_controller_destroy(f->controller);
  tendril_model_destroy(f->model);
}

static tnd_player_view see(const fixture *f) {
  tnd_player_view view;
  tnd_player_see(f->player, &view);
  return view;
}

static void do_it(fixture *f, tnd_command command, int times) {
  for (int i = 0; i < times; i++)
    tnd_player_do(f->player, command);
}

// In small pieces, as pictures come; on no clock, so that a busy machine plays the same.
static void play(fixture *f, double seconds) {
  for (int i = 0; i < 100; i++)
    tnd_player_advance(f->player, seconds / 100);
}

Test(player, keeps_the_time_of_the_wall_clock_at_every_speed) {
  fixture f;
  begin(&f, "swimmer-v4");
  play(&f, 4.001);
  cr_assert_eq(see(&f).t, 100);
  cr_assert_float_eq(see(&f).seconds, 4.0, 1e-12);
  do_it(&f, TND_FASTER, 2);
  play(&f, 1.0);
  cr_assert_eq(see(&f).t, 200);
  do_it(&f, TND_SLOWER, 4);
  play(&f, 4.0);
  cr_assert_eq(see(&f).t, 225);
  do_it(&f, TND_REAL_TIME, 1);
  cr_assert_eq(tnd_player_get_settings(f.player)->speed, 1);
  do_it(&f, TND_FASTER, 9);
  cr_assert_eq(tnd_player_get_settings(f.player)->speed, 16);
  do_it(&f, TND_SLOWER, 19);
  cr_assert_eq(tnd_player_get_settings(f.player)->speed, 1.0 / 16);
  end(&f);
}

Test(player, pauses_and_steps) {
  fixture f;
  begin(&f, "swimmer-v4");
  play(&f, 0.401);
  do_it(&f, TND_PAUSE, 1);
  cr_assert_str_eq(f.line, "paused at step 10, 0.400 s");
  play(&f, 1);
  cr_assert_eq(see(&f).t, 10);
  do_it(&f, TND_STEP, 1);
  cr_assert_eq(see(&f).t, 11);
  cr_assert_str_eq(f.line, "step at step 11, 0.440 s");
  do_it(&f, TND_STEP_FAR, 1);
  cr_assert_eq(see(&f).t, 16);
  do_it(&f, TND_PAUSE, 1);
  play(&f, 0.041);
  cr_assert_eq(see(&f).t, 17);
  end(&f);
}

Test(player, goes_back_and_on_through_what_was) {
  fixture f;
  begin(&f, "swimmer-v4");
  play(&f, 2.001);
  double x[51][5];
  for (int t = 50; t >= 0; t--) {
    cr_assert_eq(see(&f).t, t);
    memcpy(x[t], tnd_player_data(f.player)->qpos, sizeof x[t]);
    do_it(&f, TND_BACK, 1);
  }
  cr_assert_eq(see(&f).t, 0, "no further than the start");
  cr_assert_eq(tnd_trace_last(see(&f).trace), 50);
  for (int t = 1; t <= 50; t++) {
    do_it(&f, TND_STEP, 1);
    cr_assert_arr_eq(tnd_player_data(f.player)->qpos, x[t], sizeof x[t]);
  }
  do_it(&f, TND_OLDEST, 1);
  cr_assert_eq(see(&f).t, 0);
  do_it(&f, TND_NEWEST, 1);
  cr_assert_eq(see(&f).t, 50);
  do_it(&f, TND_BACK_FAR, 1);
  cr_assert_eq(see(&f).t, 45);

  // from there on by itself: first what was, then what is new
  do_it(&f, TND_PAUSE, 1);
  play(&f, 0.401);
  cr_assert_eq(see(&f).t, 55);
  cr_assert_eq(tnd_trace_last(see(&f).trace), 55);
  end(&f);
}

Test(player, remembers_a_minute) {
  fixture f;
  begin(&f, "swimmer-v4");
  do_it(&f, TND_FASTER, 4);
  for (int i = 0; i < 1000 && see(&f).t < 1000; i++)
    tnd_player_advance(f.player, 0.01);
  cr_assert_eq(see(&f).t, 1000, "the time limit");
  cr_assert_str_eq(see(&f).ending, "truncated: the time limit ran out");
  // 1000 steps of 40 ms are 40 s: all are remembered
  do_it(&f, TND_OLDEST, 1);
  cr_assert_eq(see(&f).t, 0);
  cr_assert_null(see(&f).ending);
  end(&f);
}

Test(player, push_in_the_past_makes_another_future) {
  fixture f;
  begin(&f, "swimmer-v4");
  play(&f, 2.001);
  double was[5];
  memcpy(was, tnd_player_data(f.player)->qpos, sizeof was);
  do_it(&f, TND_BACK, 30);
  tnd_player_settings *s = tnd_player_get_settings(f.player);
  s->newtons = 3;
  s->seconds = 0.2;
  s->direction = 2;
  do_it(&f, TND_PUSH, 1);
  cr_assert_str_eq(f.line, "push 3 N left for 0.2 s on torso at 0.800 s");
  cr_assert_eq(see(&f).t, 20);
  cr_assert_eq(tnd_trace_last(see(&f).trace), 20, "what came after it is forgotten");
  tendril_force forces[TENDRIL_MAX_FORCES];
  cr_assert_eq(tnd_player_pushes(f.player, forces), 1);
  cr_assert_eq(forces[0].force[1], 3);
  do_it(&f, TND_STEP, 30);
  cr_assert(memcmp(was, tnd_player_data(f.player)->qpos, sizeof was) != 0);
  cr_assert_eq(tnd_player_pushes(f.player, forces), 0);
  // scrubbed back, the arrow is there again
  do_it(&f, TND_BACK, 28);
  cr_assert_eq(tnd_player_pushes(f.player, forces), 1);
  end(&f);
}

Test(player, push_that_is_refused_changes_nothing) {
  fixture f, g;
  begin(&f, "swimmer-v4");
  begin(&g, "swimmer-v4");
  tnd_player_settings *s = tnd_player_get_settings(f.player);
  play(&f, 2.001);
  play(&g, 2.001);
  do_it(&f, TND_BACK, 30);
  s->newtons = 1e10;
  do_it(&f, TND_PUSH, 1);
  cr_assert(strstr(f.line, "no push: "), "%s", f.line);
  const uint32_t story = see(&f).story;
  cr_assert_eq(see(&f).t, 20);
  cr_assert_eq(tnd_trace_last(see(&f).trace), 50, "what came after it is still there");
  // beyond it the episode goes on as the same one that nobody tried to push
  do_it(&f, TND_STEP, 40);
  do_it(&g, TND_STEP, 10);
  cr_assert_eq(see(&f).t, 60);
  cr_assert_arr_eq(tnd_player_data(f.player)->qpos, tnd_player_data(g.player)->qpos,
                   5 * sizeof(double));
  cr_assert_eq(see(&f).story, story);
  end(&f);
  end(&g);
}

Test(player, drag_acts_while_it_lasts) {
  fixture f, g;
  const double wrench[6] = {5, 0, 0, 0, 0, 0};
  begin(&f, "swimmer-v4");
  begin(&g, "swimmer-v4");
  tnd_player_drag(f.player, 1, wrench);
  do_it(&f, TND_STEP, 1);
  do_it(&g, TND_STEP, 1);
  cr_assert_gt(tnd_player_data(f.player)->qvel[0], tnd_player_data(g.player)->qvel[0]);
  tnd_player_drag(f.player, 0, NULL);
  do_it(&f, TND_STEP, 1);
  cr_assert_eq(tnd_player_data(f.player)->xfrc_applied[6], 0);
  end(&f);
  end(&g);
}

Test(player, drag_makes_another_future_when_a_step_is_made_under_it) {
  fixture f;
  const double wrench[6] = {5, 0, 0, 0, 0, 0};
  begin(&f, "swimmer-v4");
  play(&f, 2.001);
  double was[2][5];
  for (int i = 0; i < 2; i++)
    memcpy(was[i], tnd_player_data_at(f.player, 21 + 29 * i)->qpos, sizeof was[i]);
  do_it(&f, TND_BACK, 30);
  // begun and let go, and held while one looks around
  tnd_player_drag(f.player, 1, wrench);
  play(&f, 0.2);
  do_it(&f, TND_BACK, 1);
  do_it(&f, TND_NEWEST, 1);
  cr_assert_eq(see(&f).t, 50);
  cr_assert_arr_eq(tnd_player_data(f.player)->qpos, was[1], sizeof was[1]);
  do_it(&f, TND_BACK, 30);
  tnd_player_drag(f.player, 0, NULL);
  do_it(&f, TND_STEP, 1);
  cr_assert_arr_eq(tnd_player_data(f.player)->qpos, was[0], sizeof was[0]);
  cr_assert_eq(tnd_trace_last(see(&f).trace), 50, "nothing is lost");
  do_it(&f, TND_BACK, 1);
  // a step under it
  tnd_player_drag(f.player, 1, wrench);
  do_it(&f, TND_STEP, 1);
  cr_assert_eq(see(&f).t, 21);
  cr_assert_eq(tnd_trace_last(see(&f).trace), 21);
  cr_assert_gt(tnd_player_data(f.player)->qpos[0], was[0][0]);
  end(&f);
}

Test(player, restarts_and_changes_episodes) {
  fixture f;
  begin(&f, "swimmer-v4");
  double start[5], other[5];
  memcpy(start, tnd_player_data(f.player)->qpos, sizeof start);
  play(&f, 1);
  do_it(&f, TND_RESTART, 1);
  cr_assert_eq(see(&f).t, 0);
  cr_assert_arr_eq(tnd_player_data(f.player)->qpos, start, sizeof start);
  do_it(&f, TND_NEXT_EPISODE, 1);
  cr_assert_eq(see(&f).episode, 1);
  memcpy(other, tnd_player_data(f.player)->qpos, sizeof other);
  cr_assert(memcmp(start, other, sizeof start) != 0);
  do_it(&f, TND_LAST_EPISODE, 2);
  cr_assert_eq(see(&f).episode, 0);
  cr_assert_arr_eq(tnd_player_data(f.player)->qpos, start, sizeof start);
  end(&f);
}

Test(player, shows_how_an_episode_ended_and_goes_on_to_the_next) {
  fixture f;
  begin(&f, "hopper-v4");
  for (int i = 0; i < 1000 && !see(&f).ending; i++)
    tnd_player_advance(f.player, 0.01);
  cr_assert_str_eq(see(&f).ending, "terminated: the task ended");
  cr_assert(strstr(f.line, "episode 0 ended at"), "%s", f.line);
  do_it(&f, TND_STEP, 3);
  cr_assert_eq(see(&f).t, tnd_trace_last(see(&f).trace), "nothing follows");
  play(&f, 2);
  cr_assert_eq(see(&f).episode, 0, "paused by the step");
  do_it(&f, TND_PAUSE, 1);
  play(&f, 1.4);
  cr_assert_eq(see(&f).episode, 0);
  tnd_player_advance(f.player, 0.2);
  cr_assert_eq(see(&f).episode, 1);
  // scrubbed back from an end, a push makes it live again
  for (int i = 0; i < 1000 && !see(&f).ending; i++)
    tnd_player_advance(f.player, 0.01);
  const int fell = see(&f).t;
  do_it(&f, TND_BACK_FAR, 1);
  do_it(&f, TND_PUSH, 1);
  do_it(&f, TND_STEP, 1);
  cr_assert_lt(see(&f).t, fell);
  cr_assert_eq(see(&f).t, tnd_trace_last(see(&f).trace));
  end(&f);
}

Test(player, walks_through_the_checkpoints) {
  fixture f;
  begin(&f, "swimmer-v4");
  cr_assert_str_eq(see(&f).checkpoint, "best");
  play(&f, 1);
  do_it(&f, TND_NEXT_CHECKPOINT, 1);
  cr_assert_str_eq(see(&f).checkpoint, "iteration 1");
  cr_assert_eq(see(&f).t, 0, "the same episode from its start");
  cr_assert_str_eq(f.line, "checkpoint iteration 1");
  do_it(&f, TND_NEXT_CHECKPOINT, 2);
  cr_assert_str_eq(see(&f).checkpoint, "iteration 2");
  cr_assert_str_eq(f.line, "no later checkpoint");
  do_it(&f, TND_LAST_CHECKPOINT, 1);
  cr_assert_str_eq(see(&f).checkpoint, "iteration 1");
  end(&f);
}

Test(player, shows_a_recorded_episode_as_it_was) {
  fixture f;
  begin(&f, "swimmer-v4");
  tnd_trace *recorded = NULL;
  cr_assert_eq(tnd_trace_create(f.model, 1000, &recorded, NULL), TENDRIL_OK);
  cr_assert_eq(tnd_trace_play(recorded, f.controller, 9, 0, NULL, 0, NULL), TENDRIL_OK);
  tnd_player_destroy(f.player);
  const tnd_player_setup setup = {
      .model = f.model, .recorded = recorded, .hooks = {.say = hear, .user = &f}};
  cr_assert_eq(tnd_player_create(&setup, &f.player, NULL), TENDRIL_OK);
  do_it(&f, TND_STEP, 20);
  const double *qpos = tnd_snapshot_qpos(tnd_trace_snapshot(recorded, 20));
  cr_assert_arr_eq(tnd_player_data(f.player)->qpos, qpos, 5 * sizeof(double));
  do_it(&f, TND_PUSH, 1);
  cr_assert_str_eq(f.line, "a recorded episode can't be pushed");
  do_it(&f, TND_NEXT_CHECKPOINT, 1);
  cr_assert_str_eq(f.line, "no later checkpoint");
  do_it(&f, TND_NEWEST, 1);
  cr_assert_eq(see(&f).t, 1000);
  cr_assert_str_eq(see(&f).ending, "truncated: the time limit ran out");
  do_it(&f, TND_PAUSE, 1);
  play(&f, 1.45);
  cr_assert_eq(see(&f).t, 1000);
  tnd_player_advance(f.player, 0.1);
  cr_assert_eq(see(&f).t, 0, "from the start again");
  tnd_trace_destroy(recorded);
  end(&f);
}

Test(player, a_controller_with_a_memory_goes_back_with_the_episode) {
  fixture f = {.model = support_model("swimmer-v4", NULL)};
  cr_assert_eq(tendril_controller_create(&support_counter, f.model, &f.controller, NULL),
               TENDRIL_OK);
  const tnd_player_setup setup = {.model = f.model, .controller = f.controller, .seed = 1};
  cr_assert_eq(tnd_player_create(&setup, &f.player, NULL), TENDRIL_OK);
  do_it(&f, TND_STEP, 20);
  do_it(&f, TND_BACK, 8);
  do_it(&f, TND_PUSH, 1);  // the past is changed: what came after it is played again
  do_it(&f, TND_STEP, 5);
  const tnd_player_view view = see(&f);
  cr_assert_eq(view.t, 17);
  for (int t = 0; t < 17; t++)
    cr_assert_eq(tnd_trace_action(view.trace, t)[0], 1e-3 * t, "step %d", t);
  end(&f);
}
