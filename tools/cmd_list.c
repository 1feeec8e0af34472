// tendril list: what can be named on the command line.
#include "cli.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/options.h"
#include "control/wave.h"
#include "learn/learner.h"
#include "run/config.h"
#include "run/experiment.h"
#include "run/gait_config.h"
#include "run/optimization.h"
#include "trajopt/ilqg.h"
#include "trajopt/mpc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  bool json, markdown;
  cli_list plugins;
} options;

// One thing with its summary: a line, or an object of the list in `json`.
static void put(const options *o, cli_json *json, const char *name, const char *summary,
                const char *source) {
  if (!o->json) {
    printf("%-22s %s%s%s\n", name, summary, source ? "; " : "", source ? source : "");
    return;
  }
  cli_json_open(json, NULL, '{');
  cli_json_text(json, "name", name);
  cli_json_text(json, "summary", summary);
  if (source) cli_json_text(json, "source", source);
  cli_json_close(json, '}');
}

static tendril_status finish(const options *o, cli_json *json, tendril_error *err) {
  if (!o->json) {
    tnd_buffer_free(&json->out);
    return TENDRIL_OK;
  }
  cli_json_close(json, ']');
  return cli_json_print(json, err);
}

static tendril_status list_tasks(const options *o, tendril_error *err) {
  tendril_tasks *tasks = NULL;
  cli_json json = {0};
  tendril_status status = cli_tasks(&o->plugins, &tasks, err);
  if (status != TENDRIL_OK) return status;
  cli_json_open(&json, NULL, '[');
  for (int i = 0; i < tendril_tasks_count(tasks); i++) {
    const tendril_task *task = tendril_tasks_get(tasks, i);
    put(o, &json, task->name, task->summary ? task->summary : "", NULL);
  }
  tendril_tasks_destroy(tasks);
  return finish(o, &json, err);
}

static tendril_status list_learners(const options *o, tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '[');
  for (int i = 0; i < tnd_method_count(); i++) {
    const tnd_method *method = tnd_method_get(i);
    put(o, &json, method->name, method->summary, method->source);
  }
  return finish(o, &json, err);
}

// The line of a preset or an experiment: its name and its summary.
static tendril_status list_file(const options *o, cli_json *json, const char *folder,
                                const char *file, tendril_error *err) {
  char path[TND_PATH_MAX + 256], name[256];
  cJSON *object = NULL;
  snprintf(path, sizeof path, "%s/%s", folder, file);
  snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(".json")), file);
  tendril_status status = tnd_json_read(path, &object, err);
  if (status != TENDRIL_OK) return status;
  const char *summary = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "summary"));
  put(o, json, name, summary ? summary : "", NULL);
  cJSON_Delete(object);
  return TENDRIL_OK;
}

static tendril_status list_files(const options *o, const char *folder, tendril_error *err) {
  cli_json json = {0};
  tendril_status status = TENDRIL_OK;
  struct dirent **entries = NULL;
  int n = scandir(folder, &entries, cli_is_json, alphasort);
  if (n < 0) return tnd_fail_io(err, folder, "not read", errno);
  cli_json_open(&json, NULL, '[');
  for (int i = 0; i < n; i++) {
    if (status == TENDRIL_OK) status = list_file(o, &json, folder, entries[i]->d_name, err);
    free(entries[i]);
  }
  free(entries);
  if (status == TENDRIL_OK) return finish(o, &json, err);
  tnd_buffer_free(&json.out);
  return status;
}

static tendril_status list_presets(const options *o, tendril_error *err) {
  char models[2048], folder[2100];
  tendril_status status = tendril_models_folder(models, sizeof models, err);
  if (status != TENDRIL_OK) return status;
  snprintf(folder, sizeof folder, "%s/presets", models);
  return list_files(o, folder, err);
}

static tendril_status list_experiments(const options *o, tendril_error *err) {
  char folder[TND_PATH_MAX];
  tendril_status status = tnd_experiments_folder(folder, err);
  return status == TENDRIL_OK ? list_files(o, folder, err) : status;
}

// One table's options behind what is in `out` already.
static tendril_status describe(tnd_buffer *out, const tnd_option_table *table, const char *section,
                               const char *title, const options *o, tendril_error *err) {
  char *text = NULL;
  const tnd_options_style style = o->json       ? TND_OPTIONS_JSON
                                  : o->markdown ? TND_OPTIONS_MARKDOWN
                                                : TND_OPTIONS_TEXT;
  tendril_status status = tnd_options_describe(table, section, style, &text, err);
  if (status != TENDRIL_OK) return status;
  if (o->json)
    tnd_buffer_format(out, "%s%s", out->n > 1 ? ",\n " : "", text);
  else
    tnd_buffer_format(out, o->markdown ? "\n## %s\n\n%s" : "%s\n%s\n", title, text);
  tnd_free(text);
  return TENDRIL_OK;
}

// What a search for a gait has beside sim and terrain.
static tendril_status describe_gait(tnd_buffer *out, const options *o, tendril_error *err) {
  tendril_gait_config config;
  tnd_section sections[TND_GAIT_SECTIONS];
  tnd_gait_sections(&config, sections);
  for (int i = 0; i < TND_GAIT_SECTIONS; i++) {
    const tnd_section *s = &sections[i];
    if (strcmp(s->name, "sim") == 0 || strcmp(s->name, "terrain") == 0) continue;
    TENDRIL_TRY(describe(out, s->table, s->name, s->name, o, err));
  }
  return TENDRIL_OK;
}

static tendril_status describe_all(tnd_buffer *out, const options *o, tendril_error *err) {
  for (int i = 0; i < TND_SECTIONS - 1; i++) {
    const char *name;
    const tnd_option_table *table = tnd_section_table(i, &name);
    TENDRIL_TRY(describe(out, table, name, name, o, err));
  }
  const struct {
    const char *section, *title;
    const tnd_option_table *table;
  } others[] = {{"optimize", "optimize", &tnd_optimize_options},
                {"ilqg", "ilqg (tendril optimize)", &tnd_ilqg_options},
                {"mpc", "mpc (--actions mpc)", &tnd_mpc_options}};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    TENDRIL_TRY(describe(out, others[i].table, others[i].section, others[i].title, o, err));
  for (int i = 0; i < tnd_method_count(); i++) {
    char title[128];
    snprintf(title, sizeof title, "learner (%s)", tnd_method_get(i)->name);
    TENDRIL_TRY(describe(out, tnd_method_get(i)->options, "learner", title, o, err));
  }
  TENDRIL_TRY(describe_gait(out, o, err));
  return describe(out, &tnd_wave_options, "wave", "wave", o, err);
}

static tendril_status list_options(const options *o, tendril_error *err) {
  tnd_buffer out = {0};
  char *text = NULL;
  if (o->json)
    tnd_buffer_text(&out, "[");
  else if (o->markdown)
    tnd_buffer_text(
        &out,
        "# Options\n\nMade by `tendril list options --markdown` from the tables in "
        "`include/tendril/*.h`; a test compares.\nSet them in a JSON file (`--config`), as in "
        "`{\"learner\": {\"max_kl\": 0.02}}`, or with `--set learner.max_kl=0.02`.\n"
        "The sections gait, simbicon and cmaes are those of `tendril optimize gait`, with `--set` "
        "alone; simbicon and wave those of a gait's file.\n");
  tendril_status status = describe_all(&out, o, err);
  if (o->json) tnd_buffer_text(&out, "]\n");
  if (status == TENDRIL_OK) status = tnd_buffer_take(&out, &text, NULL, err);
  if (status == TENDRIL_OK) fputs(text, stdout);
  tnd_free(text);
  tnd_buffer_free(&out);
  return status;
}

static const struct {
  const char *name;
  tendril_status (*list)(const options *o, tendril_error *err);
} kinds[] = {
    {"tasks", list_tasks},     {"learners", list_learners},
    {"presets", list_presets}, {"experiments", list_experiments},
    {"options", list_options},
};
enum { NKIND = sizeof kinds / sizeof kinds[0] };

static int list(const options *o, const char *kind) {
  tendril_error err = {{0}};
  const char *names[NKIND];
  for (int i = 0; i < NKIND; i++) {
    names[i] = kinds[i].name;
    if (strcmp(kind, kinds[i].name) != 0) continue;
    tendril_status status = kinds[i].list(o, &err);
    return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
  }
  const char *near = tnd_nearest(kind, names, NKIND);
  return cli_usage(&cmd_list, "%s: cannot be listed; %s%s%s", kind,
                   near ? "did you mean "
                        : "choose tasks, learners, presets, experiments or options",
                   near ? near : "", near ? "?" : "");
}

static int run(int argc, char **argv) {
  options o = {0};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXTS, "plugin",   0, "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,  "json",     0, NULL,   "the list as JSON", &o.json},
    {CLI_FLAG,  "markdown", 0, NULL,   "options as the page docs/reference/options.md", &o.markdown},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_list, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  if (o.markdown && (o.json || !arguments.n || strcmp(arguments.at[0], "options") != 0))
    return cli_usage(&cmd_list, "--markdown: goes with `tendril list options` alone");
  return list(&o, arguments.n ? arguments.at[0] : "tasks");
}

const cli_command cmd_list = {
    .name = "list",
    .usage = "[tasks|learners|presets|experiments|options]",
    .summary = "name the tasks (or learners, presets, experiments, options) that there are",
    .example = "  tendril list\n  tendril list options\n  tendril list presets --json\n",
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};
