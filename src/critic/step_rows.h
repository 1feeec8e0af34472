// Which samples a time step is learned from, and how much each counts.
#ifndef TND_STEP_ROWS_H
#define TND_STEP_ROWS_H

// Arrays are borrowed.
typedef struct tnd_step_rows {
  int n;
  const int *row;        // [n] places in the arrays of samples
  const double *weight;  // [n] >= 0; NULL: all 1
  double effective;      // (sum w)^2 / sum w^2, Kish's effective number of samples; 0 if n = 0
} tnd_step_rows;

// A fit to fewer effective samples than this stands on a single one.
#define TND_EFFECTIVE_LEAST 1.5

// steps [T] filled: for every t those of the rows first .. first + n - 1 with time[row] = t, in
// order, all of weight 1. Rows of no step (time < 0 or >= T) are left out.
//   time  [first + n]
//   row   [n] filled; the steps point into it
void tnd_step_rows_by_time(int T, int first, int n, const int *time, int *row,
                           tnd_step_rows *steps);

#endif
