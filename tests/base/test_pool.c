// The worker pool: every piece once, many short loops, a serial pass that follows one, a job beside
// one.
#include "base/pool.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { PIECES = 97 };

static atomic_int count[PIECES];
static int worker_limit;

static void count_piece(void *context, int piece, int worker) {
  (void)context;
  cr_assert(worker >= 0 && worker < worker_limit);
  atomic_fetch_add(&count[piece], 1);
}

static void count_beside(void *context, int piece, int worker) {
  (void)piece, (void)worker;
  atomic_fetch_add((atomic_int *)context, 1);
}

Test(pool, runs_every_piece_once_in_thousands_of_loops) {
  for (int threads = 1; threads <= 4; threads++) {
    tendril_pool *pool;
    cr_assert_eq(tendril_pool_create(threads, &pool, NULL), TENDRIL_OK);
    worker_limit = threads;
    for (int i = 0; i < PIECES; i++)
      atomic_store(&count[i], 0);
    for (int round = 0; round < 3000; round++)
      tnd_pool_run(pool, 1 + round % PIECES, count_piece, NULL);
    for (int i = 0; i < PIECES; i++) {
      int expected = 0;
      for (int round = 0; round < 3000; round++)
        expected += 1 + round % PIECES > i;
      cr_assert_eq(atomic_load(&count[i]), expected);
    }
    tendril_pool_destroy(pool);
  }
}

Test(pool, runs_a_job_beside_loops) {
  for (int threads = 1; threads <= 3; threads++) {
    tendril_pool *pool;
    cr_assert_eq(tendril_pool_create(threads, &pool, NULL), TENDRIL_OK);
    worker_limit = threads;
    atomic_int jobs = 0;
    for (int round = 0; round < 1000; round++) {
      tnd_pool_start(pool, count_beside, &jobs);
      tnd_pool_run(pool, 5, count_piece, NULL);
      tnd_pool_run(pool, 3, count_piece, NULL);
      tnd_pool_wait(pool);
      cr_assert_eq(atomic_load(&jobs), round + 1);
    }
    tendril_pool_destroy(pool);
  }
}

typedef struct followed {
  int done[PIECES];  // written by pieces, read by what follows them
  int pieces, next, stop;
} followed;

static void do_piece(void *context, int piece, int worker) {
  followed *f = context;
  cr_assert(worker >= 0 && worker < worker_limit);
  f->done[piece]++;
}

static bool follow_piece(void *context, int piece) {
  followed *f = context;
  cr_assert_eq(piece, f->next++);
  cr_assert_eq(f->done[piece], 1, "piece %d was followed before it was done", piece);
  return piece != f->stop;
}

Test(pool, follows_pieces_in_their_order_until_it_is_to_stop) {
  for (int threads = 1; threads <= 4; threads++) {
    tendril_pool *pool;
    cr_assert_eq(tendril_pool_create(threads, &pool, NULL), TENDRIL_OK);
    worker_limit = threads;
    for (int round = 0; round < 3000; round++) {
      followed f = {.pieces = round % PIECES, .stop = round % 3 ? -1 : round % 7};
      tnd_pool_run_then(pool, f.pieces, do_piece, follow_piece, &f);
      const bool stops = f.stop >= 0 && f.stop < f.pieces;
      cr_assert_eq(f.next, stops ? f.stop + 1 : f.pieces);
      for (int i = 0; i < PIECES; i++)
        cr_assert_eq(f.done[i], i < f.pieces, "round %d, piece %d", round, i);
      tnd_pool_run(pool, 3, count_piece, NULL);
    }
    tendril_pool_destroy(pool);
  }
}

Test(pool, refuses_absurd_numbers_of_threads) {
  tendril_pool *pool = NULL;
  tendril_error err;
  cr_assert_eq(tendril_pool_create(-1, &pool, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tendril_pool_create(100000, &pool, &err), TENDRIL_E_ARGUMENT);
  cr_assert_null(pool);
}
