// The solution of the normal equations, and what it says of Q~ and V~; symbols are those of
// local_quadratic.c.
#include "critic/local_quadratic_parts.h"
#include "math/cholesky.h"
#include "math/linalg.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

// b [m] = c + discount G v_{t+1}, w [m] = (L L')^-1 b, of the leading m features
static void solve(const tnd_local_quadratic *f, int t, int m, double *b, double *w) {
  const int nQ = f->nQ, follow = tnd_fit_follow(f, t), p = nQ + follow + 1;
  const double *C = tnd_fit_product(f, t);
  memcpy(b, C + (ptrdiff_t)(p - 1) * p, (size_t)m * sizeof *b);
  if (follow)
    cblas_dgemv(CblasRowMajor, CblasTrans, follow, m, f->data->discount, C + (ptrdiff_t)nQ * p, p,
                tnd_fit_v_of(f, &f->next, t + 1) + 2 * f->size.ns, 1, 1, b, 1);
  memcpy(w, b, (size_t)m * sizeof *w);
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, m, C, p, w, 1);
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, m, C, p, w, 1);
}

// Backwards in time: the only part that is serial.
tnd_fit_problem tnd_fit_v(tnd_local_quadratic *f, int *bad) {
  const int ns = f->size.ns;
  for (int t = f->size.T - 1; t >= 0; t--) {
    double *v = tnd_fit_v_of(f, &f->next, t);
    memcpy(v, f->centre + (ptrdiff_t)t * f->n, (size_t)ns * sizeof *v);
    memcpy(v + ns, f->per_unit + (ptrdiff_t)t * f->n, (size_t)ns * sizeof *v);
    solve(f, t, f->nV, f->workers[0].b, v + 2 * ns);
    *bad = t;
    if (!tnd_all_finite(f->nV, v + 2 * ns)) return TND_FIT_NO_SOLUTION;
  }
  return TND_FIT_FINE;
}

// 1 - SSE / SST of the weights w, from the products alone. With y = r + discount v'psi,
//   yy = r r + 2 discount v'Psi r + discount^2 v'Psi Psi'v     mean = b_0, as phi_0 = 1
//   SST = yy - mean^2     SSE = yy - w'b - lambda |w|^2 (w without the bias), as
//   (A + lambda I) w = b
static double r_squared(const tnd_local_quadratic *f, int t, const double *b, const double *w,
                        double *work) {
  const int nQ = f->nQ, follow = tnd_fit_follow(f, t), p = nQ + follow + 1;
  const double *C = tnd_fit_product(f, t), *last = C + (ptrdiff_t)(p - 1) * p;
  double yy = last[p - 1];
  if (follow) {
    const double *v = tnd_fit_v_of(f, &f->next, t + 1) + 2 * f->size.ns, g = f->data->discount;
    memset(work, 0, (size_t)follow * sizeof *work);
    cblas_dsymv(CblasRowMajor, CblasLower, follow, g, C + (ptrdiff_t)nQ * p + nQ, p, v, 1, 1, work,
                1);
    for (int i = 0; i < follow; i++)
      yy += g * v[i] * (2 * last[nQ + i] + work[i]);
  }
  const double sst = yy - b[0] * b[0];
  double sse = yy - tnd_dot(nQ, w, b);
  for (int i = 0; i < nQ; i++)
    sse -= tnd_fit_ridge(f, i) * w[i] * w[i];
  // what is left of equal targets is rounding
  return sst > 1e-13 * yy ? 1 - fmax(sse, 0) / sst : 1;
}

// From Q of (s, y) to Q of (s, a), y = W (a - K s - k), W = C^-1:
//   Qaa = W'Qyy W    Qas = W'Qys - Qaa K    qa = W'qy - Qaa k
static void of_actions(const tnd_linear_gaussian *policy, const tnd_action_quadratic *Q) {
  const int ns = policy->ns, na = policy->na;
  tnd_cholesky_backward(na, na, policy->C, na, Q->Qaa);
  for (int i = 0; i < na; i++)  // (W'Qyy)' = Qyy W
    for (int j = 0; j < i; j++) {
      const double x = Q->Qaa[i * na + j];
      Q->Qaa[i * na + j] = Q->Qaa[j * na + i];
      Q->Qaa[j * na + i] = x;
    }
  tnd_cholesky_backward(na, na, policy->C, na, Q->Qaa);
  for (int i = 0; i < na; i++)  // symmetric but for rounding
    for (int j = 0; j < i; j++)
      Q->Qaa[j * na + i] = Q->Qaa[i * na + j];
  tnd_cholesky_backward(na, na, policy->C, ns, Q->Qas);
  tnd_cholesky_backward(na, na, policy->C, 1, Q->qa);
  for (int i = 0; i < na; i++)
    for (int j = 0; j < na; j++) {
      const double q = Q->Qaa[i * na + j];
      for (int l = 0; l < ns; l++)
        Q->Qas[i * ns + l] -= q * policy->K[j * ns + l];
      Q->qa[i] -= q * policy->k[j];
    }
}

tnd_fit_problem tnd_fit_w(tnd_local_quadratic *f, int t, tnd_fit_scratch *w) {
  const int ns = f->size.ns;
  solve(f, t, f->nQ, w->b, w->w);
  if (!tnd_all_finite(f->nQ, w->w)) return TND_FIT_NO_SOLUTION;
  // X is free again
  f->next.info[t].r2 = r_squared(f, t, w->b, w->w, w->X);

  // raw coordinates
  tnd_quadratic *V = &f->next.V[t];
  const tnd_action_quadratic *Q = &f->next.Q[t];
  const double *v = tnd_fit_v_of(f, &f->next, t);
  tnd_quadratic_from_weights(w->w, f->centre + (ptrdiff_t)t * f->n,
                             f->per_unit + (ptrdiff_t)t * f->n, &w->Q);
  tnd_quadratic_split(&w->Q, ns, NULL, &f->next.Q[t]);
  if (f->size.na && f->data->policy) of_actions(&f->data->policy[t], &f->next.Q[t]);
  tnd_quadratic_from_weights(v + 2 * ns, v, v + ns, V);
  const int64_t na = f->size.na;
  const bool finite = isfinite(V->c) && tnd_all_finite(ns, V->b) &&
                      tnd_all_finite((int64_t)ns * ns, V->A) && tnd_all_finite(na, Q->qa) &&
                      tnd_all_finite(na * ns, Q->Qas) && tnd_all_finite(na * na, Q->Qaa);
  return finite && isfinite(f->next.info[t].r2) ? TND_FIT_FINE : TND_FIT_NO_SOLUTION;
}
