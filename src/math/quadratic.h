// Quadratic functions f(z) = 1/2 z'A z + b'z + c of a vector z [n], and the features that make a
// regression of them linear.
#ifndef TND_QUADRATIC_H
#define TND_QUADRATIC_H

#include <stddef.h>

// Arrays are borrowed from whoever lays out the object.
typedef struct tnd_quadratic {
  int n;
  double *A;  // [n][n] symmetric
  double *b;  // [n]
  double c;
} tnd_quadratic;

// What an action-value function says of the action, n = na:
//   Q(s, a) = 1/2 a'Qaa a + a'Qas s + a'qa + what does not depend on a
typedef struct tnd_action_quadratic {
  double *Qaa;  // [na][na] symmetric, of any sign
  double *Qas;  // [na][ns]
  double *qa;   // [na]
} tnd_action_quadratic;

// f(z)
double tnd_quadratic_value(const tnd_quadratic *q, const double *z);

// Parts of q as a function of z = (s, a), ns states first. `state` (n = ns; A, b, c filled) is the
// part in s alone: Qss, qs, q0. Either may be NULL.
void tnd_quadratic_split(const tnd_quadratic *q, int ns, tnd_quadratic *state,
                         tnd_action_quadratic *action);

// Features: all products of two entries of (1, z), the lower triangle of (1, z)(1, z)' row by row,
//   phi(z) = [1 | z_0, z_0 z_0 | z_1, z_1 z_0, z_1 z_1 | z_2, ...]
// The features of the first m coordinates are the first of all: those of s lead those of (s, a).
static inline int tnd_quadratic_nfeature(int n) {
  return 1 + n * (n + 3) / 2;
}
// Place of z_i among the features; that of z_i z_j, j <= i, is 1 + j further.
static inline int tnd_quadratic_feature(int i) {
  return (i + 1) * (i + 2) / 2;
}

// Coordinates are centred and scaled first: z_i = (x_i - centre_i) per_unit_i, per_unit one over
// the scale, or 0 for a coordinate that is not to count.
// Regressions need many rows: below they are the columns of arrays [..][stride], stride >= rows, as
// loops over rows fill vector registers and loops over a few features don't.

// z [n][stride] filled for the rows row[0 .. rows-1] of x [..][n]
void tnd_quadratic_scale_rows(int n, int rows, const double *x, const int *row,
                              const double *centre, const double *per_unit, ptrdiff_t stride,
                              double *z);
// phi [nfeature][stride] filled: root [rows] times the features of z [n][stride], root the square
// roots of the rows' weights
void tnd_quadratic_features(int n, int rows, ptrdiff_t stride, const double *z, const double *root,
                            double *phi);

// w'phi of one x [n] in scaled coordinates, for weights w [nfeature]
double tnd_quadratic_scaled_value(int n, const double *w, const double *centre,
                                  const double *per_unit, const double *x);
// q (A, b, c filled) is the same function of x itself. With scales D and off-diagonal weights of
// z_i z_j standing for both orders:
//   A = D^-1 [2 w_ii on the diagonal, w_ij off it] D^-1     b = D^-1 w_i - A m
//   c = w_0 - w_i'D^-1 m + 1/2 m'A m
// In b and c digits cancel if centres are large beside scales; where that matters, as for values,
// evaluate in scaled coordinates.
void tnd_quadratic_from_weights(const double *w, const double *centre, const double *per_unit,
                                tnd_quadratic *q);

#endif
