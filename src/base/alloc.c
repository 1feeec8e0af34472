// Aligned, zeroed allocation, the arenas that objects are carved from, and the test hook that
// fails a chosen call. Under AddressSanitizer the gaps between pieces of an arena are poisoned.
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define TND_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TND_ASAN 1
#endif
#endif
#ifdef TND_ASAN
#include <sanitizer/asan_interface.h>
#define GAP ((size_t)64)
#else
#define GAP ((size_t)0)
#endif

#define ALIGNMENT ((size_t)64)

static atomic_long calls;
static atomic_long fail_at = -1;

void tnd_alloc_fail_at(long k) {
  atomic_store(&fail_at, k < 0 ? -1 : atomic_load(&calls) + k);
}

long tnd_alloc_count(void) {
  return atomic_load(&calls);
}

static size_t round_up(size_t size) {
  return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *tnd_alloc(size_t size) {
  long call = atomic_fetch_add(&calls, 1);
  if (call == atomic_load(&fail_at)) return NULL;
  if (size > SIZE_MAX / 4) return NULL;
  size = round_up(size ? size : 1);
  if (!tnd_memory_take(size)) return NULL;
  void *memory = aligned_alloc(ALIGNMENT, size);
  if (memory) memset(memory, 0, size);
  return memory;
}

void tnd_free(void *memory) {
  free(memory);
}

char *tnd_strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = tnd_alloc(size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

tendril_status tnd_arena_alloc(tnd_arena *arena, tendril_error *err) {
  if (arena->used == SIZE_MAX) return tnd_fail_memory(err);
  arena->base = tnd_alloc(arena->used);
  if (!arena->base) return tnd_fail_memory(err);
#ifdef TND_ASAN
  ASAN_POISON_MEMORY_REGION(arena->base, arena->used);
#endif
  arena->used = 0;
  return TENDRIL_OK;
}

void tnd_arena_free(tnd_arena *arena) {
#ifdef TND_ASAN
  if (arena->base) ASAN_UNPOISON_MEMORY_REGION(arena->base, arena->used);
#endif
  tnd_free(arena->base);
  *arena = (tnd_arena){0};
}

void *tnd_arena_take(tnd_arena *arena, size_t count, size_t size) {
  if (arena->used == SIZE_MAX || (size && count > SIZE_MAX / 8 / size) ||
      arena->used > SIZE_MAX / 8) {
    arena->used = SIZE_MAX;
    return NULL;
  }
  size_t bytes = count * size;
  unsigned char *piece = arena->base ? arena->base + arena->used : NULL;
#ifdef TND_ASAN
  if (piece) ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
#endif
  arena->used += round_up(bytes) + GAP;
  return piece;
}

double *tnd_arena_doubles(tnd_arena *arena, size_t count) {
  return tnd_arena_take(arena, count, sizeof(double));
}

float *tnd_arena_floats(tnd_arena *arena, size_t count) {
  return tnd_arena_take(arena, count, sizeof(float));
}

int *tnd_arena_ints(tnd_arena *arena, size_t count) {
  return tnd_arena_take(arena, count, sizeof(int));
}
