// Video over a pipe to ffmpeg, as a program and not as a library: its encoders are under the GPL.
#include "view/video.h"

#include "base/alloc.h"
#include "base/aside.h"
#include "base/process.h"

#include <stdio.h>
#include <sys/stat.h>

struct tnd_video {
  tnd_process *process;
  tnd_aside aside;
  size_t frame;  // bytes
};

enum { MAX_ARGUMENTS = 48 };

static void add(const char **argv, const char *const *more) {
  int n = 0;
  while (argv[n])
    n++;
  while (*more)
    argv[n++] = *more++;
}

// What each kind of file is made by. 23 and 32 are the encoders' own notions of good quality;
// veryfast and cpu-used cost a tenth of what drawing the frames does.
static const char *const *encoder_of(tnd_codec codec) {
  static const char *const mp4[] = {"-c:v", "libx264",  "-preset", "veryfast",  "-crf",
                                    "23",   "-pix_fmt", "yuv420p", "-movflags", "+faststart",
                                    "-f",   "mp4",      NULL};
  static const char *const webm[] = {
      "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "6",  "-row-mt", "1", "-crf",
      "32",   "-b:v",       "0",         "-pix_fmt", "yuv420p",   "-f", "webm",    NULL};
  // one palette, of the first frames: the background keeps still, and what waits for it is bounded
  static const char *const gif[] = {
      "-filter_complex",
      "split[a][b];[a]trim=end_frame=100,palettegen[p];[b][p]paletteuse=dither=none", "-f", "gif",
      NULL};
  return codec == TND_MP4 ? mp4 : codec == TND_WEBM ? webm : gif;
}

static tendril_status start(tnd_video *v, tnd_codec codec, int width, int height, const int rate[2],
                            tendril_error *err) {
  char size[32], fps[32], file[TND_PATH_MAX + 8];
  snprintf(size, sizeof size, "%dx%d", width, height);
  snprintf(fps, sizeof fps, "%d/%d", rate[0], rate[1]);
  // "file:": a path is a path, whatever characters are in it
  snprintf(file, sizeof file, "file:%s", v->aside.part);
  const char *argv[MAX_ARGUMENTS] = {NULL};
  // clang-format off
  const char *const input[] = {
      "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "error", "-y",
      "-xerror",  // without it a disk that is full goes unmentioned in the exit status
      "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", size, "-framerate", fps,
      "-i", "pipe:0", "-an", NULL};
  // clang-format on
  // equal frames give equal files
  const char *const output[] = {"-map_metadata", "-1", "-fflags", "+bitexact", file, NULL};
  add(argv, input);
  add(argv, encoder_of(codec));
  add(argv, output);
  const tnd_process_spec spec = {.argv = argv, .package = "ffmpeg", .input = true};
  return tnd_process_start(&spec, &v->process, err);
}

tendril_status tnd_video_create(const char *path, tnd_codec codec, int width, int height,
                                const int rate[2], tnd_video **out, tendril_error *err) {
  if (codec != TND_GIF && (width % 2 || height % 2))
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "%.200s: %d x %d pixels: a video's width and height must be even", path, width,
                    height);
  tnd_video *v = tnd_alloc(sizeof *v);
  if (!v) return tnd_fail_memory(err);
  v->frame = (size_t)width * (size_t)height * 3;
  tendril_status status = tnd_aside_begin(&v->aside, path, err);
  if (status == TENDRIL_OK) status = start(v, codec, width, height, rate, err);
  if (status == TENDRIL_OK)
    *out = v;
  else
    tnd_video_destroy(v);
  return status;
}

// After a failure of ffmpeg: if nothing more can be written beside what it wrote, that was the
// reason, and it is said as everywhere else.
static tendril_status explain(const tnd_video *v, tendril_status status, tendril_error *err) {
  enum { ROOM = 1 << 16 };  // more than ffmpeg writes at a time
  const size_t size = ROOM;
  struct stat info;
  void *zeros = tnd_alloc(size);
  if (zeros && fstat(v->aside.fd, &info) == 0) {
    int64_t end = info.st_size;
    tendril_error why;
    if (tnd_fd_append(v->aside.fd, v->aside.path, &end, zeros, size, &why) == TENDRIL_E_IO) {
      status = TENDRIL_E_IO;
      if (err) *err = why;
    }
  }
  tnd_free(zeros);
  return status;
}

tendril_status tnd_video_add(tnd_video *video, const unsigned char *rgb, tendril_error *err) {
  const tendril_status status = tnd_process_write(video->process, rgb, video->frame, err);
  return status == TENDRIL_OK ? status : explain(video, status, err);
}

tendril_status tnd_video_finish(tnd_video *video, tendril_error *err) {
  tnd_process *process = video->process;
  video->process = NULL;
  const tendril_status status = tnd_process_finish(process, NULL, NULL, err);
  return status == TENDRIL_OK ? status : explain(video, status, err);
}

tendril_status tnd_video_commit(tnd_video *video, tendril_error *err) {
  return tnd_aside_commit(&video->aside, err);
}

void tnd_video_destroy(tnd_video *video) {
  if (!video) return;
  // before its file goes
  tnd_process_abandon(video->process);
  tnd_aside_abandon(&video->aside);
  tnd_free(video);
}
