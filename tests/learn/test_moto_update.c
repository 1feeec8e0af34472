// MOTO's policy update: bounds met by the policy that comes out, recomputed from it alone; the
// paper's equations in dense matrices; and that no other policy within the bounds is better.
#include "learn/moto_update.h"

#include "math/cholesky.h"
#include "support/close.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <tendril/random.h>

enum { NA = 9, NS = 12, WORK = 6 * NA * NA + 2 * NA * NS + 6 * NA + NA * NS };

typedef struct problem {
  int na, ns;
  double Qaa[NA * NA], Qas[NA * NS], qa[NA];
  double K[NA * NS], k[NA], C[NA * NA];
  double mean[NS], S[NS * NS], Cs[NS * NS];
  double K2[NA * NS], k2[NA], C2[NA * NA], work[WORK];
  tnd_action_quadratic Q;
  tnd_linear_gaussian old, next;
  tnd_gaussian state;
  tnd_moto_bounds bounds;
  tnd_moto_multipliers m;
} problem;

static void bind(problem *x, int na, int ns) {
  x->na = na;
  x->ns = ns;
  x->Q = (tnd_action_quadratic){.Qaa = x->Qaa, .Qas = x->Qas, .qa = x->qa};
  x->old = (tnd_linear_gaussian){.ns = ns, .na = na, .K = x->K, .k = x->k, .C = x->C};
  x->next = (tnd_linear_gaussian){.ns = ns, .na = na, .K = x->K2, .k = x->k2, .C = x->C2};
  x->state = (tnd_gaussian){.n = ns, .mean = x->mean, .S = x->S, .C = x->Cs};
  cr_assert(tnd_moto_update_work(ns, na) <= WORK);
}

// S [n][n] = A A' of normal numbers, `rank` columns
static void square(tendril_random *random, int n, int rank, double scale, double *S) {
  double A[NS * NS];
  tendril_random_normals(random, n * rank, A);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      S[i * n + j] = 0;
      for (int k = 0; k < rank; k++)
        S[i * n + j] += scale * (A[i * rank + k] * A[j * rank + k]);
    }
}

static double power(tendril_random *random, double low, double high) {
  return pow(10, tendril_random_uniform(random, low, high));
}

// A random update: Qaa indefinite, concave, convex, zero, of rank 1, or a thousand times the rest.
// tame: all of the size of 1.
static void make(uint32_t key, int na, int ns, bool tame, problem *x) {
  static const double kls[] = {1e-8, 1e-3, 0.1, 1, 10}, drops[] = {0, 0.1, 1, INFINITY};
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, key, tame);
  const uint32_t kind = tendril_random_below(&random, 6);
  double other[NA * NA], normal[NS];
  bind(x, na, ns);
  tendril_random_normals(&random, na * ns, x->K);
  tendril_random_normals(&random, na, x->k);
  tendril_random_normals(&random, na * na, x->C);
  const double spread = tame ? 1 : power(&random, -2, 1);
  for (int i = 0; i < na; i++) {
    const double own = spread * (tame ? 1 : power(&random, -1, 0));
    for (int j = 0; j < na; j++)
      x->C[i * na + j] = j < i ? 0.5 * own * x->C[i * na + j] : j == i ? own : (double)NAN;
  }

  tendril_random_normals(&random, ns, normal);
  square(&random, ns, ns, tame ? 1 : power(&random, -4, 0), x->S);
  for (int i = 0; i < ns; i++) {
    x->mean[i] = normal[i];
    x->S[i * ns + i] += 0.01;
  }
  cr_assert(tnd_gaussian_factor(&x->state));

  const double scale = tame ? 1 : power(&random, -6, 6);
  tendril_random_normals(&random, na * ns, x->Qas);
  tendril_random_normals(&random, na, x->qa);
  for (int i = 0; i < na * ns; i++)
    x->Qas[i] *= scale;
  for (int i = 0; i < na; i++)
    x->qa[i] *= scale;
  const double curvature = scale * (tame ? 1 : kind == 5 ? 1e3 : power(&random, -3, 1));
  square(&random, na, kind == 4 ? 1 : na, curvature, x->Qaa);
  square(&random, na, na, curvature, other);
  for (int i = 0; i < na * na; i++) {
    if (kind == 0 || kind == 5) x->Qaa[i] -= other[i];
    if (kind == 1 || kind == 4) x->Qaa[i] = -x->Qaa[i];
    if (kind == 3) x->Qaa[i] = 0;
  }
  x->bounds.max_kl = kls[tendril_random_below(&random, 5)];
  x->bounds.entropy_drop = drops[tendril_random_below(&random, 4)];
}

static void update(problem *x) {
  check_ok(
      tnd_moto_update(&x->bounds, &x->Q, &x->old, &x->state, x->work, &x->next, &x->m, check_err));
}

// The constraints' values, from the policy alone.
static double kl_of(const problem *x, const tnd_linear_gaussian *p) {
  double scratch[NA * (NS + NA + 1)];
  return tnd_linear_gaussian_kl(p, &x->old, &x->state, scratch);
}
static double entropy_change_of(const problem *x, const tnd_linear_gaussian *p) {
  return tnd_gaussian_entropy(x->na, p->C) - tnd_gaussian_entropy(x->na, x->C);
}

// E Q under the policy, without what does not depend on a:
//   E [1/2 m'Qaa m + m'Qas s + m'qa] + 1/2 tr(Qaa C C'),  m = K s + k
static double value_of(const problem *x, const tnd_linear_gaussian *p) {
  const int na = x->na, ns = x->ns;
  double value = 0, m[NA], KS[NA * NS];
  tnd_linear_gaussian_mean(p, x->mean, m);
  for (int i = 0; i < na; i++)
    for (int j = 0; j < ns; j++) {
      KS[i * ns + j] = 0;
      for (int k = 0; k < ns; k++)
        KS[i * ns + j] += p->K[i * ns + k] * x->S[k * ns + j];
    }
  for (int i = 0; i < na; i++) {
    value += m[i] * x->qa[i];
    for (int j = 0; j < ns; j++)
      value += x->Qas[i * ns + j] * (m[i] * x->mean[j] + KS[i * ns + j]);
    for (int j = 0; j < na; j++) {
      double second = m[i] * m[j];  // E m_i m_j + Sigma_ij
      for (int k = 0; k < ns; k++)
        second += KS[i * ns + k] * p->K[j * ns + k];
      for (int k = 0; k <= (i < j ? i : j); k++)
        second += p->C[i * na + k] * p->C[j * na + k];
      value += 0.5 * x->Qaa[i * na + j] * second;
    }
  }
  return value;
}

static int size_of(uint32_t key) {
  return key % 5 == 4 ? NA : 1 + (int)(key % 5);
}

Test(moto_update, ten_thousand_random_updates_meet_their_bounds) {
  for (uint32_t key = 0; key < 10000; key++) {
    problem x;
    make(key, size_of(key), 1 + (int)(key % NS), false, &x);
    update(&x);
    const double kl = kl_of(&x, &x.next), change = entropy_change_of(&x, &x.next);
    // the 1e-6 of the bounds is what is asked for; what is missing to 1e-12 are digits of K' - K
    cr_assert(kl <= x.bounds.max_kl * (1 + 1e-6), "%u: KL %.9g of %g", key, kl, x.bounds.max_kl);
    cr_assert(change >= -x.bounds.entropy_drop - 1e-6, "%u: %.9g, %g", key, change,
              x.bounds.entropy_drop);
    cr_assert(x.m.eta >= 0 && x.m.omega >= 0);
    if (x.m.eta > 0) check_close(kl / x.bounds.max_kl, 1, 1e-6);
    if (x.m.omega > 0) check_close(change, -x.bounds.entropy_drop, 1e-6);
    check_close(x.m.kl / x.bounds.max_kl, kl / x.bounds.max_kl, 1e-6);
    check_close(x.m.entropy_change, change, 1e-6);
    cr_assert(x.m.gain >= 0);
    for (int i = 0; i < x.na; i++)
      for (int j = i + 1; j < x.na; j++)
        cr_assert(x.C2[i * x.na + j] == 0);
  }
}

// F, L, f of the paper's equation (4) ff. by dense inverses; tau = eta + omega.
typedef struct dense {
  double P[NA * NA];  // Sigma^-1
  double F[NA * NA], FL[NA * NS], Ff[NA], L[NA * NS], f[NA];
  double logdet_F;
} dense;

static void inverse(int n, double *A, double *out, double *logdet) {
  cr_assert(tnd_cholesky(n, n, A));
  for (int i = 0; i < n * n; i++)
    out[i] = i % (n + 1) == 0;
  tnd_cholesky_solve(n, n, A, n, out);
  *logdet = -tnd_cholesky_logdet(n, n, A);
}

static void paper(const problem *x, double eta, dense *d) {
  const int na = x->na, ns = x->ns;
  double A[NA * NA], ignored;
  for (int i = 0; i < na; i++)
    for (int j = 0; j < na; j++) {
      A[i * na + j] = 0;
      for (int k = 0; k <= (i < j ? i : j); k++)
        A[i * na + j] += x->C[i * na + k] * x->C[j * na + k];
    }
  inverse(na, A, d->P, &ignored);
  for (int i = 0; i < na * na; i++)
    A[i] = eta * d->P[i] - x->Qaa[i];
  inverse(na, A, d->F, &d->logdet_F);
  for (int i = 0; i < na; i++) {
    d->f[i] = x->qa[i];
    for (int k = 0; k < na; k++)
      d->f[i] += eta * d->P[i * na + k] * x->k[k];
    for (int j = 0; j < ns; j++) {
      d->L[i * ns + j] = x->Qas[i * ns + j];
      for (int k = 0; k < na; k++)
        d->L[i * ns + j] += eta * d->P[i * na + k] * x->K[k * ns + j];
    }
  }
  for (int i = 0; i < na; i++) {
    d->Ff[i] = 0;
    for (int k = 0; k < na; k++)
      d->Ff[i] += d->F[i * na + k] * d->f[k];
    for (int j = 0; j < ns; j++) {
      d->FL[i * ns + j] = 0;
      for (int k = 0; k < na; k++)
        d->FL[i * ns + j] += d->F[i * na + k] * d->L[k * ns + j];
    }
  }
}

Test(moto_update, is_the_papers_f_l_and_f) {
  for (uint32_t key = 0; key < 500; key++) {
    problem x;
    dense d;
    make(key, size_of(key), 1 + (int)(key % NS), true, &x);
    if (x.bounds.max_kl < 1e-3) continue;  // F L then differs from K by less than its rounding
    update(&x);
    paper(&x, x.m.eta, &d);
    // rounding times the conditions of Sigma and of F, the latter up to 1e6 near eta_min
    check_all_close(x.K2, d.FL, x.na * x.ns, 1e-7);
    check_all_close(x.k2, d.Ff, x.na, 1e-7);
    for (int i = 0; i < x.na; i++)
      for (int j = 0; j < x.na; j++) {
        double sigma = 0;
        for (int k = 0; k <= (i < j ? i : j); k++)
          sigma += x.C2[i * x.na + k] * x.C2[j * x.na + k];
        check_close(sigma, (x.m.eta + x.m.omega) * d.F[i * x.na + j], 1e-7);
      }
  }
}

// g of appendix A: eta eps - omega beta + mu'M mu + tr(S M) + mu'm + m0.
static double papers_dual(const problem *x, double eta, double omega) {
  const int na = x->na, ns = x->ns;
  const double tau = eta + omega, logdet = tnd_cholesky_logdet(na, na, x->C);
  const double beta = tnd_gaussian_entropy(na, x->C) - x->bounds.entropy_drop;
  dense d;
  paper(x, eta, &d);
  double g = eta * x->bounds.max_kl - omega * beta;
  double PK[NA * NS], Pk[NA];
  for (int i = 0; i < na; i++) {
    Pk[i] = 0;
    for (int k = 0; k < na; k++)
      Pk[i] += d.P[i * na + k] * x->k[k];
    for (int j = 0; j < ns; j++) {
      PK[i * ns + j] = 0;
      for (int k = 0; k < na; k++)
        PK[i * ns + j] += d.P[i * na + k] * x->K[k * ns + j];
    }
  }
  for (int i = 0; i < na; i++) {
    g += 0.5 * (d.f[i] * d.Ff[i] - eta * x->k[i] * Pk[i]);
    for (int j = 0; j < ns; j++) {
      g += x->mean[j] * (d.L[i * ns + j] * d.Ff[i] - eta * x->K[i * ns + j] * Pk[i]);
      for (int l = 0; l < ns; l++)
        g += 0.5 * (x->S[j * ns + l] + x->mean[j] * x->mean[l]) *
             (d.L[i * ns + j] * d.FL[i * ns + l] - eta * x->K[i * ns + j] * PK[i * ns + l]);
    }
  }
  g += 0.5 *
       (tau * (na * TND_LOG_2PI + na * log(tau) + d.logdet_F) - eta * (na * TND_LOG_2PI + logdet));
  return g;
}

// The dual in our coordinates is the paper's, up to what Q is worth to the old policy's mean.
Test(moto_update, the_least_of_the_papers_dual_is_what_the_new_policy_earns) {
  for (uint32_t key = 0; key < 300; key++) {
    problem x;
    make(key, size_of(key), 1 + (int)(key % NS), true, &x);
    if (isinf(x.bounds.entropy_drop) || x.bounds.max_kl < 1e-3) continue;
    update(&x);
    if (x.m.eta == 0) continue;  // the paper's formulas want an inverse of eta
    // g is E Q of the best policy, by strong duality, and no other point has less. Its terms are
    // thousands that cancel
    const double value = value_of(&x, &x.next);
    const double least = papers_dual(&x, x.m.eta, x.m.omega);
    const double tolerance = 1e-9 * (1 + fabs(least) + x.na * x.m.eta);
    cr_assert(fabs(least - value) <= tolerance, "%u: %.15g, %.15g", key, least, value);
    check_close((value - value_of(&x, &x.old)) / (1 + x.m.gain), x.m.gain / (1 + x.m.gain), 1e-9);
    for (int i = -1; i <= 1; i++)
      for (int j = -1; j <= 1; j++) {
        const double eta = x.m.eta * (1 + 1e-3 * i);
        const double omega = fmax(0, x.m.omega + 1e-3 * j * (x.m.eta + x.m.omega));
        problem y = x;
        bind(&y, x.na, x.ns);
        // inside the domain: eta Sigma^-1 - Qaa positive definite
        if (i < 0 && kl_of(&x, &x.next) > 5) continue;
        cr_assert(papers_dual(&y, eta, omega) >= least - tolerance, "%u %d %d", key, i, j);
      }
  }
}

Test(moto_update, kl_is_what_samples_say) {
  enum { SAMPLES = 40000 };
  for (uint32_t key = 0; key < 5; key++) {
    problem x;
    double sum = 0, squares = 0, scratch[NA];
    make(50 + key, size_of(key), 3 + (int)key, true, &x);
    x.bounds = (tnd_moto_bounds){0.1, 0.2};
    update(&x);
    tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, key, 0);
    for (int r = 0; r < SAMPLES; r++) {
      double noise[NS + NA], s[NS], a[NA];
      tendril_random_normals(&random, x.ns + x.na, noise);
      tnd_gaussian_sample(&x.state, noise, s);
      tnd_linear_gaussian_mean(&x.next, s, a);
      for (int i = 0; i < x.na; i++)
        for (int j = 0; j <= i; j++)
          a[i] += x.C2[i * x.na + j] * noise[x.ns + j];
      const double ratio = tnd_linear_gaussian_logp(&x.next, s, a, scratch) -
                           tnd_linear_gaussian_logp(&x.old, s, a, scratch);
      sum += ratio;
      squares += ratio * ratio;
    }
    const double mean = sum / SAMPLES;
    // three standard errors
    cr_assert_float_eq(mean, x.m.kl, 3 * sqrt((squares / SAMPLES - mean * mean) / SAMPLES));
  }
}

// The policy a way `part` from the old one towards another: the bounds hold on a convex set of
// (K, k, C), and the old policy is in it.
static void between(const problem *x, const tnd_linear_gaussian *to, double part,
                    tnd_linear_gaussian *out) {
  for (int i = 0; i < x->na * x->ns; i++)
    out->K[i] = x->K[i] + part * (to->K[i] - x->K[i]);
  for (int i = 0; i < x->na; i++)
    out->k[i] = x->k[i] + part * (to->k[i] - x->k[i]);
  for (int i = 0; i < x->na; i++)
    for (int j = 0; j <= i; j++)
      out->C[i * x->na + j] =
          x->C[i * x->na + j] + part * (to->C[i * x->na + j] - x->C[i * x->na + j]);
}

Test(moto_update, no_policy_within_the_bounds_is_better) {
  int close = 0;
  for (uint32_t key = 0; key < 200; key++) {
    problem x;
    make(2000 + key, size_of(key), 1 + (int)(key % 4), true, &x);
    x.bounds.max_kl = fmin(fmax(x.bounds.max_kl, 0.01), 1);
    update(&x);
    const double best = value_of(&x, &x.next), start = value_of(&x, &x.old);
    tendril_random random = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, key, 0);
    for (int try = 0; try < 100; try++) {
      // another policy near the new one, and how far towards it the bounds let one go
      double K[NA * NS], k[NA], C[NA * NA], K3[NA * NS], k3[NA], C3[NA * NA];
      tnd_linear_gaussian far = {x.ns, x.na, K, k, C}, p = {x.ns, x.na, K3, k3, C3};
      const double size = power(&random, -3, 0), reach = tendril_random_uniform(&random, 1, 2);
      tendril_random_normals(&random, x.na * x.ns, K);
      tendril_random_normals(&random, x.na, k);
      tendril_random_normals(&random, x.na * x.na, C);
      for (int i = 0; i < x.na * x.ns; i++)
        K[i] = x.K[i] + reach * (x.K2[i] - x.K[i]) + size * K[i];
      for (int i = 0; i < x.na; i++)
        k[i] = x.k[i] + reach * (x.k2[i] - x.k[i]) + size * k[i];
      for (int i = 0; i < x.na; i++)
        for (int j = 0; j <= i; j++) {
          const int e = i * x.na + j;
          C[e] = x.C2[e] + (i == j ? size * x.C2[e] * tanh(C[e]) : size * C[e]);
        }
      double low = 0, high = 1;
      for (int halving = 0; halving < 45; halving++) {
        const double middle = halving == 0 ? 1 : (low + high) / 2;
        between(&x, &far, middle, &p);
        const bool inside =
            kl_of(&x, &p) <= x.bounds.max_kl && entropy_change_of(&x, &p) >= -x.bounds.entropy_drop;
        if (inside)
          low = middle;
        else
          high = middle;
      }
      between(&x, &far, low, &p);
      const double value = value_of(&x, &p);
      // rounding of sums of a hundred terms, and the 1e-12 of the bounds
      cr_assert(value <= best + 1e-10 * (1 + fabs(best) + x.m.eta + x.m.omega),
                "%u, %d: %.15g > %.15g", key, try, value, best);
      close += best - value < 0.01 * (best - start);
    }
  }
  // enough of them come so close that the comparison means something
  cr_assert(close > 1000, "%d", close);
}

Test(moto_update, scaling_q_scales_the_multipliers_and_leaves_the_policy) {
  static const double scales[] = {0x1p-30, 0x1p30, 1e-12, 1e12};
  for (uint32_t key = 0; key < 100; key++)
    for (int s = 0; s < 4; s++) {
      problem x, y;
      make(key, size_of(key), 1 + (int)(key % NS), true, &x);
      make(key, size_of(key), 1 + (int)(key % NS), true, &y);
      for (int i = 0; i < x.na * x.na; i++)
        y.Qaa[i] *= scales[s];
      for (int i = 0; i < x.na * x.ns; i++)
        y.Qas[i] *= scales[s];
      for (int i = 0; i < x.na; i++)
        y.qa[i] *= scales[s];
      update(&x);
      update(&y);
      // rounding of the products that q and c are made of
      check_close(y.m.eta / scales[s], x.m.eta, 1e-10);
      check_close(y.m.omega / scales[s], x.m.omega, 1e-10);
      check_all_close(y.K2, x.K2, x.na * x.ns, 1e-10);
      check_all_close(y.k2, x.k2, x.na, 1e-10);
      check_all_close(y.C2, x.C2, x.na * x.na, 1e-10);
      if (s < 2) {
        check_same_bits(y.K2, x.K2, x.na * x.ns);
        check_same_bits(y.k2, x.k2, x.na);
        check_same_bits(y.C2, x.C2, x.na * x.na);
      }
    }
}

Test(moto_update, a_wide_bound_on_a_concave_q_leads_to_its_maximum) {
  for (uint32_t key = 0; key < 50; key++) {
    problem x;
    double H[NA * NA], K[NA * NS], k[NA];
    make(key, size_of(key), 1 + (int)(key % NS), true, &x);
    tendril_random random = tendril_random_stream(4, TENDRIL_PURPOSE_TEST, key, 0);
    square(&random, x.na, x.na, 1, H);
    for (int i = 0; i < x.na; i++)
      H[i * (x.na + 1)] += 0.1;
    for (int i = 0; i < x.na * x.na; i++)
      x.Qaa[i] = -H[i];
    x.bounds = (tnd_moto_bounds){1e9, 0.5};
    update(&x);
    check_close(x.m.eta, 0, 0);
    cr_assert(tnd_cholesky(x.na, x.na, H));
    memcpy(K, x.Qas, sizeof K);
    memcpy(k, x.qa, sizeof k);
    tnd_cholesky_solve(x.na, x.na, H, x.ns, K);
    tnd_cholesky_solve(x.na, x.na, H, 1, k);
    // rounding times the condition, some 1e3
    check_all_close(x.K2, K, x.na * x.ns, 1e-10);
    check_all_close(x.k2, k, x.na, 1e-10);
  }
}

Test(moto_update, without_q_the_policy_stays_to_the_bit) {
  problem x;
  make(1, 4, 6, true, &x);
  memset(x.Qaa, 0, sizeof x.Qaa);
  memset(x.Qas, 0, sizeof x.Qas);
  memset(x.qa, 0, sizeof x.qa);
  x.bounds = (tnd_moto_bounds){0.1, 0.1};
  update(&x);
  check_same_bits(x.K2, x.K, x.na * x.ns);
  check_same_bits(x.k2, x.k, x.na);
  for (int i = 0; i < x.na; i++)
    check_same_bits(x.C2 + i * x.na, x.C + i * x.na, i + 1);
  check_all_close(&x.m.eta, ((double[]){0, 0, 0, 0, 0}), 5, 0);
}

Test(moto_update, a_nearly_singular_covariance_keeps_its_bounds) {
  static const double kls[] = {1e-8, 0.1, 10};
  for (uint32_t key = 0; key < 300; key++) {
    problem x;
    make(key, size_of(key), 1 + (int)(key % NS), true, &x);
    // the last action is all but a sum of the others: condition of Sigma 1e16
    for (int j = 0; j < x.na; j++)
      x.C[(x.na - 1) * x.na + j] = j < x.na - 1 ? 1 : 1e-8;
    memset(x.K, 0, sizeof x.K);  // beside 1, whole numbers of 1e-16 would be 1e-8 of a deviation
    memset(x.k, 0, sizeof x.k);
    x.bounds.max_kl = kls[key % 3];
    update(&x);
    // D C^-1 loses the digits of K' next to 1e-8: 1e-8 of it
    check_close(kl_of(&x, &x.next) / x.bounds.max_kl, x.m.kl / x.bounds.max_kl, 1e-6);
    check_close(entropy_change_of(&x, &x.next), x.m.entropy_change, 1e-12);
  }
}

Test(moto_update, may_write_over_the_old_policy) {
  problem x, y;
  make(3, 4, 6, false, &x);
  make(3, 4, 6, false, &y);
  y.next = y.old;
  update(&x);
  update(&y);
  check_same_bits(y.K, x.K2, x.na * x.ns);
  check_same_bits(y.k, x.k2, x.na);
  check_same_bits(y.C, x.C2, x.na * x.na);
  check_same_bits(&y.m.eta, &x.m.eta, 5);
}

Test(moto_update, a_failure_says_what_and_leaves_the_old_policy) {
  static const char *said[] = {"Q function is not finite",
                               "Q function is not finite",
                               "Q function is not finite",
                               "distribution of states",
                               "distribution of states",
                               "no variance",
                               "no variance",
                               "no variance",
                               "no variance",
                               "overflows",
                               "lower max_kl"};
  for (int i = 0; i < 11; i++) {
    problem x;
    tendril_error err = {{0}};
    make(1, 3, 4, true, &x);
    double *spoiled[] = {&x.Qaa[4], &x.Qas[5], &x.qa[1], &x.mean[1], &x.S[6],
                         &x.K[3],   &x.k[2],   &x.C[0],  &x.C[4],    &x.Qas[0]};
    if (i < 10) *spoiled[i] = i == 8 ? 0 : i == 9 ? 1e300 : i % 2 ? (double)INFINITY : (double)NAN;
    if (i == 10) {  // a variance of e^-20000
      memset(x.Qaa, 0, sizeof x.Qaa);
      for (int j = 0; j < 3; j++)
        x.Qaa[j * 4] = -1;
      x.bounds = (tnd_moto_bounds){1e4, INFINITY};
    }
    const tendril_status status =
        tnd_moto_update(&x.bounds, &x.Q, &x.old, &x.state, x.work, &x.next, &x.m, &err);
    cr_assert_eq(status, TENDRIL_E_NUMERIC, "%d", i);
    cr_assert(strstr(err.text, said[i]), "%d: %s", i, err.text);
    cr_assert(memcmp(x.K2, x.K, sizeof(double) * 12) == 0);
    cr_assert(memcmp(x.k2, x.k, sizeof(double) * 3) == 0);
    cr_assert(memcmp(x.C2, x.C, sizeof(double) * 9) == 0);
    check_all_close(&x.m.eta, ((double[]){0, 0, 0, 0, 0}), 5, 0);
  }
}
