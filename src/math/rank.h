// Sorting numbers without losing where they were, and without allocating (qsort may).
#ifndef TND_RANK_H
#define TND_RANK_H

typedef struct tnd_ranked {
  double value;  // not NaN
  int index;
} tnd_ranked;

// Smallest value first; of equal ones the smaller index: one order, whatever it was before.
void tnd_rank(int n, tnd_ranked *items);

// The middle value of n > 0 (of an even number the mean of the two); sorts the items.
double tnd_median(int n, tnd_ranked *items);

#endif
