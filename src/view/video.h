// Pictures into a video file by the program ffmpeg.
#ifndef TND_VIDEO_H
#define TND_VIDEO_H

#include "base/status.h"

typedef enum tnd_codec { TND_MP4, TND_WEBM, TND_GIF } tnd_codec;

typedef struct tnd_video tnd_video;

// Frames per second as a fraction: rate[0] / rate[1].
// @return E_ARGUMENT for a size that the codec can't have; E_IO if the file can't be written;
// E_SYSTEM if ffmpeg is missing
TENDRIL_MUST_CHECK tendril_status tnd_video_create(const char *path, tnd_codec codec, int width,
                                                   int height, const int rate[2], tnd_video **out,
                                                   tendril_error *err);
// rgb [height][width][3], the top row first.
TENDRIL_MUST_CHECK tendril_status tnd_video_add(tnd_video *video, const unsigned char *rgb,
                                                tendril_error *err);
// No more frames: waits for ffmpeg. Once.
TENDRIL_MUST_CHECK tendril_status tnd_video_finish(tnd_video *video, tendril_error *err);
// A finished one takes its place.
TENDRIL_MUST_CHECK tendril_status tnd_video_commit(tnd_video *video, tendril_error *err);
// One that has not taken its place leaves nothing.
void tnd_video_destroy(tnd_video *video);

#endif
