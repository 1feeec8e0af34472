// Videos by ffmpeg, and by programs of that name that are missing, fail or die on the way.
#include "support/tmpdir.h"
#include "view/video.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { W = 64, H = 48 };
static const int rate[2] = {25, 1};

// A program of the name ffmpeg that is a shell script, the only one in PATH.
static void fake(const char *folder, const char *script) {
  const char *path = support_path(folder, "ffmpeg");
  support_write_file(path, script, strlen(script));
  cr_assert_eq(chmod(path, 0755), 0);
  setenv("PATH", folder, 1);
}

static tendril_status film(const char *path, tnd_codec codec, int frames, tendril_error *err) {
  unsigned char rgb[W * H * 3];
  tnd_video *video = NULL;
  tendril_status status = tnd_video_create(path, codec, W, H, rate, &video, err);
  for (int i = 0; i < frames && status == TENDRIL_OK; i++) {
    memset(rgb, 5 * i, sizeof rgb);
    status = tnd_video_add(video, rgb, err);
  }
  if (status == TENDRIL_OK) status = tnd_video_finish(video, err);
  if (status == TENDRIL_OK) status = tnd_video_commit(video, err);
  tnd_video_destroy(video);
  return status;
}

static void expect_nothing(const char *folder, const char *name) {
  char part[64];
  snprintf(part, sizeof part, "%s.part", name);
  cr_assert(!tnd_path_exists(support_path(folder, name)));
  cr_assert(!tnd_path_exists(support_path(folder, part)));
}

static void expect_video(const char *name, tnd_codec codec, const char *magic, size_t at) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, name);
  tendril_error err = {{0}};
  size_t size;
  cr_assert_eq(film(path, codec, 10, &err), TENDRIL_OK, "%s", err.text);
  char *bytes = support_read_file(path, &size);
  cr_assert_gt(size, 200);
  cr_assert_arr_eq(bytes + at, magic, strlen(magic));
  free(bytes);
  support_tmpdir_remove(folder);
}

Test(video, is_an_mp4) {
  expect_video("x.mp4", TND_MP4, "ftyp", 4);
}

Test(video, is_a_webm) {
  expect_video("x.webm", TND_WEBM, "\x1a\x45\xdf\xa3", 0);
}

Test(video, is_a_gif) {
  expect_video("x.gif", TND_GIF, "GIF89a", 0);
}

Test(video, has_an_even_size) {
  tnd_video *video = NULL;
  tendril_error err;
  cr_assert_eq(tnd_video_create("x.mp4", TND_MP4, 65, 48, rate, &video, &err), TENDRIL_E_ARGUMENT);
  cr_assert_str_eq(err.text, "x.mp4: 65 x 48 pixels: a video's width and height must be even");
}

Test(video, names_the_program_that_is_missing) {
  char *folder = support_tmpdir();
  tendril_error err = {{0}};
  setenv("PATH", folder, 1);
  cr_assert_eq(film(support_path(folder, "x.mp4"), TND_MP4, 1, &err), TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err.text, "ffmpeg: program not found; install Debian's package ffmpeg");
  expect_nothing(folder, "x.mp4");
  support_tmpdir_remove(folder);
}

Test(video, passes_on_why_the_program_failed_and_keeps_an_older_file) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "x.mp4");
  tendril_error err = {{0}};
  char *old;
  fake(folder, "#!/bin/sh\nwhile read -r x; do :; done\necho 'Unknown encoder' >&2\nexit 1\n");
  cr_assert_eq(film(path, TND_MP4, 3, &err), TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err.text, "ffmpeg: Unknown encoder");
  expect_nothing(folder, "x.mp4");

  support_write_file(path, "old", 3);
  cr_assert_eq(film(path, TND_MP4, 3, &err), TENDRIL_E_SYSTEM);
  old = support_read_file(path, NULL);
  cr_assert_str_eq(old, "old");
  free(old);
  support_tmpdir_remove(folder);
}

Test(video, survives_a_program_that_dies_midway) {
  char *folder = support_tmpdir();
  tendril_error err = {{0}};
  fake(folder, "#!/bin/sh\necho dying >&2\nkill -9 $$\n");
  // more than fits between two programs
  cr_assert_eq(film(support_path(folder, "x.mp4"), TND_MP4, 500, &err), TENDRIL_E_SYSTEM);
  cr_assert_str_eq(err.text, "ffmpeg: dying");
  expect_nothing(folder, "x.mp4");
  support_tmpdir_remove(folder);
}

Test(video, that_is_not_finished_leaves_nothing) {
  char *folder = support_tmpdir();
  tnd_video *video = NULL;
  unsigned char rgb[W * H * 3] = {0};
  cr_assert_eq(tnd_video_create(support_path(folder, "x.mp4"), TND_MP4, W, H, rate, &video, NULL),
               TENDRIL_OK);
  cr_assert_eq(tnd_video_add(video, rgb, NULL), TENDRIL_OK);
  tnd_video_destroy(video);
  expect_nothing(folder, "x.mp4");
  support_tmpdir_remove(folder);
}
