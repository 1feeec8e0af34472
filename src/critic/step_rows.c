// Samples sorted by their time step; see step_rows.h.
#include "critic/step_rows.h"

void tnd_step_rows_by_time(int T, int first, int n, const int *time, int *row,
                           tnd_step_rows *steps) {
  for (int t = 0; t < T; t++)
    steps[t] = (tnd_step_rows){0};
  for (int r = first; r < first + n; r++)
    if (time[r] >= 0 && time[r] < T) steps[time[r]].n++;

  // where each step's rows begin; n counts them once more while they are written
  for (int t = 0, begin = 0; t < T; t++) {
    steps[t].row = row + begin;
    begin += steps[t].n;
    steps[t].effective = steps[t].n;
    steps[t].n = 0;
  }
  for (int r = first; r < first + n; r++) {
    if (time[r] < 0 || time[r] >= T) continue;
    tnd_step_rows *step = &steps[time[r]];
    row[step->row - row + step->n++] = r;
  }
}
