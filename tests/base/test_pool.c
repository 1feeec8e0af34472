// The worker pool: every piece once, many short loops, a job beside a loop.
#include "base/pool.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

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

Test(pool, refuses_absurd_numbers_of_threads) {
  tendril_pool *pool = NULL;
  tendril_error err;
  cr_assert_eq(tendril_pool_create(-1, &pool, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tendril_pool_create(100000, &pool, &err), TENDRIL_E_ARGUMENT);
  cr_assert_null(pool);
}
