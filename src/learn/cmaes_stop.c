// See cmaes_stop.h.
#include "learn/cmaes_stop.h"

#include <math.h>

enum { SHARE = TND_CMAES_HISTORY * 3 / 10 };

void tnd_cmaes_history_layout(tnd_cmaes_history *h, tnd_arena *arena) {
  h->best = tnd_arena_doubles(arena, TND_CMAES_HISTORY);
  h->median = tnd_arena_doubles(arena, TND_CMAES_HISTORY);
  h->sorted = tnd_arena_take(arena, SHARE, sizeof *h->sorted);
}

void tnd_cmaes_history_push(tnd_cmaes_history *h, double best, double median) {
  h->best[h->count % TND_CMAES_HISTORY] = best;
  h->median[h->count % TND_CMAES_HISTORY] = median;
  h->count++;
}

// base + ceil(30 n / lambda), but no more than is kept
static int64_t generations(int base, int n, int lambda) {
  const double wanted = base + ceil(30.0 * n / lambda);
  return wanted < TND_CMAES_HISTORY ? (int64_t)wanted : TND_CMAES_HISTORY;
}

double tnd_cmaes_history_range(const tnd_cmaes_history *h, int n, int lambda) {
  const int64_t window = generations(10, n, lambda);
  if (h->count < window) return INFINITY;
  double least = INFINITY, most = -INFINITY;
  for (int64_t g = h->count - window; g < h->count; g++) {
    least = fmin(least, h->best[g % TND_CMAES_HISTORY]);
    most = fmax(most, h->best[g % TND_CMAES_HISTORY]);
  }
  return most - least;
}

// The median of ring[first .. first + share - 1].
static double median_of(tnd_cmaes_history *h, const double *ring, int64_t first, int share) {
  for (int i = 0; i < share; i++)
    h->sorted[i] = (tnd_ranked){ring[(first + i) % TND_CMAES_HISTORY], i};
  return tnd_median(share, h->sorted);
}

bool tnd_cmaes_history_stagnates(tnd_cmaes_history *h, int n, int lambda) {
  int64_t window = generations(120, n, lambda);
  if (h->count < window) return false;
  if (h->count / 5 > window) window = h->count / 5;
  if (window > TND_CMAES_HISTORY) window = TND_CMAES_HISTORY;
  if (h->count % (1 + window / 100) != 0) return false;

  const int share = (int)(window * 3 / 10);
  const int64_t early = h->count - window, late = h->count - share;
  return median_of(h, h->best, late, share) >= median_of(h, h->best, early, share) &&
         median_of(h, h->median, late, share) >= median_of(h, h->median, early, share);
}
