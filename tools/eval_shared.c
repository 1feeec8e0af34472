// What the commands `tendril eval ...` share. See eval.h.
#include "eval.h"

#include "base/aside.h"
#include "base/clock.h"
#include "base/number.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static bool parse(const char *text, size_t n, double *out) {
  return tnd_number_parse(text, n, out) == TND_NUMBER_OK;
}

// FROM:TO:STEP or a number; false if it is neither or there is no room.
static bool take_item(const char *text, size_t n, eval_numbers *out) {
  const char *first = memchr(text, ':', n);
  double from, to, step;
  if (!first) {
    if (!parse(text, n, &from) || out->n == EVAL_MAX_NUMBERS) return false;
    out->at[out->n++] = from;
    return true;
  }
  const char *second = memchr(first + 1, ':', n - (size_t)(first + 1 - text));
  if (!second || !parse(text, (size_t)(first - text), &from) ||
      !parse(first + 1, (size_t)(second - first - 1), &to) ||
      !parse(second + 1, n - (size_t)(second + 1 - text), &step) || !(step > 0) || !(to >= from))
    return false;
  const double count = floor((to - from) / step + 1e-9) + 1;
  if (count > EVAL_MAX_NUMBERS - out->n) return false;
  for (int i = 0; i < (int)count; i++)
    out->at[out->n++] = from + i * step;
  return true;
}

int eval_parse_numbers(const cli_command *command, const char *option, const char *text,
                       eval_numbers *out) {
  out->n = 0;
  for (const char *at = text;;) {
    const size_t n = strcspn(at, ",");
    if (!take_item(at, n, out))
      return cli_usage(command, "--%s: %s is no list of numbers or ranges, as in 25,50:500:50",
                       option, *text ? text : "nothing");
    if (!at[n]) return EXIT_OK;
    at += n + 1;
  }
}

int eval_parse_number(const cli_command *command, const char *option, const char *text, double min,
                      double max, double *out) {
  double value;
  if (!text) return EXIT_OK;
  if (!parse(text, strlen(text), &value) || !(value >= min && value <= max))
    return cli_usage(command, "--%s: %s is no number from %g to %g", option,
                     *text ? text : "nothing", min, max);
  *out = value;
  return EXIT_OK;
}

void eval_show_progress(void *user, int64_t done, int64_t total) {
  eval_progress *p = user;
  char left[24];
  if (!isatty(STDERR_FILENO) || total < 1) return;
  const double now = tnd_clock_wall();
  if (!p->shown) p->begin = now;
  p->shown = true;
  const double rest =
      done > 0 ? (now - p->begin) * (double)(total - done) / (double)done : (double)NAN;
  fprintf(stderr, "\r\033[K%s: %lld of %lld, %s left", p->what, (long long)done, (long long)total,
          cli_time(rest, left));
}

void eval_end_progress(eval_progress *p) {
  if (p->shown) fprintf(stderr, "\r\033[K");
  p->shown = false;
}

static bool ends_in(const char *path, const char *ending) {
  const size_t n = strlen(path), m = strlen(ending);
  return n > m && strcmp(path + n - m, ending) == 0;
}

int eval_check_outputs(const cli_command *command, const cli_list *outputs) {
  static const char *const endings[] = {".json", ".csv", ".svg", ".png", ".pdf"};
  for (int i = 0; i < outputs->n; i++) {
    bool known = false;
    for (size_t k = 0; k < sizeof endings / sizeof endings[0]; k++)
      known |= ends_in(outputs->at[i], endings[k]);
    if (!known)
      return cli_usage(command, "%s: the name must end in .json, .csv, .svg, .png or .pdf",
                       outputs->at[i]);
    // what can't be written is said before the work and not after it
    tnd_aside aside;
    tendril_error err = {{0}};
    const tendril_status status = tnd_aside_begin(&aside, outputs->at[i], &err);
    if (status != TENDRIL_OK) return cli_fail(status, &err);
    tnd_aside_abandon(&aside);
  }
  return EXIT_OK;
}

static tendril_status write_output(const eval_report *report, const char *path,
                                   tendril_error *err) {
  tendril_status status;
  char *text = NULL;
  if (ends_in(path, ".json")) {
    cli_json json = {0};
    report->put_json(&json, report->user);
    tnd_buffer_text(&json.out, "\n");
    status = cli_json_take(&json, &text, err);
  } else if (ends_in(path, ".csv")) {
    tnd_buffer rows = {0};
    report->put_csv(&rows, report->user);
    status = tnd_buffer_take(&rows, &text, NULL, err);
    tnd_buffer_free(&rows);
  } else {
    return report->draw(report->user, path, err);
  }
  if (status == TENDRIL_OK) status = tnd_file_write(path, text, strlen(text), err);
  tendril_text_destroy(text);
  return status;
}

tendril_status eval_report_write(const eval_report *report, const cli_list *outputs, bool json,
                                 tendril_error *err) {
  tendril_status status = TENDRIL_OK;
  if (json) {
    cli_json all = {0};
    report->put_json(&all, report->user);
    status = cli_json_print(&all, err);
  } else {
    report->print(report->user);
  }
  for (int i = 0; i < outputs->n; i++) {
    tendril_error why = {{0}};
    const tendril_status written = write_output(report, outputs->at[i], &why);
    if (written == TENDRIL_OK && !json) printf("wrote %s\n", outputs->at[i]);
    if (written == TENDRIL_OK || status != TENDRIL_OK) continue;
    status = written;
    *err = why;
  }
  return status;
}

void eval_put_summary(cli_json *json, const tendril_summary *s) {
  cli_json_number(json, "mean", s->mean);
  cli_json_number(json, "sd", s->sd);
  cli_json_number(json, "median", s->median);
  cli_json_number(json, "low", s->low);
  cli_json_number(json, "high", s->high);
  cli_json_number(json, "min", s->min);
  cli_json_number(json, "max", s->max);
}

void eval_put_counted(cli_json *json, const char *name, const tendril_summary *s) {
  cli_json_open(json, name, '{');
  cli_json_number(json, "n", s->n);
  if (s->n) eval_put_summary(json, s);
  cli_json_close(json, '}');
}
