// The policy update, in coordinates y of the action, a = K s + k + C U y, in which the old policy
// is a standard normal and Q has no cross terms (moto_dual.h). Changes of gain, bias and factor are
// computed as such, not as differences: none of their digits are lost when they are small, nor when
// the old covariance is nearly singular.
#include "learn/moto_update.h"

#include "math/cholesky.h"
#include "math/eigen.h"
#include "math/linalg.h"

#include <math.h>
#include <string.h>

typedef struct update {
  int ns, na;
  double *U;              // [na][na] eigenvectors of C'Qaa C, then U diag(v)^1/2
  double *W;              // [na][na] C U
  double *T;              // [na][max(ns, 2 na)] products on their way
  double *G, *h;          // [na][ns], [na]: r(s) = G s + h, the gradient of Q in y at y = 0
  double *q, *c;          // [na], [na]: eigenvalues; E r_i(s)^2
  double *step, *spread;  // [na], [na]: 1 / (eta - q_i), log v_i
  double *K, *k, *C;      // [na][ns], [na], [na][na]: the new policy
} update;

// Carves work, or, if that is NULL, only counts.
static int layout(update *u, int ns, int na, double *work) {
  int used = 0;
  const int wide = ns > 2 * na ? ns : 2 * na;
  const struct {
    double **piece;
    int size;
  } pieces[] = {
      {&u->U, na * na}, {&u->W, na * na}, {&u->T, na * wide}, {&u->G, na * ns},
      {&u->h, na},      {&u->q, na},      {&u->c, na},        {&u->step, na},
      {&u->spread, na}, {&u->K, na * ns}, {&u->k, na},        {&u->C, na * na},
  };
  u->ns = ns;
  u->na = na;
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    *pieces[i].piece = work ? work + used : NULL;
    used += pieces[i].size;
  }
  return used;
}

int tnd_moto_update_work(int ns, int na) {
  update u;
  return layout(&u, ns, na, NULL);
}

// out [rows][columns] = A [rows][inner] B [inner][columns], or with A' for A given as
// [inner][rows]
static void product(int rows, int inner, int columns, const double *A, bool transposed,
                    const double *B, double *out) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) {
      double sum = 0;
      for (int k = 0; k < inner; k++)
        sum += A[transposed ? k * rows + i : i * inner + k] * B[k * columns + j];
      out[i * columns + j] = sum;
    }
}

// The lower triangle of the old factor, zeros above it.
static void lower(int n, const double *C, double *out) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      out[i * n + j] = j <= i ? C[i * n + j] : 0;
}

// C'Qaa C = U diag(q) U' and W = C U; u->C holds the old factor.
static bool diagonalise(update *u, const double *Qaa) {
  const int na = u->na;
  if (!tnd_congruent_eigen(na, u->C, Qaa, u->T, u->q, u->U)) return false;
  product(na, na, na, u->C, false, u->U, u->W);
  return true;
}

// r(s) = W'(Qas s + Qaa (K s + k) + qa) = G s + h and c_i = E r_i(s)^2.
static bool whiten_gradient(update *u, const tnd_action_quadratic *Q,
                            const tnd_linear_gaussian *old, const tnd_gaussian *state) {
  const int na = u->na, ns = u->ns;
  product(na, na, ns, Q->Qaa, false, old->K, u->T);
  for (int i = 0; i < na * ns; i++)
    u->T[i] += Q->Qas[i];
  product(na, na, ns, u->W, true, u->T, u->G);
  product(na, na, 1, Q->Qaa, false, old->k, u->T);
  for (int i = 0; i < na; i++)
    u->T[i] += Q->qa[i];
  product(na, na, 1, u->W, true, u->T, u->h);

  // (G_i mu + h_i)^2 + G_i S G_i'
  for (int i = 0; i < na; i++) {
    const double *row = u->G + i * ns;
    double mean = u->h[i], variance = 0;
    for (int j = 0; j < ns; j++) {
      mean += row[j] * state->mean[j];
      double sum = 0;
      for (int l = 0; l < ns; l++)
        sum += state->S[j * ns + l] * row[l];
      variance += row[j] * sum;
    }
    u->c[i] = mean * mean + fmax(variance, 0);
    if (!isfinite(mean) || !isfinite(variance) || !isfinite(u->c[i])) return false;
  }
  return true;
}

// K + W diag(step) G and k + W diag(step) h.
static void move_mean(update *u, const tnd_linear_gaussian *old) {
  const int na = u->na, ns = u->ns;
  for (int i = 0; i < na; i++) {
    u->h[i] *= u->step[i];
    for (int j = 0; j < ns; j++)
      u->G[i * ns + j] *= u->step[i];
  }
  product(na, na, ns, u->W, false, u->G, u->K);
  product(na, na, 1, u->W, false, u->h, u->k);
  for (int i = 0; i < na * ns; i++)
    u->K[i] += old->K[i];
  for (int i = 0; i < na; i++)
    u->k[i] += old->k[i];
}

// The new policy's factor is C L, L that of U diag(v) U'. False if rounding changed the
// determinant: the entropy would not be what the dual says.
static bool move_spread(update *u) {
  const int na = u->na;
  double *L = u->T, *C = u->T + na * na, expected = 0;
  for (int j = 0; j < na; j++) {
    for (int i = 0; i < na; i++)
      u->U[i * na + j] *= exp(0.5 * u->spread[j]);
    expected += u->spread[j];
  }
  tnd_cholesky_of_square(na, u->U, L);
  memcpy(C, u->C, sizeof *C * (size_t)na * (size_t)na);
  product(na, na, na, C, false, L, u->C);
  return fabs(tnd_cholesky_logdet(na, na, L) - expected) < 1e-7;
}

static bool positive(int n, const double *C) {
  for (int i = 0; i < n; i++)
    if (!(C[i * n + i] > 0)) return false;
  return true;
}

// The update into u->K, u->k, u->C.
static tendril_status compute(update *u, const tnd_moto_bounds *bounds,
                              const tnd_action_quadratic *Q, const tnd_linear_gaussian *old,
                              const tnd_gaussian *state, tnd_moto_multipliers *out,
                              tendril_error *err) {
  const int na = u->na, ns = u->ns;
  lower(na, old->C, u->C);
  if (!tnd_all_finite(na * na, Q->Qaa) || !tnd_all_finite(na * ns, Q->Qas) ||
      !tnd_all_finite(na, Q->qa))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "policy update: the Q function is not finite: fit it with a larger ridge");
  if (!tnd_all_finite(ns, state->mean) || !tnd_all_finite(ns * ns, state->S))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "policy update: the distribution of states is not finite: lower max_kl");
  if (!tnd_all_finite(na * ns, old->K) || !tnd_all_finite(na, old->k) ||
      !tnd_all_finite(na * na, u->C) || !positive(na, u->C))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "policy update: the policy is not finite or has no variance: start again from "
                    "an earlier checkpoint");

  // 1. the action's coordinates, 2. the gradient of Q there, 3. the multipliers, 4. the new policy
  const tnd_moto_dual dual = {.n = na, .q = u->q, .c = u->c, .bounds = *bounds};
  if (!diagonalise(u, Q->Qaa) || !whiten_gradient(u, Q, old, state))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "policy update: the Q function overflows: scale the rewards down");
  if (!tnd_moto_dual_solve(&dual, u->step, u->spread, out) || !move_spread(u))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "policy update: a KL of %g nats leaves the policy no variance: lower max_kl",
                    bounds->max_kl);
  move_mean(u, old);
  if (!tnd_all_finite(na * ns, u->K) || !tnd_all_finite(na, u->k) ||
      !tnd_all_finite(na * na, u->C) || !positive(na, u->C))
    return tnd_fail(err, TENDRIL_E_NUMERIC,
                    "policy update: the new policy is not finite: scale states and rewards down");
  return TENDRIL_OK;
}

tendril_status tnd_moto_update(const tnd_moto_bounds *bounds, const tnd_action_quadratic *Q,
                               const tnd_linear_gaussian *old, const tnd_gaussian *state,
                               double *work, tnd_linear_gaussian *next, tnd_moto_multipliers *out,
                               tendril_error *err) {
  const size_t na = (size_t)old->na, ns = (size_t)old->ns;
  update u;
  layout(&u, old->ns, old->na, work);
  tendril_status status = compute(&u, bounds, Q, old, state, out, err);
  if (status != TENDRIL_OK) *out = (tnd_moto_multipliers){0};
  // after a failure as it was
  const bool moved = status == TENDRIL_OK;
  memmove(next->K, moved ? u.K : old->K, sizeof *u.K * na * ns);
  memmove(next->k, moved ? u.k : old->k, sizeof *u.k * na);
  memmove(next->C, moved ? u.C : old->C, sizeof *u.C * na * na);
  return status;
}
