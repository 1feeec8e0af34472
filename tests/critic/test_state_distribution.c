// State distributions: maximum likelihood of weighted samples, and propagation forward in time.
#include "critic/state_distribution.h"

#include "support/close.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

// s' = A s + B a + noise, a ~ N(K_t s + k_t, C_t C_t'), from s_0 ~ N(m_0, C_0 C_0'), under policies
// of three iterations that differ a little; M episodes of each.
enum { T = 6, NS = 2, NA = 1, KEPT = 3, M = 2000, ROWS = KEPT * M * T };
static const double A[NS * NS] = {1, 0.2, -0.1, 0.9}, B[NS] = {0, 0.5}, noise_of_state = 0.1;

static double s[ROWS * NS], next[ROWS * NS], a[ROWS * NA], weight[ROWS], *scratch;
static bool terminated[ROWS];
static int times[ROWS], row[ROWS];
static tnd_step_rows own[T];

typedef struct numbers {
  double mean[NS], S[NS * NS], C[NS * NS], K[NA * NS], k[NA], Ca[NA * NA];
} numbers;
static numbers exact[KEPT][T];  // iteration 0 is the newest
static tnd_gaussian rho[KEPT][T];
static tnd_linear_gaussian policy[KEPT][T];

// Exactly: mean and covariance of s' from those of s.
static void propagate(const tnd_gaussian *now, const tnd_linear_gaussian *p, tnd_gaussian *then) {
  double F[NS * NS];  // A + B K
  for (int i = 0; i < NS; i++) {
    then->mean[i] = B[i] * p->k[0];
    for (int j = 0; j < NS; j++) {
      F[i * NS + j] = A[i * NS + j] + B[i] * p->K[j];
      then->mean[i] += F[i * NS + j] * now->mean[j];
    }
  }
  for (int i = 0; i < NS; i++)
    for (int j = 0; j < NS; j++) {
      double *x = &then->S[i * NS + j];
      *x = B[i] * B[j] * p->C[0] * p->C[0] + (i == j) * noise_of_state * noise_of_state;
      for (int k = 0; k < NS; k++)
        for (int l = 0; l < NS; l++)
          *x += F[i * NS + k] * now->S[k * NS + l] * F[j * NS + l];
    }
  cr_assert(tnd_gaussian_factor(then));
}

static void roll(int iteration, int episode, tendril_random *random) {
  double x[NS], z[NS + NA];
  tendril_random_normals(random, NS, z);
  tnd_gaussian_sample(&rho[iteration][0], z, x);
  for (int t = 0; t < T; t++) {
    const int r = (iteration * M + episode) * T + t;
    const tnd_linear_gaussian *p = &policy[iteration][t];
    tendril_random_normals(random, NS + NA, z);
    times[r] = t;
    memcpy(s + r * NS, x, sizeof x);
    tnd_linear_gaussian_mean(p, x, a + r);
    a[r] += p->C[0] * z[NS];
    for (int i = 0; i < NS; i++) {
      x[i] = B[i] * a[r] + noise_of_state * z[i];
      for (int j = 0; j < NS; j++)
        x[i] += A[i * NS + j] * s[r * NS + j];
    }
    memcpy(next + r * NS, x, sizeof x);
  }
}

static void setup(void) {
  static double room[ROWS * (NS + 1) + NS + NA];
  cr_assert_leq(tnd_state_scratch(NS, NA, ROWS), (int64_t)(sizeof room / sizeof room[0]));
  scratch = room;
  for (int j = 0; j < KEPT; j++)
    for (int t = 0; t < T; t++) {
      numbers *n = &exact[j][t];
      *n = (numbers){.mean = {1, -0.5},
                     .S = {0.2, 0.05, 0.05, 0.1},
                     .K = {-0.4 - 0.03 * j, -0.2 + 0.02 * t},
                     .k = {0.1 * t - 0.05 * j},
                     .Ca = {0.4 + 0.03 * j}};
      rho[j][t] = (tnd_gaussian){NS, n->mean, n->S, n->C};
      policy[j][t] = (tnd_linear_gaussian){NS, NA, n->K, n->k, n->Ca};
      if (t == 0)
        cr_assert(tnd_gaussian_factor(&rho[j][0]));
      else
        propagate(&rho[j][t - 1], &policy[j][t - 1], &rho[j][t]);
    }
  tendril_random random = tendril_random_stream(41, TENDRIL_PURPOSE_TEST, 0, 0);
  for (int j = 0; j < KEPT; j++)
    for (int e = 0; e < M; e++)
      roll(j, e, &random);
  tnd_step_rows_by_time(T, 0, ROWS, times, row, own);
}

static tnd_state_samples samples(double ridge) {
  return (tnd_state_samples){.T = T,
                             .ns = NS,
                             .na = NA,
                             .own = own,
                             .s = s,
                             .a = a,
                             .next = next,
                             .terminated = terminated,
                             .ridge = ridge,
                             .spread = 1};
}

static int mixture_of(const tnd_state_samples *x, int threads, tnd_gaussian *out) {
  tendril_pool *pool = support_pool(threads);
  const int bad = tnd_state_mixture(x, pool, scratch, out);
  tendril_pool_destroy(pool);
  return bad;
}

typedef struct found {
  numbers numbers[T];
  tnd_gaussian rho[T];
} found;

static void layout(found *f) {
  for (int t = 0; t < T; t++)
    f->rho[t] = (tnd_gaussian){NS, f->numbers[t].mean, f->numbers[t].S, f->numbers[t].C};
}

Test(state_mixture, is_the_weighted_mean_and_covariance_with_ridge_and_spread, .init = setup) {
  found f;
  layout(&f);
  // 5, 4 and 3 rows of the first steps, all of the others; the middle one with weights
  for (int t = 0; t < 3; t++)
    own[t].n = 5 - t;
  for (int i = 0; i < 4; i++)
    weight[i] = i;  // the first counts for nothing
  own[1].weight = weight;
  tnd_state_samples x = samples(0.01);
  x.spread = 3;
  cr_assert_eq(mixture_of(&x, 1, f.rho), -1);
  for (int t = 0; t < T; t++) {
    double total = 0, mean[NS] = {0}, S[NS * NS] = {0};
    for (int pass = 0; pass < 3; pass++)
      for (int r = 0; r < own[t].n; r++) {
        const double *xr = s + own[t].row[r] * NS;
        const double w = own[t].weight ? own[t].weight[r] : 1;
        if (pass == 0) total += w;
        for (int i = 0; i < NS; i++) {
          if (pass == 1) mean[i] += w * xr[i] / total;
          for (int j = 0; pass == 2 && j < NS; j++)
            S[i * NS + j] += w * (xr[i] - mean[i]) * (xr[j] - mean[j]) / total;
        }
      }
    const double ridge = 0.01 * (S[0] + S[3]) / NS;
    for (int i = 0; i < NS; i++) {
      S[i * (NS + 1)] += ridge;
      check_close(f.rho[t].mean[i], mean[i], 1e-13);  // sums of up to 6000 terms
    }
    for (int i = 0; i < NS * NS; i++)
      check_close(f.rho[t].S[i], 3 * S[i], 1e-13);
    // and its factor is one
    const double *C = f.rho[t].C;
    check_close(C[0] * C[0], f.rho[t].S[0], 1e-14);
    check_close(C[2] * C[0], f.rho[t].S[2], 1e-14);
    check_close(C[2] * C[2] + C[3] * C[3], f.rho[t].S[3], 1e-14);
  }
}

Test(state_mixture, names_the_first_step_that_has_no_distribution, .init = setup) {
  found f;
  layout(&f);
  tnd_state_samples x = samples(0);
  own[4].n = 0;
  own[2].n = 1;  // no variance, and no ridge
  cr_assert_eq(mixture_of(&x, 1, f.rho), 2);
  for (int t = 0; t < T; t++)
    cr_assert_eq(f.rho[t].n, NS);  // what is not found is still a Gaussian of that size
  own[2].n = 10;
  cr_assert_eq(mixture_of(&x, 1, f.rho), 4);
  own[4].n = 10;
  s[own[3].row[7] * NS] = (double)NAN;
  cr_assert_eq(mixture_of(&x, 1, f.rho), 3);
}

Test(state_mixture, any_number_of_threads_gives_the_same_bits, .init = setup) {
  found f[4];
  const tnd_state_samples x = samples(1e-6);
  for (int threads = 1; threads <= 3; threads++) {
    layout(&f[threads]);
    cr_assert_eq(mixture_of(&x, threads, f[threads].rho), -1);
    for (int t = 0; t < T; t++) {
      check_same_bits(f[threads].rho[t].mean, f[1].rho[t].mean, NS);
      check_same_bits(f[threads].rho[t].S, f[1].rho[t].S, NS * NS);
      check_same_bits(f[threads].rho[t].C, f[1].rho[t].C, NS * NS);
    }
  }
}

// ------------------------------------------------------------------------------------ forward

static tnd_state_history history(int kept) {
  static const tnd_gaussian *rhos[KEPT];
  static const tnd_linear_gaussian *policies[KEPT];
  static int count[KEPT];
  for (int j = 0; j < KEPT; j++) {
    rhos[j] = rho[j];
    policies[j] = policy[j];
    count[j] = M * T;
  }
  rhos[0] = NULL;  // what is sought is not read
  return (tnd_state_history){kept, rhos, policies, count};
}

// How far mean and covariance are from those of the newest iteration, in standard errors of as many
// samples as count.
static double errors(const found *f, double effective) {
  double worst = 0;
  for (int t = 0; t < T; t++) {
    const double *S = rho[0][t].S;
    for (int i = 0; i < NS; i++) {
      const double mean = f->rho[t].mean[i] - rho[0][t].mean[i];
      worst = fmax(worst, fabs(mean) / sqrt(S[i * NS + i] / effective));
      for (int j = 0; j < NS; j++) {
        const double variance = S[i * NS + i] * S[j * NS + j] + S[i * NS + j] * S[i * NS + j];
        const double d = f->rho[t].S[i * NS + j] - S[i * NS + j];
        worst = fmax(worst, fabs(d) / sqrt(variance / effective));
      }
    }
  }
  return worst;
}

Test(state_forward, finds_the_newest_policys_states_from_all_iterations_samples, .init = setup) {
  found f, mixture;
  double effective;
  const tnd_state_samples x = samples(0);
  const tnd_state_history h = history(KEPT);
  layout(&f);
  layout(&mixture);
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), -1);
  // policies are close: the weights leave more samples than the newest iteration's own
  cr_assert(effective > 1.5 * M && effective < KEPT * M, "%g", effective);
  // errors of earlier steps are carried on, by factors below 1
  cr_assert_lt(errors(&f, effective), 4, "%g", errors(&f, effective));
  // what the weights are for: without them the states of the other iterations stay in
  cr_assert_eq(mixture_of(&x, 2, mixture.rho), -1);
  cr_assert_gt(errors(&mixture, KEPT * M), 8, "%g", errors(&mixture, KEPT * M));
}

Test(state_forward, of_one_iteration_is_its_own_samples, .init = setup) {
  found f;
  double effective;
  tnd_step_rows_by_time(T, 0, M * T, times, row, own);
  for (int t = 0; t < T; t++)
    own[t].weight = weight;  // all 0, and not read
  tnd_state_samples x = samples(0);
  const tnd_state_history h = history(1);
  layout(&f);
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), -1);
  cr_assert_eq(effective, M);
  cr_assert_lt(errors(&f, M), 4, "%g", errors(&f, M));
  // spread is of each step's own distribution: it does not add up along the way
  found wide;
  layout(&wide);
  x.spread = 4;
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, wide.rho, &effective), -1);
  for (int t = 0; t < T; t++) {
    check_all_close(wide.rho[t].mean, f.rho[t].mean, NS, 1e-12);
    for (int i = 0; i < NS * NS; i++)
      check_close(wide.rho[t].S[i], 4 * f.rho[t].S[i], 1e-12);
  }
}

Test(state_forward, what_ended_is_in_no_later_step, .init = setup) {
  found f, without;
  double effective;
  const tnd_state_samples x = samples(0);
  const tnd_state_history h = history(1);
  layout(&f);
  layout(&without);
  tnd_step_rows_by_time(T, 0, M * T, times, row, own);
  // the last fifth of step 2's episodes end there, somewhere far off
  const int whole = own[2].n, kept = whole - whole / 5;
  for (int i = kept; i < whole; i++) {
    terminated[own[2].row[i]] = true;
    next[own[2].row[i] * NS] = 1e6;
  }
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), -1);
  cr_assert_eq(effective, kept);
  own[2].n = kept;
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, without.rho, &effective), -1);
  check_same_bits(f.rho[3].mean, without.rho[3].mean, NS);
  check_same_bits(f.rho[3].S, without.rho[3].S, NS * NS);
}

Test(state_forward, names_the_first_step_that_has_no_distribution, .init = setup) {
  found f;
  double effective;
  const tnd_state_samples x = samples(0);
  const tnd_state_history h = history(KEPT);
  layout(&f);
  next[own[3].row[5] * NS] = (double)NAN;
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), 4);
  own[1].n = 0;
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), 2);
  own[0].n = 1;
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), 0);
}

Test(state_forward, samples_that_no_longer_matter_weigh_nothing, .init = setup) {
  // the newest policy is far from the others: their samples have no part in its states
  found f, alone;
  double effective;
  tnd_state_samples x = samples(0);
  tnd_state_history h = history(KEPT);
  for (int t = 0; t < T; t++)
    exact[1][t].k[0] = exact[2][t].k[0] = 50;
  for (int r = M * T; r < ROWS; r++)
    a[r] += 50;
  layout(&f);
  layout(&alone);
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, f.rho, &effective), -1);
  check_close(effective, M, 1e-9);
  tnd_step_rows_by_time(T, 0, M * T, times, row, own);
  h = history(1);
  // the same weights, of 2000 samples; the first step is of all iterations
  own[0].n = M;
  cr_assert_eq(tnd_state_forward(&x, &h, scratch, alone.rho, &effective), -1);
  for (int t = 1; t < T; t++) {
    check_all_close(f.rho[t].mean, alone.rho[t].mean, NS, 1e-12);
    check_all_close(f.rho[t].S, alone.rho[t].S, NS * NS, 1e-12);
  }
}
