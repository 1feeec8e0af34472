// Parsing, help and error lines of all commands. See cli.h.
#include "cli.h"

#include "base/file.h"
#include "base/number.h"
#include "base/options.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cli_fail(tendril_status status, const tendril_error *err) {
  fprintf(stderr, "tendril: %s\n", err && err->text[0] ? err->text : tendril_status_text(status));
  const bool usage = status == TENDRIL_E_ARGUMENT || status == TENDRIL_E_UNKNOWN ||
                     status == TENDRIL_E_CONFIG || status == TENDRIL_E_EXISTS;
  return usage ? EXIT_USAGE : EXIT_FAILED;
}

void cli_catch_signals(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  // the terminal is gone; nohup and the like have said that this is no reason to stop
  if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, NULL);
}

int cli_usage(const cli_command *command, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  // one line, whatever was in a word that it quotes
  for (char *c = text; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  const char *space = command ? " " : "", *name = command ? command->name : "";
  fprintf(stderr, "tendril%s%s: %s", space, name, text);
  // a line that asks "did you mean" says enough
  const bool asks = text[0] && text[strlen(text) - 1] == '?';
  if (asks)
    fputc('\n', stderr);
  else
    fprintf(stderr, "; see tendril%s%s --help\n", space, name);
  return EXIT_USAGE;
}

int cli_check_range(const cli_command *command, const char *option, int64_t value, int64_t min,
                    int64_t max) {
  if (value >= min && value <= max) return EXIT_OK;
  return cli_usage(command, "--%s: %lld is out of range; use %lld to %lld", option,
                   (long long)value, (long long)min, (long long)max);
}

static void print_help(const cli_command *command, const cli_option *options, int n) {
  const char *summary = command->summary;
  const bool asks = summary[strlen(summary) - 1] == '?';
  printf("usage: tendril %s %s\n\n%c%s%s\n\noptions, with what holds without them (in brackets):\n",
         command->name, command->usage, toupper((unsigned char)summary[0]), summary + 1,
         asks ? "" : ".");
  for (int i = 0; i < n; i++) {
    char left[64];
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", options[i].letter ? '-' : ' ',
             options[i].letter ? options[i].letter : ' ', options[i].letter ? ", " : "  ",
             options[i].name, options[i].argument ? " " : "",
             options[i].argument ? options[i].argument : "");
    printf("  %-28s %s\n", left, options[i].help);
  }
  printf("      --help                   this text\n\nexample:\n%s", command->example);
}

static const cli_option *find(const cli_option *options, int n, const char *name, size_t length) {
  for (int i = 0; i < n; i++) {
    if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
      return &options[i];
  }
  return NULL;
}

static int unknown(const cli_command *command, const cli_option *options, int n, const char *given,
                   size_t length) {
  const char *names[64] = {"help"};
  char name[64];
  int count = 1;
  for (int i = 0; i < n && count < 64; i++)
    names[count++] = options[i].name;
  snprintf(name, sizeof name, "%.*s", (int)length, given);
  const char *near = tnd_nearest(name, names, count);
  if (near) return cli_usage(command, "--%s: no such option; did you mean --%s?", name, near);
  return cli_usage(command, "--%s: no such option", name);
}

// One option's argument into its place.
static int take(const cli_command *command, const cli_option *option, const char *text) {
  switch (option->kind) {
  case CLI_FLAG:
    *(bool *)option->value = true;
    return EXIT_OK;
  case CLI_TEXT:
    *(const char **)option->value = text;
    return EXIT_OK;
  case CLI_TEXTS: {
    cli_list *list = option->value;
    if (list->n == CLI_LIST_MAX)
      return cli_usage(command, "--%s: given more than %d times", option->name, CLI_LIST_MAX);
    list->at[list->n++] = text;
    return EXIT_OK;
  }
  case CLI_INTEGER: {
    double number;  // 1e6 is as good as 1000000
    if (tnd_number_parse(text, strlen(text), &number) != TND_NUMBER_OK || number < 0 ||
        number > (double)TND_WHOLE_MAX || number != floor(number))
      return cli_usage(command, "--%s: %s is no whole number from 0 to 2^53 - 1", option->name,
                       *text ? text : "nothing");
    *(int64_t *)option->value = (int64_t)number;
    return EXIT_OK;
  }
  }
  return EXIT_USAGE;
}

// argv[*at] is an option; takes it and its argument.
static int parse_option(const cli_command *command, const cli_option *options, int n, int argc,
                        char **argv, int *at) {
  const char *word = argv[*at];
  const cli_option *option = NULL;
  const char *text = NULL;
  if (word[1] == '-') {
    size_t length = strcspn(word + 2, "=");
    option = find(options, n, word + 2, length);
    if (!option) return unknown(command, options, n, word + 2, length);
    if (word[2 + length]) text = word + 3 + length;
  } else {
    for (int i = 0; i < n && !option; i++)
      if (options[i].letter && options[i].letter == word[1]) option = &options[i];
    if (!option) return cli_usage(command, "%s: no such option", word);
    if (word[2]) text = word + 2;
  }
  if (option->kind == CLI_FLAG && text)
    return cli_usage(command, "--%s takes no value", option->name);
  if (option->kind != CLI_FLAG && !text) {
    if (*at + 1 >= argc) return cli_usage(command, "--%s wants %s", option->name, option->argument);
    text = argv[++*at];
  }
  return take(command, option, text);
}

int cli_parse(const cli_command *command, const cli_option *options, int n, int argc, char **argv,
              cli_list *arguments, bool *help) {
  *arguments = (cli_list){0};
  *help = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      print_help(command, options, n);
      *help = true;
      return EXIT_OK;
    }
    if (argv[i][0] == '-' && argv[i][1]) {
      int status = parse_option(command, options, n, argc, argv, &i);
      if (status != EXIT_OK) return status;
    } else {
      if (arguments->n == CLI_LIST_MAX)
        return cli_usage(command, "more than %d arguments", CLI_LIST_MAX);
      arguments->at[arguments->n++] = argv[i];
    }
  }
  if (arguments->n < command->min_arguments)
    return cli_usage(command, "too few arguments; usage: tendril %s %.*s", command->name,
                     (int)strcspn(command->usage, "\n"), command->usage);
  if (arguments->n > command->max_arguments)
    return cli_usage(command, "%s: one argument too many", arguments->at[command->max_arguments]);
  return EXIT_OK;
}

bool cli_run_kind(const cli_command *command, const cli_command *const *kinds, int n, int argc,
                  char **argv, int *status) {
  const char *names[16];
  if (argc < 2) return false;
  for (int i = 0; i < n; i++) {
    names[i] = kinds[i]->name + strlen(command->name) + 1;
    if (strcmp(argv[1], names[i]) != 0) continue;
    *status = kinds[i]->run(argc - 1, argv + 1);
    return true;
  }
  // the command itself has one argument, which may be of any name
  const bool two = argc > 2 && argv[1][0] != '-' && argv[2][0] != '-';
  const char *near = two && !tnd_path_exists(argv[1]) ? tnd_nearest(argv[1], names, n) : NULL;
  if (!near) return false;
  *status = cli_usage(NULL, "%s %.100s: no such command; did you mean %s %s?", command->name,
                      argv[1], command->name, near);
  return true;
}

tendril_status cli_tasks(const cli_list *plugins, tendril_tasks **out, tendril_error *err) {
  tendril_tasks *tasks = NULL;
  tendril_status status = tendril_tasks_create(&tasks, err);
  for (int i = 0; i < plugins->n && status == TENDRIL_OK; i++)
    status = tendril_tasks_load(tasks, plugins->at[i], err);
  if (status == TENDRIL_OK)
    *out = tasks;
  else
    tendril_tasks_destroy(tasks);
  return status;
}

const char *cli_count(double value, char text[16]) {
  if (fabs(value) >= 1e6)
    snprintf(text, 16, "%.2fM", value / 1e6);
  else if (fabs(value) >= 1e3)
    snprintf(text, 16, "%.1fk", value / 1e3);
  else
    snprintf(text, 16, "%.0f", value);
  return text;
}

const char *cli_time(double seconds, char text[24]) {
  if (!isfinite(seconds) || seconds > 359999) return "-";
  long s = lround(seconds);
  if (s >= 3600)
    snprintf(text, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    snprintf(text, 24, "%ld:%02ld", s / 60, s % 60);
  return text;
}

void cli_put_word(FILE *file, const char *word) {
  tnd_buffer out = {0};
  tnd_buffer_shell_word(&out, word);
  fputs(out.text ? out.text : word, file);
  tnd_buffer_free(&out);
}
