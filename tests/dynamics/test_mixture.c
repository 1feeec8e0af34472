// The mixture finds what it was drawn from, its objective never falls, and rows that leave nothing
// to fit leave a mixture all the same. The prior of a step against its formula.
#include "dynamics/mixture.h"

#include "base/alloc.h"
#include "dynamics/local_dynamics.h"
#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { P = 3, ROWS = 900 };

static double y[ROWS * P];

// Three clusters of these shares, means and factors.
static const double share[3] = {0.2, 0.3, 0.5};
static const double centre[3][P] = {{0, 0, 0}, {12, -3, 400}, {-5, 9, 100}};
static const double factor_[3][P * P] = {{1, 0, 0, 0.5, 1, 0, 10, -20, 5},
                                         {2, 0, 0, 0, 0.3, 0, 5, 5, 10},
                                         {1, 0, 0, -1, 1, 0, 0, 0, 30}};

static void three_clusters(uint32_t key) {
  tendril_random random = tendril_random_stream(11, TENDRIL_PURPOSE_TEST, key, 0);
  for (int r = 0; r < ROWS; r++) {
    const double u = tendril_random_uniform(&random, 0, 1);
    const int c = u < share[0] ? 0 : u < share[0] + share[1] ? 1 : 2;
    double e[P];
    tendril_random_normals(&random, P, e);
    for (int i = 0; i < P; i++) {
      y[r * P + i] = centre[c][i];
      for (int j = 0; j <= i; j++)
        y[r * P + i] += factor_[c][i * P + j] * e[j];
    }
  }
}

// Rows that are no mixture: a bent sheet with noise.
static void bent_sheet(uint32_t key) {
  tendril_random random = tendril_random_stream(12, TENDRIL_PURPOSE_TEST, key, 0);
  for (int r = 0; r < ROWS; r++) {
    double e[P];
    tendril_random_normals(&random, P, e);
    y[r * P] = 3 * e[0];
    y[r * P + 1] = sin(3 * e[0]) + 0.1 * e[1];
    y[r * P + 2] = 5 + 0.01 * (e[0] * e[1] + 0.3 * e[2]);
  }
}

typedef struct scene {
  tendril_pool *pool;
  tnd_mixture *mixture;
} scene;

static scene open_scene(int threads, tnd_mixture_options options, int p) {
  scene s;
  check_ok(tendril_pool_create(threads, &s.pool, check_err));
  check_ok(tnd_mixture_create(&options, p, ROWS, s.pool, &s.mixture, check_err));
  return s;
}

static void close_scene(scene *s) {
  tnd_mixture_destroy(s->mixture);
  tendril_pool_destroy(s->pool);
}

Test(mixture, finds_three_separated_gaussians) {
  tnd_mixture_options options = tnd_mixture_defaults();
  options.clusters = 3;
  for (uint32_t key = 0; key < 20; key++) {
    scene s = open_scene(1, options, P);
    tnd_mixture_stats stats;
    three_clusters(key);
    check_ok(tnd_mixture_fit(s.mixture, ROWS, y, key, &stats, check_err));
    cr_assert(stats.converged);
    cr_assert_eq(stats.clusters, 3);
    for (int k = 0; k < 3; k++) {
      // the cluster nearest to it
      double mean[P], S[P * P], w = 0, gap = HUGE_VAL;
      for (int c = 0; c < 3; c++) {
        double at[P], spread[P * P];
        const double weight = tnd_mixture_cluster(s.mixture, c, at, spread);
        if (fabs(at[2] - centre[k][2]) >= gap) continue;
        gap = fabs(at[2] - centre[k][2]);
        w = weight;
        memcpy(mean, at, sizeof mean);
        memcpy(S, spread, sizeof S);
      }
      // five standard errors of 900 rows, or of the 180 at least that are a cluster's
      check_close(w, share[k], 5 * sqrt(0.25 / ROWS));
      for (int i = 0; i < P; i++) {
        double sd[P], expected[P];
        for (int j = 0; j < P; j++) {
          sd[j] = expected[j] = 0;
          for (int l = 0; l < P; l++) {
            sd[j] += factor_[k][j * P + l] * factor_[k][j * P + l];
            expected[j] += factor_[k][i * P + l] * factor_[k][j * P + l];
          }
          sd[j] = sqrt(sd[j]);
        }
        const double n = share[k] * ROWS * 0.8;
        cr_assert(fabs(mean[i] - centre[k][i]) < 5 * sd[i] / sqrt(n), "key %u: mean %g, not %g",
                  key, mean[i], centre[k][i]);
        for (int j = 0; j < P; j++)
          cr_assert(fabs(S[i * P + j] - expected[j]) < 5 * sqrt(2 / n) * sd[i] * sd[j],
                    "key %u: covariance %g, not %g", key, S[i * P + j], expected[j]);
      }
    }
    close_scene(&s);
  }
}

Test(mixture, the_objective_never_falls) {
  tnd_mixture_options options = tnd_mixture_defaults();
  options.tolerance = 1e-9;
  int iterations = 0;
  for (uint32_t key = 0; key < 12; key++) {
    scene s = open_scene(1, options, P);
    tnd_mixture_stats stats;
    bent_sheet(key);
    check_ok(tnd_mixture_fit(s.mixture, ROWS, y, key, &stats, check_err));
    cr_assert_eq(stats.clusters + stats.dropped, 20);
    cr_assert_eq(stats.dropped, 0);
    for (int i = 1; i < stats.iterations; i++)  // to rounding of a sum of 900 logarithms
      cr_assert(stats.trace[i] >= stats.trace[i - 1] - 1e-12 * ROWS,
                "key %u, iteration %d: %.17g, %.17g", key, i, stats.trace[i - 1], stats.trace[i]);
    iterations += stats.iterations;
    close_scene(&s);
  }
  cr_assert(iterations > 12 * 20);
}

Test(mixture, more_clusters_explain_a_bent_sheet_better) {
  double logp[3];
  bent_sheet(50);
  for (int i = 0; i < 3; i++) {
    tnd_mixture_options options = tnd_mixture_defaults();
    options.clusters = i == 0 ? 1 : i == 1 ? 4 : 16;
    scene s = open_scene(1, options, P);
    tnd_mixture_stats stats;
    check_ok(tnd_mixture_fit(s.mixture, ROWS, y, 0, &stats, check_err));
    logp[i] = stats.logp;
    close_scene(&s);
  }
  cr_assert(logp[1] > logp[0] + 0.2 && logp[2] > logp[1] + 0.2, "%g %g %g", logp[0], logp[1],
            logp[2]);
}

// N(x; mean, S), not in log space, by LAPACK.
static double density(int p, const double *x, const double *mean, const double *S) {
  double L[8 * 8], d[8], square = 0, root = 1;
  memcpy(L, S, sizeof *L * (size_t)(p * p));
  cr_assert(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', p, L, p) == 0);
  for (int i = 0; i < p; i++) {
    d[i] = x[i] - mean[i];
    root *= L[i * p + i] * sqrt(6.283185307179586);
  }
  cr_assert(LAPACKE_dtrtrs(LAPACK_ROW_MAJOR, 'L', 'N', 'N', p, 1, L, p, d, 1) == 0);
  for (int i = 0; i < p; i++)
    square += d[i] * d[i];
  return exp(-0.5 * square) / root;
}

Test(mixture, likelihood_and_priors_are_those_of_the_clusters_it_shows) {
  enum { STEPS = 9, N = ROWS / STEPS };
  tnd_mixture_options options = tnd_mixture_defaults();
  options.clusters = 6;
  scene s = open_scene(2, options, P);
  tnd_mixture_stats stats;
  bent_sheet(60);
  check_ok(tnd_mixture_fit(s.mixture, ROWS, y, 0, &stats, check_err));
  double w[6], mean[6][P], S[6][P * P];
  for (int c = 0; c < stats.clusters; c++)
    w[c] = tnd_mixture_cluster(s.mixture, c, mean[c], S[c]);
  double logp = 0, mu0[STEPS * P], Phi[STEPS * P * P];
  check_ok(tnd_mixture_priors(s.mixture, STEPS, N, y, 2.5, mu0, Phi, check_err));
  for (int t = 0; t < STEPS; t++) {
    double h[6] = {0}, m[P] = {0}, expected[P * P] = {0};
    for (int r = t * N; r < (t + 1) * N; r++) {
      double part[6], sum = 0;
      for (int c = 0; c < stats.clusters; c++)
        sum += part[c] = w[c] * density(P, y + r * P, mean[c], S[c]);
      logp += log(sum) / ROWS;
      for (int c = 0; c < stats.clusters; c++)
        h[c] += part[c] / sum / N;
    }
    for (int c = 0; c < stats.clusters; c++)
      for (int i = 0; i < P; i++)
        m[i] += h[c] * mean[c][i];
    for (int c = 0; c < stats.clusters; c++)
      for (int i = 0; i < P * P; i++)
        expected[i] +=
            2.5 * h[c] * (S[c][i] + (mean[c][i / P] - m[i / P]) * (mean[c][i % P] - m[i % P]));
    check_all_close(mu0 + t * P, m, P, 1e-11);
    check_all_close(Phi + t * P * P, expected, P * P, 1e-11);
  }
  // weights and factors have a condition of about 1e4
  check_close(stats.logp, logp, 1e-10);
  close_scene(&s);
}

Test(mixture, one_cluster_is_the_mean_and_the_covariance) {
  tnd_mixture_options options = tnd_mixture_defaults();
  options.clusters = 1;
  scene s = open_scene(1, options, P);
  tnd_mixture_stats stats;
  three_clusters(30);
  check_ok(tnd_mixture_fit(s.mixture, ROWS, y, 0, &stats, check_err));
  double mean[P], S[P * P];
  check_close(tnd_mixture_cluster(s.mixture, 0, mean, S), 1, 0);
  for (int i = 0; i < P; i++) {
    double m = 0, v = 0;
    for (int r = 0; r < ROWS; r++)
      m += y[r * P + i] / ROWS;
    for (int r = 0; r < ROWS; r++)
      v += (y[r * P + i] - m) * (y[r * P + i] - m) / ROWS;
    check_close(mean[i], m, 1e-12);
    check_close(S[i * P + i], v * (1 + options.floor / ROWS), 1e-12);
  }
  close_scene(&s);
}

Test(mixture, has_no_more_clusters_than_rows_allow) {
  scene s = open_scene(1, tnd_mixture_defaults(), P);
  tnd_mixture_stats stats;
  bent_sheet(70);
  const int rows[] = {1, 2, 39, 40, 79, 80, 200, ROWS}, most[] = {1, 1, 1, 1, 1, 2, 5, 20};
  for (int i = 0; i < 8; i++) {
    check_ok(tnd_mixture_fit(s.mixture, rows[i], y, 0, &stats, check_err));
    cr_assert_eq(stats.clusters + stats.dropped, most[i], "%d rows: %d clusters", rows[i],
                 stats.clusters);
    cr_assert_eq(stats.clusters, tnd_mixture_clusters(s.mixture));
  }
  close_scene(&s);
}

// Rows of transitions with two states and one control, of kinds that leave directions without
// variance.
enum { DX = 2, DU = 1, Q = 2 * DX + DU, KINDS = 8 };

static int difficult(int kind, double *rows) {
  tendril_random random = tendril_random_stream(13, TENDRIL_PURPOSE_TEST, (uint32_t)kind, 0);
  const int n = kind == 0 ? 1 : kind == 1 ? 25 : 100;
  for (int r = 0; r < n; r++) {
    double e[Q], *row = rows + r * Q;
    tendril_random_normals(&random, Q, e);
    for (int i = 0; i < Q; i++) {
      switch (kind) {
      case 1:
        row[i] = e[i];
        break;  // hardly more rows than clusters
      case 2:
        row[i] = 0.1 + i;
        break;  // all the same
      case 3:
        row[i] = (r % 2) * 1e3 + i;
        break;  // two points, fifty times each
      case 4:
        row[i] = (i + 1) * e[0];
        break;  // a line
      case 5:
        row[i] = i == 1 ? 7 : e[i];
        break;  // an entry that never varies
      case 6:
        row[i] = r == 99 ? 1e9 : e[i];
        break;  // one row far out
      case 7:
        row[i] = r < 98 ? 1e-9 * e[i] : 1e6 * e[i];
        break;  // a speck and two rows
      default:
        row[i] = e[i];
      }
    }
  }
  return n;
}

Test(mixture, survives_rows_that_leave_nothing_to_fit) {
  for (int kind = 0; kind < KINDS; kind++)
    for (int each = 1; each <= 40; each *= 2) {
      tnd_mixture_options options = tnd_mixture_defaults();
      options.rows_per_cluster = each;
      scene s = open_scene(1, options, Q);
      tnd_mixture_stats stats;
      double rows[100 * Q], mu0[Q], Phi[Q * Q], mean[Q], S[Q * Q], total = 0;
      const int n = difficult(kind, rows);
      check_ok(tnd_mixture_fit(s.mixture, n, rows, 0, &stats, check_err));
      cr_assert(stats.clusters >= 1 && isfinite(stats.logp), "kind %d", kind);
      for (int c = 0; c < stats.clusters; c++)
        total += tnd_mixture_cluster(s.mixture, c, mean, S);
      check_close(total, 1, 1e-14);
      check_ok(tnd_mixture_priors(s.mixture, 1, n, rows, 1, mu0, Phi, check_err));
      // the prior is one: a single sample is enough for a model
      const tnd_niw_prior prior = {.m = 1, .n0 = 1, .mu0 = mu0, .Phi = Phi};
      tnd_local_dynamics *local;
      check_ok(tnd_local_dynamics_create(1, DX, DU, s.pool, &local, check_err));
      check_ok(tnd_local_dynamics_update(local, 1, rows, &prior, check_err));
      tnd_local_dynamics_destroy(local);
      close_scene(&s);
    }
}

// With a scatter far above the data's own a small cluster is wide, so rows leave it, so it gets
// wider: all but a few die out.
Test(mixture, clusters_that_run_empty_are_dropped) {
  tnd_mixture_options options = tnd_mixture_defaults();
  options.rows_per_cluster = 1;
  options.floor = 100;
  options.tolerance = 0;
  options.max_iters = 2000;
  scene s = open_scene(1, options, Q);
  tnd_mixture_stats stats;
  double rows[100 * Q], mean[Q], S[Q * Q], total = 0;
  const int n = difficult(1, rows);
  check_ok(tnd_mixture_fit(s.mixture, n, rows, 0, &stats, check_err));
  cr_assert(stats.dropped > 0 && stats.clusters >= 1);
  cr_assert_eq(stats.clusters + stats.dropped, 20);
  cr_assert_eq(stats.clusters, tnd_mixture_clusters(s.mixture));
  for (int c = 0; c < stats.clusters; c++) {
    const double w = tnd_mixture_cluster(s.mixture, c, mean, S);
    cr_assert(w * n > 0.5 - 1e-9, "cluster %d of %d has %g rows", c, stats.clusters, w * n);
    total += w;
  }
  check_close(total, 1, 1e-14);
  close_scene(&s);
}

Test(mixture, same_bits_on_any_number_of_threads_and_no_allocation) {
  enum { STEPS = 9, N = ROWS / STEPS };
  double mu0[STEPS * P], Phi[STEPS * P * P], mu1[STEPS * P], Phi1[STEPS * P * P];
  bent_sheet(80);
  for (int threads = 1; threads <= 3; threads++) {
    scene s = open_scene(threads, tnd_mixture_defaults(), P);
    tnd_mixture_stats stats;
    const long allocations = tnd_alloc_count();
    for (int again = 0; again < 2; again++) {  // the object remembers nothing of a fit before
      double *mu = threads == 1 && !again ? mu1 : mu0, *scale = threads == 1 && !again ? Phi1 : Phi;
      check_ok(tnd_mixture_fit(s.mixture, ROWS / 2, y, 3, &stats, check_err));
      check_ok(tnd_mixture_fit(s.mixture, ROWS, y, 7, &stats, check_err));
      check_ok(tnd_mixture_priors(s.mixture, STEPS, N, y, 1, mu, scale, check_err));
      check_same_bits(mu, mu1, STEPS * P);
      check_same_bits(scale, Phi1, STEPS * P * P);
    }
    cr_assert_eq(tnd_alloc_count(), allocations);
    close_scene(&s);
  }
}

Test(mixture, an_error_names_the_row_and_leaves_no_mixture) {
  scene s = open_scene(1, tnd_mixture_defaults(), P);
  tnd_mixture_stats stats;
  double mu0[2 * P], Phi[2 * P * P];
  bent_sheet(90);
  cr_assert_eq(tnd_mixture_priors(s.mixture, 1, 5, y, 1, mu0, Phi, check_err), TENDRIL_E_ARGUMENT);
  check_ok(tnd_mixture_fit(s.mixture, ROWS, y, 0, &stats, check_err));
  y[17 * P + 1] = NAN;
  cr_assert_eq(tnd_mixture_priors(s.mixture, 2, 10, y, 1, mu0, Phi, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "step 1"), "%s", support_error_line.text);
  cr_assert_eq(tnd_mixture_fit(s.mixture, ROWS, y, 0, &stats, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "row 17"), "%s", support_error_line.text);
  cr_assert_eq(tnd_mixture_clusters(s.mixture), 0);
  for (int r = 0; r < ROWS; r++)
    y[r * P + 1] = r % 2 ? 1e300 : -1e300;
  cr_assert_eq(tnd_mixture_fit(s.mixture, ROWS, y, 0, &stats, check_err), TENDRIL_E_NUMERIC);
  cr_assert(strstr(support_error_line.text, "entry 1"), "%s", support_error_line.text);
  cr_assert_eq(tnd_mixture_fit(s.mixture, ROWS + 1, y, 0, &stats, check_err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_mixture_fit(s.mixture, 0, y, 0, &stats, check_err), TENDRIL_E_ARGUMENT);
  close_scene(&s);
}

static tendril_status attempt(void *context, tendril_error *err) {
  const tnd_mixture_options options = tnd_mixture_defaults();
  tnd_mixture *m;
  tendril_status status = tnd_mixture_create(&options, P, ROWS, context, &m, err);
  if (status == TENDRIL_OK) tnd_mixture_destroy(m);
  return status;
}

Test(mixture, survives_failing_allocations_and_refuses_absurd_options) {
  scene s = open_scene(1, tnd_mixture_defaults(), P);
  cr_assert_geq(support_fail_each_alloc(attempt, s.pool), 2);
  tnd_mixture_options options = tnd_mixture_defaults();
  tnd_mixture *m;
  options.floor = 0;
  cr_assert_eq(tnd_mixture_create(&options, P, ROWS, s.pool, &m, check_err), TENDRIL_E_ARGUMENT);
  tnd_mixture_destroy(NULL);
  close_scene(&s);
}
