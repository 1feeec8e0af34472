// Heap sort: n log n however the numbers come, and in place.
#include "math/rank.h"

#include <stdbool.h>

static bool before(const tnd_ranked *a, const tnd_ranked *b) {
  return a->value < b->value || (a->value == b->value && a->index < b->index);
}

// Lets items[root] fall until the heap items[root .. n-1] has the last in order on top again.
static void sift(tnd_ranked *items, int root, int n) {
  const tnd_ranked falling = items[root];
  for (;;) {
    int child = 2 * root + 1;
    if (child >= n) break;
    if (child + 1 < n && before(&items[child], &items[child + 1])) child++;
    if (!before(&falling, &items[child])) break;
    items[root] = items[child];
    root = child;
  }
  items[root] = falling;
}

void tnd_rank(int n, tnd_ranked *items) {
  for (int root = n / 2 - 1; root >= 0; root--)
    sift(items, root, n);
  for (int last = n - 1; last > 0; last--) {
    const tnd_ranked top = items[0];
    items[0] = items[last];
    items[last] = top;
    sift(items, 0, last);
  }
}

double tnd_median(int n, tnd_ranked *items) {
  tnd_rank(n, items);
  const double high = items[n / 2].value;
  return n % 2 ? high : 0.5 * items[n / 2 - 1].value + 0.5 * high;
}
