// Pictures in memory and as PNG files.
#ifndef TND_PICTURE_H
#define TND_PICTURE_H

#include "base/aside.h"

// Pixels of red, green, blue, a byte each; rows from the top.
typedef struct tnd_picture {
  int width, height;
  unsigned char *rgb;  // [height][width][3]
} tnd_picture;

TENDRIL_MUST_CHECK tendril_status tnd_picture_create(int width, int height, tnd_picture *out,
                                                     tendril_error *err);
void tnd_picture_free(tnd_picture *picture);

// Upside down: as OpenGL has its rows, and back.
void tnd_picture_flip(tnd_picture *picture);
// Half the size: each pixel the mean of four. Width and height must be even. In place.
void tnd_picture_halve(tnd_picture *picture);

// As PNG at the end of a file in the making.
TENDRIL_MUST_CHECK tendril_status tnd_picture_write(const tnd_picture *picture, tnd_aside *aside,
                                                    tendril_error *err);

#endif
