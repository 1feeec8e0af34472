// Speed of the networks at the sizes of the hopper (11-64-64-3, 2048 rows, single precision),
// each beside the same work by plain loops in double precision in the same rounds:
//   fvp    one Fisher-vector product over 2048 rows, J'M J v
//   point  the mean action for one observation
//   fit    one pass of Adam over 2048 rows in minibatches of 128, per row (11-64-64-1)
// Prints medians, the spread between quartiles, and plain / tendril; --json for a program.
#include "base/clock.h"
#include "critic/critic.h"
#include "policy/policy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tendril/random.h>

enum { N = 2048, NOBS = 11, NACT = 3, ND = 2 * NACT, H = 64, PIECE = 256, MINIBATCH = 128 };
enum { ROUNDS = 41 };

static void must(tendril_status status, const tendril_error *err) {
  if (status == TENDRIL_OK) return;
  fprintf(stderr, "bench_networks: %s\n", err->text);
  exit(1);
}

static double *normals(uint32_t which, int n) {
  double *z = calloc((size_t)n, sizeof *z);
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, which, 0);
  if (!z) exit(1);
  tendril_random_normals(&random, n, z);
  return z;
}

// ------------------------------------------------------------------------------ plain reference

// A network 11-64-64-nout by loops; parameters as in policy/mlp.h.
typedef struct plain {
  int nout;
  const double *w1, *b1, *w2, *b2, *w3, *b3;
  double h1[N][H], h2[N][H];
} plain;

static int plain_nparam(int nout) {
  return (NOBS + 1) * H + (H + 1) * H + (H + 1) * nout;
}

static void plain_set(plain *p, int nout, const double *theta) {
  p->nout = nout;
  p->w1 = theta;
  p->b1 = p->w1 + NOBS * H;
  p->w2 = p->b1 + H;
  p->b2 = p->w2 + H * H;
  p->w3 = p->b2 + H;
  p->b3 = p->w3 + H * nout;
}

// out [nout] = in [nin] W + b (b may be NULL)
static void affine(int nin, int nout, const double *in, const double *w, const double *b,
                   double *out) {
  for (int j = 0; j < nout; j++)
    out[j] = b ? b[j] : 0;
  for (int i = 0; i < nin; i++)
    for (int j = 0; j < nout; j++)
      out[j] += in[i] * w[i * nout + j];
}

static void plain_forward(plain *p, int r, const double *x, double *y) {
  affine(NOBS, H, x, p->w1, p->b1, p->h1[r]);
  for (int j = 0; j < H; j++)
    p->h1[r][j] = tanh(p->h1[r][j]);
  affine(H, H, p->h1[r], p->w2, p->b2, p->h2[r]);
  for (int j = 0; j < H; j++)
    p->h2[r][j] = tanh(p->h2[r][j]);
  affine(H, p->nout, p->h2[r], p->w3, p->b3, y);
}

// dy = J v of row r, v as another network's weights
static void plain_jvp(const plain *p, const plain *v, int r, const double *x, double *dy) {
  double d1[H], d2[H], more[H];
  affine(NOBS, H, x, v->w1, v->b1, d1);
  for (int j = 0; j < H; j++)
    d1[j] *= 1 - p->h1[r][j] * p->h1[r][j];
  affine(H, H, d1, p->w2, NULL, d2);
  affine(H, H, p->h1[r], v->w2, v->b2, more);
  for (int j = 0; j < H; j++)
    d2[j] = (d2[j] + more[j]) * (1 - p->h2[r][j] * p->h2[r][j]);
  affine(H, p->nout, d2, p->w3, NULL, dy);
  affine(H, p->nout, p->h2[r], v->w3, v->b3, more);
  for (int j = 0; j < p->nout; j++)
    dy[j] += more[j];
}

// One layer back: grad of W and b from g, and below = (g W') o (1 - h^2) if below is not NULL
static void plain_back(int nin, int nout, const double *in, const double *w, const double *g,
                       double *grad_w, double *grad_b, double *below) {
  for (int j = 0; j < nout; j++)
    grad_b[j] += g[j];
  for (int i = 0; i < nin; i++) {
    double sum = 0;
    for (int j = 0; j < nout; j++) {
      grad_w[i * nout + j] += in[i] * g[j];
      sum += g[j] * w[i * nout + j];
    }
    if (below) below[i] = sum * (1 - in[i] * in[i]);
  }
}

static void plain_vjp(const plain *p, int r, const double *x, const double *g, double *grad) {
  double g2[H], g1[H];
  double *w1 = grad, *b1 = w1 + NOBS * H, *w2 = b1 + H, *b2 = w2 + H * H, *w3 = b2 + H;
  plain_back(H, p->nout, p->h2[r], p->w3, g, w3, w3 + H * p->nout, g2);
  plain_back(H, H, p->h1[r], p->w2, g2, w2, b2, g1);
  plain_back(NOBS, H, x, p->w1, g1, w1, b1, NULL);
}

// ---------------------------------------------------------------------------------- the subjects

typedef struct subjects {
  tendril_policy *policy;
  tendril_actor *actor;
  tnd_policy_rows *rows[N / PIECE];
  tnd_critic *critic;
  plain *plain_policy, *plain_tangent, *plain_critic;
  int nparam, nparam_critic;
  double *x, *y, *v, *d, *jv, *fv, *fv_plain, *theta, *m1, *m2, *grad;
  int *time;
  uint32_t iteration;
  double sink;
} subjects;

static void fvp(subjects *s) {
  memset(s->fv, 0, (size_t)s->nparam * sizeof *s->fv);
  tnd_policy_set_tangent(s->policy, s->v);
  for (int k = 0; k < N / PIECE; k++) {
    double *jv = s->jv + (ptrdiff_t)k * PIECE * ND;
    tnd_policy_jvp(s->policy, s->rows[k], jv);
    tnd_policy_metric(s->policy, PIECE, s->d + (ptrdiff_t)k * PIECE * ND, jv);
    tnd_policy_vjp(s->policy, s->rows[k], jv, s->fv);
  }
}

static void fvp_plain(subjects *s) {
  const double *log_std = tendril_policy_get_params(s->policy) + s->nparam - NACT;
  memset(s->fv_plain, 0, (size_t)s->nparam * sizeof *s->fv_plain);
  for (int r = 0; r < N; r++) {
    const double *x = s->x + (ptrdiff_t)r * NOBS;
    double jv[NACT];
    plain_jvp(s->plain_policy, s->plain_tangent, r, x, jv);
    for (int j = 0; j < NACT; j++)
      jv[j] *= exp(-2 * log_std[j]);
    plain_vjp(s->plain_policy, r, x, jv, s->fv_plain);
  }
  for (int j = 0; j < NACT; j++)
    s->fv_plain[s->nparam - NACT + j] = 2.0 * N * s->v[s->nparam - NACT + j];
}

static void point(subjects *s) {
  double action[NACT];
  for (int r = 0; r < N; r++) {
    tendril_policy_act(s->policy, s->actor, 0, s->x + (ptrdiff_t)r * NOBS, NULL, action);
    s->sink += action[0];
  }
}

static void point_plain(subjects *s) {
  double action[NACT];
  for (int r = 0; r < N; r++) {
    plain_forward(s->plain_policy, r, s->x + (ptrdiff_t)r * NOBS, action);
    s->sink += action[0];
  }
}

static void fit(subjects *s) {
  tendril_error err;
  must(tnd_critic_fit(s->critic, N, s->x, s->time, s->y, s->iteration++, &err), &err);
}

static void fit_plain(subjects *s) {
  for (int first = 0; first < N; first += MINIBATCH) {
    memset(s->grad, 0, (size_t)s->nparam_critic * sizeof *s->grad);
    for (int r = first; r < first + MINIBATCH; r++) {
      const double *x = s->x + (ptrdiff_t)r * NOBS;
      double y;
      plain_forward(s->plain_critic, r, x, &y);
      y = (y - (s->y[r] - 100) / 50) / MINIBATCH;
      plain_vjp(s->plain_critic, r, x, &y, s->grad);
    }
    for (int i = 0; i < s->nparam_critic; i++) {
      s->m1[i] = 0.9 * s->m1[i] + 0.1 * s->grad[i];
      s->m2[i] = 0.999 * s->m2[i] + 0.001 * s->grad[i] * s->grad[i];
      s->theta[i] -= 1e-3 * s->m1[i] / (sqrt(s->m2[i]) + 1e-8);
    }
  }
}

static void set_up(subjects *s) {
  tendril_error err = {{0}};
  s->x = normals(0, N * NOBS);
  s->y = normals(1, N);
  s->d = normals(2, N * ND);
  s->jv = normals(3, N * ND);
  s->time = calloc(N, sizeof *s->time);
  for (int r = 0; r < N; r++)
    s->y[r] = 100 + 50 * sin(s->x[(ptrdiff_t)r * NOBS]) + s->y[r];

  tendril_policy_options po = {
      .hidden = {2, {H, H}}, .log_std = -0.5, .output_gain = 1, .normalize = false, .obs_clip = 10};
  must(tendril_policy_create(&po, NOBS, NACT, 100, 1, &s->policy, &err), &err);
  must(tendril_actor_create(s->policy, &s->actor, &err), &err);
  s->nparam = tendril_policy_nparam(s->policy);
  s->v = normals(4, s->nparam);
  s->fv = normals(5, s->nparam);
  s->fv_plain = normals(6, s->nparam);
  for (int k = 0; k < N / PIECE; k++) {
    must(tnd_policy_rows_create(s->policy, PIECE, &s->rows[k], &err), &err);
    tnd_policy_forward(s->policy, s->rows[k], PIECE, s->x + (ptrdiff_t)k * PIECE * NOBS,
                       s->d + (ptrdiff_t)k * PIECE * ND);
  }

  tendril_critic_options co = {.hidden = {2, {H, H}},
                               .epochs = 1,
                               .minibatch = MINIBATCH,
                               .learning_rate = 1e-3,
                               .ridge = 1e-5};
  must(tnd_critic_create(&co, &(tnd_critic_size){NOBS, NOBS, 1000, N, 1}, 1, &s->critic, &err),
       &err);
  s->nparam_critic = plain_nparam(1);
  s->theta = normals(7, s->nparam_critic);
  s->m1 = calloc((size_t)s->nparam_critic, sizeof *s->m1);
  s->m2 = calloc((size_t)s->nparam_critic, sizeof *s->m2);
  s->grad = calloc((size_t)s->nparam_critic, sizeof *s->grad);
  s->plain_policy = calloc(1, sizeof *s->plain_policy);
  s->plain_tangent = calloc(1, sizeof *s->plain_tangent);
  s->plain_critic = calloc(1, sizeof *s->plain_critic);
  if (!s->time || !s->m1 || !s->m2 || !s->grad || !s->plain_policy || !s->plain_tangent ||
      !s->plain_critic)
    exit(1);
  for (int i = 0; i < s->nparam_critic; i++)
    s->theta[i] *= 0.1;
  plain_set(s->plain_policy, NACT, tendril_policy_get_params(s->policy));
  plain_set(s->plain_tangent, NACT, s->v);
  plain_set(s->plain_critic, 1, s->theta);
  point_plain(s);  // fills the activations
}

// ---------------------------------------------------------------------------------- measurement

typedef struct benchmark {
  const char *name, *unit;
  double per_call;  // units of work in one call
  int calls;        // in one round
  void (*run)(subjects *s);
  void (*plain)(subjects *s);
} benchmark;

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double time_calls(void (*run)(subjects *s), subjects *s, int calls) {
  double start = tnd_clock_wall();
  for (int k = 0; k < calls; k++)
    run(s);
  return (tnd_clock_wall() - start) / calls;
}

int main(int argc, char **argv) {
  bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  static subjects s;
  set_up(&s);

  // both sides must do the same work
  double worst = 0, size = 0;
  fvp(&s);
  fvp_plain(&s);
  for (int i = 0; i < s.nparam; i++) {
    worst = fmax(worst, fabs(s.fv[i] - s.fv_plain[i]));
    size = fmax(size, fabs(s.fv_plain[i]));
  }
  if (!(worst < 1e-4 * size)) {
    fprintf(stderr, "bench_networks: the products differ by %g of %g\n", worst, size);
    return 1;
  }

  const benchmark all[] = {{"fvp", "product", 1, 5, fvp, fvp_plain},
                           {"point", "row", N, 1, point, point_plain},
                           {"fit", "row", N, 2, fit, fit_plain}};
  if (json) printf("[");
  for (int b = 0; b < 3; b++) {
    double ours[ROUNDS], plain_times[ROUNDS];
    all[b].run(&s);
    all[b].plain(&s);
    for (int k = 0; k < ROUNDS; k++) {  // interleaved: both see the same machine
      ours[k] = time_calls(all[b].run, &s, all[b].calls) / all[b].per_call * 1e6;
      plain_times[k] = time_calls(all[b].plain, &s, 1) / all[b].per_call * 1e6;
    }
    qsort(ours, ROUNDS, sizeof *ours, ascending);
    qsort(plain_times, ROUNDS, sizeof *plain_times, ascending);
    double median = ours[ROUNDS / 2], base = plain_times[ROUNDS / 2];
    double low = ours[ROUNDS / 4], high = ours[3 * ROUNDS / 4];
    if (json)
      printf("%s\n  {\"name\": \"%s\", \"unit\": \"us/%s\", \"median\": %.4g, \"low\": %.4g, "
             "\"high\": %.4g, \"plain\": %.4g, \"ratio\": %.4g}",
             b ? "," : "", all[b].name, all[b].unit, median, low, high, base, base / median);
    else
      printf("%-6s %9.3f us/%-8s quartiles %.3f to %.3f   plain %.3f   %.1f times\n", all[b].name,
             median, all[b].unit, low, high, base, base / median);
  }
  if (json) printf("\n]\n");
  return s.sink == 0.5;  // keeps the work
}
