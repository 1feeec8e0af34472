// Pictures; PNG by libpng.
#include "view/picture.h"

#include "base/alloc.h"

#include <assert.h>
#include <png.h>
#include <string.h>

tendril_status tnd_picture_create(int width, int height, tnd_picture *out, tendril_error *err) {
  unsigned char *rgb = tnd_alloc((size_t)width * (size_t)height * 3);
  if (!rgb) return tnd_fail_memory(err);
  *out = (tnd_picture){width, height, rgb};
  return TENDRIL_OK;
}

void tnd_picture_free(tnd_picture *picture) {
  tnd_free(picture->rgb);
  *picture = (tnd_picture){0};
}

void tnd_picture_flip(tnd_picture *picture) {
  const size_t row = (size_t)picture->width * 3;
  for (int y = 0; y < picture->height / 2; y++) {
    unsigned char *a = picture->rgb + (size_t)y * row;
    unsigned char *b = picture->rgb + (size_t)(picture->height - 1 - y) * row;
    for (size_t i = 0; i < row; i++) {
      const unsigned char swap = a[i];
      a[i] = b[i];
      b[i] = swap;
    }
  }
}

void tnd_picture_halve(tnd_picture *p) {
  assert(p->width % 2 == 0 && p->height % 2 == 0);
  const size_t row = (size_t)p->width * 3;
  unsigned char *out = p->rgb;
  for (int y = 0; y < p->height; y += 2) {
    const unsigned char *in = p->rgb + (size_t)y * row;
    for (int x = 0; x < p->width; x += 2, in += 6)
      for (int k = 0; k < 3; k++)
        *out++ = (unsigned char)((in[k] + in[k + 3] + in[row + (size_t)k] +
                                  in[row + (size_t)k + 3] + 2) /
                                 4);
  }
  p->width /= 2;
  p->height /= 2;
}

tendril_status tnd_picture_write(const tnd_picture *picture, tnd_aside *aside, tendril_error *err) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)picture->width;
  image.height = (png_uint_32)picture->height;
  image.format = PNG_FORMAT_RGB;
  size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  void *bytes = tnd_alloc(size);
  if (!bytes) return tnd_fail_memory(err);
  tendril_status status = TENDRIL_OK;
  if (png_image_write_to_memory(&image, bytes, &size, 0, picture->rgb, 0, NULL))
    status = tnd_aside_add(aside, bytes, size, err);
  else
    status = tnd_fail(err, TENDRIL_E_SYSTEM, "%.300s: not written: libpng: %s", aside->path,
                      image.message);
  png_image_free(&image);
  tnd_free(bytes);
  return status;
}
