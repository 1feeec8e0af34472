// Fully connected network: y = W_L' h(... h(W_1' x + b_1) ...) + b_L, with the two products with
// its Jacobian that gradients and Fisher-vector products are made of.
//
// All arrays at this boundary are double; the arithmetic inside is single or double
// (shape.precision). Parameters, layer after layer: W [n_in][n_out] row-major, then b [n_out].
#ifndef TND_MLP_H
#define TND_MLP_H

#include "base/status.h"

#include <tendril/policy.h>
#include <tendril/random.h>

typedef struct tnd_mlp_shape {
  int nin, nout;
  tendril_sizes hidden;  // n = 0: a linear map
  tendril_activation activation;
  tendril_precision precision;
} tnd_mlp_shape;

int64_t tnd_mlp_nparam(const tnd_mlp_shape *shape);

// theta [nparam] filled: orthogonal weights (Saxe et al. 2014) of gain sqrt(2) in the hidden layers
// and output_gain in the last, biases 0.
TENDRIL_MUST_CHECK tendril_status tnd_mlp_init(const tnd_mlp_shape *shape, double output_gain,
                                               tendril_random *random, double *theta,
                                               tendril_error *err);

typedef struct tnd_mlp tnd_mlp;
TENDRIL_MUST_CHECK tendril_status tnd_mlp_create(const tnd_mlp_shape *shape, tnd_mlp **out,
                                                 tendril_error *err);
void tnd_mlp_destroy(tnd_mlp *mlp);
// theta [nparam], copied (and rounded to the network's precision)
void tnd_mlp_set_params(tnd_mlp *mlp, const double *theta);
// v [nparam], copied: the direction of the next tnd_mlp_jvp() calls
void tnd_mlp_set_tangent(tnd_mlp *mlp, const double *v);

// Activations of up to `capacity` rows, kept from forward for jvp and vjp, and their scratch. One
// thread at a time; threads share the mlp, each with its own rows.
typedef struct tnd_mlp_rows tnd_mlp_rows;
TENDRIL_MUST_CHECK tendril_status tnd_mlp_rows_create(const tnd_mlp *mlp, int capacity,
                                                      tnd_mlp_rows **out, tendril_error *err);
void tnd_mlp_rows_destroy(tnd_mlp_rows *rows);

// Rows that keep activations and nothing else, for a batch of many chunks: before forward, jvp or
// vjp they borrow the scratch of other rows, of the same network and of no smaller capacity.
TENDRIL_MUST_CHECK tendril_status tnd_mlp_rows_create_kept(const tnd_mlp *mlp, int capacity,
                                                           tnd_mlp_rows **out, tendril_error *err);
void tnd_mlp_rows_borrow(tnd_mlp_rows *kept, const tnd_mlp_rows *from);

// y [n][nout] = f(x [n][nin]); n <= capacity
void tnd_mlp_forward(const tnd_mlp *mlp, tnd_mlp_rows *rows, int n, const double *x, double *y);
// dy [n][nout] = J v for the rows of the last forward and the v of the last set_tangent
void tnd_mlp_jvp(const tnd_mlp *mlp, tnd_mlp_rows *rows, double *dy);
// grad [nparam] += sum over rows of J' g, g [n][nout]
void tnd_mlp_vjp(const tnd_mlp *mlp, tnd_mlp_rows *rows, const double *g, double *grad);
// J [n][nout][nx] = dy/dx in the first nx <= nin inputs for the rows of the last forward
void tnd_mlp_jacobian(const tnd_mlp *mlp, const tnd_mlp_rows *rows, int nx, double *J);

// One row, the fast way for a worker that simulates: y [nout] = f(x [nin]).
// scratch: tnd_mlp_point_size() doubles
size_t tnd_mlp_point_size(const tnd_mlp *mlp);
void tnd_mlp_point(const tnd_mlp *mlp, double *scratch, const double *x, double *y);

#endif
