// Work sharing for the library's own use. Pieces are numbered; which thread takes which piece is
// chance, so a piece may depend on its number only and reductions run over pieces in order.
#ifndef TND_POOL_H
#define TND_POOL_H

#include <stdbool.h>
#include <tendril/base.h>

// piece: 0 .. pieces-1; worker: 0 .. threads-1, for scratch that threads must not share
typedef void (*tnd_job)(void *context, int piece, int worker);

// Runs job for every piece and returns when all are done. The caller takes part.
void tnd_pool_run(tendril_pool *pool, int pieces, tnd_job job, void *context);

// Runs job for every piece and meanwhile, on the caller's thread and in the pieces' order, `then`,
// as soon as its piece is done: what a serial pass takes from a parallel one needn't wait for all
// of it. Where `then` returns false it isn't called any more; the pieces are all run even so.
void tnd_pool_run_then(tendril_pool *pool, int pieces, tnd_job job,
                       bool (*then)(void *context, int piece), void *context);

// Starts one more job, piece 0, beside what the caller does next; on a pool of one thread it runs
// in tnd_pool_wait(). At most one at a time.
void tnd_pool_start(tendril_pool *pool, tnd_job job, void *context);
void tnd_pool_wait(tendril_pool *pool);

#endif
