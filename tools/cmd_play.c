// tendril play: a window in which a policy acts, or nobody, or an episode that was recorded.
#include "show.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/options.h"
#include "policy/policy.h"
#include "run/walk.h"
#include "view/screen.h"
#include "view/trace_csv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { UNSET = -1 };

typedef struct options {
  show_options show;
  const char *episode_file, *size, *speed, *quality, *output;
  int64_t seed, episode;
  bool paused;
  int width, height;
  double times;  // the speed as a number; 0: real time
} options;

// What is played, and the way to the other checkpoints of its run.
typedef struct stage {
  show show;
  const options *o;
  tnd_trace *recorded;  // or NULL
  int64_t iteration;    // of the policy that acts
  tnd_player *player;
  tnd_scene *scene;
  tnd_viewer *viewer;
  tnd_screen *screen;
} stage;

static volatile sig_atomic_t stop;

static void on_signal(int number) {
  (void)number;
  stop = 1;
}

static void print_line(void *user, const char *line) {
  (void)user;
  printf("%s\n", line);
  fflush(stdout);
}

// ------------------------------------------------------------------------------------ checkpoints

static void name_checkpoint(int64_t iteration, char label[64]) {
  snprintf(label, 64, "iteration %lld", (long long)iteration);
}

static bool move_checkpoint(void *user, int by, char *label) {
  stage *s = user;
  bool there;
  tendril_error err = {{0}};
  tendril_trained other;
  if (!s->show.trained.policy || !tnd_path_is_folder(s->o->show.what)) return false;
  tendril_status status =
      tnd_walk_open(s->show.tasks, s->o->show.what, by, s->iteration, &other, &there, &err);
  if (status == TENDRIL_OK && !there) return false;
  if (status == TENDRIL_OK) {
    status = tnd_policy_copy(s->show.trained.policy, other.policy, &err);
    s->iteration = other.iteration;
    tendril_trained_close(&other);
  }
  if (status != TENDRIL_OK) {
    print_line(NULL, err.text);
    return false;
  }
  name_checkpoint(s->iteration, label);
  return true;
}

// ------------------------------------------------------------------------------------ the window

static tendril_status open_player(stage *s, tendril_error *err) {
  const options *o = s->o;
  char label[64] = "";
  if (s->show.trained.policy) name_checkpoint(s->iteration, label);
  const tnd_player_setup setup = {
      .model = s->show.model,
      .controller = s->show.controller,
      .recorded = s->recorded,
      .seed = (uint64_t)o->seed,
      .episode = o->episode == UNSET ? 0 : (uint32_t)o->episode,
      .checkpoint = label,
      .hooks = {.move_checkpoint = move_checkpoint, .say = print_line, .user = s}};
  TENDRIL_TRY(tnd_player_create(&setup, &s->player, err));
  tnd_player_settings *settings = tnd_player_get_settings(s->player);
  settings->running = !o->paused;
  if (o->times > 0) settings->speed = o->times;
  return TENDRIL_OK;
}

// "auto": the finest, and less where a picture takes too long.
static tendril_status find_quality(const char *name, tnd_quality *out, bool *adapt,
                                   tendril_error *err) {
  static const char *const names[] = {"fast", "normal", "fine", "auto"};
  *out = TND_QUALITY_FINE;
  *adapt = !name || strcmp(name, "auto") == 0;
  if (*adapt) return TENDRIL_OK;
  for (int i = 0; i < 3; i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (tnd_quality)i;
      return TENDRIL_OK;
    }
  const char *near = tnd_nearest(name, names, 4);
  return tnd_fail(err, TENDRIL_E_UNKNOWN,
                  "--quality %.40s: must be auto, fast, normal or fine%s%s%s", name,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static tendril_status open_window(stage *s, tendril_error *err) {
  const options *o = s->o;
  const char *task = tendril_model_task(s->show.model)->name;
  char title[256];
  snprintf(title, sizeof title, "Tendril: %s", task);
  tnd_screen_options w = {.title = title,
                          .width = o->width ? o->width : 800,
                          .height = o->height ? o->height : 600,
                          .folder = o->output ? o->output : ".",
                          .name = task,
                          .say = print_line};
  tnd_quality quality;
  TENDRIL_TRY(find_quality(o->quality, &quality, &w.adapt, err));
  TENDRIL_TRY(open_player(s, err));
  TENDRIL_TRY(tnd_scene_create(s->show.model, quality, &s->scene, err));
  s->viewer = tnd_alloc(sizeof *s->viewer);
  if (!s->viewer) return tnd_fail_memory(err);
  tnd_viewer_init(s->viewer, s->scene, s->player);
  TENDRIL_TRY(tnd_screen_create(s->viewer, &w, &s->screen, err));
  return tnd_screen_run(s->screen, &stop, err);
}

static int play(const options *o) {
  tendril_error err = {{0}};
  stage s = {.o = o};
  cli_catch_signals(on_signal);
  tendril_status status = show_open(&o->show, &s.show, &err);
  s.iteration = s.show.trained.iteration;
  if (status == TENDRIL_OK && o->episode_file)
    status = tnd_trace_csv_read(o->episode_file, s.show.model, (int)o->episode, &s.recorded, &err);
  if (status == TENDRIL_OK) status = open_window(&s, &err);
  tnd_screen_destroy(s.screen);
  tnd_free(s.viewer);
  tnd_scene_destroy(s.scene);
  tnd_player_destroy(s.player);
  tnd_trace_destroy(s.recorded);
  show_close(&s.show);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.seed = 1, .episode = UNSET};
  // clang-format off
  const cli_option table[] = {
    {CLI_INTEGER, "seed",       0,   "N",     "seed of the start states and the noise; episodes are those of `tendril eval` (1)", &o.seed},
    {CLI_INTEGER, "episode",    0,   "N",     "number of the first episode (0); of --recorded, the one to show (its first)", &o.episode},
    {CLI_TEXT,    "recorded",   0,   "FILE",  "show an episode that `tendril record` wrote as .csv", &o.episode_file},
    {CLI_TEXT,    "speed",      0,   "TIMES", "times real time (1)", &o.speed},
    {CLI_FLAG,    "paused",     0,   NULL,    "begin paused", &o.paused},
    {CLI_TEXT,    "size",       0,   "WxH",   "of the window in pixels (800x600)", &o.size},
    {CLI_TEXT,    "quality",    0,   "WHICH", "fast, normal or fine; auto leaves out what takes too long (auto)", &o.quality},
    {CLI_TEXT,    "out",        'o', "DIR",   "for screenshots and recordings (the current folder)", &o.output},
    SHOW_OPTIONS(o.show),
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_play, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  o.show.what = arguments.at[0];
  if (status == EXIT_OK && o.episode != UNSET)
    status = cli_check_range(&cmd_play, "episode", o.episode, 0, 1000000);
  if (status == EXIT_OK) status = show_parse_size(&cmd_play, o.size, &o.width, &o.height);
  if (status == EXIT_OK) status = show_parse_positive(&cmd_play, "speed", o.speed, &o.times);
  return status == EXIT_OK ? play(&o) : status;
}

const cli_command cmd_play = {
    .name = "play",
    .usage = "RUN|TASK [options], RUN being a folder, a checkpoint or a trajectory",
    .summary = "watch a policy in a window, push it, go back in time",
    .example = "  tendril play runs/hopper\n"
               "  tendril play walker2d-v4 --actions zero --paused\n"
               "  tendril play runs/walker --set terrain.kind=steps --set terrain.seed=3\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
