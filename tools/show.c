// RUN or TASK, opened for looking at it. See show.h.
#include "show.h"

#include "base/file.h"
#include "base/number.h"
#include "base/options.h"
#include "base/status.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEAN, SAMPLED, FEEDBACK, OPEN_LOOP, SIMBICON, WAVE, MPC, ZERO, RANDOM, NACTION };
static const char *const action_names[NACTION] = {
    "mean", "sampled", "feedback", "open-loop", "simbicon", "wave", "mpc", "zero", "random"};

// By whom a gait is acted out.
static int action_of(const tendril_agent *gait) {
  return strcmp(tendril_agent_name(gait), action_names[WAVE]) == 0 ? WAVE : SIMBICON;
}

static tendril_status find_actions(const char *name, const show *s, int *out, tendril_error *err) {
  const bool policy = s->trained.policy != NULL, trajectory = s->motion.model != NULL;
  *out = policy ? MEAN : trajectory ? FEEDBACK : s->gait ? action_of(s->gait) : ZERO;
  for (int i = 0; name && i < NACTION; i++)
    if (strcmp(name, action_names[i]) == 0) *out = i, name = NULL;
  if (name) {
    const char *near = tnd_nearest(name, action_names, NACTION);
    return tnd_fail(
        err, TENDRIL_E_UNKNOWN,
        "--actions %.40s: must be mean, sampled, feedback, open-loop, simbicon, wave, mpc, "
        "zero or random%s%s%s",
        name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  }
  if (!policy && (*out == MEAN || *out == SAMPLED))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--actions %s: there is no policy; give the run of a training, or mpc, zero or "
                    "random",
                    action_names[*out]);
  if (!trajectory && (*out == FEEDBACK || *out == OPEN_LOOP))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--actions %s: there is no trajectory; give the folder of `tendril optimize`, "
                    "or mpc, zero or random",
                    action_names[*out]);
  return TENDRIL_OK;
}

static bool is_task(const tendril_tasks *tasks, const char *name) {
  for (int i = 0; i < tendril_tasks_count(tasks); i++)
    if (strcmp(tendril_tasks_get(tasks, i)->name, name) == 0) return true;
  return false;
}

// Whether an entry of a folder can be looked at.
static bool is_run(const char *folder, const char *name) {
  char path[TND_PATH_MAX], config[TND_PATH_MAX];
  const char *dot = strrchr(name, '.');
  if (dot && strcmp(dot, ".safetensors") == 0) return true;
  return tnd_path_join(folder, name, path, NULL) == TENDRIL_OK &&
         tnd_path_join(path, "config.json", config, NULL) == TENDRIL_OK && tnd_path_exists(config);
}

// The nearest name is a run's or a checkpoint's in the same folder or, if none is named, a task's.
static tendril_status unknown(const tendril_tasks *tasks, const char *what, tendril_error *err) {
  enum { MANY = 512 };
  const char *names[MANY], *slash = strrchr(what, '/');
  const int before = slash ? (int)(slash - what) + 1 : 0;
  char folder[TND_PATH_MAX] = ".";
  struct dirent **entries = NULL;
  int n = 0;
  if (slash) snprintf(folder, sizeof folder, "%.*s", before, what);
  for (int i = 0; !slash && i < tendril_tasks_count(tasks) && n < MANY; i++)
    names[n++] = tendril_tasks_get(tasks, i)->name;
  const int found = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < found && n < MANY; i++)
    if (is_run(folder, entries[i]->d_name)) names[n++] = entries[i]->d_name;
  const char *near = tnd_nearest(what + before, names, n);
  const tendril_status status =
      tnd_fail(err, TENDRIL_E_IO, "%.300s: no such run folder, checkpoint or task; %s%.*s%s%s",
               what, near ? "did you mean " : "`tendril list tasks` names the tasks",
               near ? before : 0, what, near ? near : "", near ? "?" : "");
  for (int i = 0; i < found; i++)
    free(entries[i]);
  free(entries);
  return status;
}

static tendril_status open_task(const char *name, const char *const *sim, show *s,
                                tendril_error *err) {
  tendril_sim_options options;
  TENDRIL_TRY(cli_sim_options(sim, &options, err));
  TENDRIL_TRY(tendril_tasks_model(s->tasks, name, &options, &s->task_model, err));
  s->model = s->task_model;
  return TENDRIL_OK;
}

static tendril_status open_gait(const char *path, const char *const *sim, show *s,
                                tendril_error *err) {
  char task[64];
  TENDRIL_TRY(tendril_agent_gait_create(path, task, &s->gait, err));
  return open_task(task, sim, s, err);
}

// A path that is there is what a command made; a name of a task is the task; all else is a run that
// is missing.
static tendril_status open_model(const show_options *o, const char *const *sim, show *s,
                                 tendril_error *err) {
  const bool there = !o->is_task && tnd_path_exists(o->what);
  const bool motion = there && tendril_is_motion(o->what);
  const bool gait = there && tendril_is_gait(o->what);
  if (!there && !o->is_task && !is_task(s->tasks, o->what)) return unknown(s->tasks, o->what, err);
  if (o->checkpoint && (motion || gait || !there))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "%.100s: a %s; --checkpoint goes with the run folder of a training", o->what,
                    motion ? "trajectory"
                    : gait ? "gait"
                           : "task");
  if (gait) return open_gait(o->what, sim, s, err);
  if (!there) {
    TENDRIL_TRY(open_task(o->what, sim, s, err));
  } else if (motion) {
    TENDRIL_TRY(tendril_motion_open(s->tasks, o->what, sim, &s->motion, err));
    s->model = s->motion.model;
  } else {
    TENDRIL_TRY(tendril_trained_open(s->tasks, o->what, o->checkpoint, sim, &s->trained, err));
    s->model = s->trained.task_model ? s->trained.task_model : s->trained.model;
  }
  return TENDRIL_OK;
}

// The gait that is there, or the task's own. E_UNKNOWN: none.
static tendril_status find_gait(show *s, tendril_error *err) {
  if (s->gait) return TENDRIL_OK;
  return tendril_agent_gait_own(tendril_model_task(s->model)->name, &s->gait, err);
}

static tendril_status open_first(show *s, tendril_error *err) {
  const tendril_status status = find_gait(s, err);
  return status == TENDRIL_E_UNKNOWN ? TENDRIL_OK : status;
}

static tendril_status open_gait_agent(int actions, show *s, tendril_error *err) {
  TENDRIL_TRY(find_gait(s, err));
  if (action_of(s->gait) != actions)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--actions %s: the gait that is there is of another "
                    "kind; use %s",
                    action_names[actions], action_names[action_of(s->gait)]);
  s->agent = s->gait;
  return TENDRIL_OK;
}

static tendril_status open_agent(int actions, const show_options *o, const cli_changes *changes,
                                 show *s, tendril_error *err) {
  tendril_mpc_options mpc;
  TENDRIL_TRY(cli_mpc_options(changes->mpc, &mpc, err));
  if (*changes->mpc && actions != MPC)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--set %s: nobody plans here; it goes with "
                    "--actions mpc",
                    changes->mpc[0]);
  // a plan begins with the gait that is there, if there is one
  if (actions == MPC) TENDRIL_TRY(open_first(s, err));
  switch (actions) {
  case ZERO:
    s->agent = tendril_agent_zero();
    return TENDRIL_OK;
  case RANDOM:
    s->agent = tendril_agent_random();
    return TENDRIL_OK;
  case MPC:
    TENDRIL_TRY(tendril_agent_mpc_create(&mpc, s->gait, o->planners, &s->own_agent, err));
    break;
  case FEEDBACK:
  case OPEN_LOOP:
    TENDRIL_TRY(tendril_agent_trajectory_create(&s->motion.trajectory, actions == FEEDBACK,
                                                &s->own_agent, err));
    break;
  case SIMBICON:
  case WAVE:
    return open_gait_agent(actions, s, err);
  default:
    TENDRIL_TRY(tendril_agent_create(s->trained.policy, actions == SAMPLED, &s->own_agent, err));
  }
  s->agent = s->own_agent;
  return TENDRIL_OK;
}

// What points into itself: *s is where it will stay.
static tendril_status open_all(const show_options *o, show *s, tendril_error *err) {
  int actions = ZERO;
  cli_changes changes;
  TENDRIL_TRY(cli_changes_read(&o->set, o->sim, &changes, err));
  TENDRIL_TRY(cli_tasks(&o->plugins, &s->tasks, err));
  TENDRIL_TRY(open_model(o, changes.sim, s, err));
  s->checkpoint = s->trained.policy ? s->trained.path
                  : s->motion.model ? s->motion.path
                  : s->gait         ? o->what
                                    : "";
  TENDRIL_TRY(find_actions(o->actions, s, &actions, err));
  TENDRIL_TRY(open_agent(actions, o, &changes, s, err));
  TENDRIL_TRY(tendril_controller_create(s->agent, s->model, &s->controller, err));
  return TENDRIL_OK;
}

tendril_status show_open(const show_options *options, show *out, tendril_error *err) {
  *out = (show){.checkpoint = ""};
  const tendril_status status = open_all(options, out, err);
  if (status != TENDRIL_OK) {
    show_close(out);
    *out = (show){.checkpoint = ""};
  }
  return status;
}

void show_close(show *s) {
  tendril_controller_destroy(s->controller);
  tendril_agent_destroy(s->own_agent);
  tendril_agent_destroy(s->gait);
  tendril_trained_close(&s->trained);
  tendril_motion_close(&s->motion);
  tendril_model_destroy(s->task_model);
  tendril_tasks_destroy(s->tasks);
}

int show_parse_size(const cli_command *command, const char *text, int *width, int *height) {
  *width = *height = 0;
  if (!text) return EXIT_OK;
  const char *x = strchr(text, 'x');
  double w = 0, h = 0;
  const bool good = x && tnd_number_parse(text, (size_t)(x - text), &w) == TND_NUMBER_OK &&
                    tnd_number_parse(x + 1, strlen(x + 1), &h) == TND_NUMBER_OK && w >= 1 &&
                    h >= 1 && w <= 1e6 && h <= 1e6 && w == floor(w) && h == floor(h);
  if (!good)
    return cli_usage(command, "--size: %s is no width and height in pixels, as in 640x480", text);
  *width = (int)w;
  *height = (int)h;
  return EXIT_OK;
}

int show_parse_positive(const cli_command *command, const char *option, const char *text,
                        double *out) {
  *out = 0;
  if (!text) return EXIT_OK;
  if (tnd_number_parse(text, strlen(text), out) == TND_NUMBER_OK && *out >= 1e-3 && *out <= 1e6)
    return EXIT_OK;
  return cli_usage(command, "--%s: %s is no number from 0.001 to 1000000", option,
                   *text ? text : "nothing");
}
