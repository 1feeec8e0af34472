#include "math/linear_gaussian.h"

#include "math/cholesky.h"

#include <math.h>
#include <string.h>

tnd_linear_gaussian *tnd_linear_gaussian_layout(tnd_arena *arena, int T, int ns, int na) {
  const size_t t = (size_t)T, n = (size_t)ns, m = (size_t)na;
  tnd_linear_gaussian *p = tnd_arena_take(arena, t, sizeof *p);
  double *K = tnd_arena_doubles(arena, t * m * n), *k = tnd_arena_doubles(arena, t * m);
  double *C = tnd_arena_doubles(arena, t * m * m);
  for (size_t i = 0; p && i < t; i++)
    p[i] = (tnd_linear_gaussian){ns, na, K + i * m * n, k + i * m, C + i * m * m};
  return p;
}

void tnd_linear_gaussian_copy(const tnd_linear_gaussian *from, const tnd_linear_gaussian *to) {
  const size_t ns = (size_t)from->ns, na = (size_t)from->na;
  memcpy(to->K, from->K, sizeof *to->K * na * ns);
  memcpy(to->k, from->k, sizeof *to->k * na);
  memcpy(to->C, from->C, sizeof *to->C * na * na);
}

void tnd_linear_gaussian_mean(const tnd_linear_gaussian *p, const double *s, double *a) {
  for (int i = 0; i < p->na; i++) {
    a[i] = p->k[i];
    for (int j = 0; j < p->ns; j++)
      a[i] += p->K[i * p->ns + j] * s[j];
  }
}

double tnd_linear_gaussian_logp(const tnd_linear_gaussian *p, const double *s, const double *a,
                                double *scratch) {
  const int na = p->na;
  double square = 0;
  tnd_linear_gaussian_mean(p, s, scratch);
  for (int i = 0; i < na; i++)
    scratch[i] = a[i] - scratch[i];
  tnd_cholesky_forward(na, na, p->C, 1, scratch);
  for (int i = 0; i < na; i++)
    square += scratch[i] * scratch[i];
  return -0.5 * (square + na * TND_LOG_2PI + tnd_cholesky_logdet(na, na, p->C));
}

double tnd_linear_gaussian_kl(const tnd_linear_gaussian *p, const tnd_linear_gaussian *q,
                              const tnd_gaussian *state, double *scratch) {
  const int na = p->na, ns = p->ns;
  double *D = scratch, *d = D + na * ns, *P = d + na;  // Cq^-1 of D, d and Cp
  for (int i = 0; i < na * ns; i++)
    D[i] = p->K[i] - q->K[i];
  for (int i = 0; i < na; i++) {
    d[i] = p->k[i] - q->k[i];
    for (int j = 0; j < na; j++)
      P[i * na + j] = j <= i ? p->C[i * na + j] : 0;
  }
  tnd_cholesky_forward(na, na, q->C, ns, D);
  tnd_cholesky_forward(na, na, q->C, 1, d);
  tnd_cholesky_forward(na, na, q->C, na, P);

  double spread = 0, shift = 0;
  for (int i = 0; i < na; i++) {
    for (int j = 0; j < i; j++)
      spread += P[i * na + j] * P[i * na + j];
    // r^2 - 1 - log r^2, which keeps its digits about r = 1 and for small r
    const double r = P[i * na + i], e = (r - 1) * (r + 1);
    spread += e - (fabs(e) < 0.5 ? log1p(e) : 2 * log(r));

    const double *row = D + i * ns;
    double mean = d[i];
    for (int j = 0; j < ns; j++) {
      mean += row[j] * state->mean[j];
      for (int l = 0; l < ns; l++)
        shift += row[j] * row[l] * state->S[j * ns + l];
    }
    shift += mean * mean;
  }
  return 0.5 * (spread + shift);
}
