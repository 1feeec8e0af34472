// Equation (8) of constrained guided policy search against SLICOT's Riccati solver, against its
// residual and limits, and as a minimum.
#include "trajopt/gps_covariance.h"

#include "base/alloc.h"
#include "math/cholesky.h"
#include "math/linalg.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <tendril/random.h>

enum { MOST = 8, ENTRIES = MOST * MOST, WORK = 8 * ENTRIES };

// Continuous-time Riccati equation, Q + A'X + X A - X G X = 0, X the stabilising solution, in Q.
void sb02md_(const char *dico, const char *hinv, const char *uplo, const char *scal,
             const char *sort, const int *n, double *A, const int *lda, double *G, const int *ldg,
             double *Q, const int *ldq, double *rcond, double *wr, double *wi, double *S,
             const int *lds, double *U, const int *ldu, int *iwork, double *dwork,
             const int *ldwork, int *bwork, int *info, size_t, size_t, size_t, size_t, size_t);

// One problem and the answer to it.
typedef struct problem {
  int m;
  double lambda, Quu[ENTRIES], M[ENTRIES];
  double A[ENTRIES], factor[ENTRIES];
} problem;

static bool solve(problem *p) {
  double work[WORK];
  cr_assert(tnd_gps_covariance_work(p->m) <= WORK);
  return tnd_gps_covariance(p->m, p->lambda, p->Quu, p->M, work, p->A, p->factor);
}

// Z diag(d) Z', symmetric to the bit
static void symmetric(int m, const double *Z, const double *d, double *S) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < m; k++)
        sum += Z[i * m + k] * d[k] * Z[j * m + k];
      S[i * m + j] = S[j * m + i] = sum;
    }
}

// lambda of every size between 0 and 1e4; M of a condition of some 100. Quu: sums of squares of
// either sign, all or mostly positive, or of rank one less than full; scaled to be felt beside M.
static void draw(uint32_t k, problem *p) {
  static const double lambdas[] = {0, 1e-4, 0.5, 1, 1.01, 2};
  tendril_random random = tendril_random_stream(8, TENDRIL_PURPOSE_TEST, k, 0);
  const int m = p->m = 1 + (int)(k % MOST), kind = (int)(k / MOST % 4);
  const uint32_t which = k / MOST / 4 % 12;
  p->lambda = which < 6 ? lambdas[which] : pow(10, tendril_random_uniform(&random, -3, 4));
  double Z[ENTRIES], d[MOST];
  tendril_random_normals(&random, m * m, Z);
  const double size = pow(10, tendril_random_uniform(&random, -2, 2));
  const double limit = p->lambda > 1 ? (p->lambda - 1) * (p->lambda - 1) / p->lambda : 1;
  for (int i = 0; i < m; i++)
    d[i] = limit * pow(10, tendril_random_uniform(&random, -3, kind == 0 ? -1 : 1)) / size *
           (kind == 1 || tendril_random_uniform(&random, 0, 1) > 0.3 / m ? 1 : -1);
  if (kind == 3 && m > 1) d[0] = 0;
  symmetric(m, Z, d, p->Quu);
  tendril_random_normals(&random, m * m, Z);
  for (int i = 0; i < m; i++)
    d[i] = size / m;
  symmetric(m, Z, d, p->M);
  for (int i = 0; i < m; i++)
    p->M[i * m + i] += 0.1 * size;
}

// The eigenvalues of M Quu, ascending, by LAPACK.
static void eigenvalues(const problem *p, double *g) {
  double Q[ENTRIES], M[ENTRIES];
  memcpy(Q, p->Quu, sizeof Q);
  memcpy(M, p->M, sizeof M);
  cr_assert_eq(LAPACKE_dsygv(LAPACK_ROW_MAJOR, 2, 'N', 'L', p->m, Q, p->m, M, p->m, g), 0);
}

// How far the smallest eigenvalue is above the limit of solvability, relative to the largest.
static double margin(const problem *p) {
  double g[MOST];
  eigenvalues(p, g);
  const double h = p->lambda - 1, limit = p->lambda > 1 ? -h * h / (4 * p->lambda) : 0;
  return (g[0] - limit) / fmax(fmax(fabs(g[0]), fabs(g[p->m - 1])), fabs(limit));
}

static double largest(int n, const double *x) {
  double most = 0;
  for (int i = 0; i < n; i++)
    most = fmax(most, fabs(x[i]));
  return most;
}

// In units in which Quu and lambda M are of one size: in others SLICOT loses digits.
static void slicot(const problem *p, double *X) {
  const int m = p->m, twice = 2 * m, words = 20 * MOST + 4 * ENTRIES;
  const double unit = sqrt(p->lambda * largest(m * m, p->M) / largest(m * m, p->Quu));
  const double scale = unit > 0 ? unit : 1;
  double A[ENTRIES] = {0}, G[ENTRIES], wr[2 * MOST], wi[2 * MOST], S[4 * ENTRIES], U[4 * ENTRIES];
  double work[20 * MOST + 4 * ENTRIES], rcond;
  int iwork[2 * MOST], bwork[2 * MOST], info = -1;
  for (int i = 0; i < m * m; i++) {
    G[i] = scale * p->Quu[i];
    X[i] = p->lambda * p->M[i] / scale;
  }
  for (int i = 0; i < m; i++)
    A[i * m + i] = -0.5 * (p->lambda - 1);
  sb02md_("C", "D", "U", "G", "S", &m, A, &m, G, &m, X, &m, &rcond, wr, wi, S, &twice, U, &twice,
          iwork, work, &words, bwork, &info, 1, 1, 1, 1, 1);
  cr_assert_eq(info, 0);
  for (int i = 0; i < m * m; i++)
    X[i] *= scale;
}

// Differences of A from X in units of the deviations of the actions.
static double difference(const problem *p, const double *X) {
  double most = 0;
  for (int i = 0; i < p->m; i++)
    for (int j = 0; j < p->m; j++) {
      const int ij = i * p->m + j;
      const double unit = sqrt(p->A[i * p->m + i] * p->A[j * p->m + j]);
      most = fmax(most, fabs(p->A[ij] - X[ij]) / unit);
    }
  return most;
}

// The largest entry of A Quu A + (lambda - 1) A - lambda M, over that of the same sum with all
// terms positive; both in units of the deviations of the actions.
static double residual(const problem *p) {
  const int m = p->m;
  double most = 0, terms = 0;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++) {
      const double a = (p->lambda - 1) * p->A[i * m + j], b = p->lambda * p->M[i * m + j];
      double sum = a - b, size = fabs(a) + fabs(b);
      for (int k = 0; k < m; k++)
        for (int l = 0; l < m; l++) {
          const double term = p->A[i * m + k] * p->Quu[k * m + l] * p->A[l * m + j];
          sum += term;
          size += fabs(term);
        }
      const double unit = sqrt(p->A[i * m + i] * p->A[j * m + j]);
      most = fmax(most, fabs(sum) / unit);
      terms = fmax(terms, size / unit);
    }
  return most / terms;
}

// Symmetric to the bit, and the factor its Cholesky factor.
static void check_factor(const problem *p) {
  const int m = p->m;
  for (int i = 0; i < m; i++) {
    cr_assert(p->factor[i * m + i] > 0);
    for (int j = 0; j < m; j++) {
      if (j > i) cr_assert_eq(p->factor[i * m + j], 0);
      cr_assert_eq(p->A[i * m + j], p->A[j * m + i]);
      const double unit = sqrt(p->A[i * m + i] * p->A[j * m + j]);
      const double square = tnd_dot(m, p->factor + i * m, p->factor + j * m);
      check_close(square / unit, p->A[i * m + j] / unit, 1e-15);  // the same sum
    }
  }
}

Test(gps_covariance, is_the_stabilising_solution_of_the_riccati_equation) {
  int solved[2] = {0}, without = 0, indefinite = 0;
  for (uint32_t k = 0; k < 10000; k++) {
    problem p;
    double X[ENTRIES], g[MOST];
    draw(k, &p);
    const double room = margin(&p);
    const bool solvable = solve(&p);
    if (solvable) {
      check_factor(&p);
      check_close(residual(&p), 0, 2e-14);  // rounding of the products' terms, ten times what it is
    }
    if (fabs(room) < 1e-4) continue;  // at the limit two solutions meet, and half the digits go
    cr_assert_eq(solvable, room > 0, "case %u: margin %g", k, room);
    if (solvable) {
      slicot(&p, X);
      eigenvalues(&p, g);
      solved[p.lambda > 1]++;
      indefinite += g[0] < 0;
      // as 1 / room, the condition of the solution, with ten times what it is at most; the median
      // of the differences themselves is 2e-15
      check_close(difference(&p, X) * room, 0, 5e-12);
    } else {
      without++;
    }
  }
  cr_assert(solved[0] > 1000 && solved[1] > 3000 && without > 1000 && indefinite > 500,
            "%d, %d solved, %d indefinite; %d without solution", solved[0], solved[1], indefinite,
            without);
}

// Eigenvalues from 1 down to `least`, in random directions.
static void draw_graded(tendril_random *random, int m, double least, double *S) {
  double Z[ENTRIES], d[MOST];
  tendril_error err;
  cr_assert_eq(tnd_orthogonal(random, m, m, 1, Z, &err), TENDRIL_OK);
  for (int i = 0; i < m; i++)
    d[i] = pow(least, tendril_random_uniform(random, 0, 1));
  d[0] = 1;
  d[m - 1] = least;
  symmetric(m, Z, d, S);
}

Test(gps_covariance, keeps_its_digits_where_Quu_and_M_are_nearly_singular) {
  static const double lambdas[] = {0, 1e-6, 0.3, 0.999, 1, 1.001, 2, 1e4};
  for (uint32_t k = 0; k < 4000; k++) {
    tendril_random random = tendril_random_stream(9, TENDRIL_PURPOSE_TEST, k, 0);
    problem p = {.m = 1 + (int)(k % MOST), .lambda = lambdas[k / MOST % 8]};
    draw_graded(&random, p.m, 1e-14, p.Quu);
    draw_graded(&random, p.m, k % 3 ? 1e-8 : 1, p.M);
    cr_assert(solve(&p));
    check_factor(&p);
    // about 1, where A is as much Quu's as M's, either form loses some; elsewhere rounding
    check_close(residual(&p), 0, fabs(p.lambda - 1) < 0.01 ? 1e-11 : 2e-14);
  }
}

Test(gps_covariance, without_lambda_is_the_inverse_of_Quu) {
  for (uint32_t k = 0; k < 200; k++) {
    problem p;
    draw(MOST + k, &p);  // any M will do
    tendril_random random = tendril_random_stream(10, TENDRIL_PURPOSE_TEST, k, 0);
    draw_graded(&random, p.m, 1e-4, p.Quu);
    p.lambda = 0;
    cr_assert(solve(&p));
    double L[ENTRIES];
    memcpy(L, p.Quu, sizeof L);
    cr_assert(tnd_cholesky(p.m, p.m, L));
    double inverse[ENTRIES] = {0};
    for (int i = 0; i < p.m; i++)
      inverse[i * p.m + i] = 1;
    tnd_cholesky_solve(p.m, p.m, L, p.m, inverse);
    check_close(difference(&p, inverse), 0, 1e-11);  // a condition of 1e4 times rounding
  }
}

Test(gps_covariance, tends_to_M_for_large_lambda) {
  for (uint32_t k = 0; k < 200; k++) {
    problem p;
    draw(k, &p);
    const int m = p.m;
    const double unit = largest(m * m, p.M), gap = unit * largest(m * m, p.Quu);
    // A = M + (M - M Quu M) / lambda + what falls as 1 / lambda^2
    p.lambda = 1e5 * (1 + m * m * gap);
    cr_assert(solve(&p));
    for (int i = 0; i < m; i++)
      for (int j = 0; j < m; j++) {
        double slope = p.M[i * m + j];
        for (int a = 0; a < m; a++)
          for (int b = 0; b < m; b++)
            slope -= p.M[i * m + a] * p.Quu[a * m + b] * p.M[b * m + j];
        const double change = (p.A[i * m + j] - p.M[i * m + j]) * p.lambda;
        // the next term, of 1e-5, and rounding of A times lambda
        check_close(change / (1 + gap) / unit, slope / (1 + gap) / unit, 1e-4 * m * m);
      }
    p.lambda = 1e300;
    cr_assert(solve(&p));
    check_close(difference(&p, p.M), 0, 1e-13);
  }
}

Test(gps_covariance, its_two_forms_meet_at_1) {
  for (uint32_t k = 0; k < 200; k++) {
    problem p;
    draw(k, &p);
    tendril_random random = tendril_random_stream(11, TENDRIL_PURPOSE_TEST, k, 0);
    draw_graded(&random, p.m, 1e-3, p.Quu);
    p.lambda = 1;
    cr_assert(solve(&p));
    double A[ENTRIES];
    memcpy(A, p.A, sizeof A);
    p.lambda = 1 + 1e-15;
    cr_assert(solve(&p));
    check_close(difference(&p, A), 0, 1e-11);  // conditions of 1e3 of Quu and M times rounding
  }
}

// The objective at factor (I + t S) factor', S symmetric.
static double objective(const problem *p, const double *S, double t) {
  const int m = p->m;
  double B[ENTRIES], A[ENTRIES], X[ENTRIES], cost = 0, spread = 0;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++) {
      B[i * m + j] = 0;
      for (int k = 0; k < m; k++)
        B[i * m + j] += p->factor[i * m + k] * ((k == j) + t * S[k * m + j]);
    }
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++)
      A[i * m + j] = tnd_dot(m, B + i * m, p->factor + j * m);
  for (int i = 0; i < m * m; i++)
    cost += p->Quu[i] * A[i];
  memcpy(X, p->M, sizeof X);
  cr_assert(tnd_cholesky(m, m, A));
  tnd_cholesky_solve(m, m, A, m, X);
  for (int i = 0; i < m; i++)
    spread += X[i * m + i];
  return 0.5 * cost + 0.5 * (p->lambda - 1) * tnd_cholesky_logdet(m, m, A) +
         0.5 * p->lambda * spread;
}

Test(gps_covariance, is_a_local_minimum_of_the_objective) {
  const double t = 1e-4;
  int seen = 0;
  for (uint32_t k = 0; k < 4000; k++) {
    problem p;
    draw(k, &p);
    // near the limit the minimum is as narrow as its distance to the maximum
    if (margin(&p) < 0.01 || !solve(&p)) continue;
    seen++;
    tendril_random random = tendril_random_stream(12, TENDRIL_PURPOSE_TEST, k, 0);
    double Z[ENTRIES], S[ENTRIES];
    tendril_random_normals(&random, p.m * p.m, Z);
    for (int i = 0; i < p.m; i++)
      for (int j = 0; j < p.m; j++)
        S[i * p.m + j] = 0.5 * (Z[i * p.m + j] + Z[j * p.m + i]);
    const double above = objective(&p, S, t), at = objective(&p, S, 0);
    const double below = objective(&p, S, -t);
    const double slope = (above - below) / (2 * t), curvature = (above - 2 * at + below) / (t * t);
    cr_assert(curvature > 0, "case %u: curvature %g", k, curvature);
    // 1e-8 of the third derivative, and rounding of the objective's terms by t
    check_close(slope / (curvature + fabs(at)), 0, 1e-6);
  }
  cr_assert(seen > 1000, "%d", seen);
}

Test(gps_covariance, of_one_action_in_closed_form) {
  // - c^2 / 4 + 2 c - 3 = 0 has the roots 2, a minimum, and 6, a maximum
  problem p = {.m = 1, .lambda = 3, .Quu = {-0.25}, .M = {1}};
  cr_assert(solve(&p));
  check_close(p.A[0], 2, 1e-15);
  check_close(p.factor[0], sqrt(2), 1e-15);
  // at the limit, - (lambda - 1)^2 / (4 lambda), they are one: 2 lambda / (lambda - 1)
  p = (problem){.m = 1, .lambda = 4, .Quu = {-0.5625}, .M = {1}};
  cr_assert(solve(&p));
  check_close(p.A[0], 8.0 / 3, 1e-15);
  p.Quu[0] = -0.5626;
  cr_assert_not(solve(&p));
  // a cost that noise does not change: A = lambda / (lambda - 1) M
  p = (problem){.m = 1, .lambda = 11, .Quu = {0}, .M = {20}};
  cr_assert(solve(&p));
  check_close(p.A[0], 22, 1e-14);
  // c^2 / 2 - c / 2 - 1 / 2 = 0, the golden ratio by another name
  p = (problem){.m = 1, .lambda = 0.5, .Quu = {0.5}, .M = {1}};
  cr_assert(solve(&p));
  check_close(p.A[0], (1 + sqrt(5)) / 2, 1e-15);
}

Test(gps_covariance, units_change_no_digit) {
  for (uint32_t k = 0; k < 400; k++) {
    problem p, q;
    draw(k, &p);
    if (!solve(&p)) continue;
    // every action in a unit of its own; the cost, and with it lambda, keeps its own
    tendril_random random = tendril_random_stream(13, TENDRIL_PURPOSE_TEST, k, 0);
    double unit[MOST];
    for (int i = 0; i < p.m; i++)
      unit[i] = ldexp(1, (int)tendril_random_uniform(&random, -200, 200));
    q = p;
    for (int i = 0; i < p.m; i++)
      for (int j = 0; j < p.m; j++) {
        q.M[i * p.m + j] *= unit[i] * unit[j];
        q.Quu[i * p.m + j] /= unit[i] * unit[j];
      }
    cr_assert(solve(&q));
    for (int i = 0; i < p.m; i++)
      for (int j = 0; j < p.m; j++) {
        const double same = q.A[i * p.m + j] / (unit[i] * unit[j]);
        check_same_bits(&same, &p.A[i * p.m + j], 1);
      }
  }
}

Test(gps_covariance, fills_the_places_of_its_inputs_and_allocates_nothing) {
  problem p;
  double work[WORK], M[ENTRIES], Quu[ENTRIES];
  draw(MOST + 5, &p);
  p.lambda = 50;
  cr_assert(solve(&p));
  memcpy(M, p.M, sizeof M);
  memcpy(Quu, p.Quu, sizeof Quu);
  const long before = tnd_alloc_count();
  cr_assert(tnd_gps_covariance(p.m, p.lambda, Quu, M, work, Quu, M));
  cr_assert_eq(tnd_alloc_count(), before);
  check_same_bits(Quu, p.A, p.m * p.m);
  check_same_bits(M, p.factor, p.m * p.m);
}

// Nothing is filled.
static void check_refused(double lambda, const double *Quu, const double *M) {
  problem p = {.m = 2, .lambda = lambda, .A = {1, 2, 3, 4}, .factor = {5, 6, 7, 8}};
  const problem before = p;
  memcpy(p.Quu, Quu, sizeof *Quu * 4);
  memcpy(p.M, M, sizeof *M * 4);
  cr_assert_not(solve(&p), "lambda %g", lambda);
  check_same_bits(p.A, before.A, 4);
  check_same_bits(p.factor, before.factor, 4);
}

Test(gps_covariance, what_has_no_solution_is_refused_and_nothing_filled) {
  const double one[4] = {1, 0, 0, 1}, saddle[4] = {1, 0, 0, -0.2}, flat[4] = {1, 1, 1, 1};
  const double skew[4] = {1, 2, 2, 1}, zero[4] = {0};
  check_refused(0, saddle, one);
  check_refused(0.5, saddle, one);
  check_refused(1, saddle, one);
  check_refused(2, saddle, one);  // the limit is -1/8
  check_refused(0.5, zero, one);
  check_refused(1, flat, one);
  for (double lambda = 0; lambda < 4; lambda += 0.5) {
    check_refused(lambda, one, skew);
    check_refused(lambda, one, zero);
    check_refused(lambda, one, flat);
    for (int entry = 0; entry < 4; entry++)
      for (int kind = 0; kind < 3; kind++) {
        double bad[4] = {1, 0, 0, 1};
        bad[entry] = kind == 0 ? NAN : kind == 1 ? INFINITY : -INFINITY;
        check_refused(lambda, bad, one);
        check_refused(lambda, one, bad);
      }
  }
  check_refused(-1, one, one);
  check_refused(NAN, one, one);
  check_refused(INFINITY, one, one);
  // A would be 1e320; an eigenvalue is 1e600
  check_refused(0, (const double[]){1, 0, 0, 1e-320}, one);
  check_refused(1e200, (const double[]){1e300, 0, 0, 1}, (const double[]){1e300, 0, 0, 1});
}
