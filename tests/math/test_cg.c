// Conjugate gradients: against LAPACK, and every way to end.
#include "math/cg.h"

#include "base/alloc.h"
#include "math/linalg.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 30 };

typedef struct matrix {
  double a[N * N];
  int products;
  int bad_after;  // products after which NaN comes out; 0: never
} matrix;

static void product(void *context, const double *v, double *av) {
  matrix *m = context;
  m->products++;
  for (int i = 0; i < N; i++)
    av[i] = tnd_dot(N, m->a + i * N, v);
  if (m->bad_after && m->products > m->bad_after) av[3] = (double)NAN;
}

// A = Q diag(1 .. N / 2, each twice) Q' and a random right side
static void spd(matrix *m, double *b) {
  double q[N * N];
  tendril_random random = tendril_random_stream(6, TENDRIL_PURPOSE_TEST, 0, 0);
  check_ok(tnd_orthogonal(&random, N, N, 1, q, check_err));
  memset(m, 0, sizeof *m);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < N; k++)
        m->a[i * N + j] += q[i * N + k] * (1 + k / 2) * q[j * N + k];
  tendril_random_normals(&random, N, b);
}

Test(cg, solves_an_spd_system_in_as_many_steps_as_it_has_eigenvalues) {
  matrix m;
  double b[N], x[N], exact[N], factor[N * N];
  spd(&m, b);
  memcpy(factor, m.a, sizeof factor);
  memcpy(exact, b, sizeof exact);
  cr_assert_eq(LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', N, 1, factor, N, exact, 1), 0);
  tnd_cg *cg = NULL;
  check_ok(tnd_cg_create(N, &cg, check_err));
  tnd_cg_result result = tnd_cg_solve(cg, product, &m, b, 100, 1e-12, x);
  cr_assert_eq(result.end, TND_CG_CONVERGED);
  cr_assert(result.iterations <= N / 2 + 1, "%d steps", result.iterations);
  cr_assert_eq(m.products, result.iterations);
  cr_assert_leq(result.residual, 1e-12);
  for (int i = 0; i < N; i++)
    check_close(x[i], exact[i], 1e-11);  // residual 1e-12, smallest eigenvalue 1
  tnd_cg_destroy(cg);
}

Test(cg, reports_residual_and_curvature_of_what_it_returns) {
  matrix m;
  double b[N], x[N], ax[N];
  spd(&m, b);
  tnd_cg *cg = NULL;
  check_ok(tnd_cg_create(N, &cg, check_err));
  for (int iterations = 0; iterations < 10; iterations++) {
    tnd_cg_result result = tnd_cg_solve(cg, product, &m, b, iterations, 0, x);
    cr_assert(result.end == TND_CG_ITERATIONS && result.iterations == iterations);
    product(&m, x, ax);
    double rr = 0;
    for (int i = 0; i < N; i++)
      rr += (b[i] - ax[i]) * (b[i] - ax[i]);
    check_close(result.residual, sqrt(rr / tnd_dot(N, b, b)), 1e-12);
    check_close(result.curvature, tnd_dot(N, x, ax), 1e-11);
  }
  tnd_cg_destroy(cg);
}

Test(cg, stops_at_a_direction_without_positive_curvature_and_keeps_the_iterate) {
  matrix m = {.products = 0};
  double b[N], x[N];
  for (int i = 0; i < N; i++) {
    b[i] = 1;
    m.a[i * N + i] = i < N - 1 ? 1 + 0.1 * i : -0.5;
  }
  tnd_cg *cg = NULL;
  check_ok(tnd_cg_create(N, &cg, check_err));
  tnd_cg_result result = tnd_cg_solve(cg, product, &m, b, 100, 1e-10, x);
  cr_assert_eq(result.end, TND_CG_CURVATURE);
  cr_assert_gt(result.iterations, 0);
  cr_assert(tnd_all_finite(N, x) && isfinite(result.residual) && isfinite(result.curvature));

  // A = 0: not even a first step
  memset(m.a, 0, sizeof m.a);
  result = tnd_cg_solve(cg, product, &m, b, 100, 1e-10, x);
  cr_assert(result.end == TND_CG_CURVATURE && result.iterations == 0 && result.residual == 1 &&
            result.curvature == 0 && x[0] == 0);
  tnd_cg_destroy(cg);
}

Test(cg, stops_at_a_product_that_is_not_finite_with_a_finite_iterate) {
  matrix m;
  double b[N], x[N];
  spd(&m, b);
  tnd_cg *cg = NULL;
  check_ok(tnd_cg_create(N, &cg, check_err));
  m.bad_after = 3;
  tnd_cg_result result = tnd_cg_solve(cg, product, &m, b, 100, 0, x);
  cr_assert(result.end == TND_CG_NONFINITE && result.iterations == 3);
  cr_assert(tnd_all_finite(N, x));
  b[4] = (double)INFINITY;
  result = tnd_cg_solve(cg, product, &m, b, 100, 0, x);
  cr_assert(result.end == TND_CG_NONFINITE && result.iterations == 0 && x[0] == 0);
  tnd_cg_destroy(cg);
}

Test(cg, a_right_side_of_zero_has_the_solution_zero) {
  matrix m;
  double b[N], x[N];
  spd(&m, b);
  memset(b, 0, sizeof b);
  tnd_cg *cg = NULL;
  check_ok(tnd_cg_create(N, &cg, check_err));
  tnd_cg_result result = tnd_cg_solve(cg, product, &m, b, 10, 0, x);
  cr_assert(result.end == TND_CG_CONVERGED && result.residual == 0 && m.products == 0);
  for (int i = 0; i < N; i++)
    cr_assert_eq(x[i], 0);
  tnd_cg_destroy(cg);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  tnd_cg *cg = NULL;
  TENDRIL_TRY(tnd_cg_create(N, &cg, err));
  tnd_cg_destroy(cg);
  return TENDRIL_OK;
}

Test(cg, solving_allocates_nothing_and_creating_survives_a_failing_allocator) {
  matrix m;
  double b[N], x[N];
  spd(&m, b);
  tnd_cg *cg = NULL;
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 1);
  check_ok(tnd_cg_create(N, &cg, check_err));
  long before = tnd_alloc_count();
  tnd_cg_solve(cg, product, &m, b, 10, 0, x);
  cr_assert_eq(tnd_alloc_count(), before);
  tnd_cg_destroy(cg);
  tnd_cg_destroy(NULL);
}
