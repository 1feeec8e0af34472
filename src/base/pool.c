// Persistent worker threads. A parallel loop is published under the mutex with a new generation;
// threads then claim pieces by compare-and-swap on (generation, next piece), so a late sleeper can
// never take a piece of a loop that is already over. Waiting spins briefly before it sleeps: the
// loops of a Fisher-vector product are shorter than a wake-up.
#include "base/pool.h"

#include "base/alloc.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define MAX_THREADS 1024
#define SPINS 2000

struct tendril_pool {
  int threads;
  int started;         // worker threads that exist
  pthread_t *thread;   // [threads - 1]
  struct seat *seats;  // [threads - 1]
  pthread_mutex_t mutex;
  pthread_cond_t work;  // a loop or a job was published, or stop
  pthread_cond_t done;  // the last piece or the job finished

  // the parallel loop
  tnd_job job;
  void *context;
  int pieces;
  _Atomic uint64_t claim;  // generation << 32 | next piece
  atomic_int left;         // pieces not finished

  // the job beside it
  tnd_job beside;
  void *beside_context;
  enum { NONE, WAITING, RUNNING } beside_state;
  atomic_bool stop;
  tnd_arena arena;
};

struct seat {
  tendril_pool *pool;
  int worker;
  atomic_int at;  // the piece of a followed loop that it may be at; INT_MAX: none
};

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Takes pieces of the published loop until none is left.
static void take_pieces(tendril_pool *pool, uint32_t generation, tnd_job job, void *context,
                        int pieces, int worker) {
  uint64_t claim = atomic_load(&pool->claim);
  while ((uint32_t)(claim >> 32) == generation && (int)(uint32_t)claim < pieces) {
    if (!atomic_compare_exchange_weak(&pool->claim, &claim, claim + 1)) continue;
    job(context, (int)(uint32_t)claim, worker);
    if (atomic_fetch_sub(&pool->left, 1) == 1) {
      pthread_mutex_lock(&pool->mutex);
      pthread_cond_signal(&pool->done);
      pthread_mutex_unlock(&pool->mutex);
    }
    claim = atomic_load(&pool->claim);
  }
}

static void run_beside(tendril_pool *pool, int worker) {
  // called and returns with the mutex held
  pool->beside_state = RUNNING;
  pthread_mutex_unlock(&pool->mutex);
  pool->beside(pool->beside_context, 0, worker);
  pthread_mutex_lock(&pool->mutex);
  pool->beside_state = NONE;
  pthread_cond_signal(&pool->done);
}

static void *worker_main(void *argument) {
  struct seat *seat = argument;
  tendril_pool *pool = seat->pool;
  uint32_t seen = 0;
  pthread_mutex_lock(&pool->mutex);
  for (;;) {
    if (atomic_load(&pool->stop)) break;
    uint64_t claim = atomic_load(&pool->claim);
    uint32_t generation = (uint32_t)(claim >> 32);
    if (pool->beside_state == WAITING) {
      run_beside(pool, seat->worker);
    } else if (generation != seen) {
      seen = generation;
      tnd_job job = pool->job;
      void *context = pool->context;
      int pieces = pool->pieces;
      pthread_mutex_unlock(&pool->mutex);
      take_pieces(pool, generation, job, context, pieces, seat->worker);
      // the next loop often follows at once
      for (int i = 0; i < SPINS && (uint32_t)(atomic_load(&pool->claim) >> 32) == generation; i++)
        relax();
      pthread_mutex_lock(&pool->mutex);
    } else {
      pthread_cond_wait(&pool->work, &pool->mutex);
    }
  }
  pthread_mutex_unlock(&pool->mutex);
  return NULL;
}

static int processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

static void layout(tendril_pool *pool, tnd_arena *arena) {
  pool->thread = tnd_arena_take(arena, (size_t)pool->threads, sizeof *pool->thread);
  pool->seats = tnd_arena_take(arena, (size_t)pool->threads, sizeof *pool->seats);
}

tendril_status tendril_pool_create(int threads, tendril_pool **out, tendril_error *err) {
  if (threads < 0 || threads > MAX_THREADS)
    return tnd_fail(err, TENDRIL_E_ARGUMENT,
                    "threads: %d is out of range; use 1 to %d, or 0 for all", threads, MAX_THREADS);
  tendril_pool *pool = tnd_alloc(sizeof *pool);
  if (!pool) return tnd_fail_memory(err);
  pool->threads = threads ? threads : processors();
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->done, NULL);
  layout(pool, &pool->arena);
  tendril_status status = tnd_arena_alloc(&pool->arena, err);
  if (status == TENDRIL_OK) layout(pool, &pool->arena);
  while (status == TENDRIL_OK && pool->started < pool->threads - 1) {
    struct seat *seat = &pool->seats[pool->started];
    *seat = (struct seat){.pool = pool, .worker = pool->started + 1, .at = INT_MAX};
    if (pthread_create(&pool->thread[pool->started], NULL, worker_main, seat) == 0)
      pool->started++;
    else
      status = tnd_fail(err, TENDRIL_E_SYSTEM, "threads: the system gave only %d; use fewer",
                        pool->started + 1);
  }
  if (status != TENDRIL_OK) {
    tendril_pool_destroy(pool);
    return status;
  }
  *out = pool;
  return TENDRIL_OK;
}

void tendril_pool_destroy(tendril_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stop, true);
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; i < pool->started; i++)
    pthread_join(pool->thread[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->mutex);
  tnd_arena_free(&pool->arena);
  tnd_free(pool);
}

int tendril_pool_threads(const tendril_pool *pool) {
  return pool->threads;
}

// Publishes a loop; returns its generation.
static uint32_t publish(tendril_pool *pool, int pieces, tnd_job job, void *context) {
  pthread_mutex_lock(&pool->mutex);
  pool->job = job;
  pool->context = context;
  pool->pieces = pieces;
  atomic_store(&pool->left, pieces);
  uint32_t generation = (uint32_t)(atomic_load(&pool->claim) >> 32) + 1;
  atomic_store(&pool->claim, (uint64_t)generation << 32);
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  return generation;
}

// Takes pieces of it that nobody has taken, and waits for those of others.
static void finish(tendril_pool *pool, uint32_t generation, int pieces, tnd_job job,
                   void *context) {
  take_pieces(pool, generation, job, context, pieces, 0);
  for (int i = 0; i < SPINS && atomic_load(&pool->left) > 0; i++)
    relax();
  if (atomic_load(&pool->left) == 0) return;
  pthread_mutex_lock(&pool->mutex);
  while (atomic_load(&pool->left) > 0)
    pthread_cond_wait(&pool->done, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

void tnd_pool_run(tendril_pool *pool, int pieces, tnd_job job, void *context) {
  if (pool->threads == 1 || pieces == 1) {
    for (int piece = 0; piece < pieces; piece++)
      job(context, piece, 0);
    return;
  }
  if (pieces <= 0) return;
  const uint32_t generation = publish(pool, pieces, job, context);
  finish(pool, generation, pieces, job, context);
}

// ---------------------------------------------------------------------------------- followed loop

typedef struct followed {
  tendril_pool *pool;
  int pieces;
  tnd_job job;
  void *context;
  atomic_int next;  // piece that nobody has taken
} followed;

// Runs the next piece; false if there is none. A thread says where it may be before it takes one:
// whoever sees a later `next` sees that, too, or that the piece is done.
static bool run_next(followed *f, atomic_int *at, int worker) {
  int piece = atomic_load(&f->next);
  if (piece >= f->pieces) return false;
  if (at) atomic_store(at, piece);
  piece = atomic_fetch_add(&f->next, 1);
  if (at) atomic_store(at, piece);
  if (piece < f->pieces) f->job(f->context, piece, worker);
  if (at) atomic_store(at, INT_MAX);
  return piece < f->pieces;
}

static void help(void *context, int seat, int worker) {
  followed *f = context;
  (void)seat;
  // the caller, which helps when it has nothing to follow any more, is nowhere: it waits for none
  atomic_int *at = worker > 0 ? &f->pool->seats[worker - 1].at : NULL;
  while (run_next(f, at, worker))
    ;
}

static bool is_done(followed *f, int piece) {
  if (atomic_load(&f->next) <= piece) return false;
  for (int i = 0; i < f->pool->started; i++)
    if (atomic_load(&f->pool->seats[i].at) <= piece) return false;
  return true;
}

// Runs pieces itself while it waits for one.
static void follow(followed *f, int piece) {
  for (int i = 0; !is_done(f, piece); i++) {
    if (run_next(f, NULL, 0)) continue;
    if (i < SPINS)
      relax();
    else
      sched_yield();
  }
}

void tnd_pool_run_then(tendril_pool *pool, int pieces, tnd_job job,
                       bool (*then)(void *context, int piece), void *context) {
  followed f = {.pool = pool, .pieces = pieces, .job = job, .context = context};
  const int helpers = pool->threads - 1;
  const uint32_t generation = helpers > 0 ? publish(pool, helpers, help, &f) : 0;
  bool goes_on = true;
  for (int piece = 0; piece < pieces && goes_on; piece++) {
    follow(&f, piece);
    goes_on = then(context, piece);
  }
  help(&f, 0, 0);
  if (helpers > 0) finish(pool, generation, helpers, help, &f);
}

void tnd_pool_start(tendril_pool *pool, tnd_job job, void *context) {
  pthread_mutex_lock(&pool->mutex);
  pool->beside = job;
  pool->beside_context = context;
  pool->beside_state = WAITING;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
}

void tnd_pool_wait(tendril_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  if (pool->beside_state == WAITING) run_beside(pool, 0);
  while (pool->beside_state != NONE)
    pthread_cond_wait(&pool->done, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}
