// Recordings: several files of one episode, whole or not at all.
#include "support/sim.h"
#include "support/tmpdir.h"
#include "view/record.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct fixture {
  char *folder;
  tendril_model *model;
  tendril_controller *controller;
} fixture;

static fixture begin(const char *task) {
  fixture f = {.folder = support_tmpdir(), .model = support_model(task, NULL)};
  cr_assert_eq(tendril_controller_create(tendril_agent_random(), f.model, &f.controller, NULL),
               TENDRIL_OK);
  return f;
}

static void end(fixture *f) {
  tendril_controller_destroy(f->controller);
  tendril_model_destroy(f->model);
  support_tmpdir_remove(f->folder);
}

static const tnd_record_options small = {
    .episodes = 2, .seed = 1, .width = 200, .height = 120, .quality = TND_QUALITY_FAST};

static tendril_status record(const fixture *f, const tnd_record_options *o, const char *a,
                             const char *b, tnd_recorded *out, tendril_error *err) {
  const char *const paths[] = {a, b};
  return tnd_record(f->model, f->controller, o, paths, b ? 2 : 1, out, err);
}

Test(record, writes_several_files_of_the_same_episodes) {
  fixture f = begin("cartpole");
  const char *mp4 = support_path(f.folder, "x.mp4"), *csv = support_path(f.folder, "x.csv");
  tnd_recorded recorded;
  tendril_error err = {{0}};
  cr_assert_eq(record(&f, &small, mp4, csv, &recorded, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(recorded.episodes, 2);
  cr_assert_eq(recorded.terminated, 2);
  // every second control step of 20 ms, the first and perhaps the last included
  cr_assert_eq(recorded.rate, 25);
  cr_assert_leq(abs(2 * recorded.frames - (int)recorded.steps), 4);
  cr_assert(tnd_path_exists(mp4));

  // a header, a row for each step and one for each episode's last state
  char *text = support_read_file(csv, NULL);
  int lines = 0;
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  cr_assert_eq(lines, 1 + (int)recorded.steps + 2);
  free(text);
  end(&f);
}

Test(record, writes_the_same_film_strip_and_the_same_frames_again) {
  fixture f = begin("cartpole");
  const char *a = support_path(f.folder, "a.png"), *b = support_path(f.folder, "b.png");
  const char *c = support_path(f.folder, "c.gif"), *d = support_path(f.folder, "d.gif");
  tnd_recorded recorded;
  tendril_error err = {{0}};
  cr_assert_eq(record(&f, &small, a, c, &recorded, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(record(&f, &small, b, d, &recorded, &err), TENDRIL_OK, "%s", err.text);
  const char *const pairs[2][2] = {{a, b}, {c, d}};
  for (int i = 0; i < 2; i++) {
    size_t n, m;
    char *first = support_read_file(pairs[i][0], &n), *second = support_read_file(pairs[i][1], &m);
    cr_assert_eq(n, m);
    cr_assert_arr_eq(first, second, n);
    free(first);
    free(second);
  }
  end(&f);
}

Test(record, takes_as_many_frames_as_asked_for_and_stops_when_told) {
  fixture f = begin("swimmer-v4");
  tnd_record_options o = small;
  tnd_recorded recorded;
  tendril_error err = {{0}};
  o.episodes = 1;
  o.seconds = 2;
  o.fps = 10;
  o.draw_only = true;
  cr_assert_eq(tnd_record(f.model, f.controller, &o, NULL, 0, &recorded, &err), TENDRIL_OK, "%s",
               err.text);
  cr_assert_eq(recorded.frames, 21);
  cr_assert_eq(recorded.cut, 1);
  cr_assert_eq(recorded.truncated, 0);
  cr_assert_float_eq(recorded.seconds, 2, 1e-9);
  end(&f);
}

Test(record, refuses_what_it_cannot_write) {
  fixture f = begin("cartpole");
  const char *mp4 = support_path(f.folder, "x.mp4"), *csv = support_path(f.folder, "x.csv");
  tnd_recorded recorded;
  tendril_error err = {{0}};
  cr_assert_eq(record(&f, &small, "x.avi", NULL, &recorded, &err), TENDRIL_E_ARGUMENT);
  cr_assert_str_eq(err.text, "x.avi: the name must end in .mp4, .webm, .gif, .png, .html or .csv");
  cr_assert_eq(record(&f, &small, "folder.mp4/x", NULL, &recorded, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(record(&f, &small, csv, csv, &recorded, &err), TENDRIL_E_ARGUMENT);
  cr_assert(strstr(err.text, "x.csv: given twice"), "%s", err.text);
  cr_assert_eq(record(&f, &small, csv, "/nowhere/x.png", &recorded, &err), TENDRIL_E_IO);
  cr_assert(!tnd_path_exists(csv));

  tnd_record_options o = small;
  o.camera = "nosuch";
  cr_assert_eq(record(&f, &o, mp4, csv, &recorded, &err), TENDRIL_E_UNKNOWN);
  o = small;
  o.width = 100000;
  cr_assert_eq(record(&f, &o, mp4, csv, &recorded, &err), TENDRIL_E_ARGUMENT);
  cr_assert(!tnd_path_exists(mp4));
  cr_assert(!tnd_path_exists(csv));
  end(&f);
}

Test(record, leaves_no_file_if_one_of_them_fails) {
  fixture f = begin("cartpole");
  const char *mp4 = support_path(f.folder, "x.mp4"), *csv = support_path(f.folder, "x.csv");
  const char *ffmpeg = support_path(f.folder, "ffmpeg");
  const char script[] = "#!/bin/sh\nwhile read -r x; do :; done\necho no >&2\nexit 1\n";
  tnd_recorded recorded;
  tendril_error err = {{0}};
  support_write_file(ffmpeg, script, sizeof script - 1);
  cr_assert_eq(chmod(ffmpeg, 0755), 0);
  setenv("PATH", f.folder, 1);
  cr_assert_eq(record(&f, &small, csv, mp4, &recorded, &err), TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err.text, "ffmpeg: no");
  cr_assert(!tnd_path_exists(mp4));
  cr_assert(!tnd_path_exists(csv));
  end(&f);
}
