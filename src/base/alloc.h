// The library's only way to memory. An object takes all that it will ever use in one block: a
// layout function names each piece once and both measures and carves, so sizes cannot disagree.
//
//   static void layout(tnd_cg *cg, tnd_arena *arena) {
//     cg->r = tnd_arena_doubles(arena, cg->n);  // [n] residual g - F x
//   }
//   layout(cg, &cg->arena);                        // measures: the pointers are NULL
//   TENDRIL_TRY(tnd_arena_alloc(&cg->arena, err));
//   layout(cg, &cg->arena);                        // carves
#ifndef TND_ALLOC_H
#define TND_ALLOC_H

#include "base/status.h"

// Zeroed memory aligned to 64 bytes; NULL when there is none.
void *tnd_alloc(size_t size);
void tnd_free(void *memory);
char *tnd_strdup(const char *text);

// Notes that `size` bytes are about to be used; false if they would be more than the machine or
// this process's control group have left. tnd_alloc() calls it, as should others that bring large
// memory.
bool tnd_memory_take(size_t size);

// For tests: the k-th call of tnd_alloc() from now on fails (k = 0: the next); k < 0: none does.
void tnd_alloc_fail_at(long k);
// Calls of tnd_alloc() so far, in all threads.
long tnd_alloc_count(void);

typedef struct tnd_arena {
  unsigned char *base;  // NULL while measuring
  size_t used;          // bytes measured or carved; SIZE_MAX after an overflow
} tnd_arena;

// Takes the measured bytes (zeroed) and starts carving.
TENDRIL_MUST_CHECK tendril_status tnd_arena_alloc(tnd_arena *arena, tendril_error *err);
void tnd_arena_free(tnd_arena *arena);

// count * size bytes on a 64-byte boundary; NULL while measuring.
void *tnd_arena_take(tnd_arena *arena, size_t count, size_t size);
double *tnd_arena_doubles(tnd_arena *arena, size_t count);
float *tnd_arena_floats(tnd_arena *arena, size_t count);
int *tnd_arena_ints(tnd_arena *arena, size_t count);

#endif
