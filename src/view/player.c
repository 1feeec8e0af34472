// The player's state: an episode, its remembered minute, and the time of it that is shown. What is
// shown is `t`; the environment itself is at `t` too, or at the trace's end while the past is only
// looked at. As soon as the past is changed (a push, a step under a drag, a body that is put
// elsewhere), what came after it is cut off.
#include "view/player.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "view/pose.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MEMORY 60.0     // seconds that can be gone back
#define FAR 0.2         // seconds of a far step
#define PATIENCE 0.03   // seconds of stepping at most between two pictures
#define REST 1.5        // seconds that the end of an episode is shown before the next begins
#define MAX_SPEED 16.0  // and 1 / MAX_SPEED is the slowest
#define SETTLE 0.3      // weight of the newest picture in the measured pace

struct tnd_player {
  tnd_player_settings settings;
  const tendril_model *model;
  tendril_controller *controller;
  const tnd_trace *recorded;
  tnd_player_hooks hooks;
  uint64_t seed;
  uint32_t episode;
  char checkpoint[64];

  tendril_env *env;
  tnd_trace *trace;
  int capacity;       // of the trace
  double *memories;   // [capacity + 1][controller's size] what the controller knew at those times
  int t;              // shown
  bool failed;        // the environment could not be reset or stepped
  tendril_error why;  // if it failed
  double owed;        // simulated seconds that are still to be played
  double rested;      // seconds since the episode's end
  double pace;
  uint32_t story;  // counts beginnings and pasts that were changed
  tnd_pose *shown;
  int shown_t;  // time that `shown` is at, -1: none
  int drag_body;
  double drag[6];
  double *obs, *action;  // [nobs], [nact]
  tnd_arena arena;
};

static const double directions[][3] = {{1, 0, 0},  {-1, 0, 0}, {0, 1, 0},
                                       {0, -1, 0}, {0, 0, 1},  {0, 0, -1}};
static const char *const direction_names[] = {"forward", "back", "left", "right", "up", "down"};
enum { NDIRECTION = sizeof directions / sizeof directions[0] };

// ------------------------------------------------------------------------------------ small things

static const tnd_trace *trace_of(const tnd_player *p) {
  return p->recorded ? p->recorded : p->trace;
}

static int first_time(const tnd_player *p) {
  return tnd_trace_first(trace_of(p));
}

static int last_time(const tnd_player *p) {
  return tnd_trace_last(trace_of(p));
}

static double seconds_at(const tnd_player *p, int t) {
  return t * tendril_model_seconds(p->model);
}

TENDRIL_FORMAT(2, 3) static void say(const tnd_player *p, const char *format, ...) {
  char line[256];
  if (!p->hooks.say) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  p->hooks.say(p->hooks.user, line);
}

// Why the episode ended at time t, NULL if it did not.
static const char *ending_at(const tnd_player *p, int t) {
  if (t != last_time(p)) return NULL;
  if (p->failed) return p->why.text;
  if (t == first_time(p)) return NULL;
  const tendril_step *step = tnd_trace_step(trace_of(p), t - 1);
  if (step->terminated) return "terminated: the task ended";
  if (step->truncated) return "truncated: the time limit ran out";
  if (step->diverged) return "diverged: the simulation became unstable";
  return p->recorded ? "the recording ends" : NULL;
}

// ------------------------------------------------------------------------------------ episodes

static void fail(tnd_player *p, const tendril_error *err) {
  p->failed = true;
  p->why = *err;
}

// The controller's memory at time t.
static double *memory_at(const tnd_player *p, int t) {
  const size_t size = (size_t)tendril_controller_size(p->controller);
  return p->memories + (size_t)(t % (p->capacity + 1)) * size;
}

static void start(tnd_player *p) {
  tendril_error err = {{0}};
  p->failed = false;
  p->owed = p->rested = 0;
  p->shown_t = -1;
  p->drag_body = 0;
  p->story++;
  if (p->recorded) {
    p->t = first_time(p);
    return;
  }
  if (tendril_controller_reset(p->controller, p->seed, 0, p->episode, p->env, p->obs, &err) !=
      TENDRIL_OK)
    fail(p, &err);
  memset(tendril_env_data(p->env)->xfrc_applied, 0,
         sizeof(double) * 6 * (size_t)tendril_model_mujoco(p->model)->nbody);
  tnd_trace_begin(p->trace, p->env);
  p->t = 0;
  tendril_controller_save(p->controller, memory_at(p, 0));
}

// The environment goes to a time that is remembered.
static void go_to(tnd_player *p, int t) {
  tendril_env_restore(p->env, tnd_trace_snapshot(p->trace, t), p->obs);
  tendril_controller_restore(p->controller, memory_at(p, t));
}

// What came after the time that is shown is forgotten; the environment is there.
static void cut(tnd_player *p) {
  tnd_trace_cut(p->trace, p->t);
  p->failed = false;
  p->shown_t = -1;
  p->story++;
}

// Goes on from the time that is shown.
static void live(tnd_player *p) {
  if (p->recorded || p->t == last_time(p)) return;
  go_to(p, p->t);
  cut(p);
}

static void apply_drag(tnd_player *p) {
  const size_t nbody = (size_t)tendril_model_mujoco(p->model)->nbody;
  double *applied = tendril_env_data(p->env)->xfrc_applied;
  memset(applied, 0, sizeof(double) * 6 * nbody);
  if (p->drag_body) memcpy(applied + (ptrdiff_t)6 * p->drag_body, p->drag, sizeof p->drag);
}

// One control step on: what is remembered first, then a new one; under a drag always a new one.
// False at the episode's end.
static bool step(tnd_player *p) {
  if (p->drag_body) live(p);
  if (p->t < last_time(p)) {
    p->t++;
    return true;
  }
  if (ending_at(p, p->t)) return false;
  tendril_error err = {{0}};
  tendril_step result;
  tendril_status status =
      tendril_controller_act(p->controller, p->env, p->t, p->obs, p->action, &err);
  apply_drag(p);
  if (status == TENDRIL_OK) status = tendril_env_step(p->env, p->action, p->obs, &result, &err);
  if (status != TENDRIL_OK) {
    fail(p, &err);
    return false;
  }
  tnd_trace_add(p->trace, p->env, p->action, &result);
  p->t = last_time(p);
  tendril_controller_save(p->controller, memory_at(p, p->t));
  if (ending_at(p, p->t))
    say(p, "episode %u ended at %.3f s, %s; return %.2f", p->episode, seconds_at(p, p->t),
        ending_at(p, p->t), tnd_trace_return(p->trace, p->t));
  return true;
}

static void go_on(tnd_player *p, int steps) {
  p->settings.running = 0;
  for (int i = 0; i < steps && step(p); i++)
    ;
}

// Another time that is remembered is shown, or the nearest.
static void look_at(tnd_player *p, int t) {
  p->settings.running = 0;
  p->t = t < first_time(p) ? first_time(p) : t;
}

// ------------------------------------------------------------------------------------ time

void tnd_player_advance(tnd_player *p, double seconds) {
  const double dt = tendril_model_seconds(p->model);
  if (!(seconds > 0)) return;
  if (!p->settings.running) {
    p->owed = p->pace = 0;
    return;
  }
  if (ending_at(p, p->t)) {
    p->rested += seconds;
    if (p->settings.go_on && p->rested >= REST)
      tnd_player_do(p, p->recorded ? TND_RESTART : TND_NEXT_EPISODE);
    return;
  }

  // a machine that is too slow plays slower: what it owes is let go
  const double begin = tnd_clock_wall();
  double played = 0;
  p->owed += seconds * p->settings.speed;
  while (p->owed >= dt && step(p)) {
    p->owed -= dt;
    played += dt;
    if (tnd_clock_wall() - begin > PATIENCE) p->owed = 0;
  }
  if (ending_at(p, p->t)) p->owed = 0;
  p->pace += SETTLE * (played / seconds - p->pace);
}

// ------------------------------------------------------------------------------------ commands

static void push(tnd_player *p) {
  const tnd_player_settings *s = &p->settings;
  const mjModel *m = tendril_model_mujoco(p->model);
  tendril_error err = {{0}};
  if (p->recorded) {
    say(p, "a recorded episode can't be pushed");
    return;
  }
  const int body = s->body >= 1 && s->body < (int)m->nbody ? s->body : 1;
  const char *name = mj_id2name(m, mjOBJ_BODY, body);
  tendril_push push = {.newtons = s->newtons, .seconds = s->seconds, .time = 0};
  const int direction = s->direction >= 0 && s->direction < NDIRECTION ? s->direction : 0;
  memcpy(push.direction, directions[direction], sizeof push.direction);
  push.time = seconds_at(p, p->t);
  snprintf(push.body, sizeof push.body, "%s", name ? name : "");
  // one that is refused changes nothing, the future of a past state neither
  const bool past = p->t < last_time(p);
  if (past) go_to(p, p->t);
  if (tendril_env_push(p->env, &push, &err) != TENDRIL_OK) {
    if (past) go_to(p, last_time(p));
    say(p, "no push: %s", err.text);
    return;
  }
  if (past) cut(p);
  // the state that is remembered is that under the push
  tnd_trace_amend(p->trace, p->env);
  p->shown_t = -1;
  say(p, "push %g N %s for %g s on %s at %.3f s", s->newtons, direction_names[direction],
      s->seconds, name ? name : "the first body", push.time);
}

static void change_speed(tnd_player *p, double factor) {
  const double speed = factor == 0 ? 1 : p->settings.speed * factor;
  p->settings.speed = fmin(fmax(speed, 1 / MAX_SPEED), MAX_SPEED);
  say(p, "speed %g", p->settings.speed);
}

static void change_checkpoint(tnd_player *p, int by) {
  char label[64] = "";
  if (p->recorded || !p->hooks.move_checkpoint ||
      !p->hooks.move_checkpoint(p->hooks.user, by, label)) {
    say(p, by > 0 ? "no later checkpoint" : "no earlier checkpoint");
    return;
  }
  memcpy(p->checkpoint, label, sizeof p->checkpoint);
  p->checkpoint[sizeof p->checkpoint - 1] = '\0';
  start(p);
  say(p, "checkpoint %s", p->checkpoint);
}

static void change_episode(tnd_player *p, int by) {
  if (p->recorded) {
    say(p, "no other episode: one that was recorded is shown alone");
    return;
  }
  p->episode += (uint32_t)(by > 0 || p->episode > 0 ? by : 0);
  start(p);
  say(p, "episode %u", p->episode);
}

static void say_where(const tnd_player *p, const char *what) {
  say(p, "%s at step %d, %.3f s", what, p->t, seconds_at(p, p->t));
}

void tnd_player_do(tnd_player *p, tnd_command command) {
  const int far = (int)fmax(1, lround(FAR / tendril_model_seconds(p->model)));
  switch (command) {
  case TND_PAUSE:
    p->settings.running = !p->settings.running;
    say_where(p, p->settings.running ? "running" : "paused");
    break;
  case TND_STEP:
    go_on(p, 1);
    say_where(p, "step");
    break;
  case TND_BACK:
    look_at(p, p->t - 1);
    say_where(p, "back");
    break;
  case TND_STEP_FAR:
    go_on(p, far);
    say_where(p, "step");
    break;
  case TND_BACK_FAR:
    look_at(p, p->t - far);
    say_where(p, "back");
    break;
  case TND_OLDEST:
    look_at(p, first_time(p));
    say_where(p, "back");
    break;
  case TND_NEWEST:
    look_at(p, last_time(p));
    say_where(p, "step");
    break;
  case TND_RESTART:
    start(p);
    say(p, "restart of episode %u", p->episode);
    break;
  case TND_NEXT_EPISODE:
    change_episode(p, 1);
    break;
  case TND_LAST_EPISODE:
    change_episode(p, -1);
    break;
  case TND_NEXT_CHECKPOINT:
    change_checkpoint(p, 1);
    break;
  case TND_LAST_CHECKPOINT:
    change_checkpoint(p, -1);
    break;
  case TND_FASTER:
    change_speed(p, 2);
    break;
  case TND_SLOWER:
    change_speed(p, 0.5);
    break;
  case TND_REAL_TIME:
    change_speed(p, 0);
    break;
  case TND_PUSH:
    push(p);
    break;
  }
}

void tnd_player_drag(tnd_player *p, int body, const double *wrench) {
  if (p->recorded || body < 0 || body >= (int)tendril_model_mujoco(p->model)->nbody) return;
  if (body) memcpy(p->drag, wrench, sizeof p->drag);
  p->drag_body = body;
}

// Whether nothing holds the body in its place: a mocap body, or one that hangs on a free one.
static bool is_loose(const mjModel *m, int body) {
  const int root = m->body_rootid[body];
  return m->body_mocapid[body] >= 0 ||
         (m->body_jntnum[root] == 1 && m->jnt_type[m->body_jntadr[root]] == mjJNT_FREE);
}

void tnd_player_hold(tnd_player *p, const mjvPerturb *perturb) {
  const mjModel *m = tendril_model_mujoco(p->model);
  const int body = perturb->select;
  if (p->recorded || p->settings.running || ending_at(p, p->t)) return;
  if (body < 1 || body >= (int)m->nbody || !is_loose(m, body)) return;

  // 1. MuJoCo puts it there in what is shown, whose poses are up to date
  mjData *to = tendril_env_data(p->env), *from = tnd_player_data(p);
  mjv_applyPerturbPose(m, from, perturb, 1);

  // 2. the episode goes on from there
  live(p);
  mju_copy(to->qpos, from->qpos, (int)m->nq);
  mju_copy(to->mocap_pos, from->mocap_pos, 3 * (int)m->nmocap);
  mju_copy(to->mocap_quat, from->mocap_quat, 4 * (int)m->nmocap);
  tnd_trace_amend(p->trace, p->env);
  go_to(p, p->t);  // for the observation
  p->shown_t = -1;
}

// ------------------------------------------------------------------------------------ seeing

void tnd_player_see(const tnd_player *p, tnd_player_view *view) {
  *view = (tnd_player_view){.trace = trace_of(p),
                            .t = p->t,
                            .seconds = seconds_at(p, p->t),
                            .episode = p->episode,
                            .checkpoint = p->checkpoint,
                            .ending = ending_at(p, p->t),
                            .pace = p->pace,
                            .story = p->story};
}

mjData *tnd_player_data_at(tnd_player *p, int t) {
  if (p->shown_t != t) {
    // a state that MuJoCo can't bring up to date is shown as far as it came
    const tendril_status ignored = tnd_pose_set(p->shown, tnd_trace_snapshot(trace_of(p), t), NULL);
    (void)ignored;
    p->shown_t = t;
  }
  return tnd_pose_data(p->shown);
}

mjData *tnd_player_data(tnd_player *p) {
  return tnd_player_data_at(p, p->t);
}

const mjModel *tnd_player_mujoco(tnd_player *p) {
  tnd_player_data(p);
  return tnd_pose_mujoco(p->shown);
}

int tnd_player_pushes(tnd_player *p, tendril_force forces[TENDRIL_MAX_FORCES]) {
  tnd_player_data(p);
  return tnd_pose_pushes(p->shown, forces);
}

tnd_player_settings *tnd_player_get_settings(tnd_player *player) {
  return &player->settings;
}

// ------------------------------------------------------------------------------------ life

static void layout(tnd_player *p, tnd_arena *arena) {
  p->obs = tnd_arena_doubles(arena, (size_t)tendril_model_nobs(p->model));
  p->action = tnd_arena_doubles(arena, (size_t)tendril_model_nact(p->model));
  if (p->recorded) return;
  const size_t size = (size_t)tendril_controller_size(p->controller);
  p->memories = tnd_arena_doubles(arena, ((size_t)p->capacity + 1) * size);
}

static tendril_status create_parts(tnd_player *p, tendril_error *err) {
  p->capacity = (int)ceil(MEMORY / tendril_model_seconds(p->model));
  layout(p, &p->arena);
  TENDRIL_TRY(tnd_arena_alloc(&p->arena, err));
  layout(p, &p->arena);
  TENDRIL_TRY(tnd_pose_create(p->model, &p->shown, err));
  if (p->recorded) return TENDRIL_OK;
  TENDRIL_TRY(tnd_trace_create(p->model, p->capacity, &p->trace, err));
  return tendril_env_create(p->model, &p->env, err);
}

tendril_status tnd_player_create(const tnd_player_setup *setup, tnd_player **out,
                                 tendril_error *err) {
  tnd_player *p = tnd_alloc(sizeof *p);
  if (!p) return tnd_fail_memory(err);
  *p = (tnd_player){
      .settings = {.running = 1, .go_on = 1, .speed = 1, .newtons = 50, .seconds = 0.1},
      .model = setup->model,
      .controller = setup->controller,
      .recorded = setup->recorded,
      .hooks = setup->hooks,
      .seed = setup->seed,
      .episode = setup->episode};
  snprintf(p->checkpoint, sizeof p->checkpoint, "%s", setup->checkpoint ? setup->checkpoint : "");
  tendril_status status = create_parts(p, err);
  if (status == TENDRIL_OK) {
    start(p);
    if (p->failed) status = tnd_fail(err, TENDRIL_E_PHYSICS, "%s", p->why.text);
  }
  if (status == TENDRIL_OK)
    *out = p;
  else
    tnd_player_destroy(p);
  return status;
}

void tnd_player_destroy(tnd_player *player) {
  if (!player) return;
  tnd_trace_destroy(player->trace);
  tendril_env_destroy(player->env);
  tnd_pose_destroy(player->shown);
  tnd_arena_free(&player->arena);
  tnd_free(player);
}
