// tendril list: what can be named on the command line.
#include "cli.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/options.h"
#include "learn/learner.h"
#include "run/config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  bool json, markdown;
  cli_list plugins;
} options;

static void print_json_item(bool first, const char *name, const char *summary) {
  printf("%s{\"name\": \"%s\", \"summary\": \"%s\"}", first ? "" : ",\n ", name, summary);
}

static tendril_status list_tasks(const options *o, tendril_error *err) {
  tendril_tasks *tasks = NULL;
  tendril_status status = cli_tasks(&o->plugins, &tasks, err);
  if (status != TENDRIL_OK) return status;
  if (o->json) printf("[");
  for (int i = 0; i < tendril_tasks_count(tasks); i++) {
    const tendril_task *task = tendril_tasks_get(tasks, i);
    if (o->json)
      print_json_item(i == 0, task->name, task->summary);
    else
      printf("%-22s %s\n", task->name, task->summary);
  }
  if (o->json) printf("]\n");
  tendril_tasks_destroy(tasks);
  return TENDRIL_OK;
}

static tendril_status list_learners(const options *o, tendril_error *err) {
  (void)err;
  if (o->json) printf("[");
  for (int i = 0; i < tnd_method_count(); i++) {
    const tnd_method *method = tnd_method_get(i);
    if (o->json)
      print_json_item(i == 0, method->name, method->summary);
    else
      printf("%-22s %s; %s\n", method->name, method->summary, method->source);
  }
  if (o->json) printf("]\n");
  return TENDRIL_OK;
}

static int is_preset(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return dot && strcmp(dot, ".json") == 0;
}

// The line of a preset: its name and its summary.
static tendril_status list_preset(const options *o, const char *folder, const char *file,
                                  bool first, tendril_error *err) {
  char path[4096], name[256];
  cJSON *object = NULL;
  snprintf(path, sizeof path, "%s/%s", folder, file);
  snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(".json")), file);
  tendril_status status = tnd_json_read(path, &object, err);
  if (status != TENDRIL_OK) return status;
  const char *summary = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "summary"));
  if (o->json)
    print_json_item(first, name, summary ? summary : "");
  else
    printf("%-22s %s\n", name, summary ? summary : "");
  cJSON_Delete(object);
  return TENDRIL_OK;
}

static tendril_status list_presets(const options *o, tendril_error *err) {
  char models[2048], folder[2100];
  tendril_status status = tendril_models_folder(models, sizeof models, err);
  if (status != TENDRIL_OK) return status;
  snprintf(folder, sizeof folder, "%s/presets", models);
  struct dirent **entries = NULL;
  int n = scandir(folder, &entries, is_preset, alphasort);
  if (n < 0) {
    snprintf(err->text, sizeof err->text, "%.400s: cannot be read", folder);
    return TENDRIL_E_IO;
  }
  if (o->json) printf("[");
  for (int i = 0; i < n; i++) {
    if (status == TENDRIL_OK) status = list_preset(o, folder, entries[i]->d_name, i == 0, err);
    free(entries[i]);
  }
  if (o->json) printf("]\n");
  free(entries);
  return status;
}

static tendril_status describe(const tnd_option_table *table, const char *section,
                               const char *title, const options *o, tendril_error *err) {
  char *text = NULL;
  tendril_status status = tnd_options_describe(
      table, section, o->markdown ? TND_OPTIONS_MARKDOWN : TND_OPTIONS_TEXT, &text, err);
  if (status == TENDRIL_OK) printf(o->markdown ? "\n## %s\n\n%s" : "%s\n%s\n", title, text);
  tnd_free(text);
  return status;
}

static tendril_status list_options(const options *o, tendril_error *err) {
  if (o->markdown)
    printf("# Options\n\nMade by `tendril list options --markdown` from the tables in "
           "`include/tendril/*.h`; a test compares.\nSet them in a JSON file (`--config`), as in "
           "`{\"learner\": {\"max_kl\": 0.02}}`, or with `--set learner.max_kl=0.02`.\n");
  for (int i = 0; i < TND_SECTIONS - 1; i++) {
    const char *name;
    const tnd_option_table *table = tnd_section_table(i, &name);
    tendril_status status = describe(table, name, name, o, err);
    if (status != TENDRIL_OK) return status;
  }
  for (int i = 0; i < tnd_method_count(); i++) {
    char title[128];
    snprintf(title, sizeof title, "learner (%s)", tnd_method_get(i)->name);
    tendril_status status = describe(tnd_method_get(i)->options, "learner", title, o, err);
    if (status != TENDRIL_OK) return status;
  }
  return TENDRIL_OK;
}

static const struct {
  const char *name;
  tendril_status (*list)(const options *o, tendril_error *err);
} kinds[] = {
    {"tasks", list_tasks},
    {"learners", list_learners},
    {"presets", list_presets},
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
  return cli_usage(&cmd_list, "%s: cannot be listed; %s%s", kind,
                   near ? "did you mean " : "choose tasks, learners, presets or options",
                   near ? near : "");
}

static int run(int argc, char **argv) {
  options o = {0};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXTS, "plugin",   0, "FILE", "add the tasks of a plugin (.so)", &o.plugins},
    {CLI_FLAG,  "json",     0, NULL,   "names and summaries as JSON (tasks, learners, presets)", &o.json},
    {CLI_FLAG,  "markdown", 0, NULL,   "options as the page docs/reference/options.md", &o.markdown},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  int status =
      cli_parse(&cmd_list, table, sizeof table / sizeof table[0], argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  return list(&o, arguments.n ? arguments.at[0] : "tasks");
}

const cli_command cmd_list = {
    .name = "list",
    .usage = "[tasks|learners|presets|options]",
    .summary = "list tasks, learners, presets or all options",
    .example = "  tendril list\n  tendril list options\n",
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};
