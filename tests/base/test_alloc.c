// Allocation and arenas: alignment, zeroes, overflow, gaps; every failing allocation a clean error.
#include "base/alloc.h"

#include "support/scarce.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(UNDER_ASAN)
#include <sanitizer/asan_interface.h>
#undef UNDER_ASAN
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

static bool aligned(const void *pointer) {
  return (uintptr_t)pointer % 64 == 0;
}

Test(alloc, gives_zeroed_aligned_memory_of_any_size) {
  for (size_t size = 0; size < 5000; size = size * 3 / 2 + 1) {
    unsigned char *memory = tnd_alloc(size);
    cr_assert(memory && aligned(memory));
    for (size_t i = 0; i < size; i++)
      cr_assert_eq(memory[i], 0);
    memset(memory, 0xff, size);
    tnd_free(memory);
  }
}

Test(alloc, returns_null_for_absurd_sizes) {
  cr_assert_null(tnd_alloc(SIZE_MAX));
  cr_assert_null(tnd_alloc(SIZE_MAX - 63));
  cr_assert_null(tnd_alloc(SIZE_MAX / 2));
  // more than an address space holds
  cr_assert_null(tnd_alloc((size_t)1 << 60));
}

Test(alloc, fails_the_chosen_call_and_no_other) {
  tnd_alloc_fail_at(2);
  long before = tnd_alloc_count();
  for (int i = 0; i < 5; i++) {
    void *memory = tnd_alloc(8);
    cr_assert_eq(memory == NULL, i == 2);
    tnd_free(memory);
  }
  cr_assert_eq(tnd_alloc_count(), before + 5);
  tnd_alloc_fail_at(0);
  tnd_alloc_fail_at(-1);
  void *memory = tnd_alloc(8);
  cr_assert_not_null(memory);
  tnd_free(memory);
}

Test(alloc, copies_text) {
  char text[] = "tendril";
  char *copy = tnd_strdup(text);
  text[0] = 'x';
  cr_assert_str_eq(copy, "tendril");
  tnd_free(copy);
  tnd_alloc_fail_at(0);
  cr_assert_null(tnd_strdup("tendril"));
}

// Pieces of odd sizes, of every kind.
typedef struct pieces {
  tnd_arena arena;
  double *a;
  float *b;
  int *c;
  char *d;
  double *none;
} pieces;

enum { NA = 3, NB = 17, NC = 1, ND = 65 };

static void layout(pieces *p, tnd_arena *arena) {
  p->a = tnd_arena_doubles(arena, NA);
  p->b = tnd_arena_floats(arena, NB);
  p->c = tnd_arena_ints(arena, NC);
  p->none = tnd_arena_doubles(arena, 0);
  p->d = tnd_arena_take(arena, ND, 1);
}

Test(arena, carves_what_it_measured) {
  pieces p = {0};
  layout(&p, &p.arena);
  cr_assert(!p.a && !p.b && !p.c && !p.d, "measuring gives no pointers");
  size_t measured = p.arena.used;
  cr_assert_geq(measured, NA * sizeof(double) + NB * sizeof(float) + NC * sizeof(int) + ND);

  cr_assert_eq(tnd_arena_alloc(&p.arena, NULL), TENDRIL_OK);
  cr_assert_eq(p.arena.used, 0);
  layout(&p, &p.arena);
  cr_assert_eq(p.arena.used, measured);
  cr_assert(aligned(p.a) && aligned(p.b) && aligned(p.c) && aligned(p.d));
  tnd_arena_free(&p.arena);
  cr_assert(!p.arena.base && p.arena.used == 0);
}

Test(arena, gives_zeroed_pieces_that_do_not_overlap) {
  pieces p = {0};
  layout(&p, &p.arena);
  cr_assert_eq(tnd_arena_alloc(&p.arena, NULL), TENDRIL_OK);
  layout(&p, &p.arena);
  for (int i = 0; i < NA; i++)
    cr_assert_eq(p.a[i], 0);
  for (int i = 0; i < NB; i++)
    cr_assert_eq(p.b[i], 0);
  cr_assert_eq(p.c[0], 0);
  // each piece filled with a byte of its own; all are whole at the end
  memset(p.a, 1, NA * sizeof *p.a);
  memset(p.b, 2, NB * sizeof *p.b);
  memset(p.c, 3, NC * sizeof *p.c);
  memset(p.d, 4, ND);
  for (size_t i = 0; i < NA * sizeof *p.a; i++)
    cr_assert_eq(((unsigned char *)p.a)[i], 1);
  for (size_t i = 0; i < NB * sizeof *p.b; i++)
    cr_assert_eq(((unsigned char *)p.b)[i], 2);
  for (size_t i = 0; i < NC * sizeof *p.c; i++)
    cr_assert_eq(((unsigned char *)p.c)[i], 3);
  for (size_t i = 0; i < ND; i++)
    cr_assert_eq(p.d[i], 4);
  tnd_arena_free(&p.arena);
}

Test(arena, turns_an_overflowing_layout_into_an_out_of_memory_error) {
  const size_t counts[][2] = {
      {SIZE_MAX, 1}, {SIZE_MAX / 8, 16}, {SIZE_MAX / 8 + 1, 8}, {2, SIZE_MAX}};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    tnd_arena arena = {0};
    tendril_error err = {""};
    tnd_arena_doubles(&arena, 4);
    tnd_arena_take(&arena, counts[i][0], counts[i][1]);
    tnd_arena_doubles(&arena, 4);  // what follows doesn't bring it back
    cr_assert_eq(tnd_arena_alloc(&arena, &err), TENDRIL_E_MEMORY);
    cr_assert(err.text[0]);
    cr_assert_null(arena.base);
  }
}

Test(arena, never_wraps_round_when_large_pieces_add_up) {
  tnd_arena arena = {0};
  for (int i = 0; i < 100; i++)
    tnd_arena_take(&arena, SIZE_MAX / 10, 1);
  cr_assert_eq(tnd_arena_alloc(&arena, NULL), TENDRIL_E_MEMORY);
}

Test(arena, poisons_the_gap_behind_each_piece) {
  if (!UNDER_ASAN) cr_skip_test("needs AddressSanitizer");
#if UNDER_ASAN
  pieces p = {0};
  layout(&p, &p.arena);
  cr_assert_eq(tnd_arena_alloc(&p.arena, NULL), TENDRIL_OK);
  layout(&p, &p.arena);
  cr_assert(!__asan_address_is_poisoned(p.a + NA - 1) && __asan_address_is_poisoned(p.a + NA));
  cr_assert(!__asan_address_is_poisoned(p.b + NB - 1) && __asan_address_is_poisoned(p.b + NB));
  cr_assert(!__asan_address_is_poisoned(p.c + NC - 1) && __asan_address_is_poisoned(p.c + NC));
  cr_assert(!__asan_address_is_poisoned(p.d + ND - 1) && __asan_address_is_poisoned(p.d + ND));
  tnd_arena_free(&p.arena);
#endif
}

Test(arena, can_be_freed_before_it_was_allocated) {
  pieces p = {0};
  tnd_arena_free(&p.arena);
  layout(&p, &p.arena);
  tnd_arena_free(&p.arena);
  cr_assert_eq(p.arena.used, 0);
}

static tendril_status make_pool(void *context, tendril_error *err) {
  tendril_pool *pool = NULL;
  tendril_status status = tendril_pool_create(*(int *)context, &pool, err);
  cr_assert_eq(status == TENDRIL_OK, pool != NULL, "an output is set on success only");
  tendril_pool_destroy(pool);
  return status;
}

Test(alloc, a_pool_survives_every_failing_allocation) {
  for (int threads = 1; threads <= 3; threads++)
    cr_assert_geq(support_fail_each_alloc(make_pool, &threads), 1);
}

Test(alloc, more_memory_than_the_machine_has_is_refused_before_it_is_used) {
  // 1 TB, page by page, would end this process rather than fail
  cr_assert_not(tnd_memory_take((size_t)1 << 40));
  cr_assert_null(tnd_alloc((size_t)1 << 40));
  cr_assert(tnd_memory_take(1 << 20));
}
