// Speed of MOTO's policy evaluation at the sizes of its paper's tasks, one thread unless said:
//   double  4 states, 2 actions, 100 steps, 2000 samples an iteration of which 10 are kept: all
//           serve every step by importance weights
//   quad    8 states, 4 actions, 100 steps of 400 samples each, none reused
// For both: the whole regression (features, products, factors, solutions) beside bare cblas_dsyrk
// on as many rows of the same features in the same rounds; two threads beside one. For double also
// what the weights cost. --json for a program.
#include "base/clock.h"
#include "critic/importance.h"
#include "critic/local_quadratic.h"
#include "math/blas.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { T = 100, ROUNDS = 15, BLOCK = 256 };

typedef struct subject {
  const char *name;
  int ns, na, kept, rows;  // rows of an iteration
  bool reuse;
  double *s, *a, *next;
  int *time, *row;
  tnd_gaussian *state;          // [kept][T]
  tnd_linear_gaussian *policy;  // [kept][T]
  tnd_step_rows steps[T];
  tnd_importance *importance;
  tnd_local_quadratic *fit;
  double *block, *product;  // of bare dsyrk
  int features;             // its rows
} subject;

static void must(tendril_status status, const tendril_error *err) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "bench_moto_regression: %s\n", err->text);
  exit(1);
}

static double *normals(uint32_t which, int n) {
  double *z = calloc((size_t)n, sizeof *z);
  tendril_random random = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, which, 0);
  if (!z) exit(1);
  tendril_random_normals(&random, n, z);
  return z;
}

static void reward(void *context, int t, int n, const int *row, double *y) {
  const subject *x = context;
  for (int i = 0; i < n; i++) {
    const double *s = x->s + (ptrdiff_t)row[i] * x->ns, *a = x->a + (ptrdiff_t)row[i] * x->na;
    y[i] = -1e-5 * a[0] * a[0];
    for (int j = 0; t >= 80 && j < x->ns; j++)
      y[i] -= s[j] * s[j];
  }
}

// States drift by two deviations over the steps, and by a little over the iterations.
static double drift(int i, int j, int t) {
  return 0.02 * t + 0.05 * j + 0.1 * i;
}

static void set_up(subject *x) {
  const int ns = x->ns, na = x->na, n = x->kept * x->rows;
  tendril_error err;
  x->s = normals(0, n * ns);
  x->a = normals(1, n * na);
  x->next = normals(2, n * ns);
  x->time = calloc((size_t)n, sizeof *x->time);
  x->row = calloc((size_t)n, sizeof *x->row);
  x->state = calloc((size_t)(x->kept * T), sizeof *x->state);
  x->policy = calloc((size_t)(x->kept * T), sizeof *x->policy);
  if (!x->time || !x->row || !x->state || !x->policy) exit(1);
  for (int r = 0; r < n; r++) {
    x->time[r] = r % T;
    for (int i = 0; i < ns; i++) {
      x->s[r * ns + i] += drift(i, r / x->rows, r % T);
      x->next[r * ns + i] += drift(i, r / x->rows, r % T + 1);
    }
    for (int i = 0; i < na; i++)
      x->a[r * na + i] -= 0.2 * x->s[r * ns + i];
  }
  for (int k = 0; k < x->kept * T; k++) {
    double *numbers = calloc((size_t)(ns + 2 * ns * ns + na * ns + na + na * na), sizeof(double));
    if (!numbers) exit(1);
    tnd_gaussian *g = &x->state[k];
    tnd_linear_gaussian *p = &x->policy[k];
    *g = (tnd_gaussian){ns, numbers, numbers + ns, numbers + ns + ns * ns};
    *p = (tnd_linear_gaussian){ns, na, g->C + ns * ns, NULL, NULL};
    p->k = p->K + na * ns;
    p->C = p->k + na;
    for (int i = 0; i < ns; i++) {
      g->mean[i] = drift(i, k / T, k % T);
      g->C[i * ns + i] = 1;
    }
    for (int i = 0; i < na; i++) {
      p->K[i * ns + i] = -0.2;
      p->C[i * na + i] = 1;
    }
  }
  const tnd_local_quadratic_size sizes = {T, ns, na, 1e-6, 0.01, 2};
  must(tnd_local_quadratic_create(&sizes, &x->fit, &err), &err);
  if (x->reuse) {
    const tnd_importance_size size = {T, ns, na, x->kept, x->rows, 2, 1e-3};
    must(tnd_importance_create(&size, &x->importance, &err), &err);
  } else
    tnd_step_rows_by_time(T, 0, n, x->time, x->row, x->steps);

  x->features = tnd_quadratic_nfeature(ns + na) + tnd_quadratic_nfeature(ns) + 1;
  x->block = normals(3, x->features * BLOCK);
  x->product = calloc((size_t)(x->features * x->features), sizeof *x->product);
  if (!x->product) exit(1);
}

// Iteration j comes in; the first of them in place of the last.
static void add(subject *x, tendril_pool *pool, int j) {
  tendril_error err;
  const tnd_importance_iteration it = {
      .state = x->state + (ptrdiff_t)j * T,
      .policy = x->policy + (ptrdiff_t)j * T,
      .first = j * x->rows,
      .n = x->rows,
      .s = x->s,
      .a = x->a,
      .time = x->time,
  };
  must(tnd_importance_add(x->importance, pool, &it, &err), &err);
}

static void come(subject *x, tendril_pool *pool) {
  if (x->reuse) add(x, pool, x->kept - 1);
}

static void weigh(subject *x, tendril_pool *pool) {
  if (x->reuse) tnd_importance_weights(x->importance, pool, x->steps);
}

static void fit(subject *x, tendril_pool *pool) {
  tendril_error err;
  const tnd_local_quadratic_data data = {.steps = x->steps,
                                         .s = x->s,
                                         .a = x->a,
                                         .next = x->next,
                                         .reward = reward,
                                         .context = x,
                                         .discount = 1};
  must(tnd_local_quadratic_fit(x->fit, pool, &data, &err), &err);
}

// Bare products of as many rows of as many features.
static void bare(subject *x, tendril_pool *pool) {
  (void)pool;
  const int p = x->features;
  for (int t = 0; t < T; t++) {
    memset(x->product, 0, (size_t)p * (size_t)p * sizeof *x->product);
    for (int first = 0; first < x->steps[t].n; first += BLOCK) {
      const int rows = x->steps[t].n - first < BLOCK ? x->steps[t].n - first : BLOCK;
      cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, p, rows, 1, x->block, BLOCK, 1,
                  x->product, p);
    }
  }
}

// ---------------------------------------------------------------------------------- measurement

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// ms of the wall's clock, cpu those of this thread
static double time_of(void (*run)(subject *x, tendril_pool *pool), subject *x, tendril_pool *pool,
                      double *cpu) {
  const double start = tnd_clock_wall(), start_cpu = tnd_clock_thread();
  run(x, pool);
  *cpu = (tnd_clock_thread() - start_cpu) * 1e3;
  return (tnd_clock_wall() - start) * 1e3;
}

enum { COME, WEIGH, FIT, BARE, ONE, TWO, NPART };

int main(int argc, char **argv) {
  const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  static subject all[] = {
      {.name = "double", .ns = 4, .na = 2, .kept = 10, .rows = 2000, .reuse = true},
      {.name = "quad", .ns = 8, .na = 4, .kept = 1, .rows = 400 * T},
  };
  tendril_pool *two = NULL;
  tendril_error err;
  tnd_blas_init();
  must(tendril_pool_create(2, &two, &err), &err);
  if (json) printf("[");
  for (int k = 0; k < 2; k++) {
    subject *x = &all[k];
    double ms[NPART][ROUNDS], median[NPART], low = 0, high = 0;
    set_up(x);
    for (int j = 0; x->reuse && j < x->kept; j++)
      add(x, NULL, j);
    weigh(x, two);
    fit(x, two);
    // interleaved: all see the same machine. The last iteration comes again and again; what costs
    // is the same as if it were a new one. Parts are told by the thread's own clock, which others
    // on the machine disturb less.
    for (int r = 0; r < ROUNDS; r++) {
      double cpu;
      ms[ONE][r] = time_of(come, x, NULL, &ms[COME][r]);
      ms[ONE][r] += time_of(weigh, x, NULL, &ms[WEIGH][r]);
      ms[ONE][r] += time_of(fit, x, NULL, &ms[FIT][r]);
      ms[TWO][r] = time_of(come, x, two, &cpu);
      ms[TWO][r] += time_of(weigh, x, two, &cpu);
      ms[TWO][r] += time_of(fit, x, two, &cpu);
      time_of(bare, x, NULL, &ms[BARE][r]);
    }
    for (int i = 0; i < NPART; i++) {
      qsort(ms[i], ROUNDS, sizeof ms[i][0], ascending);
      median[i] = ms[i][ROUNDS / 2];
      if (i == FIT) {
        low = ms[i][ROUNDS / 4];
        high = ms[i][3 * ROUNDS / 4];
      }
    }
    double samples = 0;
    for (int t = 0; t < T; t++)
      samples += x->steps[t].n;
    const double flops = samples * x->features * (x->features + 1.0);
    if (json)
      printf("%s\n  {\"name\": \"%s\", \"samples\": %.0f, \"fit_ms\": %.4g, \"low\": %.4g, "
             "\"high\": %.4g, \"dsyrk_ms\": %.4g, \"share\": %.3g, \"gflops\": %.3g, \"add_ms\": "
             "%.4g, \"weights_ms\": %.4g, \"two_threads\": %.3g}",
             k ? "," : "", x->name, samples, median[FIT], low, high, median[BARE],
             median[BARE] / median[FIT], flops / median[FIT] * 1e-6, median[COME], median[WEIGH],
             median[ONE] / median[TWO]);
    else
      printf(
          "%-7s %.0f samples x steps  regression %.1f ms, quartiles %.1f to %.1f (bare dsyrk "
          "%.1f ms: %.0f %% of it, %.1f Gflop/s)  weights %.1f + %.1f ms  2 threads %.2f times\n",
          x->name, samples, median[FIT], low, high, median[BARE], 100 * median[BARE] / median[FIT],
          flops / median[FIT] * 1e-6, median[COME], median[WEIGH], median[ONE] / median[TWO]);
  }
  if (json) printf("\n]\n");
  tendril_pool_destroy(two);
  return 0;
}
