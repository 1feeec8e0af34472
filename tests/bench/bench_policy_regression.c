// The policy step of guided policy search at the size of the walker's: 9600 rows (200 time steps of
// 48), 17 inputs, 6 torques in N m, a precision matrix for every time step, one hidden layer of 10
// and of 50 softplus units, 60 iterations of L-BFGS from a fresh policy. In interleaved rounds:
//   fit     CPU s of one thread, double and single precision inside the network
//   dgemm   bare cblas_dgemm of the same products in double precision, as often as f is evaluated
//   two     wall time of one thread over that of two
// and, at the end of the fit in double precision, how far single precision is off in the gradient.
// --json for a program.
#include "base/clock.h"
#include "learn/policy_regression.h"
#include "math/blas.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { T = 200, PER_STEP = 48, N = T * PER_STEP, NOBS = 17, NACT = 6, CHUNK = 256, ROUNDS = 9 };

typedef struct data {
  double *obs, *target, *precision;
  int *group;
  tnd_regression_rows rows;
} data;

static tendril_error err;

static void must(tendril_status status) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "bench_policy_regression: %s\n", err.text);
  exit(1);
}

static double *normals(uint32_t which, int n) {
  double *z = calloc((size_t)n, sizeof *z);
  tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, which, 0);
  if (!z) exit(1);
  tendril_random_normals(&random, n, z);
  return z;
}

static tendril_policy *policy_of(int hidden, tendril_precision precision, uint64_t seed,
                                 const data *d) {
  tendril_policy *policy;
  tendril_policy_options options;
  tendril_policy_defaults(&options);
  options.hidden = (tendril_sizes){.n = 1, .at = {hidden}};
  options.activation = TENDRIL_SOFTPLUS;
  options.precision = precision;
  must(tendril_policy_create(&options, NOBS, NACT, T, seed, &policy, &err));
  tnd_policy_observe(policy, N, d->obs);
  return policy;
}

// States along a periodic motion with noise around it; torques of some 30 N m by another network,
// and an eighth of that as what no network explains.
static void make_data(data *d) {
  d->obs = normals(0, N * NOBS);
  d->precision = calloc(T * NACT * NACT, sizeof *d->precision);
  d->group = calloc(N, sizeof *d->group);
  d->target = normals(1, N * NACT);
  if (!d->precision || !d->group) exit(1);
  double *phase = normals(2, 2 * NOBS), *mix = normals(3, T * NACT * NACT);
  for (int k = 0; k < N; k++) {
    const int t = d->group[k] = k / PER_STEP;
    for (int i = 0; i < NOBS; i++)
      d->obs[k * NOBS + i] = 0.3 * d->obs[k * NOBS + i] + sin(0.06 * t + 6 * phase[i]) +
                             0.5 * sin(0.12 * t + 6 * phase[NOBS + i]);
  }
  tendril_policy *teacher = policy_of(30, TENDRIL_DOUBLE, 5, d);
  const int nparam = tendril_policy_nparam(teacher);
  double *theta = normals(4, nparam), mu[NACT];
  tendril_actor *actor;
  must(tendril_policy_set_params(teacher, theta, &err));
  must(tendril_actor_create(teacher, &actor, &err));
  for (int k = 0; k < N; k++) {
    tendril_policy_act(teacher, actor, 0, d->obs + k * NOBS, NULL, mu);
    for (int a = 0; a < NACT; a++)
      d->target[k * NACT + a] = 4 * (mu[a] + d->target[k * NACT + a]);
  }
  // lambda_t A_t^-1 = (I + M M' / 2) / 25, a deviation of a few N m
  for (int t = 0; t < T; t++)
    for (int a = 0; a < NACT; a++)
      for (int b = 0; b < NACT; b++) {
        double sum = a == b;
        for (int c = 0; c < NACT; c++)
          sum += 0.5 * mix[(t * NACT + a) * NACT + c] * mix[(t * NACT + b) * NACT + c];
        d->precision[(t * NACT + a) * NACT + b] = sum / 25;
      }
  d->rows = (tnd_regression_rows){.n = N,
                                  .obs = d->obs,
                                  .target = d->target,
                                  .ngroup = T,
                                  .group = d->group,
                                  .precision = d->precision};
  tendril_actor_destroy(actor);
  tendril_policy_destroy(teacher);
  free(theta);
  free(phase);
  free(mix);
}

// One fit from the same start; wall time, CPU s in the result.
static double fit(tnd_policy_regression *regression, const double *start, const data *d,
                  tnd_regression_result *result) {
  must(tendril_policy_set_params(tnd_policy_regression_policy(regression), start, &err));
  const double clock = tnd_clock_wall();
  must(tnd_policy_regression_fit(regression, &d->rows, result, &err));
  return tnd_clock_wall() - clock;
}

static void product(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const double *a,
                    int lda, const double *b, int ldb, double *c) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, n);
}

// CPU s of the matrix products of `evaluations` evaluations: forward, both layers; backward, both
// gradients and the one of the hidden layer.
static double bare(int hidden, int evaluations, const data *d, const double *weights,
                   double *scratch) {
  double *h = scratch, *y = h + CHUNK * hidden, *g = y + CHUNK * NACT, *gw = g + CHUNK * hidden;
  const double clock = tnd_clock_thread();
  for (int e = 0; e < evaluations; e++)
    for (int first = 0; first < N; first += CHUNK) {
      const int n = N - first < CHUNK ? N - first : CHUNK;
      const double *x = d->obs + (ptrdiff_t)first * NOBS;
      product(CblasNoTrans, CblasNoTrans, n, hidden, NOBS, x, NOBS, weights, hidden, h);
      product(CblasNoTrans, CblasNoTrans, n, NACT, hidden, h, hidden, weights, NACT, y);
      product(CblasTrans, CblasNoTrans, hidden, NACT, n, h, hidden, y, NACT, gw);
      product(CblasNoTrans, CblasTrans, n, hidden, NACT, y, NACT, weights, NACT, g);
      product(CblasTrans, CblasNoTrans, NOBS, hidden, n, x, NOBS, g, hidden, gw);
    }
  return tnd_clock_thread() - clock;
}

// |g - exact| / |exact| of the first regression's gradient at the policy of the second.
static double gradient_error(tnd_policy_regression *rough, tnd_policy_regression *fine,
                             const data *d) {
  tendril_policy *policy = tnd_policy_regression_policy(fine);
  const int n = tendril_policy_nparam(policy);
  double *g = malloc(sizeof *g * 2 * (size_t)n), f, error = 0, size = 0;
  if (!g) exit(1);
  must(tendril_policy_set_params(tnd_policy_regression_policy(rough),
                                 tendril_policy_get_params(policy), &err));
  must(tnd_policy_regression_value(rough, &d->rows, &f, g, &err));
  must(tnd_policy_regression_value(fine, &d->rows, &f, g + n, &err));
  for (int i = 0; i < n; i++) {
    error += (g[i] - g[n + i]) * (g[i] - g[n + i]);
    size += g[n + i] * g[n + i];
  }
  free(g);
  return sqrt(error / size);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values) {
  qsort(values, ROUNDS, sizeof *values, ascending);
  return values[ROUNDS / 2];
}

enum { DOUBLE, SINGLE, TWO, NSUBJECT };

int main(int argc, char **argv) {
  const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  static data d;
  tendril_pool *one, *two;
  tnd_blas_init();
  make_data(&d);
  must(tendril_pool_create(1, &one, &err));
  must(tendril_pool_create(2, &two, &err));
  if (json) printf("[");
  for (int k = 0; k < 2; k++) {
    const int hidden = k ? 50 : 10;
    tnd_lbfgs_options search = TND_POLICY_REGRESSION_SEARCH;
    search.tolerance = 0;  // all iterations
    tendril_policy *policy[NSUBJECT];
    tnd_policy_regression *regression[NSUBJECT];
    tnd_regression_result result[NSUBJECT];
    for (int s = 0; s < NSUBJECT; s++) {
      policy[s] = policy_of(hidden, s == SINGLE ? TENDRIL_SINGLE : TENDRIL_DOUBLE, 1, &d);
      must(tnd_policy_regression_create(policy[s], s == TWO ? two : one, N, &search, &regression[s],
                                        &err));
    }
    const int nparam = tendril_policy_nparam(policy[DOUBLE]);
    double *start = malloc(sizeof *start * (size_t)nparam);
    double *weights = normals(9, NOBS * hidden + NACT * hidden);
    double *scratch = normals(10, 2 * CHUNK * hidden + CHUNK * NACT + NOBS * hidden);
    double wall[NSUBJECT][ROUNDS], cpu[NSUBJECT][ROUNDS], dgemm[ROUNDS], ratio[ROUNDS];
    if (!start) return 1;
    memcpy(start, tendril_policy_get_params(policy[DOUBLE]), sizeof *start * (size_t)nparam);
    for (int r = -1; r < ROUNDS; r++) {  // the first round warms up
      const int to = r < 0 ? 0 : r;
      for (int s = 0; s < NSUBJECT; s++) {
        wall[s][to] = fit(regression[s], start, &d, &result[s]);
        cpu[s][to] = result[s].cpu_seconds;
      }
      ratio[to] = wall[DOUBLE][to] / wall[TWO][to];
      dgemm[to] = bare(hidden, result[DOUBLE].search.evaluations, &d, weights, scratch);
    }
    const double error = gradient_error(regression[SINGLE], regression[DOUBLE], &d);
    const double mid = median(cpu[DOUBLE]), mid_single = median(cpu[SINGLE]);
    const double mid_dgemm = median(dgemm), mid_ratio = median(ratio);
    const double low = cpu[DOUBLE][ROUNDS / 4], high = cpu[DOUBLE][3 * ROUNDS / 4];
    const tnd_lbfgs_result *a = &result[DOUBLE].search, *b = &result[SINGLE].search;
    if (json)
      printf("%s\n  {\"units\": %d, \"cpu\": %.4g, \"low\": %.4g, \"high\": %.4g, \"dgemm\": %.4g, "
             "\"share\": %.3g, \"single_cpu\": %.4g, \"two_threads\": %.3g, \"iterations\": %d, "
             "\"evaluations\": %d, \"single_evaluations\": %d, \"before\": %.6g, \"f\": %.6g, "
             "\"single_f\": %.6g, \"single_gradient_error\": %.3g}",
             k ? "," : "", hidden, mid, low, high, mid_dgemm, mid_dgemm / mid, mid_single,
             mid_ratio, a->iterations, a->evaluations, b->evaluations, a->before, a->f, b->f,
             error);
    else
      printf(
          "%2d units  fit %.3f CPU s, quartiles %.3f to %.3f (bare dgemm %.3f s: %.0f %% of it)  "
          "single precision %.3f s  2 threads %.2f times\n"
          "          f %.4g to %.4g in %d iterations, %d evaluations; single: to %.4g in %d, %d, "
          "gradient off by %.2g\n",
          hidden, mid, low, high, mid_dgemm, 100 * mid_dgemm / mid, mid_single, mid_ratio,
          a->before, a->f, a->iterations, a->evaluations, b->f, b->iterations, b->evaluations,
          error);
    for (int s = 0; s < NSUBJECT; s++) {
      tnd_policy_regression_destroy(regression[s]);
      tendril_policy_destroy(policy[s]);
    }
    free(start);
    free(weights);
    free(scratch);
  }
  if (json) printf("\n]\n");
  tendril_pool_destroy(one);
  tendril_pool_destroy(two);
  return 0;
}
