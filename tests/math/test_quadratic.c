// Quadratic functions, their features, and the way back from scaled coordinates.
#include "math/quadratic.h"

#include "support/close.h"
#include "support/fd.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 5, NS = 3, NA = N - NS, NF = 1 + N * (N + 3) / 2, ROWS = 37, STRIDE = 40 };

static double A[N * N], b[N], w[NF], centre[N], per_unit[N], x[N];
static tnd_quadratic q = {.n = N, .A = A, .b = b};

static void setup(void) {
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, NF, w);
  tendril_random_normals(&random, N, centre);
  tendril_random_normals(&random, N, per_unit);
  tendril_random_normals(&random, N, x);
  for (int i = 0; i < N; i++)
    per_unit[i] = exp(per_unit[i]);
}

static void evaluate(void *context, const double *at, double *y) {
  *y = tnd_quadratic_value(context, at);
}

static void evaluate_scaled(void *context, const double *at, double *y) {
  (void)context;
  *y = tnd_quadratic_scaled_value(N, w, centre, per_unit, at);
}

// phi of scaled coordinates by its definition: the lower triangle of (1, z)(1, z)'
static void phi_of(int n, const double *z, double *phi) {
  double one[N + 1] = {1};
  memcpy(one + 1, z, (size_t)n * sizeof *z);
  for (int i = 0, at = 0; i <= n; i++)
    for (int j = 0; j <= i; j++)
      phi[at++] = one[i] * one[j];
}

// gradient A z + b
static void slope(const double *at, double *g) {
  for (int i = 0; i < N; i++) {
    g[i] = b[i];
    for (int j = 0; j < N; j++)
      g[i] += A[i * N + j] * at[j];
  }
}

Test(quadratic, the_numbers_of_features_are_those_of_the_paper) {
  // "1 + n (n + 3) / 2": 28 and 15 for the double link, 91 and 45 for the quad link
  cr_assert_eq(tnd_quadratic_nfeature(6), 28);
  cr_assert_eq(tnd_quadratic_nfeature(4), 15);
  cr_assert_eq(tnd_quadratic_nfeature(12), 91);
  cr_assert_eq(tnd_quadratic_nfeature(8), 45);
  cr_assert_eq(tnd_quadratic_nfeature(0), 1);
  cr_assert_eq(tnd_quadratic_feature(0), tnd_quadratic_nfeature(0));
  cr_assert_eq(tnd_quadratic_feature(4), tnd_quadratic_nfeature(4));  // z_4 follows those of 4
}

Test(quadratic, features_are_the_products_of_scaled_rows_and_those_of_the_first_coordinates_lead) {
  static double rows[100 * N], z[N * STRIDE], root[STRIDE], phi[NF * STRIDE], exact[NF];
  int row[ROWS];
  setup();
  tendril_random random = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, 1, 0);
  tendril_random_normals(&random, 100 * N, rows);
  for (int r = 0; r < ROWS; r++) {
    row[r] = 7 * r % 100;
    root[r] = 0.1 * r;
  }
  tnd_quadratic_scale_rows(N, ROWS, rows, row, centre, per_unit, STRIDE, z);
  tnd_quadratic_features(N, ROWS, STRIDE, z, root, phi);
  for (int r = 0; r < ROWS; r++) {
    double zr[N];
    for (int i = 0; i < N; i++)
      zr[i] = (rows[row[r] * N + i] - centre[i]) * per_unit[i];
    phi_of(N, zr, exact);
    for (int f = 0; f < NF; f++)
      check_close(phi[f * STRIDE + r], root[r] * exact[f], 1e-14);  // two products
  }
  for (int f = 0; f < NF; f++)  // nothing is written beyond the rows
    cr_assert_eq(phi[f * STRIDE + ROWS], 0);
  static double fewer[NF * STRIDE];
  tnd_quadratic_features(NS, ROWS, STRIDE, z, root, fewer);
  check_same_bits(fewer, phi, tnd_quadratic_nfeature(NS) * STRIDE);
}

Test(quadratic, value_has_gradient_az_plus_b_and_hessian_a, .init = setup) {
  tnd_quadratic_from_weights(w, centre, per_unit, &q);
  double g[N], by_fd[N], hessian[N * N];
  slope(x, g);
  support_fd_jacobian(evaluate, &q, x, N, 1, SUPPORT_FD_STEP, by_fd);
  check_all_close(g, by_fd, N, 1e-8);  // 1e-10 times values and curvatures of some tens
  double step = 0.5;                   // second differences of a quadratic are exact at any step
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double p[4][N];
      for (int k = 0; k < 4; k++) {
        memcpy(p[k], x, sizeof x);
        p[k][i] += k & 1 ? step : -step;
        p[k][j] += k & 2 ? step : -step;
      }
      hessian[i * N + j] = (tnd_quadratic_value(&q, p[3]) - tnd_quadratic_value(&q, p[1]) -
                            tnd_quadratic_value(&q, p[2]) + tnd_quadratic_value(&q, p[0])) /
                           (4 * step * step);
    }
  check_all_close(A, hessian, N * N, 1e-11);  // rounding of values of some hundreds
}

Test(quadratic, weights_of_scaled_features_become_the_same_function_of_raw_coordinates,
     .init = setup) {
  tnd_quadratic_from_weights(w, centre, per_unit, &q);
  double z[N], phi[NF], value = 0;
  for (int i = 0; i < N; i++)
    z[i] = (x[i] - centre[i]) * per_unit[i];
  phi_of(N, z, phi);
  for (int f = 0; f < NF; f++)
    value += w[f] * phi[f];
  check_close(tnd_quadratic_scaled_value(N, w, centre, per_unit, x), value, 1e-13);
  check_close(tnd_quadratic_value(&q, x), value, 1e-12);  // a few sums of terms of some tens
  double g[N], by_fd[N];
  slope(x, g);
  support_fd_jacobian(evaluate_scaled, NULL, x, N, 1, SUPPORT_FD_STEP, by_fd);
  check_all_close(g, by_fd, N, 1e-8);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      cr_assert_eq(A[i * N + j], A[j * N + i]);
}

Test(quadratic, a_coordinate_without_a_scale_has_no_effect, .init = setup) {
  per_unit[1] = 0;
  tnd_quadratic_from_weights(w, centre, per_unit, &q);
  const double before = tnd_quadratic_value(&q, x);
  const double scaled = tnd_quadratic_scaled_value(N, w, centre, per_unit, x);
  x[1] += 100;
  cr_assert_eq(tnd_quadratic_value(&q, x), before);
  cr_assert_eq(tnd_quadratic_scaled_value(N, w, centre, per_unit, x), scaled);
}

Test(quadratic, its_parts_in_states_and_actions_add_up_to_it, .init = setup) {
  tnd_quadratic_from_weights(w, centre, per_unit, &q);
  double Qss[NS * NS], qs[NS], Qaa[NA * NA], Qas[NA * NS], qa[NA];
  tnd_quadratic state = {.n = NS, .A = Qss, .b = qs};
  tnd_action_quadratic action = {.Qaa = Qaa, .Qas = Qas, .qa = qa};
  tnd_quadratic_split(&q, NS, &state, &action);
  // 1/2 a'Qaa a + a'Qas s + a'qa
  const double *a = x + NS;
  double sum = tnd_quadratic_value(&state, x);
  for (int i = 0; i < NA; i++) {
    sum += a[i] * qa[i];
    for (int j = 0; j < NA; j++)
      sum += 0.5 * a[i] * Qaa[i * NA + j] * a[j];
    for (int j = 0; j < NS; j++)
      sum += a[i] * Qas[i * NS + j] * x[j];
  }
  check_close(sum, tnd_quadratic_value(&q, x), 1e-12);  // another order of the same sum
  double at_rest[N] = {0};
  memcpy(at_rest, x, NS * sizeof *x);
  check_close(tnd_quadratic_value(&state, x), tnd_quadratic_value(&q, at_rest), 1e-13);
  tnd_quadratic_split(&q, NS, NULL, NULL);
}
