// tendril play: a window in which a policy acts, or nobody, or an episode that was recorded.
#include "cli.h"

#include "base/alloc.h"
#include "policy/policy.h"
#include "run/config.h"
#include "run/folder.h"
#include "view/window.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct options {
  const char *checkpoint, *actions, *integrator, *physics_steps;
  int64_t seed, episode;
  bool paused;
  cli_list plugins;
} options;

// What is played, and the way to the other checkpoints of its run.
typedef struct stage {
  tendril_tasks *tasks;
  tendril_trained trained;  // without a policy for a task
  const tendril_model *model;
  const char *path;  // of the run
  const char *const *sim;
  int64_t *kept;  // [nkept] iterations of its checkpoints
  int nkept;
  int64_t iteration;  // of the policy that acts
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

// The nearest kept checkpoint before or after the iteration that acts.
static bool neighbour(const stage *s, int by, int64_t *out) {
  for (int i = 0; i < s->nkept; i++) {
    const int at = by > 0 ? i : s->nkept - 1 - i;
    if (by > 0 ? s->kept[at] > s->iteration : s->kept[at] < s->iteration) {
      *out = s->kept[at];
      return true;
    }
  }
  return false;
}

static bool move_checkpoint(void *user, int by, char *label) {
  stage *s = user;
  char name[32];
  int64_t iteration;
  tendril_error err = {{0}};
  tendril_trained other;
  if (!neighbour(s, by, &iteration)) return false;
  snprintf(name, sizeof name, "%lld", (long long)iteration);
  tendril_status status = tendril_trained_open(s->tasks, s->path, name, s->sim, &other, &err);
  if (status == TENDRIL_OK) {
    status = tnd_policy_copy(s->trained.policy, other.policy, &err);
    tendril_trained_close(&other);
  }
  if (status != TENDRIL_OK) {
    print_line(NULL, err.text);
    return false;
  }
  s->iteration = iteration;
  snprintf(label, 64, "iteration %lld", (long long)iteration);
  return true;
}

static tendril_status list_checkpoints(stage *s, tendril_error *err) {
  tnd_folder folder;
  if (!tnd_path_is_folder(s->path)) return TENDRIL_OK;
  TENDRIL_TRY(tnd_folder_paths(s->path, &folder, err));
  return tnd_folder_list_kept(&folder, &s->kept, &s->nkept, err);
}

// ------------------------------------------------------------------------------------ set-up

// A task without a run: nobody has learned anything, but the model can be looked at.
static tendril_status open_task(stage *s, const char *name, tendril_error *err) {
  tendril_config *config = NULL;
  tendril_status status = tendril_config_create(s->tasks, name, "trpo", &config, err);
  for (const char *const *change = s->sim; status == TENDRIL_OK && *change; change += 2) {
    char key[64];
    snprintf(key, sizeof key, "sim.%s", change[0]);
    status = tendril_config_set(config, key, change[1], err);
  }
  if (status == TENDRIL_OK)
    status = tnd_config_models(config, s->tasks, &s->trained.model, &s->trained.task_model, err);
  tendril_config_destroy(config);
  s->model = s->trained.model;
  return status;
}

static tendril_status open_stage(stage *s, const options *o, const char *what, tendril_error *err) {
  TENDRIL_TRY(cli_tasks(&o->plugins, &s->tasks, err));
  s->path = what;
  if (!tnd_path_exists(what)) return open_task(s, what, err);
  TENDRIL_TRY(tendril_trained_open(s->tasks, what, o->checkpoint, s->sim, &s->trained, err));
  s->model = s->trained.task_model ? s->trained.task_model : s->trained.model;
  s->iteration = s->trained.iteration;
  return list_checkpoints(s, err);
}

static void close_stage(stage *s) {
  tnd_free(s->kept);
  tendril_trained_close(&s->trained);
  tendril_tasks_destroy(s->tasks);
}

// "mean", "sampled", "zero" or "random"; NULL: the mean of a run, nothing for a task.
static tendril_status choose_actions(const stage *s, const char *name, tnd_actions *out,
                                     tendril_error *err) {
  static const char *const names[] = {"mean", "sampled", "zero", "random"};
  *out = s->trained.policy ? TND_ACTIONS_MEAN : TND_ACTIONS_RANDOM;
  for (int i = 0; name && i < 4; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    *out = (tnd_actions)i;
    return TENDRIL_OK;
  }
  if (!name) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_ARGUMENT, "--actions %.40s: must be mean, sampled, zero or random",
                  name);
}

static tendril_status show(stage *s, const options *o, tendril_error *err) {
  tnd_controller *controller = NULL;
  tnd_player *player = NULL;
  tnd_scene *scene = NULL;
  tnd_viewer *viewer = NULL;
  tnd_window *window = NULL;
  tnd_actions actions;
  char title[256], label[64] = "";
  snprintf(title, sizeof title, "Tendril: %s", tendril_model_task(s->model)->name);
  if (s->trained.policy) snprintf(label, sizeof label, "iteration %lld", (long long)s->iteration);
  tendril_status status = choose_actions(s, o->actions, &actions, err);
  if (status == TENDRIL_OK)
    status = tnd_controller_create(actions, s->model, s->trained.policy, &controller, err);
  const tnd_player_setup setup = {
      .model = s->model,
      .controller = controller,
      .seed = (uint64_t)o->seed,
      .episode = (uint32_t)o->episode,
      .checkpoint = label,
      .hooks = {.move_checkpoint = move_checkpoint, .say = print_line, .user = s}};
  if (status == TENDRIL_OK) status = tnd_player_create(&setup, &player, err);
  if (status == TENDRIL_OK) status = tnd_scene_create(s->model, TND_QUALITY_FINE, &scene, err);
  viewer = tnd_alloc(sizeof *viewer);
  if (status == TENDRIL_OK && !viewer) status = TENDRIL_E_MEMORY;
  const tnd_window_options window_options = {.title = title,
                                             .width = 800,
                                             .height = 600,
                                             .adapt = true,
                                             .folder = ".",
                                             .name = tendril_model_task(s->model)->name,
                                             .say = print_line};
  if (status == TENDRIL_OK) {
    tnd_viewer_init(viewer, scene, player);
    tnd_player_get_settings(player)->running = !o->paused;
    status = tnd_window_create(viewer, &window_options, &window, err);
  }
  if (status == TENDRIL_OK) status = tnd_window_run(window, &stop, err);
  tnd_window_destroy(window);
  tnd_free(viewer);
  tnd_scene_destroy(scene);
  tnd_player_destroy(player);
  tnd_controller_destroy(controller);
  return status;
}

static int play(const options *o, const char *what) {
  tendril_error err = {{0}};
  const char *sim[5] = {0};
  int n = 0;
  if (o->integrator) sim[n++] = "integrator", sim[n++] = o->integrator;
  if (o->physics_steps) sim[n++] = "physics_steps", sim[n++] = o->physics_steps;
  stage s = {.sim = sim};
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  tendril_status status = open_stage(&s, o, what, &err);
  if (status == TENDRIL_OK) status = show(&s, o, &err);
  close_stage(&s);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int run(int argc, char **argv) {
  options o = {.seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_INTEGER, "seed",          0, "N",     "seed of the start states and the noise (1)", &o.seed},
    {CLI_INTEGER, "episode",       0, "N",     "number of the first episode (0)", &o.episode},
    {CLI_TEXT,    "checkpoint",    0, "WHICH", "of a run folder: best, last, or the number of a kept iteration (best)", &o.checkpoint},
    {CLI_TEXT,    "actions",       0, "NAME",  "mean, sampled, zero or random (mean; random for a task)", &o.actions},
    {CLI_FLAG,    "paused",        0, NULL,    "begin paused", &o.paused},
    {CLI_TEXT,    "integrator",    0, "NAME",  "task, euler, rk4 or implicit (the task's own)", &o.integrator},
    {CLI_TEXT,    "physics-steps", 0, "N",     "MuJoCo steps per control step (the task's own)", &o.physics_steps},
    {CLI_TEXTS,   "plugin",        0, "FILE",  "add the tasks of a plugin (.so)", &o.plugins},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_play, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  status = cli_check_range(&cmd_play, "episode", o.episode, 0, 1000000);
  if (status != EXIT_OK) return status;
  return play(&o, arguments.at[0]);
}

const cli_command cmd_play = {
    .name = "play",
    .usage = "RUN|TASK [options], RUN being a run folder or a checkpoint file",
    .summary = "watch a policy in a window, push it, go back in time",
    .example = "  tendril play runs/hopper\n"
               "  tendril play walker2d-v4 --actions zero --paused\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
