// tendril record: episodes into files, with no display needed.
#include "show.h"

#include "base/number.h"
#include "base/options.h"
#include "view/record.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
  show_options show;
  cli_list outputs, pushes;
  int64_t episodes, seed;
  const char *size, *fps, *seconds, *camera, *quality;
  bool json;
} options;

static volatile sig_atomic_t stop;

// The first lets what was begun be taken away, the second ends it at once.
static void on_signal(int number) {
  stop = number;
  signal(number, SIG_DFL);
}

static void print_text(const show *s, const options *o, const tnd_recorded *r) {
  char number[TND_NUMBER_MAX];
  printf("%s, %d episode%s of seed %lld: %.2f s, mean return %s",
         tendril_model_task(s->model)->name, r->episodes, r->episodes == 1 ? "" : "s",
         (long long)o->seed, r->seconds, tnd_number_brief(r->returns_mean, number));
  printf("; %d fell or finished, %d ran to the time limit", r->terminated, r->truncated);
  if (r->diverged) printf(", %d diverged", r->diverged);
  if (r->cut) printf(", %d cut by --seconds", r->cut);
  printf("\n");
  for (int i = 0; i < o->outputs.n; i++)
    printf("wrote %s\n", o->outputs.at[i]);
}

static tendril_status print_json(const show *s, const options *o, const tnd_recorded *r,
                                 tendril_error *err) {
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", tendril_model_task(s->model)->name);
  if (*s->checkpoint) cli_json_text(&json, "checkpoint", s->checkpoint);
  cli_json_number(&json, "seed", (double)o->seed);
  cli_json_number(&json, "episodes", r->episodes);
  cli_json_number(&json, "steps", (double)r->steps);
  cli_json_number(&json, "seconds", r->seconds);
  cli_json_number(&json, "return_mean", r->returns_mean);
  cli_json_number(&json, "terminated", r->terminated);
  cli_json_number(&json, "truncated", r->truncated);
  cli_json_number(&json, "diverged", r->diverged);
  cli_json_number(&json, "cut", r->cut);
  if (r->rate > 0) {
    cli_json_number(&json, "frames", r->frames);
    cli_json_number(&json, "fps", r->rate);
  }
  cli_json_open(&json, "files", '[');
  for (int i = 0; i < o->outputs.n; i++)
    cli_json_text(&json, NULL, o->outputs.at[i]);
  cli_json_close(&json, ']');
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

static int record(const options *o, const tnd_record_options *wanted) {
  tendril_error err = {{0}};
  char caption[2048];
  show s = {0};
  tnd_recorded recorded = {0};
  cli_catch_signals(on_signal);
  tendril_status status = show_open(&o->show, &s, &err);
  if (status == TENDRIL_OK) {
    snprintf(caption, sizeof caption, "%s%sseed %lld", s.checkpoint, *s.checkpoint ? ", " : "",
             (long long)o->seed);
    tnd_record_options captioned = *wanted;
    captioned.caption = caption;
    captioned.stop = &stop;
    status =
        tnd_record(s.model, s.controller, &captioned, o->outputs.at, o->outputs.n, &recorded, &err);
  }
  if (status == TENDRIL_OK && !o->json) print_text(&s, o, &recorded);
  if (status == TENDRIL_OK && o->json) status = print_json(&s, o, &recorded, &err);
  show_close(&s);
  if (status == TENDRIL_OK) return EXIT_OK;
  const int code = cli_fail(status, &err);
  // whoever waits for it, a shell's loop say, is to know why it ended
  if (stop) raise(stop);
  return code;
}

static int parse_quality(const char *text, tnd_quality *out) {
  static const char *const names[] = {"fast", "normal", "fine"};
  *out = TND_QUALITY_NORMAL;
  for (int i = 0; text && i < 3; i++)
    if (strcmp(text, names[i]) == 0) {
      *out = (tnd_quality)i;
      return EXIT_OK;
    }
  return text ? cli_usage(&cmd_record, "--quality: %s is none of fast, normal and fine", text)
              : EXIT_OK;
}

static int check(const options *o, tnd_record_options *wanted, tendril_push *pushes) {
  tendril_error err = {{0}};
  if (o->outputs.n < 1 || o->outputs.n > TND_RECORD_MAX_OUTPUTS)
    return cli_usage(&cmd_record, "-o FILE is wanted, 1 to %d times", TND_RECORD_MAX_OUTPUTS);
  for (int i = 0; i < o->outputs.n; i++) {
    const tendril_status status = tnd_record_check(o->outputs.at[i], &err);
    if (status != TENDRIL_OK) return cli_fail(status, &err);
  }
  if (o->pushes.n > TENDRIL_MAX_PUSHES)
    return cli_usage(&cmd_record, "--push: at most %d of them", TENDRIL_MAX_PUSHES);
  for (int i = 0; i < o->pushes.n; i++) {
    const tendril_status status = tendril_push_parse(o->pushes.at[i], &pushes[i], &err);
    if (status != TENDRIL_OK) return cli_fail(status, &err);
  }
  wanted->pushes = pushes;
  wanted->npush = o->pushes.n;
  wanted->episodes = (int)o->episodes;
  wanted->seed = (uint64_t)o->seed;
  wanted->camera = o->camera;
  int status = cli_check_range(&cmd_record, "episodes", o->episodes, 1, 1000000);
  if (status == EXIT_OK)
    status = show_parse_size(&cmd_record, o->size, &wanted->width, &wanted->height);
  if (status == EXIT_OK) status = show_parse_positive(&cmd_record, "fps", o->fps, &wanted->fps);
  if (status == EXIT_OK)
    status = show_parse_positive(&cmd_record, "seconds", o->seconds, &wanted->seconds);
  if (status == EXIT_OK) status = parse_quality(o->quality, &wanted->quality);
  return status;
}

static int run(int argc, char **argv) {
  options o = {.episodes = 1, .seed = 1};
  // clang-format off
  const cli_option table[] = {
    {CLI_TEXTS,   "out",        'o', "FILE",  "what to write, by its name: .mp4, .webm or .gif (video), .png (film strip), .html (page that plays it), .csv (states, actions, rewards); may be given again", &o.outputs},
    {CLI_INTEGER, "episodes",   0,   "N",     "episodes, one after another; a film strip and a page show the first (1)", &o.episodes},
    {CLI_INTEGER, "seed",       0,   "N",     "seed of the start states and the noise; episodes are those of `tendril eval` (1)", &o.seed},
    {CLI_TEXT,    "seconds",    0,   "T",     "of each episode only so much (all)", &o.seconds},
    {CLI_TEXTS,   "push",       0,   "PUSH",  "newtons, time, seconds, direction, body: 80@3 or 80@3,0.2,back,torso; up to 4", &o.pushes},
    {CLI_TEXT,    "size",       0,   "WxH",   "pixels (640x480; of a film strip 1280 by what is needed)", &o.size},
    {CLI_TEXT,    "fps",        0,   "N",     "frames per second of a video (a whole number of control steps apart, at most 32)", &o.fps},
    {CLI_TEXT,    "camera",     0,   "NAME",  "of a video: follow, still, or one of the model's (follow)", &o.camera},
    {CLI_TEXT,    "quality",    0,   "WHICH", "of a video: fast, normal or fine (normal)", &o.quality},
    SHOW_OPTIONS(o.show),
    {CLI_FLAG,    "json",       0,   NULL,    "what was recorded as JSON", &o.json},
  };
  // clang-format on
  cli_list arguments;
  bool help;
  const int n = sizeof table / sizeof table[0];
  int status = cli_parse(&cmd_record, table, n, argc, argv, &arguments, &help);
  if (status != EXIT_OK || help) return status;
  tnd_record_options wanted = {0};
  tendril_push pushes[TENDRIL_MAX_PUSHES];
  status = check(&o, &wanted, pushes);
  if (status != EXIT_OK) return status;
  o.show.what = arguments.at[0];
  // one line on standard error is ours, not one of the OpenGL driver's
  setenv("EGL_LOG_LEVEL", "fatal", 0);
  return record(&o, &wanted);
}

const cli_command cmd_record = {
    .name = "record",
    .usage = "RUN|TASK -o FILE [options]",
    .summary = "write episodes to a video, a film strip, a page or a table; needs no display",
    .example = "  tendril record runs/hopper -o gait.mp4 -o gait.png\n"
               "  tendril record runs/hopper -o push.gif --push 80@3 --seconds 6 --size 320x240\n"
               "  tendril record swimmer-v4 --actions random --episodes 10 -o random.csv\n"
               "  tendril record runs/walker -o slopes.mp4 --set terrain.kind=slopes\n",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
