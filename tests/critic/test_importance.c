// Importance weights between the time steps and iterations of linear-Gaussian policies.
#include "critic/importance.h"

#include "support/close.h"
#include "support/learning.h"
#include "support/scarce.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { T = 4, NS = 3, NA = 2, N = NS + NA, KEPT = 3, COME = 5, ROWS = 230, ALL = COME * ROWS };

static struct distribution {
  double mean[NS], S[NS * NS], C[NS * NS], K[NA * NS], k[NA], Ca[NA * NA];
} numbers[COME][T];
static tnd_gaussian state[COME][T];
static tnd_linear_gaussian policy[COME][T];
static double s[ALL * NS], a[ALL * NA];
static int times[ALL];
static tnd_step_rows steps[T], steps_too[T];

// Iterations whose distributions drift a little with time and iteration; samples of all of them.
static void setup(void) {
  tendril_random random = tendril_random_stream(21, TENDRIL_PURPOSE_TEST, 0, 0);
  for (int j = 0; j < COME; j++)
    for (int t = 0; t < T; t++) {
      struct distribution *d = &numbers[j][t];
      state[j][t] = (tnd_gaussian){NS, d->mean, d->S, d->C};
      policy[j][t] = (tnd_linear_gaussian){NS, NA, d->K, d->k, d->Ca};
      double noise[2 * NS * NS];
      tendril_random_normals(&random, NS * NS, noise);
      for (int i = 0; i < NS; i++) {
        d->mean[i] = 3 + 0.3 * t + 0.1 * j * i;
        for (int l = 0; l <= i; l++)
          d->C[i * NS + l] = i == l ? 0.5 + 0.1 * fabs(noise[i]) : 0.2 * noise[i * NS + l];
      }
      tendril_random_normals(&random, NA * NS, noise);
      for (int i = 0; i < NA * NS; i++)
        d->K[i] = 0.3 * noise[i];
      for (int i = 0; i < NA; i++) {
        d->k[i] = noise[i];
        d->Ca[i * NA + i] = 0.7 + 0.1 * t;
      }
      d->Ca[NA] = 0.2 * noise[3];
    }
  for (int r = 0; r < ALL; r++) {
    const int j = r / ROWS, t = r % T;
    double noise[NS];
    times[r] = t;
    tendril_random_normals(&random, NS, noise);
    tnd_gaussian_sample(&state[j][t], noise, s + r * NS);
    tendril_random_normals(&random, NA, noise);
    tnd_linear_gaussian_mean(&policy[j][t], s + r * NS, a + r * NA);
    for (int i = 0; i < NA; i++)
      for (int l = 0; l <= i; l++)
        a[r * NA + i] += policy[j][t].C[i * NA + l] * noise[l];
  }
}

static tnd_importance *make(int kept, int rows, int threads) {
  const tnd_importance_size size = {T, NS, NA, kept, rows, threads, 1e-10};
  tnd_importance *im = NULL;
  check_ok(tnd_importance_create(&size, &im, check_err));
  return im;
}

static tnd_importance_iteration iteration(int j, int n) {
  return (tnd_importance_iteration){state[j], policy[j], j * ROWS, n, s, a, times};
}

static void add(tnd_importance *im, tendril_pool *pool, int j) {
  const tnd_importance_iteration it = iteration(j, ROWS);
  check_ok(tnd_importance_add(im, pool, &it, check_err));
}

// N(x; mean, C C') in long double, by forward substitution
static long double density(int n, const long double *x, const double *C) {
  long double y[NS], square = 0, p = 1;
  for (int i = 0; i < n; i++) {
    y[i] = x[i];
    for (int l = 0; l < i; l++)
      y[i] -= C[i * n + l] * y[l];
    y[i] /= C[i * n + i];
    square += y[i] * y[i];
    p /= C[i * n + i] * sqrtl(2 * acosl(-1));
  }
  return p * expl(-square / 2);
}

static long double z(int j, int t, int row) {
  const struct distribution *d = &numbers[j][t];
  long double ds[NS], da[NA];
  for (int i = 0; i < NS; i++)
    ds[i] = (long double)s[row * NS + i] - d->mean[i];
  for (int i = 0; i < NA; i++) {
    da[i] = (long double)a[row * NA + i] - d->k[i];
    for (int l = 0; l < NS; l++)
      da[i] -= (long double)d->K[i * NS + l] * s[row * NS + l];
  }
  return density(NS, ds, d->C) * density(NA, da, d->Ca);
}

// samples that iteration j has of step t; 230 is not the same number of each
static int count(int j, int t) {
  int n = 0;
  for (int r = j * ROWS; r < (j + 1) * ROWS; r++)
    n += times[r] == t;
  return n;
}

static void check_same_steps(const tnd_step_rows *got, const tnd_step_rows *expected) {
  for (int t = 0; t < T; t++) {
    cr_assert_eq(got[t].n, expected[t].n);
    cr_assert_arr_eq(got[t].row, expected[t].row, (size_t)got[t].n * sizeof(int));
    check_same_bits(got[t].weight, expected[t].weight, got[t].n);
    cr_assert_eq(got[t].effective, expected[t].effective);
  }
}

Test(importance, weights_are_equation_8_evaluated_directly, .init = setup) {
  tnd_importance *im = make(KEPT, ROWS, 1);
  for (int j = 0; j < COME; j++)
    add(im, NULL, j);
  cr_assert_eq(tnd_importance_weights(im, NULL, steps), -1);
  for (int t = 0; t < T; t++) {
    long double largest = 0, sum = 0, squares = 0;
    static long double exact[ALL];
    for (int row = (COME - KEPT) * ROWS; row < ALL; row++) {
      long double mixture = 0;
      for (int j = COME - KEPT; j < COME; j++)
        for (int u = 0; u < T; u++)
          mixture += count(j, u) * z(j, u, row) / (KEPT * ROWS);
      exact[row] = z(COME - 1, t, row) / mixture;
      largest = exact[row] > largest ? exact[row] : largest;
    }
    int at = 0;
    for (int row = (COME - KEPT) * ROWS; row < ALL; row++) {
      if (at == steps[t].n || steps[t].row[at] != row) {
        cr_assert_lt((double)exact[row], 1.000001e-10 * (double)largest);
        continue;
      }
      // exponents of some tens, and squares they are sums of, to 16 digits
      check_close(steps[t].weight[at++] / (double)exact[row], 1, 1e-12);
      sum += exact[row];
      squares += exact[row] * exact[row];
    }
    cr_assert_eq(at, steps[t].n);
    check_close(steps[t].effective, (double)(sum * sum / squares), 1e-12);
  }
  tnd_importance_destroy(im);
}

// E z_t of f = (s'u + a'v)^2 is exact: variance plus squared mean of one Gaussian number
Test(importance, samples_of_other_steps_and_iterations_give_the_integrals_of_a_step,
     .init = setup) {
  tnd_importance *im = make(KEPT, ROWS, 1);
  for (int j = 0; j < COME; j++)
    add(im, NULL, j);
  tnd_importance_weights(im, NULL, steps);
  const double u[NS] = {0.3, -0.5, 0.8}, v[NA] = {0.6, -0.4};
  for (int t = 0; t < T; t++) {
    const struct distribution *d = &numbers[COME - 1][t];
    // s'u + a'v = mean + (u + K'v)'Cs noise + v'Ca noise
    double mean = 0, variance = 0, g[NS];
    for (int i = 0; i < NS; i++) {
      g[i] = u[i];
      for (int l = 0; l < NA; l++)
        g[i] += d->K[l * NS + i] * v[l];
      mean += g[i] * d->mean[i];
    }
    for (int l = 0; l < NA; l++)
      mean += v[l] * d->k[l];
    for (int c = 0; c < NS; c++) {
      double e = 0;
      for (int i = c; i < NS; i++)
        e += g[i] * d->C[i * NS + c];
      variance += e * e;
    }
    for (int c = 0; c < NA; c++) {
      double e = 0;
      for (int i = c; i < NA; i++)
        e += v[i] * d->Ca[i * NA + c];
      variance += e * e;
    }
    // mean over all kept samples, as the mixture is what they are drawn from
    double sum = 0, squares = 0;
    for (int i = 0; i < steps[t].n; i++) {
      const double *si = s + steps[t].row[i] * NS, *ai = a + steps[t].row[i] * NA;
      const double x = si[0] * u[0] + si[1] * u[1] + si[2] * u[2] + ai[0] * v[0] + ai[1] * v[1];
      const double f = steps[t].weight[i] * x * x;
      sum += f;
      squares += f * f;
    }
    const double n = KEPT * ROWS, estimate = sum / n;
    const double error = sqrt((squares / n - estimate * estimate) / n);
    cr_assert_lt(fabs(estimate - (variance + mean * mean)), 4 * error,
                 "step %d: %g instead of %g, standard error %g", t, estimate,
                 variance + mean * mean, error);
    // an estimate, not a guess; from no more than the step's own samples where weights vary most
    cr_assert_lt(error, 0.2 * estimate);
    cr_assert_gt(steps[t].effective, 50);
  }
  tnd_importance_destroy(im);
}

Test(importance, samples_of_one_and_the_same_distribution_all_weigh_one) {
  setup();
  for (int j = 0; j < 2; j++)
    for (int t = 0; t < T; t++)
      numbers[j][t] = numbers[0][0];
  tnd_importance *im = make(2, ROWS, 1);
  add(im, NULL, 0);
  add(im, NULL, 1);
  cr_assert_eq(tnd_importance_weights(im, NULL, steps), -1);
  for (int t = 0; t < T; t++) {
    cr_assert_eq(steps[t].n, 2 * ROWS);
    for (int i = 0; i < steps[t].n; i++)
      check_close(steps[t].weight[i], 1, 1e-12);  // log-sum-exp of equal densities
    check_close(steps[t].effective, 2 * ROWS, 1e-12);
  }
  tnd_importance_destroy(im);
}

Test(importance, the_oldest_iteration_goes_and_adding_the_kept_ones_again_gives_the_same_bits,
     .init = setup) {
  tnd_importance *im = make(KEPT, ROWS, 1), *again = make(KEPT, ROWS, 1);
  for (int j = 0; j < COME; j++)
    add(im, NULL, j);
  add(again, NULL, 0);
  tnd_importance_reset(again);
  for (int j = COME - KEPT; j < COME; j++)
    add(again, NULL, j);
  tnd_importance_weights(im, NULL, steps);
  tnd_importance_weights(again, NULL, steps_too);
  check_same_steps(steps, steps_too);
  tnd_importance_destroy(im);
  tnd_importance_destroy(again);
}

Test(importance, any_number_of_threads_gives_the_same_bits, .init = setup) {
  tnd_importance *im[3];
  tendril_pool *pool[3];
  for (int k = 0; k < 3; k++) {
    im[k] = make(KEPT, ROWS, 3);
    check_ok(tendril_pool_create(k + 1, &pool[k], check_err));
    for (int j = 0; j < COME; j++)
      add(im[k], pool[k], j);
    tnd_importance_weights(im[k], pool[k], k ? steps_too : steps);
    if (k) check_same_steps(steps_too, steps);
  }
  for (int k = 0; k < 3; k++) {
    tnd_importance_destroy(im[k]);
    tendril_pool_destroy(pool[k]);
  }
}

Test(importance, a_step_that_hardly_any_sample_is_near_is_named, .init = setup) {
  numbers[1][2].mean[1] += 12;  // 20 deviations off what the samples were drawn from
  tnd_importance *im = make(KEPT, ROWS, 1);
  add(im, NULL, 0);
  add(im, NULL, 1);
  cr_assert_eq(tnd_importance_weights(im, NULL, steps), 2);
  cr_assert_leq(1, steps[2].effective);
  cr_assert_lt(steps[2].effective, TND_EFFECTIVE_LEAST);
  for (int i = 0; i < steps[2].n; i++)
    cr_assert(isfinite(steps[2].weight[i]));
  cr_assert_gt(steps[1].effective, TND_EFFECTIVE_LEAST);

  numbers[1][2].mean[1] = 1e200;  // no density at all: 0 samples, but no NaN
  add(im, NULL, 1);
  cr_assert_eq(tnd_importance_weights(im, NULL, steps), 2);
  cr_assert_eq(steps[2].n, 0);
  cr_assert_eq(steps[2].effective, 0);
  tnd_importance_destroy(im);
}

Test(importance, steps_and_iterations_without_samples_are_no_part_of_the_mixture, .init = setup) {
  tnd_importance *im = make(KEPT, ROWS, 1), *plain = make(KEPT, ROWS, 1);
  tnd_importance_iteration none = iteration(1, 0);
  add(plain, NULL, 0);
  add(plain, NULL, 2);
  add(im, NULL, 0);
  check_ok(tnd_importance_add(im, NULL, &none, check_err));
  add(im, NULL, 2);
  tnd_importance_weights(plain, NULL, steps);
  tnd_importance_weights(im, NULL, steps_too);
  check_same_steps(steps_too, steps);

  // all samples of step 3 said to be of step 2: 3 is looked for all the same, the mixture lacks it
  for (int r = 0; r < ROWS; r++)
    if (times[r] == 3) times[r] = 2;
  tnd_importance_reset(im);
  add(im, NULL, 0);
  tnd_importance_weights(im, NULL, steps);
  for (int i = 0; i < steps[3].n; i++) {
    const int row = steps[3].row[i];
    long double mixture = 0;
    for (int t = 0; t < 3; t++)
      mixture += count(0, t) * z(0, t, row);
    check_close(steps[3].weight[i] / (double)(ROWS * z(0, 3, row) / mixture), 1, 1e-12);
  }
  tnd_importance_destroy(im);
  tnd_importance_destroy(plain);
}

Test(importance, what_cannot_be_added_is_told_and_changes_nothing, .init = setup) {
  tnd_importance *im = make(2, ROWS, 1);
  add(im, NULL, 0);
  add(im, NULL, 1);
  tnd_importance_weights(im, NULL, steps);
  tnd_step_rows before[T];
  static double weights[T][2 * ROWS];
  memcpy(before, steps, sizeof steps);
  for (int t = 0; t < T; t++)
    memcpy(weights[t], steps[t].weight, (size_t)steps[t].n * sizeof(double));

  tendril_error err;
  tnd_importance_iteration it = iteration(2, ROWS);
  numbers[2][3].C[4] = 0;
  cr_assert_eq(tnd_importance_add(im, NULL, &it, &err), TENDRIL_E_NUMERIC);
  cr_assert_str_eq(err.text, "importance weights, step 3: the distribution of states or actions "
                             "is singular or not finite; give it a ridge");
  numbers[2][3].C[4] = 1;
  numbers[2][1].K[2] = (double)NAN;
  cr_assert_eq(tnd_importance_add(im, NULL, &it, &err), TENDRIL_E_NUMERIC);
  cr_assert_not_null(strstr(err.text, "step 1"));
  numbers[2][1].K[2] = 0;
  a[2 * ROWS * NA + 4 * NA] = (double)INFINITY;  // row 4: step 2 * 230 + 4 modulo 4
  cr_assert_eq(tnd_importance_add(im, NULL, &it, &err), TENDRIL_E_NUMERIC);
  cr_assert_str_eq(err.text,
                   "importance weights, step 0: a sample's state or action is not finite");
  a[2 * ROWS * NA + 4 * NA] = 0;
  times[2 * ROWS + 1] = T;
  cr_assert_eq(tnd_importance_add(im, NULL, &it, &err), TENDRIL_E_ARGUMENT);
  times[2 * ROWS + 1] = 0;
  it.n = ROWS + 1;
  cr_assert_eq(tnd_importance_add(im, NULL, &it, &err), TENDRIL_E_ARGUMENT);

  tnd_importance_weights(im, NULL, steps);
  for (int t = 0; t < T; t++) {
    cr_assert_eq(steps[t].n, before[t].n);
    check_same_bits(steps[t].weight, weights[t], steps[t].n);
  }
  tnd_importance_destroy(im);
}

static tendril_status create_once(void *context, tendril_error *err) {
  (void)context;
  const tnd_importance_size size = {T, NS, NA, KEPT, ROWS, 2, 1e-10};
  tnd_importance *im = NULL;
  TENDRIL_TRY(tnd_importance_create(&size, &im, err));
  tnd_importance_destroy(im);
  return TENDRIL_OK;
}

Test(importance, creating_survives_a_failing_allocator_and_refuses_bad_sizes) {
  cr_assert_gt(support_fail_each_alloc(create_once, NULL), 1);
  tnd_importance *im = NULL;
  const tnd_importance_size bad = {T, NS, 0, KEPT, ROWS, 2, 0.1};
  const tnd_importance_size none = {T, NS, NA, KEPT, ROWS, 2, 1};
  cr_assert_eq(tnd_importance_create(&bad, &im, NULL), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_importance_create(&none, &im, NULL), TENDRIL_E_ARGUMENT);
  tnd_importance_destroy(NULL);
}
