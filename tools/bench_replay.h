// The yardstick of the benchmarks: a bare mj_step loop over the very states and controls of a
// collection. Each stream has a twin environment that follows it: reset by the same key, then
// stepped with the recorded actions and nothing else.
#ifndef TOOLS_BENCH_REPLAY_H
#define TOOLS_BENCH_REPLAY_H

#include <tendril/tendril.h>

typedef struct bench_replay bench_replay;

tendril_status bench_replay_create(const tendril_model *model, int streams, uint64_t seed,
                                   tendril_pool *pool, bench_replay **out, tendril_error *err);
void bench_replay_destroy(bench_replay *replay);

// Repeats a batch that a rollout of the same seed and streams collected, batch after batch.
// *seconds: CPU time inside the bare loops, summed over threads; resets are not in it. Divided by
// the number of threads it is what that many bare loops side by side would have taken. E_PHYSICS if
// the twins did not visit the same states (a diverged episode).
tendril_status bench_replay_run(bench_replay *replay, const tendril_batch *batch, double *seconds,
                                tendril_error *err);

#endif
