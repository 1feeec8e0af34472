// The backward step. Matrices are small and dense, so plain loops over rows do; V'xx F is formed
// once and all of Q comes from it. Of symmetric matrices only the lower triangle is made.
#include "trajopt/lqr.h"

#include "math/cholesky.h"
#include "math/simd.h"
#include "trajopt/boxqp.h"

#include <assert.h>
#include <string.h>

int tnd_lqr_work(int n, int m) {
  const int w = n + m;
  return n * w + w * w + w + n + 2 * m * m + m * n;
}

typedef struct scratch {
  double *VF;      // [n][w] V'xx F
  double *Qzz;     // [w][w] over z = (x, u)
  double *Qz;      // [w]
  double *vc;      // [n] V'x + V'xx fc
  double *H;       // [m][m] Quu with its regularisation
  double *factor;  // [m][m]
  double *G;       // [m][n] Qux with its regularisation
} scratch;

static scratch carve(int n, int m, double *work) {
  const int w = n + m;
  scratch s = {.VF = work};
  s.Qzz = s.VF + n * w;
  s.Qz = s.Qzz + w * w;
  s.vc = s.Qz + w;
  s.H = s.vc + n;
  s.factor = s.H + m * m;
  s.G = s.factor + m * m;
  return s;
}

// y [width] += sum over k < n of c_k X_k: c has a stride, rows of X are w apart. Four rows at a
// time, in their order: the sums are those of one at a time with a quarter of the loads and stores.
static inline void add_rows(int n, int width, const double *c, int stride, const double *restrict X,
                            int w, double *restrict y) {
  int k = 0;
  for (; k + 4 <= n; k += 4, c += 4 * stride, X += 4 * w) {
    const double c0 = c[0], c1 = c[stride], c2 = c[2 * stride], c3 = c[3 * stride];
    for (int j = 0; j < width; j++)
      y[j] = (((y[j] + c0 * X[j]) + c1 * X[j + w]) + c2 * X[j + 2 * w]) + c3 * X[j + 3 * w];
  }
  for (; k < n; k++, c += stride, X += w)
    for (int j = 0; j < width; j++)
      y[j] += *c * X[j];
}

// Columns of row i to work on where the lower triangle is wanted: up to the diagonal, and on to a
// whole vector.
static int width_of(int i, int w) {
  const int width = (i + 4) & ~3;
  return width < w ? width : w;
}

// Q += V'(f(x, u))
static TND_CLONES void add_dynamics(int n, int m, const tnd_lqr_stage *st, const tnd_lqr_value *v,
                                    scratch *s) {
  const int w = n + m;
  for (int i = 0; i < n; i++) {
    const double *V = v->Vxx + i * n;
    double *row = s->VF + i * w, c = v->Vx[i];
    memset(row, 0, sizeof *row * (size_t)w);
    add_rows(n, w, V, 1, st->F, w, row);
    for (int k = 0; st->fc && k < n; k++)
      c += V[k] * st->fc[k];
    s->vc[i] = c;
  }
  add_rows(n, w, s->vc, 1, st->F, w, s->Qz);
  for (int i = 0; i < w; i++)
    add_rows(n, width_of(i, w), st->F + i, w, s->VF, w, s->Qzz + i * w);
}

// Q of the stage, without regularisation by mu.
static void expand(int n, int m, const tnd_lqr_stage *st, const tnd_lqr_value *v, scratch *s) {
  const int w = n + m;
  memcpy(s->Qz, st->lx, sizeof(double) * (size_t)n);
  memcpy(s->Qz + n, st->lu, sizeof(double) * (size_t)m);
  for (int i = 0; i < n; i++)
    memcpy(s->Qzz + i * w, st->lxx + i * n, sizeof(double) * (size_t)n);
  for (int i = 0; i < m; i++) {
    memcpy(s->Qzz + (n + i) * w, st->lux + i * n, sizeof(double) * (size_t)n);
    memcpy(s->Qzz + (n + i) * w + n, st->luu + i * m, sizeof(double) * (size_t)m);
  }
  if (st->F) add_dynamics(n, m, st, v, s);
  for (int i = n; i < w; i++)
    s->Qzz[i * w + i] += st->rho;
}

// Quu and Qux with mu F'F added.
static void regularise(int n, int m, const tnd_lqr_stage *st, scratch *s) {
  const int w = n + m;
  for (int i = 0; i < m; i++) {
    const double *row = s->Qzz + (n + i) * w;
    memcpy(s->G + i * n, row, sizeof(double) * (size_t)n);
    for (int j = 0; j < m; j++)
      s->H[i * m + j] = j <= i ? row[n + j] : s->Qzz[(n + j) * w + n + i];
  }
  for (int k = 0; k < n && st->mu > 0; k++) {
    const double *f = st->F + k * w;
    for (int i = 0; i < m; i++) {
      const double c = st->mu * f[n + i];
      for (int j = 0; j < n; j++)
        s->G[i * n + j] += c * f[j];
      for (int j = 0; j < m; j++)
        s->H[i * m + j] += c * f[n + j];
    }
  }
}

// k and K from H, G and Qu.
static bool solve(int n, int m, const tnd_lqr_stage *st, scratch *s, tnd_lqr_law *law) {
  const double *Qu = s->Qz + n;
  bool clamped[TND_BOXQP_MAX] = {false};
  int nfree = m;
  if (st->low) {
    memset(law->k, 0, sizeof(double) * (size_t)m);
    if (!tnd_boxqp(m, s->H, Qu, st->low, st->high, law->k, clamped, s->factor, &nfree))
      return false;
  } else {
    memcpy(s->factor, s->H, sizeof(double) * (size_t)(m * m));
    if (!tnd_cholesky(m, m, s->factor)) return false;
    for (int i = 0; i < m; i++)
      law->k[i] = -Qu[i];
    tnd_cholesky_solve(m, m, s->factor, 1, law->k);
  }
  // K: the free rows packed to the front, solved, and put back from the last on
  int row = 0;
  for (int i = 0; i < m; i++) {
    if (clamped[i]) continue;
    for (int j = 0; j < n; j++)
      law->K[row * n + j] = -s->G[i * n + j];
    row++;
  }
  tnd_cholesky_solve(nfree, m, s->factor, n, law->K);
  for (int i = m - 1; i >= 0; i--) {
    if (clamped[i])
      memset(law->K + i * n, 0, sizeof(double) * (size_t)n);
    else if (--row != i)
      memcpy(law->K + i * n, law->K + row * n, sizeof(double) * (size_t)n);
  }
  return true;
}

// V of this step by the long form: k and K needn't minimise the unregularised Q.
static TND_CLONES void back_up(int n, int m, const scratch *s, const tnd_lqr_law *law,
                               tnd_lqr_value *v) {
  const int w = n + m;
  const double *Qu = s->Qz + n, *Qux = s->Qzz + n * w, *K = law->K;
  double *P = s->VF, *g = s->H;  // [m][n] Quu K + Qux, [m] Quu k + Qu; free by now
  for (int a = 0; a < m; a++) {
    const double *quu = law->Quu + a * m;
    g[a] = Qu[a];
    for (int b = 0; b < m; b++)
      g[a] += quu[b] * law->k[b];
    memcpy(P + a * n, Qux + a * w, sizeof *P * (size_t)n);
    add_rows(m, n, quu, 1, K, n, P + a * n);
  }
  // Vx = Qx + K'(Quu k + Qu) + Qux'k
  memcpy(v->Vx, s->Qz, sizeof(double) * (size_t)n);
  add_rows(m, n, g, 1, K, n, v->Vx);
  add_rows(m, n, law->k, 1, Qux, w, v->Vx);
  // Vxx = Qxx + K'(Quu K + Qux) + Qux'K
  for (int i = 0; i < n; i++) {
    double *row = v->Vxx + i * n;
    const int width = width_of(i, n);
    memcpy(row, s->Qzz + i * w, sizeof *row * (size_t)width);
    add_rows(m, width, K + i, n, P, n, row);
    add_rows(m, width, Qux + i, w, K, n, row);
  }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      v->Vxx[j * n + i] = v->Vxx[i * n + j];
}

void tnd_lqr_expand(int n, int m, const tnd_lqr_stage *stage, const tnd_lqr_value *v, double *work,
                    const tnd_lqr_q *Q) {
  const int w = n + m;
  scratch s = carve(n, m, work);
  expand(n, m, stage, v, &s);
  memcpy(Q->Qx, s.Qz, sizeof(double) * (size_t)n);
  memcpy(Q->Qu, s.Qz + n, sizeof(double) * (size_t)m);
  for (int i = 0; i < n; i++)
    memcpy(Q->Qxx + i * n, s.Qzz + i * w, sizeof(double) * (size_t)n);
  for (int i = 0; i < m; i++) {
    const double *row = s.Qzz + (n + i) * w;
    memcpy(Q->Qux + i * n, row, sizeof(double) * (size_t)n);
    for (int j = 0; j <= i; j++)
      Q->Quu[i * m + j] = Q->Quu[j * m + i] = row[n + j];
  }
}

bool tnd_lqr_step(int n, int m, const tnd_lqr_stage *stage, double *work, tnd_lqr_value *v,
                  tnd_lqr_law *law) {
  const int w = n + m;
  scratch s = carve(n, m, work);
  assert(m <= TND_BOXQP_MAX && (stage->F || stage->mu == 0));
  expand(n, m, stage, v, &s);
  regularise(n, m, stage, &s);
  if (!solve(n, m, stage, &s, law)) return false;

  law->linear = law->quadratic = 0;
  for (int i = 0; i < m; i++) {
    double Quuk = 0;
    for (int j = 0; j < m; j++) {
      const double q = j <= i ? s.Qzz[(n + i) * w + n + j] : s.Qzz[(n + j) * w + n + i];
      law->Quu[i * m + j] = q;
      Quuk += q * law->k[j];
    }
    law->linear += s.Qz[n + i] * law->k[i];
    law->quadratic += 0.5 * law->k[i] * Quuk;
  }
  back_up(n, m, &s, law, v);
  return true;
}
