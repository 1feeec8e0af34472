// How the rows of a batch are shared out: chunks are what a network works on at once, pieces are
// whole chunks that one worker takes. Both follow from the number of rows alone and sums run over
// pieces in order, so results are the same on any number of threads.
#ifndef TND_ROW_PIECES_H
#define TND_ROW_PIECES_H

#include <stdint.h>

enum { TND_ROW_CHUNK = 256, TND_ROW_PIECES_MAX = 64 };

static inline int64_t tnd_row_chunks(int64_t n) {
  return (n + TND_ROW_CHUNK - 1) / TND_ROW_CHUNK;
}

static inline int tnd_row_pieces(int64_t n) {
  const int64_t chunks = tnd_row_chunks(n);
  return (int)(chunks < TND_ROW_PIECES_MAX ? chunks : TND_ROW_PIECES_MAX);
}

// Chunks first .. last-1 of a piece of n rows.
static inline void tnd_row_chunks_of_piece(int64_t n, int piece, int64_t *first, int64_t *last) {
  const int64_t chunks = tnd_row_chunks(n), pieces = tnd_row_pieces(n);
  *first = chunks * piece / pieces;
  *last = chunks * (piece + 1) / pieces;
}

static inline int tnd_rows_of_chunk(int64_t n, int64_t chunk) {
  const int64_t left = n - chunk * TND_ROW_CHUNK;
  return (int)(left < TND_ROW_CHUNK ? left : TND_ROW_CHUNK);
}

// out [width] = scale * sum of partial [pieces][width] over pieces, in order
static inline void tnd_row_pieces_sum(int pieces, int width, const double *partial, double scale,
                                      double *out) {
  for (int i = 0; i < width; i++)
    out[i] = partial[i];
  for (int p = 1; p < pieces; p++)
    for (int i = 0; i < width; i++)
      out[i] += partial[(int64_t)p * width + i];
  for (int i = 0; i < width; i++)
    out[i] *= scale;
}

#endif
