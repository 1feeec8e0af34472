// The cells of an experiment as processes, some at a time. Beside each run folder lies a record of
// what became of it: a finished cell is kept, one that was begun goes on from its checkpoint.
#include "run/experiment.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/process.h"
#include "run/folder.h"

typedef struct job {
  tnd_cell *cell;
  tnd_process *process;  // NULL: free
} job;

typedef struct campaign {
  tnd_experiment *e;
  const tnd_experiment_setup *setup;
  job *jobs;     // [setup->jobs]
  double *done;  // [ncell] fraction of each
  int next;      // the cell that is looked at next
  int told;      // stop signals that were passed on
  int lock;      // descriptor of the locked folder
  double begin, first;
} campaign;

// ---------------------------------------------------------------------------------------- records

static const char *const state_names[] = {"new", "begun", "failed", "finished"};

static tendril_status write_record(const tnd_cell *cell, tendril_error *err) {
  cJSON *object = cJSON_CreateObject();
  char *text = NULL;
  bool done = object && cJSON_AddStringToObject(object, "command", cell->command) &&
              cJSON_AddStringToObject(object, "state", state_names[cell->state]);
  if (done && cell->state == TND_CELL_FAILED)
    done = cJSON_AddStringToObject(object, "error", cell->error ? cell->error : "") != NULL;
  if (done && cell->result) {
    cJSON *copy = cJSON_Duplicate(cell->result, true);
    done = copy && cJSON_AddItemToObject(object, "result", copy);
    if (!done) cJSON_Delete(copy);
  }
  tendril_status status = done ? tnd_json_print(object, &text, err) : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_file_write(cell->record, text, strlen(text), err);
  tnd_free(text);
  cJSON_Delete(object);
  return status;
}

static tendril_status take_text(char **place, const char *text, tendril_error *err) {
  tnd_free(*place);
  *place = tnd_strdup(text);
  return *place ? TENDRIL_OK : tnd_fail_memory(err);
}

// What an earlier call left of the cell.
static tendril_status read_record(tnd_cell *cell, bool force, tendril_error *err) {
  cJSON *object = NULL;
  if (force && tnd_path_exists(cell->record)) return TENDRIL_OK;
  if (!tnd_path_exists(cell->record)) {
    if (!tnd_path_exists(cell->run)) return TENDRIL_OK;
    return tnd_fail(err, TENDRIL_E_EXISTS,
                    "%.400s: there already, and no cell of an experiment; choose another folder",
                    cell->run);
  }
  TENDRIL_TRY(tnd_json_read(cell->record, &object, err));
  const char *command = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "command"));
  const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "state"));
  const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "error"));
  tendril_status status = TENDRIL_OK;
  if (!command || !state)
    status = tnd_fail(err, TENDRIL_E_FORMAT, "%.400s: no record of a cell", cell->record);
  else if (strcmp(command, cell->command) != 0)
    status = tnd_fail(err, TENDRIL_E_EXISTS,
                      "%.300s: of another experiment, or of this one before it was changed; choose "
                      "another folder with -o, or --force",
                      cell->record);
  else if (strcmp(state, state_names[TND_CELL_FINISHED]) == 0)
    cell->state = TND_CELL_FINISHED;
  else
    cell->state = TND_CELL_BEGUN;
  if (status == TENDRIL_OK && cell->state == TND_CELL_FINISHED)
    cell->result = cJSON_DetachItemFromObjectCaseSensitive(object, "result");
  if (status == TENDRIL_OK && error) status = take_text(&cell->error, error, err);
  cJSON_Delete(object);
  return status;
}

static tendril_status find_paths(campaign *c, tnd_cell *cell, tendril_error *err) {
  char name[256], file[300];
  snprintf(name, sizeof name, "%.120s/%s/seed%lld", c->e->tasks[cell->task].name,
           c->e->methods[cell->method].folder, (long long)cell->seed);
  snprintf(file, sizeof file, "%s.json", name);
  TENDRIL_TRY(tnd_path_join(c->setup->folder, name, cell->run, err));
  return tnd_path_join(c->setup->folder, file, cell->record, err);
}

// -------------------------------------------------------------------------------------- processes

// The command of a cell, with what only this call knows: where it goes, and whether it goes on.
static tendril_status start_process(const campaign *c, const tnd_cell *cell, bool resume,
                                    tnd_process **out, tendril_error *err) {
  const int nplugin = c->setup->nplugin;
  const char **argv = tnd_alloc(sizeof *argv * (size_t)(cell->nword + 2 * nplugin + 12));
  if (!argv) return tnd_fail_memory(err);
  int n = 0;
  argv[n++] = "tendril";
  if (resume) {
    argv[n++] = "train";
    argv[n++] = "--resume";
    argv[n++] = cell->run;
    argv[n++] = "--threads";
    argv[n++] = "1";
  } else {
    for (int i = 0; i < cell->nword; i++)
      argv[n++] = cell->words[i];
    argv[n++] = "--out";
    argv[n++] = cell->run;
    argv[n++] = "--force";  // what is there is this cell's
  }
  argv[n++] = "--quiet";
  argv[n++] = "--json";
  for (int i = 0; i < nplugin; i++) {
    argv[n++] = "--plugin";
    argv[n++] = c->setup->plugins[i];
  }
  // a training that outlives this process keeps the folder locked
  const tnd_process_spec spec = {.argv = argv, .path = c->setup->program, .keep = &c->lock};
  const tendril_status status = tnd_process_start(&spec, out, err);
  tnd_free(argv);
  return status;
}

static tendril_status start_cell(campaign *c, job *j, tnd_cell *cell, tendril_error *err) {
  tnd_folder folder;
  TENDRIL_TRY(tnd_folder_paths(cell->run, &folder, err));
  // of an earlier experiment, with `force`: it must not be gone on with
  if (cell->state == TND_CELL_NEW) TENDRIL_TRY(tnd_folder_remove(cell->run, err));
  // before the run folder holds anything that is worth it
  cell->state = TND_CELL_BEGUN;
  TENDRIL_TRY(write_record(cell, err));
  TENDRIL_TRY(start_process(c, cell, tnd_path_exists(folder.last), &j->process, err));
  j->cell = cell;
  return TENDRIL_OK;
}

static int stops(const campaign *c) {
  return c->setup->stop ? *c->setup->stop : 0;
}

// The last words of a training that failed, without the names before them.
static const char *own_words(const char *text) {
  const char *mark = strstr(text, ": tendril: ");
  return mark ? mark + strlen(": tendril: ") : text;
}

// A training has ended: what it said, into its record.
static tendril_status end_cell(campaign *c, job *j, tendril_error *err) {
  tnd_cell *cell = j->cell;
  tendril_error why = {{0}};
  char *text = NULL;
  size_t n = 0;
  cJSON *result = NULL;
  tendril_status status = tnd_process_finish(j->process, &text, &n, &why);
  j->process = NULL;
  if (status == TENDRIL_E_MEMORY) return tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_json_parse(text, n, "its result", &result, &why);
  tnd_free(text);
  if (status == TENDRIL_E_MEMORY) return tnd_fail_memory(err);
  const bool finished =
      status == TENDRIL_OK && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "finished"));
  const bool stopped = stops(c) > 0;
  if (finished) {
    cell->state = TND_CELL_FINISHED;
    cJSON_Delete(cell->result);
    cell->result = result;
    result = NULL;
  } else if (status != TENDRIL_OK && !stopped) {
    cell->state = TND_CELL_FAILED;
    TENDRIL_TRY(take_text(&cell->error, own_words(why.text), err));
  } else if (!stopped) {
    // somebody else stopped it: it may be gone on with
    cell->state = TND_CELL_FAILED;
    cJSON_Delete(result);
    result = NULL;
    TENDRIL_TRY(take_text(&cell->error, "was stopped by a signal", err));
  }
  cJSON_Delete(result);
  return write_record(cell, err);
}

static int count_running(const campaign *c) {
  int n = 0;
  for (int i = 0; i < c->setup->jobs; i++)
    n += c->jobs[i].process != NULL;
  return n;
}

// --------------------------------------------------------------------------------------- progress

// The last whole row of progress.csv: its iteration and steps.
static bool read_last_row(const char *path, double *iteration, double *steps) {
  char text[4096];
  int fd = -1;
  int64_t size = 0;
  size_t n = 0;
  if (tnd_fd_open(path, O_RDONLY, &fd, &size, NULL) != TENDRIL_OK) return false;
  const int64_t from = size > (int64_t)sizeof text ? size - (int64_t)sizeof text : 0;
  const tendril_status status = tnd_fd_read(fd, path, from, text, sizeof text, &n, NULL);
  close(fd);
  if (status != TENDRIL_OK) return false;
  while (n > 0 && text[n - 1] != '\n')
    n--;
  if (n == 0) return false;
  size_t start = n - 1;
  while (start > 0 && text[start - 1] != '\n')
    start--;
  const char *row = text + start, *end = text + n - 1;
  const char *comma = memchr(row, ',', (size_t)(end - row));
  if (!comma) return false;
  const char *second = memchr(comma + 1, ',', (size_t)(end - comma - 1));
  return second && tnd_number_parse(row, (size_t)(comma - row), iteration) == TND_NUMBER_OK &&
         tnd_number_parse(comma + 1, (size_t)(second - comma - 1), steps) == TND_NUMBER_OK;
}

static double number_of(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

// How far a run has come, 0 to 1, by what its folder says. What can't be read yet is no progress:
// only memory is an error.
static tendril_status fraction_of(const tnd_cell *cell, double *out, tendril_error *err) {
  tnd_folder folder;
  cJSON *config = NULL;
  double iteration = 0, steps = 0;
  *out = 0;
  if (tnd_folder_paths(cell->run, &folder, NULL) != TENDRIL_OK) return TENDRIL_OK;
  if (!read_last_row(folder.progress, &iteration, &steps)) return TENDRIL_OK;
  const tendril_status status = tnd_json_read(folder.config, &config, NULL);
  if (status == TENDRIL_E_MEMORY) return tnd_fail_memory(err);
  if (status != TENDRIL_OK) return TENDRIL_OK;
  const cJSON *run = cJSON_GetObjectItemCaseSensitive(config, "run");
  const double iterations = number_of(run, "iterations"), most = number_of(run, "steps");
  cJSON_Delete(config);
  const double fraction = iterations > 0 ? iteration / iterations : most > 0 ? steps / most : 0;
  *out = fraction < 1 ? fraction : 1;
  return TENDRIL_OK;
}

static tendril_status look_at_runs(campaign *c, tendril_error *err) {
  for (int i = 0; i < c->setup->jobs; i++) {
    const tnd_cell *cell = c->jobs[i].cell;
    if (c->jobs[i].process) TENDRIL_TRY(fraction_of(cell, &c->done[cell - c->e->cells], err));
  }
  return TENDRIL_OK;
}

static double fraction_done(const campaign *c) {
  double sum = 0;
  for (int i = 0; i < c->e->ncell; i++) {
    const tnd_cell_state state = c->e->cells[i].state;
    sum += state == TND_CELL_FINISHED || state == TND_CELL_FAILED ? 1 : c->done[i];
  }
  return sum / c->e->ncell;
}

static void report(const campaign *c, const tnd_cell *ended) {
  if (!c->setup->progress) return;
  tnd_experiment_progress p = {.ncell = c->e->ncell,
                               .running = count_running(c),
                               .fraction = fraction_done(c),
                               .seconds = tnd_clock_wall() - c->begin,
                               .ended = ended};
  for (int i = 0; i < c->e->ncell; i++) {
    p.finished += c->e->cells[i].state == TND_CELL_FINISHED;
    p.failed += c->e->cells[i].state == TND_CELL_FAILED;
  }
  const double gained = p.fraction - c->first;
  p.eta = gained > 0 ? p.seconds * (1 - p.fraction) / gained : (double)NAN;
  c->setup->progress(c->setup->user, &p);
}

// -------------------------------------------------------------------------------------------- run

static tnd_cell *next_cell(campaign *c) {
  while (c->next < c->e->ncell) {
    tnd_cell *cell = &c->e->cells[c->next++];
    if (cell->state != TND_CELL_FINISHED) return cell;
  }
  return NULL;
}

// As many signals to each as came in here: the first lets it write its checkpoint, the second ends
// it.
static void pass_on_stops(campaign *c) {
  const int asked = stops(c);
  for (; c->told < asked; c->told++)
    for (int i = 0; i < c->setup->jobs; i++)
      if (c->jobs[i].process) tnd_process_signal(c->jobs[i].process, SIGINT);
}

// Free places are filled, what has ended is collected.
static tendril_status turn(campaign *c, tendril_error *err) {
  for (int i = 0; i < c->setup->jobs; i++) {
    job *j = &c->jobs[i];
    const tnd_cell *ended = j->process && tnd_process_ended(j->process) ? j->cell : NULL;
    if (ended) TENDRIL_TRY(end_cell(c, j, err));
    tnd_cell *cell = !j->process && stops(c) == 0 ? next_cell(c) : NULL;
    if (cell) TENDRIL_TRY(start_cell(c, j, cell, err));
    if (ended) report(c, ended);
  }
  pass_on_stops(c);
  return TENDRIL_OK;
}

static tendril_status run_cells(campaign *c, tendril_error *err) {
  const struct timespec moment = {.tv_nsec = 20000000};
  double last = 0;
  for (;;) {
    TENDRIL_TRY(turn(c, err));
    if (count_running(c) == 0) return TENDRIL_OK;
    const double now = tnd_clock_wall();
    if (now - last >= 1) {
      TENDRIL_TRY(look_at_runs(c, err));
      report(c, NULL);
      last = now;
    }
    nanosleep(&moment, NULL);
  }
}

// One experiment at a time in a folder, its trainings included.
static tendril_status lock(campaign *c, tendril_error *err) {
  char path[TND_PATH_MAX];
  TENDRIL_TRY(tnd_folder_make(c->setup->folder, err));
  TENDRIL_TRY(tnd_path_join(c->setup->folder, ".lock", path, err));
  c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (c->lock < 0) return tnd_fail_io(err, path, "not made", errno);
  if (flock(c->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_EXISTS,
                  "%.400s: an experiment is running there, or a training that it left; wait for it",
                  c->setup->folder);
}

static tendril_status prepare(campaign *c, tendril_error *err) {
  c->jobs = tnd_alloc(sizeof *c->jobs * (size_t)c->setup->jobs);
  c->done = tnd_alloc(sizeof *c->done * (size_t)c->e->ncell);
  if (!c->jobs || !c->done) return tnd_fail_memory(err);
  TENDRIL_TRY(lock(c, err));
  // all are looked at before the first is touched
  for (int i = 0; i < c->e->ncell; i++) {
    tnd_cell *cell = &c->e->cells[i];
    TENDRIL_TRY(find_paths(c, cell, err));
    TENDRIL_TRY(read_record(cell, c->setup->force, err));
    if (cell->state == TND_CELL_BEGUN) TENDRIL_TRY(fraction_of(cell, &c->done[i], err));
  }
  for (int i = 0; i < c->e->ncell; i++) {
    char folder[TND_PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s",
             (int)(strrchr(c->e->cells[i].run, '/') - c->e->cells[i].run), c->e->cells[i].run);
    TENDRIL_TRY(tnd_folder_make(folder, err));
  }
  return TENDRIL_OK;
}

tendril_status tnd_experiment_run(tnd_experiment *experiment, const tnd_experiment_setup *setup,
                                  tendril_error *err) {
  campaign c = {.e = experiment, .setup = setup, .lock = -1, .begin = tnd_clock_wall()};
  tendril_status status = prepare(&c, err);
  if (status == TENDRIL_OK) {
    c.first = fraction_done(&c);
    status = run_cells(&c, err);
  }
  // after an error of this process's own: what runs is ended, and can be resumed
  for (int i = 0; c.jobs && i < setup->jobs; i++)
    tnd_process_abandon(c.jobs[i].process);
  if (c.lock >= 0) close(c.lock);
  tnd_free(c.jobs);
  tnd_free(c.done);
  return status;
}
