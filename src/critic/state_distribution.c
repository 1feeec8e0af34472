#include "critic/state_distribution.h"

#include <math.h>
#include <string.h>

// Scratch: the rows of the lists, one list after the other, then a weight for each.
int64_t tnd_state_scratch(int ns, int na, int64_t rows) {
  return rows * (ns + 1) + ns + na;
}

typedef struct job {
  const tnd_state_samples *samples;
  double *scratch;
  tnd_gaussian *rho;
} job;

// Rows in the lists before t.
static int64_t offset(const tnd_state_samples *x, int t) {
  int64_t rows = 0;
  for (int u = 0; u < t; u++)
    rows += x->own[u].n;
  return rows;
}

static void gather(const tnd_step_rows *list, int ns, const double *x, double *out) {
  for (int i = 0; i < list->n; i++)
    memcpy(out + (ptrdiff_t)i * ns, x + (ptrdiff_t)list->row[i] * ns, sizeof *x * (size_t)ns);
}

// From the rows' states x [list->n][ns], weighted by w or, if that is NULL, alike.
static bool fit(const tnd_state_samples *samples, const tnd_step_rows *list, const double *x,
                const double *w, tnd_gaussian *rho) {
  const int ns = samples->ns;
  if (!tnd_gaussian_fit(rho, list->n, x, ns, w, samples->ridge, 0)) return false;
  tnd_gaussian_widen(rho, samples->spread);
  return true;
}

// A distribution that could not be found has n = 0.
static void fit_step(void *context, int t, int worker) {
  (void)worker;
  const job *j = context;
  const tnd_state_samples *x = j->samples;
  double *rows = j->scratch + offset(x, t) * x->ns;
  gather(&x->own[t], x->ns, x->s, rows);
  j->rho[t].n = x->ns;
  if (!fit(x, &x->own[t], rows, x->own[t].weight, &j->rho[t])) j->rho[t].n = 0;
}

int tnd_state_mixture(const tnd_state_samples *samples, tendril_pool *pool, double *scratch,
                      tnd_gaussian *rho) {
  job j = {samples, scratch, rho};
  tnd_pool_run(pool, samples->T, fit_step, &j);
  int bad = -1;
  for (int t = samples->T - 1; t >= 0; t--)
    if (rho[t].n == 0) {
      rho[t].n = samples->ns;
      bad = t;
    }
  return bad;
}

// log z^j_t(s, a)
static double log_z(const tnd_gaussian *rho, const tnd_linear_gaussian *policy, const double *s,
                    const double *a, double *scratch) {
  return tnd_gaussian_logp(rho, s, scratch) + tnd_linear_gaussian_logp(policy, s, a, scratch);
}

// w [n] <- z^i_t / z^{1:i}_t of the rows of step t that another step follows, 0 of the others;
// returns their effective number.
static double weigh(const tnd_state_samples *x, const tnd_state_history *h,
                    const tnd_gaussian *newest, int t, double *scratch, double *w) {
  const tnd_step_rows *list = &x->own[t];
  double sum = 0, square = 0;
  for (int i = 0; i < list->n; i++) {
    const double *s = x->s + (ptrdiff_t)list->row[i] * x->ns;
    const double *a = x->a + (ptrdiff_t)list->row[i] * x->na;
    w[i] = 0;
    if (x->terminated[list->row[i]]) continue;
    const double top = log_z(newest, &h->policy[0][t], s, a, scratch);
    // z^{1:i} / z^i: no less than the newest iteration's own part
    double below = h->count[0], rows = h->count[0];
    for (int j = 1; j < h->kept; j++) {
      below += h->count[j] * exp(log_z(&h->rho[j][t], &h->policy[j][t], s, a, scratch) - top);
      rows += h->count[j];
    }
    w[i] = rows / below;
    sum += w[i];
    square += w[i] * w[i];
  }
  return square > 0 ? sum * sum / square : 0;
}

int tnd_state_forward(const tnd_state_samples *x, const tnd_state_history *h, double *scratch,
                      tnd_gaussian *rho, double *effective) {
  double *rows = scratch, *w = scratch + offset(x, x->T) * x->ns, *work = w + offset(x, x->T);
  *effective = INFINITY;
  gather(&x->own[0], x->ns, x->s, rows);
  if (!fit(x, &x->own[0], rows, NULL, &rho[0])) return 0;
  for (int t = 0; t + 1 < x->T; t++) {
    *effective = fmin(*effective, weigh(x, h, &rho[t], t, work, w));
    gather(&x->own[t], x->ns, x->next, rows);
    if (!fit(x, &x->own[t], rows, w, &rho[t + 1])) return t + 1;
  }
  return -1;
}
