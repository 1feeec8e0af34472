// The worker pool under ThreadSanitizer: plain (unsynchronised) data written by pieces and read by
// the caller afterwards, thousands of short loops, a serial pass that follows one, a job beside
// loops, pools that come and go. Any missing order between them is a data race. A plain program:
// exits with 0 if all was right.
#include "base/pool.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECES = 61, ROUNDS = 4000, POOLS = 50, MAX_THREADS = 4 };

static void require(int truth, const char *what) {
  if (truth) return;
  fprintf(stderr, "race_pool: %s\n", what);
  exit(1);
}

typedef struct table {
  long cell[PIECES];             // each written by one piece
  long per_worker[MAX_THREADS];  // scratch that workers must not share
  long round;                    // written by the caller between loops, read by every piece
} table;

static void add_round(void *context, int piece, int worker) {
  table *t = context;
  t->cell[piece] += t->round;
  t->per_worker[worker]++;
}

static void sum_beside(void *context, int piece, int worker) {
  (void)worker;
  long *numbers = context;
  for (int i = 1; i < PIECES; i++)
    numbers[0] += numbers[i] + piece;
}

// The caller writes, pieces read and write, the caller reads: round after round.
static void loops(tendril_pool *pool) {
  static table t;
  t = (table){0};
  long expected = 0, count = 0;
  for (int round = 0; round < ROUNDS; round++) {
    int pieces = 1 + round % PIECES;
    t.round = round;
    tnd_pool_run(pool, pieces, add_round, &t);
    count += pieces;
    expected += round;
    require(t.cell[0] == expected, "a piece was lost or done twice");
  }
  long done = 0;
  for (int w = 0; w < MAX_THREADS; w++)
    done += t.per_worker[w];
  require(done == count, "workers shared a scratch");
}

typedef struct chain {
  long made[PIECES], sum[PIECES + 1];
  long round;
} chain;

static void make_link(void *context, int piece, int worker) {
  chain *c = context;
  (void)worker;
  c->made[piece] = c->round + piece;
}

static bool add_link(void *context, int piece) {
  chain *c = context;
  c->sum[piece + 1] = c->sum[piece] + c->made[piece];
  return true;
}

// The caller reads what pieces wrote while others are still being made.
static void followed_loops(tendril_pool *pool) {
  static chain c;
  for (int round = 0; round < ROUNDS / 4; round++) {
    c.round = round;
    tnd_pool_run_then(pool, PIECES, make_link, add_link, &c);
    require(c.sum[PIECES] == (long)PIECES * round + (PIECES - 1) * PIECES / 2,
            "a piece was followed before it was done");
  }
}

// A job reads and writes its own data while loops run on others.
static void job_beside_loops(tendril_pool *pool) {
  static table t;
  static long numbers[PIECES];
  t = (table){.round = 1};
  for (int round = 0; round < ROUNDS / 4; round++) {
    numbers[0] = 0;
    for (int i = 1; i < PIECES; i++)
      numbers[i] = round;
    tnd_pool_start(pool, sum_beside, numbers);
    tnd_pool_run(pool, 7, add_round, &t);
    tnd_pool_run(pool, 2, add_round, &t);
    tnd_pool_wait(pool);
    require(numbers[0] == (long)(PIECES - 1) * round, "the job beside was lost or done twice");
  }
  require(t.cell[0] == ROUNDS / 4 * 2, "a piece beside the job was lost or done twice");
}

int main(void) {
  for (int threads = 1; threads <= MAX_THREADS; threads++) {
    tendril_pool *pool;
    require(tendril_pool_create(threads, &pool, NULL) == TENDRIL_OK, "no pool");
    loops(pool);
    job_beside_loops(pool);
    followed_loops(pool);
    loops(pool);
    tendril_pool_destroy(pool);
  }
  // threads that are stopped while they start, sleep or spin
  for (int i = 0; i < POOLS; i++) {
    table t = {.round = 1};
    tendril_pool *pool;
    require(tendril_pool_create(3, &pool, NULL) == TENDRIL_OK, "no pool");
    if (i % 2) tnd_pool_run(pool, 5, add_round, &t);
    tendril_pool_destroy(pool);
    require(t.cell[4] == i % 2, "a piece was lost");
  }
  return 0;
}
