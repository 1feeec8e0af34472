// The network and the products with its Jacobian against finite differences and a plain reference.
#include "policy/mlp.h"

#include "base/alloc.h"
#include "math/linalg.h"
#include "math/simd.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 19, CAPACITY = 24 };

// 0 to 3 hidden layers, widths below, at and above whole vectors
static const struct {
  int nin, nout;
  tendril_sizes hidden;
} shapes[] = {
    {3, 2, {0, {0}}},        {5, 1, {1, {7}}},        {11, 3, {2, {64, 64}}},
    {17, 20, {2, {16, 33}}}, {4, 2, {3, {5, 30, 9}}}, {1, 1, {1, {1}}},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

// A network with random parameters, all of them, and random rows.
typedef struct fixture {
  tnd_mlp_shape shape;
  tnd_mlp *mlp;
  tnd_mlp_rows *rows;
  int nparam;
  double *theta, *v, *grad, *x, *y, *g;
} fixture;

static double *normals(tendril_random *random, int n) {
  double *z = malloc((size_t)n * sizeof *z);
  tendril_random_normals(random, n, z);
  return z;
}

static fixture make(int which, tendril_activation activation, tendril_precision precision) {
  fixture f = {0};
  f.shape = (tnd_mlp_shape){.nin = shapes[which].nin,
                            .nout = shapes[which].nout,
                            .hidden = shapes[which].hidden,
                            .activation = activation,
                            .precision = precision};
  check_ok(tnd_mlp_create(&f.shape, &f.mlp, check_err));
  check_ok(tnd_mlp_rows_create(f.mlp, CAPACITY, &f.rows, check_err));
  f.nparam = (int)tnd_mlp_nparam(&f.shape);
  tendril_random random = tendril_random_stream(8, TENDRIL_PURPOSE_TEST, (uint32_t)which, 0);
  f.theta = normals(&random, f.nparam);
  double *weights = malloc((size_t)f.nparam * sizeof *weights);
  check_ok(tnd_mlp_init(&f.shape, 1, &random, weights, check_err));
  for (int i = 0; i < f.nparam; i++)
    f.theta[i] = weights[i] + 0.1 * f.theta[i];
  free(weights);
  f.v = normals(&random, f.nparam);
  f.x = normals(&random, ROWS * f.shape.nin);
  f.g = normals(&random, ROWS * f.shape.nout);
  f.y = calloc((size_t)(ROWS * f.shape.nout), sizeof *f.y);
  f.grad = calloc((size_t)f.nparam, sizeof *f.grad);
  tnd_mlp_set_params(f.mlp, f.theta);
  tnd_mlp_set_tangent(f.mlp, f.v);
  return f;
}

static void drop(fixture *f) {
  free(f->theta);
  free(f->v);
  free(f->x);
  free(f->g);
  free(f->y);
  free(f->grad);
  tnd_mlp_rows_destroy(f->rows);
  tnd_mlp_destroy(f->mlp);
}

static double activation(tendril_activation kind, double z) {
  if (kind == TENDRIL_TANH) return tanh(z);
  if (kind == TENDRIL_SOFTPLUS) return log1p(exp(z));
  return z > 0 ? z : 0;
}

// y of one row by plain loops over the parameters as the header orders them
static void plain(const fixture *f, const double *theta, const double *x, double *y) {
  double in[64], out[64];
  int nin = f->shape.nin;
  memcpy(in, x, (size_t)nin * sizeof *in);
  for (int l = 0; l <= f->shape.hidden.n; l++) {
    bool last = l == f->shape.hidden.n;
    int nout = last ? f->shape.nout : f->shape.hidden.at[l];
    for (int j = 0; j < nout; j++) {
      double z = theta[nin * nout + j];
      for (int i = 0; i < nin; i++)
        z += in[i] * theta[i * nout + j];
      out[j] = last ? z : activation(f->shape.activation, z);
    }
    theta += (nin + 1) * nout;
    nin = nout;
    memcpy(in, out, sizeof in);
  }
  memcpy(y, in, (size_t)f->shape.nout * sizeof *y);
}

#define FOR_ALL(precision, low_level)                                                              \
  for (int level = (low_level); level <= TND_SIMD_AVX512; level++)                                 \
    for (int which = 0; which < SHAPES; which++)                                                   \
      for (tendril_activation a = TENDRIL_TANH; a <= TENDRIL_RELU; a++)                            \
        for (fixture f = (tnd_simd_limit((tnd_simd)level), make(which, a, precision)); f.mlp;      \
             drop(&f), f.mlp = NULL)

static const double rounding[] = {[TENDRIL_SINGLE] = 3e-6, [TENDRIL_DOUBLE] = 1e-14};

Test(mlp, forward_agrees_with_plain_loops_in_both_precisions) {
  for (tendril_precision p = TENDRIL_SINGLE; p <= TENDRIL_DOUBLE; p++)
    FOR_ALL(p, TND_SIMD_NONE) {
      tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
      for (int r = 0; r < ROWS; r++) {
        double y[32];
        plain(&f, f.theta, f.x + r * f.shape.nin, y);
        for (int j = 0; j < f.shape.nout; j++)
          check_close(f.y[r * f.shape.nout + j], y[j], 10 * rounding[p]);
      }
    }
}

// Two chunks with one scratch between them, each used when the other has been at it.
Test(mlp, rows_that_borrow_their_scratch_give_the_bits_of_rows_of_their_own) {
  for (tendril_precision p = TENDRIL_SINGLE; p <= TENDRIL_DOUBLE; p++)
    FOR_ALL(p, TND_SIMD_NONE) {
      enum { FIRST = 8 };
      const int nin = f.shape.nin, nout = f.shape.nout, n[2] = {FIRST, ROWS - FIRST};
      tnd_mlp_rows *kept[2];
      double y[ROWS * 32], dy[ROWS * 32], *grad = calloc((size_t)f.nparam, sizeof *grad);
      double *J = malloc((size_t)(ROWS * nout * nin) * sizeof *J);
      double *J_own = malloc((size_t)(ROWS * nout * nin) * sizeof *J);
      for (int c = 0; c < 2; c++) {
        check_ok(tnd_mlp_rows_create_kept(f.mlp, n[c], &kept[c], check_err));
        tnd_mlp_rows_borrow(kept[c], f.rows);
        tnd_mlp_forward(f.mlp, kept[c], n[c], f.x + c * FIRST * nin, y + c * FIRST * nout);
      }
      for (int c = 0; c < 2; c++)
        tnd_mlp_jvp(f.mlp, kept[c], dy + c * FIRST * nout);
      for (int c = 0; c < 2; c++)
        tnd_mlp_vjp(f.mlp, kept[c], f.g + c * FIRST * nout, grad);
      for (int c = 0; c < 2; c++)
        tnd_mlp_jacobian(f.mlp, kept[c], nin, J + c * FIRST * nout * nin);

      double *dy_own = malloc((size_t)(ROWS * nout) * sizeof *dy_own);
      const size_t bytes = (size_t)(ROWS * nout) * sizeof *y;
      tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
      cr_assert_eq(memcmp(y, f.y, bytes), 0);
      tnd_mlp_jvp(f.mlp, f.rows, dy_own);
      cr_assert_eq(memcmp(dy, dy_own, bytes), 0);
      tnd_mlp_jacobian(f.mlp, f.rows, nin, J_own);
      cr_assert_eq(memcmp(J, J_own, (size_t)nin * bytes), 0);
      for (int c = 0; c < 2; c++) {
        tnd_mlp_forward(f.mlp, f.rows, n[c], f.x + c * FIRST * nin, f.y);
        tnd_mlp_vjp(f.mlp, f.rows, f.g + c * FIRST * nout, f.grad);
      }
      cr_assert_eq(memcmp(grad, f.grad, (size_t)f.nparam * sizeof *grad), 0);
      for (int c = 0; c < 2; c++)
        tnd_mlp_rows_destroy(kept[c]);
      free(dy_own);
      free(grad);
      free(J);
      free(J_own);
    }
}

Test(mlp, a_point_equals_its_row_of_a_batch_to_the_bit) {
  for (tendril_precision p = TENDRIL_SINGLE; p <= TENDRIL_DOUBLE; p++)
    FOR_ALL(p, TND_SIMD_NONE) {
      double *scratch = malloc(tnd_mlp_point_size(f.mlp) * sizeof *scratch), y[32];
      tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
      for (int r = 0; r < ROWS; r++) {
        tnd_mlp_point(f.mlp, scratch, f.x + r * f.shape.nin, y);
        cr_assert_eq(memcmp(y, f.y + r * f.shape.nout, (size_t)f.shape.nout * sizeof *y), 0);
      }
      free(scratch);
    }
}

Test(mlp, jvp_agrees_with_finite_differences) {
  FOR_ALL(TENDRIL_DOUBLE, TND_SIMD_NONE) {
    double *dy = malloc((size_t)(ROWS * f.shape.nout) * sizeof *dy);
    double *theta = malloc((size_t)f.nparam * sizeof *theta), h = 1e-6;
    tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
    tnd_mlp_jvp(f.mlp, f.rows, dy);
    for (int r = 0; r < ROWS; r++) {
      double plus[32], minus[32];
      for (int sign = -1; sign <= 1; sign += 2) {
        for (int i = 0; i < f.nparam; i++)
          theta[i] = f.theta[i] + sign * h * f.v[i];
        plain(&f, theta, f.x + r * f.shape.nin, sign > 0 ? plus : minus);
      }
      // rounding 1e-15 / h and h^2 times third derivatives of some 1e3
      for (int j = 0; j < f.shape.nout; j++)
        check_close(dy[r * f.shape.nout + j], (plus[j] - minus[j]) / (2 * h), 1e-7);
    }
    free(dy);
    free(theta);
  }
}

Test(mlp, vjp_agrees_with_finite_differences) {
  FOR_ALL(TENDRIL_DOUBLE, TND_SIMD_AVX512) {
    double *theta = malloc((size_t)f.nparam * sizeof *theta), h = 1e-6;
    tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
    tnd_mlp_vjp(f.mlp, f.rows, f.g, f.grad);
    memcpy(theta, f.theta, (size_t)f.nparam * sizeof *theta);
    // some forty parameters, spread over all layers, and the last
    for (int i = 0; i < f.nparam; i += i + 1 + f.nparam / 40 < f.nparam ? 1 + f.nparam / 40 : 1) {
      double sum[2] = {0};
      for (int s = 0; s < 2; s++) {
        theta[i] = f.theta[i] + (s ? h : -h);
        for (int r = 0; r < ROWS; r++) {
          double y[32];
          plain(&f, theta, f.x + r * f.shape.nin, y);
          sum[s] += tnd_dot(f.shape.nout, y, f.g + r * f.shape.nout);
        }
      }
      theta[i] = f.theta[i];
      check_close(f.grad[i], (sum[1] - sum[0]) / (2 * h), 1e-7);
    }
    free(theta);
  }
}

Test(mlp, jvp_and_vjp_are_transposes_of_each_other) {
  for (tendril_precision p = TENDRIL_SINGLE; p <= TENDRIL_DOUBLE; p++)
    FOR_ALL(p, TND_SIMD_NONE) {
      // <g, J v> = <J' g, v>
      int n = ROWS * f.shape.nout;
      double *dy = malloc((size_t)n * sizeof *dy), size = 1;
      tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
      tnd_mlp_jvp(f.mlp, f.rows, dy);
      tnd_mlp_vjp(f.mlp, f.rows, f.g, f.grad);
      for (int i = 0; i < n; i++)
        size += fabs(f.g[i] * dy[i]);
      check_close(tnd_dot(f.nparam, f.grad, f.v) / size, tnd_dot(n, f.g, dy) / size,
                  10 * rounding[p]);
      free(dy);
    }
}

Test(mlp, jacobian_agrees_with_finite_differences) {
  FOR_ALL(TENDRIL_DOUBLE, TND_SIMD_NONE) {
    const int nin = f.shape.nin, nout = f.shape.nout;
    double *J = malloc((size_t)(ROWS * nout * nin) * sizeof *J), h = 1e-6;
    tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
    tnd_mlp_jacobian(f.mlp, f.rows, nin, J);
    for (int r = 0; r < ROWS; r++)
      for (int i = 0; i < nin; i++) {
        double x[32], plus[32], minus[32];
        memcpy(x, f.x + r * nin, (size_t)nin * sizeof *x);
        x[i] = f.x[r * nin + i] + h;
        plain(&f, f.theta, x, plus);
        x[i] = f.x[r * nin + i] - h;
        plain(&f, f.theta, x, minus);
        // as for jvp; none of the rows has a kink of the relu within h
        for (int j = 0; j < nout; j++)
          check_close(J[(r * nout + j) * nin + i], (plus[j] - minus[j]) / (2 * h), 1e-7);
      }
    free(J);
  }
}

Test(mlp, jacobian_of_a_row_has_the_same_bits_in_any_chunk_and_in_fewer_inputs) {
  for (tendril_precision p = TENDRIL_SINGLE; p <= TENDRIL_DOUBLE; p++)
    FOR_ALL(p, TND_SIMD_NONE) {
      const int nin = f.shape.nin, nout = f.shape.nout, nx = nin > 1 ? nin - 1 : 1;
      double *J = malloc((size_t)(ROWS * nout * nin) * sizeof *J);
      double *part = malloc((size_t)(ROWS * nout * nx) * sizeof *part);
      tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
      tnd_mlp_jacobian(f.mlp, f.rows, nin, J);
      for (int capacity = 1; capacity <= ROWS; capacity += 4) {
        tnd_mlp_rows *rows = NULL;
        check_ok(tnd_mlp_rows_create(f.mlp, capacity, &rows, check_err));
        for (int first = 0; first < ROWS; first += capacity) {
          const int n = ROWS - first < capacity ? ROWS - first : capacity;
          tnd_mlp_forward(f.mlp, rows, n, f.x + first * nin, f.y);
          tnd_mlp_jacobian(f.mlp, rows, nx, part + first * nout * nx);
        }
        tnd_mlp_rows_destroy(rows);
        for (int r = 0; r < ROWS * nout; r++)
          cr_assert_eq(memcmp(part + r * nx, J + r * nin, (size_t)nx * sizeof *J), 0);
      }
      free(J);
      free(part);
    }
}

Test(mlp, vjp_adds_to_what_is_there_and_rows_add_up) {
  FOR_ALL(TENDRIL_DOUBLE, TND_SIMD_AVX512) {
    double *parts = calloc((size_t)f.nparam, sizeof *parts);
    tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
    tnd_mlp_vjp(f.mlp, f.rows, f.g, f.grad);
    for (int first = 0; first < ROWS; first += 7) {
      int n = ROWS - first < 7 ? ROWS - first : 7;
      tnd_mlp_forward(f.mlp, f.rows, n, f.x + first * f.shape.nin, f.y);
      tnd_mlp_vjp(f.mlp, f.rows, f.g + first * f.shape.nout, parts);
    }
    for (int i = 0; i < f.nparam; i++)
      check_close(parts[i], f.grad[i], 1e-12);
    free(parts);
  }
}

Test(mlp, single_precision_is_close_to_double) {
  for (int which = 0; which < SHAPES; which++)
    for (tendril_activation a = TENDRIL_TANH; a <= TENDRIL_SOFTPLUS; a++) {
      fixture s = make(which, a, TENDRIL_SINGLE), d = make(which, a, TENDRIL_DOUBLE);
      const int n = ROWS * s.shape.nout, nin = s.shape.nin;
      double *sJ = malloc((size_t)(n * nin) * sizeof *sJ);
      double *dJ = malloc((size_t)(n * nin) * sizeof *dJ);
      double *sy = malloc((size_t)n * sizeof *sy), *dy = malloc((size_t)n * sizeof *dy);
      tnd_mlp_forward(s.mlp, s.rows, ROWS, s.x, s.y);
      tnd_mlp_forward(d.mlp, d.rows, ROWS, d.x, d.y);
      tnd_mlp_jvp(s.mlp, s.rows, sy);
      tnd_mlp_jvp(d.mlp, d.rows, dy);
      tnd_mlp_vjp(s.mlp, s.rows, s.g, s.grad);
      tnd_mlp_vjp(d.mlp, d.rows, d.g, d.grad);
      tnd_mlp_jacobian(s.mlp, s.rows, nin, sJ);
      tnd_mlp_jacobian(d.mlp, d.rows, nin, dJ);
      // 64 terms of rounding 6e-8 each, through three layers
      for (int i = 0; i < n; i++) {
        check_close(s.y[i], d.y[i], 1e-5);
        check_close(sy[i], dy[i], 1e-4);
      }
      for (int i = 0; i < s.nparam; i++)
        check_close(s.grad[i], d.grad[i], 1e-4);
      check_all_close(sJ, dJ, n * nin, 1e-5);
      free(sJ);
      free(dJ);
      free(sy);
      free(dy);
      drop(&s);
      drop(&d);
    }
}

Test(mlp, large_inputs_do_not_overflow_any_activation) {
  for (tendril_precision p = TENDRIL_SINGLE; p <= TENDRIL_DOUBLE; p++)
    FOR_ALL(p, TND_SIMD_NONE) {
      for (int i = 0; i < ROWS * f.shape.nin; i++)
        f.x[i] *= 1e4;
      tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
      tnd_mlp_vjp(f.mlp, f.rows, f.g, f.grad);
      cr_assert(tnd_all_finite(ROWS * f.shape.nout, f.y) && tnd_all_finite(f.nparam, f.grad));
    }
}

Test(mlp, a_nan_is_never_hidden) {
  FOR_ALL(TENDRIL_SINGLE, TND_SIMD_NONE) {
    f.x[0] = (double)NAN;
    tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
    cr_assert(!tnd_all_finite(f.shape.nout, f.y));
    cr_assert(tnd_all_finite((ROWS - 1) * f.shape.nout, f.y + f.shape.nout));
  }
}

Test(mlp, initial_weights_keep_the_layout_of_the_header) {
  tnd_mlp_shape shape = {.nin = 4, .nout = 2, .hidden = {1, {8}}};
  double theta[4 * 8 + 8 + 8 * 2 + 2];
  cr_assert_eq(tnd_mlp_nparam(&shape), sizeof theta / sizeof *theta);
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  check_ok(tnd_mlp_init(&shape, 0.01, &random, theta, check_err));
  const double *w1 = theta, *b1 = w1 + 32, *w2 = b1 + 8, *b2 = w2 + 16;
  check_close(tnd_dot(8, w1, w1), 2, 1e-14);          // a row of 4 x 8: gain sqrt(2)
  check_close(tnd_dot(16, w2, w2), 2 * 1e-4, 1e-17);  // two columns of norm 0.01
  for (int j = 0; j < 8; j++)
    cr_assert_eq(b1[j], 0);
  cr_assert(b2[0] == 0 && b2[1] == 0);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  tnd_mlp_shape shape = {.nin = 4, .nout = 2, .hidden = {1, {8}}};
  tnd_mlp *mlp = NULL;
  tnd_mlp_rows *rows = NULL, *kept = NULL;
  tendril_status status = tnd_mlp_create(&shape, &mlp, err);
  if (status == TENDRIL_OK) status = tnd_mlp_rows_create(mlp, 5, &rows, err);
  if (status == TENDRIL_OK) status = tnd_mlp_rows_create_kept(mlp, 5, &kept, err);
  tnd_mlp_rows_destroy(kept);
  tnd_mlp_rows_destroy(rows);
  tnd_mlp_destroy(mlp);
  return status;
}

Test(mlp, creating_survives_a_failing_allocator_and_working_allocates_nothing) {
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 3);
  tnd_mlp_rows_destroy(NULL);
  tnd_mlp_destroy(NULL);
  fixture f = make(2, TENDRIL_SOFTPLUS, TENDRIL_SINGLE);
  double *J = malloc((size_t)(ROWS * f.shape.nout * f.shape.nin) * sizeof *J);
  long before = tnd_alloc_count();
  tnd_mlp_set_params(f.mlp, f.theta);
  tnd_mlp_set_tangent(f.mlp, f.v);
  tnd_mlp_forward(f.mlp, f.rows, ROWS, f.x, f.y);
  tnd_mlp_jvp(f.mlp, f.rows, f.y);
  tnd_mlp_vjp(f.mlp, f.rows, f.g, f.grad);
  tnd_mlp_jacobian(f.mlp, f.rows, f.shape.nin, J);
  cr_assert_eq(tnd_alloc_count(), before);
  free(J);
  drop(&f);
}

Test(mlp, a_shape_that_is_out_of_range_is_refused) {
  tendril_error err;
  tnd_mlp *mlp = NULL;
  tnd_mlp_shape none = {.nin = 0, .nout = 2}, negative = {.nin = 1, .nout = 2, .hidden = {1, {-3}}},
                huge = {.nin = 1 << 24, .nout = 1, .hidden = {1, {4096}}};
  cr_assert_eq(tnd_mlp_create(&none, &mlp, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_mlp_create(&negative, &mlp, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_mlp_create(&huge, &mlp, &err), TENDRIL_E_ARGUMENT);
}
