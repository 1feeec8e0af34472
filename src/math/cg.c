// Conjugate gradients; see cg.h.
#include "math/cg.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "math/linalg.h"

struct tnd_cg {
  int n;
  double *r;   // [n] residual b - A x
  double *p;   // [n] search direction
  double *ap;  // [n] A p
  tnd_arena arena;
};

static void layout(tnd_cg *cg, tnd_arena *arena) {
  cg->r = tnd_arena_doubles(arena, (size_t)cg->n);
  cg->p = tnd_arena_doubles(arena, (size_t)cg->n);
  cg->ap = tnd_arena_doubles(arena, (size_t)cg->n);
}

tendril_status tnd_cg_create(int n, tnd_cg **out, tendril_error *err) {
  tnd_cg *cg = tnd_alloc(sizeof *cg);
  if (!cg) return tnd_fail_memory(err);
  cg->n = n;
  layout(cg, &cg->arena);
  tendril_status status = tnd_arena_alloc(&cg->arena, err);
  if (status != TENDRIL_OK) {
    tnd_cg_destroy(cg);
    return status;
  }
  layout(cg, &cg->arena);
  *out = cg;
  return TENDRIL_OK;
}

void tnd_cg_destroy(tnd_cg *cg) {
  if (!cg) return;
  tnd_arena_free(&cg->arena);
  tnd_free(cg);
}

tnd_cg_result tnd_cg_solve(tnd_cg *cg, tnd_cg_product product, void *context, const double *b,
                           int iterations, double tolerance, double *x) {
  int n = cg->n;
  double *r = cg->r, *p = cg->p, *ap = cg->ap;
  tnd_cg_result result = {.end = TND_CG_ITERATIONS};

  // x = 0, r = p = b
  memset(x, 0, (size_t)n * sizeof *x);
  memcpy(r, b, (size_t)n * sizeof *r);
  memcpy(p, b, (size_t)n * sizeof *p);
  double rr = tnd_dot(n, r, r), bb = rr;
  if (!isfinite(bb)) {
    result.end = TND_CG_NONFINITE;
    result.residual = 1;
    return result;
  }

  for (;;) {
    if (rr <= tolerance * tolerance * bb) {  // b = 0 ends here
      result.end = TND_CG_CONVERGED;
      break;
    }
    if (result.iterations == iterations) break;

    product(context, p, ap);
    double pap = tnd_dot(n, p, ap);
    if (!isfinite(pap) || !tnd_all_finite(n, ap)) {
      result.end = TND_CG_NONFINITE;
      break;
    }
    if (pap <= 0) {
      result.end = TND_CG_CURVATURE;
      break;
    }

    // alpha = r'r / p'Ap; x += alpha p; r -= alpha A p
    double alpha = rr / pap, rr_new = 0;
    if (!isfinite(alpha)) {
      result.end = TND_CG_NONFINITE;
      break;
    }
    for (int i = 0; i < n; i++)
      x[i] += alpha * p[i];
    for (int i = 0; i < n; i++)
      r[i] -= alpha * ap[i];
    rr_new = tnd_dot(n, r, r);
    result.iterations++;

    // p = r + (r'r new / r'r old) p
    double beta = rr_new / rr;
    for (int i = 0; i < n; i++)
      p[i] = r[i] + beta * p[i];
    rr = rr_new;
  }

  // x'Ax = x'(b - r), as A x = b - r
  result.residual = bb > 0 ? sqrt(rr / bb) : 0;
  for (int i = 0; i < n; i++)
    p[i] = b[i] - r[i];
  result.curvature = tnd_dot(n, x, p);
  return result;
}
