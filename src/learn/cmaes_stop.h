// When CMA-ES should stop: histories of a run, and the criteria on them (Hansen, arXiv
// 1604.00772v2, B.3). Criteria on the distribution itself are in cmaes.c.
#ifndef TND_CMAES_STOP_H
#define TND_CMAES_STOP_H

#include "base/alloc.h"
#include "math/rank.h"

// A run's best and median value of each generation, as far back as any criterion looks.
typedef struct tnd_cmaes_history {
  int64_t count;       // generations pushed
  double *best;        // [TND_CMAES_HISTORY] a ring: generation g at g modulo the length
  double *median;      // [TND_CMAES_HISTORY]
  tnd_ranked *sorted;  // [0.3 TND_CMAES_HISTORY] scratch
} tnd_cmaes_history;

enum { TND_CMAES_HISTORY = 20000 };

void tnd_cmaes_history_layout(tnd_cmaes_history *history, tnd_arena *arena);
void tnd_cmaes_history_push(tnd_cmaes_history *history, double best, double median);

// Largest less smallest of the best values of the last 10 + ceil(30 n / lambda) generations, for
// EqualFunValues and TolFun; infinite as long as there are fewer.
double tnd_cmaes_history_range(const tnd_cmaes_history *history, int n, int lambda);

// Stagnation: over the last 20 % of all generations, at least 120 + 30 n / lambda and no more than
// 20000, the median of the last 30 % is not better than that of the first 30 %, for the best values
// and for the medians. Looked at now and then only: the longer the history, the more seldom.
bool tnd_cmaes_history_stagnates(tnd_cmaes_history *history, int n, int lambda);

#endif
