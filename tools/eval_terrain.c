// tendril eval terrain: how far an agent comes on ground that it has never seen, by how uneven it
// is, and on the grounds that it was trained on.
#include "eval.h"

#include "run/config.h"
#include "view/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3, LEVELS = 32 };
// the kind, its option, its levels unless others are asked for, what they are
static const struct kind {
  const char *name, *option, *levels, *label;
} kinds[KINDS] = {{"slopes", "terrain.slope", "0:12:2", "steepest slope, degrees"},
                  {"steps", "terrain.step", "0:0.1:0.02", "highest step, m"},
                  {"rough", "terrain.rough", "0:0.05:0.01", "roughness, m"}};

typedef struct options {
  show_options show;
  cli_list outputs;
  tendril_grounds_options judged;
  const char *levels[KINDS], *min_height;
  int64_t grounds, first, seed, threads;
  bool train_seeds, json;
} options;

// A kind of ground at one level: unseen, and of the training's seeds if wanted.
typedef struct cell {
  int kind;
  double level;
  tendril_grounds_result results[2];
} cell;

typedef struct table {
  int n;
  cell at[KINDS * LEVELS];
  int nset;           // results of each cell: 1, or 2 with the training's seeds
  int64_t counts[2];  // grounds of either
  int64_t firsts[2];  // their first seeds
  char title[256], checkpoint[1024];
  char actions[32];
  int64_t seed;  // of the start states and of sampled actions
} table;

static const char *set_name(int set) {
  return set ? "training's" : "unseen";
}

// --------------------------------------------------------------------------------------- output

static void print_row(const cell *c, int set, const tendril_grounds_result *r) {
  const tendril_summary *d = &r->distance, *s = &r->seconds;
  printf("%-7s %7g %-11s %4d of %-4d %7.2f %7.2f ..%6.2f %7.2f %8.2f %7.2f %9.4g %9.4g\n",
         kinds[c->kind].name, c->level, set_name(set), r->upright, d->n, d->mean, d->low, d->high,
         d->min, s->mean, s->min, r->cost.mean, r->cost.max);
}

// There was uneven ground, but all fell before it.
static bool is_unmet(const table *t) {
  bool uneven = false;
  for (int i = 0; i < t->n; i++)
    for (int k = 0; k < t->nset; k++) {
      if (t->at[i].results[k].met) return false;
      uneven |= t->at[i].level > 0;
    }
  return uneven;
}

static void print_text(const void *user) {
  const table *t = user;
  printf("%s, %s%s%s actions; seeds", t->title, t->checkpoint, *t->checkpoint ? ", " : "",
         t->actions);
  for (int k = 0; k < t->nset; k++) {
    const int64_t first = t->firsts[k], last = first + t->counts[k] - 1;
    printf("%s %lld to %lld %s", k ? "," : "", (long long)first, (long long)last, set_name(k));
  }
  printf("\n\n%-7s %7s %-11s %12s %7s %16s %7s %8s %7s %9s %9s\n", "ground", "level", "seeds",
         "upright", "m, mean", "95 % of it", "worst", "s, mean", "worst", "cost", "worst");
  for (int i = 0; i < t->n; i++)
    for (int k = 0; k < t->nset; k++)
      print_row(&t->at[i], k, &t->at[i].results[k]);
  if (is_unmet(t))
    printf("\nnobody came beyond the level ground ahead of the start: these levels tell nothing "
           "apart; --set terrain.flat=0.5 begins sooner\n");
}

static void put_summary(cli_json *json, const char *name, const tendril_summary *s) {
  cli_json_open(json, name, '{');
  eval_put_summary(json, s);
  cli_json_close(json, '}');
}

static void put_json(cli_json *json, const void *user) {
  const table *t = user;
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "task", t->title);
  if (*t->checkpoint) cli_json_text(json, "checkpoint", t->checkpoint);
  cli_json_text(json, "actions", t->actions);
  cli_json_number(json, "seed", (double)t->seed);
  cli_json_open(json, "cells", '[');
  for (int i = 0; i < t->n; i++)
    for (int k = 0; k < t->nset; k++) {
      const tendril_grounds_result *r = &t->at[i].results[k];
      cli_json_open(json, NULL, '{');
      cli_json_text(json, "kind", kinds[t->at[i].kind].name);
      cli_json_number(json, "level", t->at[i].level);
      cli_json_text(json, "seeds", k ? "training" : "unseen");
      cli_json_number(json, "first_seed", (double)t->firsts[k]);
      cli_json_number(json, "grounds", r->distance.n);
      cli_json_number(json, "upright", r->upright);
      cli_json_number(json, "diverged", r->diverged);
      cli_json_number(json, "met", r->met);
      put_summary(json, "distance", &r->distance);
      put_summary(json, "seconds", &r->seconds);
      put_summary(json, "cost", &r->cost);
      cli_json_close(json, '}');
    }
  cli_json_close(json, ']');
  cli_json_close(json, '}');
}

static void put_csv(tnd_buffer *out, const void *user) {
  const table *t = user;
  static const char *const measures[] = {"distance", "seconds", "cost"};
  static const char *const columns[] = {"mean", "low", "high", "min", "max"};
  tnd_buffer_text(out, "kind,level,seeds,grounds,upright,diverged,met");
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 5; k++)
      tnd_buffer_format(out, ",%s_%s", measures[i], columns[k]);
  tnd_buffer_text(out, "\n");
  for (int i = 0; i < t->n; i++)
    for (int k = 0; k < t->nset; k++) {
      const tendril_grounds_result *r = &t->at[i].results[k];
      const tendril_summary *all[] = {&r->distance, &r->seconds, &r->cost};
      tnd_buffer_format(out, "%s,", kinds[t->at[i].kind].name);
      tnd_buffer_number(out, t->at[i].level);
      tnd_buffer_format(out, ",%s,%d,%d,%d,%d", k ? "training" : "unseen", r->distance.n,
                        r->upright, r->diverged, r->met);
      for (int j = 0; j < 3; j++) {
        const double numbers[] = {all[j]->mean, all[j]->low, all[j]->high, all[j]->min,
                                  all[j]->max};
        for (int c = 0; c < 5; c++) {
          tnd_buffer_text(out, ",");
          tnd_buffer_number(out, numbers[c]);
        }
      }
      tnd_buffer_text(out, "\n");
    }
}

// A panel's curves: mean with its interval and worst of unseen grounds, mean of the training's.
typedef struct curves {
  int n;
  double x[LEVELS], mean[2][LEVELS], low[2][LEVELS], high[2][LEVELS], worst[LEVELS];
  tnd_series series[3];
} curves;

static bool fill_curves(const table *t, int kind, bool seconds, curves *c) {
  c->n = 0;
  for (int i = 0; i < t->n; i++) {
    if (t->at[i].kind != kind) continue;
    c->x[c->n] = t->at[i].level;
    for (int k = 0; k < t->nset; k++) {
      const tendril_grounds_result *r = &t->at[i].results[k];
      const tendril_summary *s = seconds ? &r->seconds : &r->distance;
      c->mean[k][c->n] = s->mean;
      c->low[k][c->n] = s->low;
      c->high[k][c->n] = s->high;
      if (k == 0) c->worst[c->n] = s->min;
    }
    c->n++;
  }
  c->series[0] = (tnd_series){.name = "unseen grounds, mean and 95 % of it",
                              .n = c->n,
                              .x = c->x,
                              .y = c->mean[0],
                              .low = c->low[0],
                              .high = c->high[0]};
  c->series[1] =
      (tnd_series){.name = "the worst of them", .style = 1, .n = c->n, .x = c->x, .y = c->worst};
  c->series[2] = (tnd_series){.name = "the training's seeds",
                              .style = 2,
                              .n = c->n,
                              .x = c->x,
                              .y = c->mean[1],
                              .low = c->low[1],
                              .high = c->high[1]};
  return c->n > 0;
}

static tendril_status draw(const void *user, const char *path, tendril_error *err) {
  const table *t = user;
  tendril_status status = TENDRIL_E_MEMORY;
  curves *c = calloc((size_t)2 * KINDS, sizeof *c);
  tnd_panel panels[2 * KINDS] = {{0}};
  char title[1400];
  int n = 0;
  if (!c) return tnd_fail_memory(err);
  for (int seconds = 0; seconds < 2; seconds++)
    for (int kind = 0; kind < KINDS; kind++) {
      if (!fill_curves(t, kind, seconds, &c[n])) continue;
      panels[n] = (tnd_panel){.title = kinds[kind].name,
                              .x_label = kinds[kind].label,
                              .y_label = seconds ? "until the fall or the end, s" : "distance, m",
                              .nseries = 1 + t->nset,
                              .series = c[n].series};
      n++;
    }
  snprintf(title, sizeof title, "%s on uneven ground", t->title);
  status =
      tnd_figure_write(&(tnd_figure){.title = title, .npanel = n, .panels = panels}, path, err);
  free(c);
  return status;
}

// -------------------------------------------------------------------------------------- command

// The grounds of either set: unseen ones are not among those of the training.
static tendril_status find_seeds(const options *o, const tendril_config *trained, table *t,
                                 tendril_error *err) {
  t->nset = 1;
  t->seed = o->seed;
  t->counts[0] = o->grounds;
  t->firsts[0] = o->first;
  const bool uneven = trained && trained->sim.terrain.kind > TENDRIL_TERRAIN_FLAT;
  if (o->train_seeds && !uneven)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "--train-seeds: there was no training on terrain");
  if (!uneven) return TENDRIL_OK;
  const int64_t first = trained->sim.terrain.seed, n = trained->sim.terrain.seeds;
  if (first < o->first + o->grounds && o->first < first + n)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "--first-seed %lld: seeds %lld to %lld were trained on; choose others",
                    (long long)o->first, (long long)first, (long long)(first + n - 1));
  if (!o->train_seeds) return TENDRIL_OK;
  t->nset = 2;
  t->counts[1] = n < o->grounds ? n : o->grounds;
  t->firsts[1] = first;
  return TENDRIL_OK;
}

// The agent opened on grounds of one kind, level and set, and judged there.
static tendril_status measure(const options *o, table *t, cell *c, int set, tendril_pool *pool,
                              tendril_error *err) {
  char level[32], first[32], count[32];
  show s = {0};
  snprintf(level, sizeof level, "%.17g", c->level);
  snprintf(first, sizeof first, "%lld", (long long)t->firsts[set]);
  snprintf(count, sizeof count, "%lld", (long long)t->counts[set]);
  // under the task's own physics, whatever the training's
  const char *const sim[] = {"integrator",
                             "task",
                             "physics_steps",
                             "0",
                             "terrain.kind",
                             kinds[c->kind].name,
                             kinds[c->kind].option,
                             level,
                             "terrain.seed",
                             first,
                             "terrain.seeds",
                             count,
                             NULL};
  show_options opened = o->show;
  opened.sim = sim;
  TENDRIL_TRY(show_open(&opened, &s, err));
  tendril_status status =
      tendril_grounds_evaluate(s.model, s.agent, pool, &o->judged, &c->results[set], NULL, err);
  show_close(&s);
  return status;
}

static tendril_status describe(const options *o, table *t, tendril_error *err) {
  show s = {0};
  TENDRIL_TRY(show_open(&o->show, &s, err));
  snprintf(t->title, sizeof t->title, "%s", tendril_model_task(s.model)->name);
  snprintf(t->checkpoint, sizeof t->checkpoint, "%s", s.checkpoint);
  snprintf(t->actions, sizeof t->actions, "%s", tendril_agent_name(s.agent));
  const tendril_status status = find_seeds(o, s.trained.config, t, err);
  show_close(&s);
  return status;
}

static int eval_terrain(const options *o, table *t) {
  tendril_error err = {{0}};
  tendril_pool *pool = NULL;
  eval_progress progress = {.what = "grounds"};
  tendril_status status = describe(o, t, &err);
  if (status == TENDRIL_OK) status = tendril_pool_create((int)o->threads, &pool, &err);
  for (int i = 0; i < t->n && status == TENDRIL_OK; i++)
    for (int k = 0; k < t->nset && status == TENDRIL_OK; k++) {
      eval_show_progress(&progress, i * t->nset + k, (int64_t)t->n * t->nset);
      status = measure(o, t, &t->at[i], k, pool, &err);
    }
  eval_end_progress(&progress);
  tendril_pool_destroy(pool);
  const eval_report report = {print_text, put_json, put_csv, draw, t};
  if (status == TENDRIL_OK) status = eval_report_write(&report, &o->outputs, o->json, &err);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

// In the range of its option: the last level is judged before the first is played.
static int check_level(const cell *c) {
  char level[32];
  const char *const change[] = {kinds[c->kind].option, level, NULL};
  tendril_sim_options unused;
  tendril_error err = {{0}};
  snprintf(level, sizeof level, "%.17g", c->level);
  const tendril_status status = cli_sim_options(change, &unused, &err);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}

static int parse_levels(const options *o, table *t) {
  bool chosen = false;
  eval_numbers *numbers = malloc(sizeof *numbers);
  if (!numbers) return cli_fail(TENDRIL_E_MEMORY, NULL);
  for (int i = 0; i < KINDS; i++)
    chosen |= o->levels[i] != NULL;
  int status = EXIT_OK;
  for (int i = 0; i < KINDS && status == EXIT_OK; i++) {
    if (chosen && !o->levels[i]) continue;
    status = eval_parse_numbers(&cmd_eval_terrain, kinds[i].name,
                                o->levels[i] ? o->levels[i] : kinds[i].levels, numbers);
    if (status == EXIT_OK && numbers->n > LEVELS)
      status = cli_usage(&cmd_eval_terrain, "--%s: at most %d levels", kinds[i].name, LEVELS);
    for (int k = 0; k < numbers->n && status == EXIT_OK; k++) {
      t->at[t->n] = (cell){.kind = i, .level = numbers->at[k]};
      status = check_level(&t->at[t->n++]);
    }
  }
  free(numbers);
  return status;
}

// What the levels and --first-seed say is not said a second time, or one of the two would not
// count.
static int check_set(const cli_list *set) {
  static const char *const ours[] = {"terrain.kind",  "terrain.seed", "terrain.seeds",
                                     "terrain.slope", "terrain.step", "terrain.rough"};
  for (int i = 0; i < set->n; i++)
    for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++)
      if (strncmp(set->at[i], ours[k], strlen(ours[k])) == 0 && set->at[i][strlen(ours[k])] == '=')
        return cli_usage(&cmd_eval_terrain,
                         "--set %s: say it by --slopes, --steps, --rough, --grounds and "
                         "--first-seed",
                         ours[k]);
  return EXIT_OK;
}

static int check(options *o, table *t) {
  tendril_grounds_defaults(&o->judged);
  o->judged.seed = (uint64_t)o->seed;
  int status = cli_check_range(&cmd_eval_terrain, "grounds", o->grounds, 1, 10000);
  if (status == EXIT_OK)
    status = cli_check_range(&cmd_eval_terrain, "threads", o->threads, 0, 1024);
  if (status == EXIT_OK)
    status = eval_parse_number(&cmd_eval_terrain, "min-height", o->min_height, 0, 1,
                               &o->judged.min_height);
  if (status == EXIT_OK) status = eval_check_outputs(&cmd_eval_terrain, &o->outputs);
  if (status == EXIT_OK) status = check_set(&o->show.set);
  return status == EXIT_OK ? parse_levels(o, t) : status;
}

static int run(int argc, char **argv) {
  options o = {.grounds = 20, .first = 1000000, .seed = 1};
  // clang-format off
  const cli_option table_of_options[] = {
    {CLI_TEXT,    "slopes",      0,   "LIST",  "levels of slopes in degrees, numbers and ranges FROM:TO:STEP (0:12:2)", &o.levels[0]},
    {CLI_TEXT,    "steps",       0,   "LIST",  "levels of steps in m (0:0.1:0.02)", &o.levels[1]},
    {CLI_TEXT,    "rough",       0,   "LIST",  "levels of roughness in m (0:0.05:0.01); of the three only those that are named, or all", &o.levels[2]},
    {CLI_INTEGER, "grounds",     0,   "N",     "grounds of each level, one episode each (20)", &o.grounds},
    {CLI_INTEGER, "first-seed",  0,   "N",     "seed of the first ground; none may be one of the training (1000000)", &o.first},
    {CLI_FLAG,    "train-seeds", 0,   NULL,    "the training's seeds, too: the difference is what the policy knows by heart", &o.train_seeds},
    {CLI_TEXT,    "min-height",  0,   "X",     "fallen: the torso above the ground at less than this share of its start (0.5)", &o.min_height},
    {CLI_INTEGER, "seed",        0,   "N",     "seed of the start states and of sampled actions (1)", &o.seed},
    {CLI_INTEGER, "threads",     0,   "N",     "threads; the result does not depend on it (all processors)", &o.threads},
    {CLI_TEXTS,   "out",         'o', "FILE",  "what to write, by its name: .json, .csv, or a plot against difficulty as .svg, .png or .pdf; may be given again", &o.outputs},
    SHOW_OPTIONS(o.show),
    {CLI_FLAG,    "json",        0,   NULL,    "everything as JSON on standard output", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const int n = sizeof table_of_options / sizeof table_of_options[0];
  int status = cli_parse(&cmd_eval_terrain, table_of_options, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  table *t = calloc(1, sizeof *t);
  if (!t) return cli_fail(TENDRIL_E_MEMORY, NULL);
  o.show.what = arguments.at[0];
  o.show.planners = 1;
  status = check(&o, t);
  if (status == EXIT_OK) status = eval_terrain(&o, t);
  free(t);
  return status;
}

const cli_command cmd_eval_terrain = {
    .name = "eval terrain",
    .usage = "RUN|TASK [options]",
    .summary = "how far does a policy come on ground that it has never seen?",
    .example = "  tendril eval terrain runs/walker -o terrain.svg -o terrain.csv\n"
               "  tendril eval terrain runs/hopper --slopes 0:10:1 --grounds 100 --train-seeds\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
