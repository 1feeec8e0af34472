// What a prior buys local models of the dynamics: error of one-step predictions on rollouts that no
// fit has seen, for M rollouts to fit from.
//   regression   least squares at each step
//   vague        the posterior under a prior that knows the spread of each entry alone
//   mixture      the posterior under a mixture of Gaussians over all transitions of the M rollouts
//   mixture x4   the same with those of three iterations before: as many rollouts each, under
//                controllers that were a little different
//   n0 = 4       the posterior under `mixture`, its prior counting as four samples
// Swings of double-link and quad-link under time-varying linear controllers: a smooth sequence of
// torques, some stiffness and damping about the states that it leads through with random gains
// beside them, normal noise. The error of an
// entry is in units of the standard deviation of its change over a control step; what is printed is
// the root mean square over entries, steps, rollouts and controllers. "saves" is how many times M
// regression needs for the error of the column before.
//
//   bench_local_dynamics [--json]
#include "base/clock.h"
#include "base/pool.h"
#include "dynamics/local_dynamics.h"
#include "dynamics/mixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/tendril.h>

enum { T = 100, MOST = 160, SIZES = 11, CONTROLLERS = 3, TEST = 100, ITERATIONS = 4 };
enum { REGRESSION, VAGUE, MIXTURE, MIXTURE4, STRONG, FITS };
// every other one for regression alone
static const int sizes[SIZES] = {5, 8, 10, 14, 20, 28, 40, 57, 80, 113, 160};
static const char *const names[FITS] = {"regression", "vague", "mixture", "mixture x4", "n0 = 4"};

static tendril_error err;

static void must(tendril_status status) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "bench_local_dynamics: %s\n", err.text);
  exit(1);
}

static double *doubles(size_t n) {
  double *x = calloc(n, sizeof *x);
  if (!x) exit(1);
  return x;
}

typedef struct controller {
  int dx, du;
  double noise;  // N m
  double *at;    // [T][dx] states that the torques alone lead through
  double *k;     // [T][du]
  double *K;     // [T][du][dx]
} controller;

// y [T][rows][p]: rollout number `row` of `rows`; NULL: into c->at, without gains and noise
static void roll_out(const tendril_model *model, tendril_env *env, controller *c, uint32_t seed,
                     uint32_t number, int row, int rows, double *y) {
  const int dx = c->dx, du = c->du, p = 2 * dx + du;
  double x[16], next[16], u[8], e[8];
  tendril_random start = tendril_random_stream(seed, TENDRIL_PURPOSE_RESET, number, 0);
  tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_ACTION, number, 0);
  (void)model;
  must(tendril_env_reset(env, &start, x, &err));
  for (int t = 0; t < T; t++) {
    tendril_step step;
    tendril_random_normals(&random, du, e);
    for (int i = 0; i < du; i++) {
      u[i] = c->k[t * du + i];
      if (!y) continue;
      u[i] += c->noise * e[i];
      for (int j = 0; j < dx; j++)
        u[i] += c->K[(t * du + i) * dx + j] * (x[j] - c->at[t * dx + j]);
    }
    if (!y) memcpy(c->at + t * dx, x, sizeof *x * (size_t)dx);
    must(tendril_env_step(env, u, next, &step, &err));
    if (step.diverged) {
      fprintf(stderr, "bench_local_dynamics: the simulation diverged at step %d\n", t);
      exit(1);
    }
    if (y) {
      double *to = y + ((size_t)t * (size_t)rows + (size_t)row) * (size_t)p;
      memcpy(to, x, sizeof *x * (size_t)dx);
      memcpy(to + dx, u, sizeof *u * (size_t)du);
      memcpy(to + dx + du, next, sizeof *x * (size_t)dx);
    }
    memcpy(x, next, sizeof x);
  }
}

// Torques of two waves a joint; 2 N m / rad, 0.5 N m s / rad, random gains of about 0.2 beside
// them.
static void draw_controller(controller *c, uint32_t seed) {
  tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_TEST, 1, 0);
  for (int i = 0; i < c->du; i++) {
    double waves[2][3];  // amplitude N m, radians a step, phase
    for (int w = 0; w < 2; w++) {
      waves[w][0] = tendril_random_uniform(&random, 1, 5);
      waves[w][1] = 6.2832 * 0.05 * tendril_random_uniform(&random, 0.2, 1);
      waves[w][2] = tendril_random_uniform(&random, 0, 6.2832);
    }
    for (int t = 0; t < T; t++)
      for (int w = 0; w < 2; w++)
        c->k[t * c->du + i] += waves[w][0] * sin(waves[w][1] * t + waves[w][2]);
  }
  double from[8 * 16], to[8 * 16];
  const int n = c->du * c->dx;
  tendril_random_normals(&random, n, from);
  tendril_random_normals(&random, n, to);
  for (int t = 0; t < T; t++)
    for (int i = 0; i < n; i++)
      c->K[t * n + i] = 0.2 * (from[i] + (to[i] - from[i]) * t / T) -
                        (i % c->dx == i / c->dx ? 2 : 0) -
                        (i % c->dx == c->dx / 2 + i / c->dx ? 0.5 : 0);
}

// The controller of an iteration before: other torques by 10 %, other gains.
static void earlier(const controller *c, controller *out, uint32_t seed, int age) {
  tendril_random random = tendril_random_stream(seed, TENDRIL_PURPOSE_TEST, 2, (uint32_t)age);
  double e[8];
  tendril_random_normals(&random, c->du, e);
  for (int t = 0; t < T; t++) {
    memcpy(out->at + t * c->dx, c->at + t * c->dx, sizeof(double) * (size_t)c->dx);
    for (int i = 0; i < c->du; i++)
      out->k[t * c->du + i] = c->k[t * c->du + i] * (1 + 0.1 * age * e[i]);
    for (int i = 0; i < c->du * c->dx; i++)
      out->K[t * c->du * c->dx + i] = c->K[t * c->du * c->dx + i] * (1 - 0.1 * age);
  }
}

// Sum of squared errors of the models on rows y [T][rows][p], entries in units of `unit`.
static double squares(const tnd_linear_gaussian *models, int rows, const double *y,
                      const double *unit) {
  const int nz = models[0].ns, dx = models[0].na, p = nz + dx;
  double sum = 0, x[16];
  for (int t = 0; t < T; t++)
    for (int r = 0; r < rows; r++) {
      const double *row = y + ((size_t)t * (size_t)rows + (size_t)r) * (size_t)p;
      tnd_linear_gaussian_mean(&models[t], row, x);
      for (int i = 0; i < dx; i++) {
        const double e = (x[i] - row[nz + i]) / unit[i];
        sum += e * e;
      }
    }
  return sum / ((double)T * rows * dx);
}

typedef struct bench {
  const tendril_model *model;
  tendril_env *env;
  tendril_pool *pool;
  int dx, du, p;
  double noise;
  double seconds;  // of the largest fit of a mixture
  int clusters;
  double error[SIZES][FITS];
} bench;

// y [T][rows][p], of it the rollouts from..from+M-1 into out [T][M][p]
static void pick(int p, int rows, const double *y, int from, int M, double *out) {
  for (int t = 0; t < T; t++)
    memcpy(out + (size_t)t * (size_t)(M * p),
           y + ((size_t)t * (size_t)rows + (size_t)from) * (size_t)p,
           sizeof *out * (size_t)(M * p));
}

static void measure(bench *b) {
  const size_t p = (size_t)b->p, dx = (size_t)b->dx, du = (size_t)b->du;
  const size_t rows = (size_t)T * MOST;
  double *all[ITERATIONS], *test = doubles((size_t)T * TEST * p);
  double *y = doubles(ITERATIONS * rows * p), *mu0 = doubles(T * p), *Phi = doubles(T * p * p);
  for (int i = 0; i < ITERATIONS; i++)
    all[i] = doubles(rows * p);
  tnd_mixture_options options = tnd_mixture_defaults();
  tnd_mixture *mixture;
  tnd_local_dynamics *local;
  must(tnd_mixture_create(&options, b->p, ITERATIONS * T * MOST, b->pool, &mixture, &err));
  must(tnd_local_dynamics_create(T, b->dx, b->du, b->pool, &local, &err));

  double sum[SIZES][FITS] = {{0}};
  int count[SIZES][FITS] = {{0}};
  for (uint32_t seed = 1; seed <= CONTROLLERS; seed++) {
    controller c[2];
    for (int i = 0; i < 2; i++)
      c[i] = (controller){.dx = b->dx,
                          .du = b->du,
                          .noise = b->noise,
                          .at = doubles(T * dx),
                          .k = doubles(T * du),
                          .K = doubles(T * du * dx)};
    draw_controller(&c[0], seed);
    roll_out(b->model, b->env, &c[0], seed, 0, 0, 1, NULL);
    for (int i = 0; i < TEST; i++)
      roll_out(b->model, b->env, &c[0], seed, 1000 + (uint32_t)i, i, TEST, test);
    for (int age = 0; age < ITERATIONS; age++) {
      earlier(&c[0], &c[1], seed, age);
      for (int i = 0; i < MOST; i++)
        roll_out(b->model, b->env, &c[age ? 1 : 0], seed, (uint32_t)(10000 * (age + 1) + i), i,
                 MOST, all[age]);
    }
    double unit[16] = {0};
    for (size_t r = 0; r < (size_t)T * TEST; r++)
      for (size_t i = 0; i < dx; i++) {
        const double d = test[r * p + dx + du + i] - test[r * p + i];
        unit[i] += d * d / (T * TEST);
      }
    for (size_t i = 0; i < dx; i++)
      unit[i] = sqrt(unit[i]);

    for (int s = 0; s < SIZES; s++) {
      const int M = sizes[s], parts = M > 20 ? 1 : 3;
      for (int part = 0; part < parts; part++) {
        // this iteration's rollouts first, then older ones
        const size_t block = (size_t)T * (size_t)M * p;
        for (int age = 0; age < ITERATIONS; age++)
          pick(b->p, MOST, all[age], part * M, M, y + (size_t)age * block);
        for (int fit = 0; fit < (s % 2 ? 1 : FITS); fit++) {
          const double n0 = fit == STRONG ? 4 : 1;
          tnd_niw_prior prior = {.m = n0, .n0 = n0, .mu0 = mu0, .Phi = Phi};
          if (fit == REGRESSION) {
            if (M < tnd_local_dynamics_need(local)) continue;
            must(tnd_local_dynamics_regress(local, M, y, TND_LOCAL_RIDGE, &err));
          } else if (fit == VAGUE) {
            // mean and variance of each entry over all transitions
            memset(mu0, 0, sizeof *mu0 * T * p);
            memset(Phi, 0, sizeof *Phi * T * p * p);
            const size_t n = (size_t)T * (size_t)M;
            for (size_t i = 0; i < p; i++) {
              double mean = 0, v = 0;
              for (size_t r = 0; r < n; r++)
                mean += y[r * p + i] / (double)n;
              for (size_t r = 0; r < n; r++)
                v += (y[r * p + i] - mean) * (y[r * p + i] - mean) / (double)n;
              for (size_t t = 0; t < T; t++) {
                mu0[t * p + i] = mean;
                Phi[(t * p + i) * p + i] = 1e-4 * v;
              }
            }
            prior.m = 1e-4;
            must(tnd_local_dynamics_update(local, M, y, &prior, &err));
          } else if (fit != MIXTURE4 || M <= MOST / ITERATIONS) {
            tnd_mixture_stats stats;
            const int n = T * M * (fit == MIXTURE4 ? ITERATIONS : 1);
            const double began = tnd_clock_wall();
            must(tnd_mixture_fit(mixture, n, y, seed, &stats, &err));
            must(tnd_mixture_priors(mixture, T, M, y, n0, mu0, Phi, &err));
            if (M == MOST && fit == MIXTURE) {
              b->seconds = tnd_clock_wall() - began;
              b->clusters = stats.clusters;
            }
            must(tnd_local_dynamics_update(local, M, y, &prior, &err));
          } else {
            continue;
          }
          sum[s][fit] += squares(tnd_local_dynamics_models(local), TEST, test, unit);
          count[s][fit]++;
        }
      }
    }
    for (int i = 0; i < 2; i++) {
      free(c[i].at);
      free(c[i].k);
      free(c[i].K);
    }
  }
  for (int s = 0; s < SIZES; s++)
    for (int fit = 0; fit < FITS; fit++)
      b->error[s][fit] = count[s][fit] ? sqrt(sum[s][fit] / count[s][fit]) : (double)NAN;

  tnd_local_dynamics_destroy(local);
  tnd_mixture_destroy(mixture);
  for (int i = 0; i < ITERATIONS; i++)
    free(all[i]);
  free(test);
  free(y);
  free(mu0);
  free(Phi);
}

// M that regression needs for `error`, by straight lines between logarithms; negative: more than it
// was tried with.
static double needed(const bench *b, double error) {
  for (int s = 0; s < SIZES; s++) {
    if (!(b->error[s][REGRESSION] <= error)) continue;
    if (s == 0 || !(b->error[s - 1][REGRESSION] > error)) return sizes[s];
    const double high = log(b->error[s - 1][REGRESSION]), low = log(b->error[s][REGRESSION]);
    const double share = (high - log(error)) / (high - low);
    return sizes[s - 1] * pow((double)sizes[s] / sizes[s - 1], share);
  }
  return -1;
}

static void report(const bench *b, const char *task, bool json, bool first) {
  if (json) {
    printf("%s\n  {\"task\": \"%s\", \"noise\": %g, \"rows\": [", first ? "" : ",", task, b->noise);
    for (int s = 0; s < SIZES; s++) {
      printf("%s{\"M\": %d", s ? ", " : "", sizes[s]);
      for (int fit = 0; fit < FITS; fit++)
        if (isfinite(b->error[s][fit])) printf(", \"%s\": %.4g", names[fit], b->error[s][fit]);
      printf("}");
    }
    printf("], \"clusters\": %d, \"mixture_seconds\": %.3f}", b->clusters, b->seconds);
    return;
  }
  printf("%s, noise of %g N m: error of one-step predictions\n%6s", task, b->noise, "M");
  for (int fit = 0; fit < FITS; fit++)
    printf("%12s%s", names[fit], fit >= MIXTURE ? "  saves" : "");
  printf("\n");
  for (int s = 0; s < SIZES; s++) {
    printf("%6d", sizes[s]);
    for (int fit = 0; fit < FITS; fit++) {
      const double error = b->error[s][fit], M = needed(b, error);
      if (isfinite(error))
        printf("%12.4f", error);
      else
        printf("%12s", s % 2 && fit ? "" : "-");
      if (fit >= MIXTURE && isfinite(error) && M > 0)
        printf("%7.1f", M / sizes[s]);
      else if (fit >= MIXTURE && isfinite(error))
        printf("%3s%4.1f", ">", (double)MOST / sizes[s]);
      else if (fit >= MIXTURE)
        printf("%7s", "");
    }
    printf("\n");
  }
  printf("mixture of %d transitions: %d clusters, %.2f s\n\n", T * MOST, b->clusters, b->seconds);
  fflush(stdout);
}

int main(int argc, char **argv) {
  const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  static const char *const tasks[] = {"double-link", "quad-link"};
  static const double noises[] = {0.5, 2};
  tendril_tasks *list;
  tendril_pool *pool;
  must(tendril_tasks_create(&list, &err));
  must(tendril_pool_create(0, &pool, &err));
  if (json) printf("[");
  for (int i = 0; i < 4; i++) {
    tendril_model *model;
    bench b = {.pool = pool, .noise = noises[i % 2]};
    must(tendril_tasks_model(list, tasks[i / 2], NULL, &model, &err));
    must(tendril_env_create(model, &b.env, &err));
    b.model = model;
    b.dx = tendril_model_nobs(model);
    b.du = tendril_model_nact(model);
    b.p = 2 * b.dx + b.du;
    measure(&b);
    report(&b, tasks[i / 2], json, i == 0);
    tendril_env_destroy(b.env);
    tendril_model_destroy(model);
  }
  if (json) printf("\n]\n");
  tendril_pool_destroy(pool);
  tendril_tasks_destroy(list);
  return 0;
}
