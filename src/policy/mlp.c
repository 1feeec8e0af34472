// Fully connected network; see mlp.h. Rows are padded to whole 64-byte lines, so that every loop
// runs over whole vectors; the arithmetic is in mlp_kernels.inc.h, once in each precision.
//
//   H_0 = x,   Z_l = H_{l-1} W_l + b_l,   H_l = h(Z_l),   D_l = h'(Z_l),   y = H_{L-1} W_L + b_L
//   J v:   dZ_l = dH_{l-1} W_l + H_{l-1} V_l + v_l,   dH_l = D_l o dZ_l
//   J' g:  G_L = g,   grad W_l += H_{l-1}' G_l,   grad b_l += 1' G_l,
//          G_{l-1} = (G_l W_l') o D_{l-1}
//   dy/dx: the same G from G_L = I, one for each output, down to G_1 W_1'
#include "policy/mlp.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "math/gemm.h"
#include "math/linalg.h"
#include "math/simd.h"
#include "math/vecmath.h"

#define MAX_LAYERS (TENDRIL_MAX_SIZES + 1)
#define MAX_STACKED 256  // rows of G that a Jacobian works on at a time: they stay in the cache

// One layer; arrays are float or double. Paddings are zero.
struct layer {
  int nin, nout;  // true widths
  int pin, pout;  // padded ones
  int64_t first;  // its first parameter: W [nin][nout], then b [nout]
  void *w;        // [nin][pout]
  void *v;        // [nin][pout] tangent of W
  void *wt;       // [nout][pin] W transposed
  void *b;        // [pout]
  void *vb;       // [pout] tangent of b
};

struct tnd_mlp {
  tnd_mlp_shape shape;
  int nlayer;
  int widest;  // largest padded width
  struct layer layers[MAX_LAYERS];
  tnd_arena arena;
};

// What a pass over rows needs and leaves nothing in.
struct scratch {
  void *y;          // [capacity][pout] of the last layer: y, J v or g
  int stacked;      // max(capacity, nout)
  void *g[2];       // [stacked][widest and a line] dH_l or G_l, by turns
  void *gw;         // [max nin][pout] gradient of one layer's weights
  void *temporary;  // [2][widest]
};

struct tnd_mlp_rows {
  int capacity, n;
  bool keeps_only;      // activations; the scratch is borrowed
  int x_row;            // row stride of x
  void *x;              // [capacity][x_row]
  void *h[MAX_LAYERS];  // [capacity][pout and a line] H of a hidden layer
  void *d[MAX_LAYERS];  // [capacity][pout] h', where it does not follow from H
  struct scratch scratch;
  tnd_arena arena;
};

// Row stride of H and dH: one line more than the width, for rows a power of two apart would fall on
// each other in the cache.
static int h_stride(const struct layer *layer, size_t size) {
  return layer->pout + (int)(TND_LINE / size);
}

#define REAL float
#define NAME(x) x##_floats
#include "policy/mlp_kernels.inc.h"

#define REAL double
#define NAME(x) x##_doubles
#include "policy/mlp_kernels.inc.h"

static bool single(const tnd_mlp *mlp) {
  return mlp->shape.precision == TENDRIL_SINGLE;
}

static int layer_width(const tnd_mlp_shape *shape, int boundary) {
  if (boundary == 0) return shape->nin;
  return boundary <= shape->hidden.n ? shape->hidden.at[boundary - 1] : shape->nout;
}

int64_t tnd_mlp_nparam(const tnd_mlp_shape *shape) {
  int64_t n = 0;
  for (int l = 0; l <= shape->hidden.n; l++)
    n += ((int64_t)layer_width(shape, l) + 1) * layer_width(shape, l + 1);
  return n;
}

tendril_status tnd_mlp_init(const tnd_mlp_shape *shape, double output_gain, tendril_random *random,
                            double *theta, tendril_error *err) {
  for (int l = 0; l <= shape->hidden.n; l++) {
    int nin = layer_width(shape, l), nout = layer_width(shape, l + 1);
    double gain = l < shape->hidden.n ? sqrt(2.0) : output_gain;
    TENDRIL_TRY(tnd_orthogonal(random, nin, nout, gain, theta, err));
    theta += (ptrdiff_t)nin * nout;
    memset(theta, 0, (size_t)nout * sizeof *theta);
    theta += nout;
  }
  return TENDRIL_OK;
}

static int pad(int n, int line) {
  return (n + line - 1) / line * line;
}

static void layout(tnd_mlp *mlp, tnd_arena *arena) {
  size_t size = single(mlp) ? sizeof(float) : sizeof(double);
  for (int l = 0; l < mlp->nlayer; l++) {
    struct layer *layer = &mlp->layers[l];
    size_t nin = (size_t)layer->nin, nout = (size_t)layer->nout;
    size_t pin = (size_t)layer->pin, pout = (size_t)layer->pout;
    layer->b = tnd_arena_take(arena, pout, size);
    layer->vb = tnd_arena_take(arena, pout, size);
    layer->w = tnd_arena_take(arena, nin * pout, size);
    layer->v = tnd_arena_take(arena, nin * pout, size);
    layer->wt = tnd_arena_take(arena, nout * pin, size);
  }
}

tendril_status tnd_mlp_create(const tnd_mlp_shape *shape, tnd_mlp **out, tendril_error *err) {
  bool valid = shape->nin >= 1 && shape->nout >= 1 && shape->hidden.n >= 0 &&
               shape->hidden.n <= TENDRIL_MAX_SIZES;
  for (int l = 0; valid && l <= shape->hidden.n + 1; l++)
    valid = layer_width(shape, l) >= 1 && layer_width(shape, l) <= INT_MAX / 64;
  if (!valid || tnd_mlp_nparam(shape) > INT_MAX / 2)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "network: a width is out of range");
  tnd_mlp *mlp = tnd_alloc(sizeof *mlp);
  if (!mlp) return tnd_fail_memory(err);
  mlp->shape = *shape;
  mlp->nlayer = shape->hidden.n + 1;
  int line = single(mlp) ? TND_LINE_FLOATS : TND_LINE_DOUBLES;
  int64_t first = 0;
  for (int l = 0; l < mlp->nlayer; l++) {
    struct layer *layer = &mlp->layers[l];
    layer->nin = layer_width(shape, l);
    layer->nout = layer_width(shape, l + 1);
    layer->pin = pad(layer->nin, line);
    layer->pout = pad(layer->nout, line);
    layer->first = first;
    first += ((int64_t)layer->nin + 1) * layer->nout;
    if (layer->pin > mlp->widest) mlp->widest = layer->pin;
    if (layer->pout > mlp->widest) mlp->widest = layer->pout;
  }
  layout(mlp, &mlp->arena);
  tendril_status status = tnd_arena_alloc(&mlp->arena, err);
  if (status != TENDRIL_OK) {
    tnd_mlp_destroy(mlp);
    return status;
  }
  layout(mlp, &mlp->arena);
  *out = mlp;
  return TENDRIL_OK;
}

void tnd_mlp_destroy(tnd_mlp *mlp) {
  if (!mlp) return;
  tnd_arena_free(&mlp->arena);
  tnd_free(mlp);
}

static void layout_rows(tnd_mlp_rows *rows, const tnd_mlp *mlp, tnd_arena *arena) {
  size_t size = single(mlp) ? sizeof(float) : sizeof(double);
  size_t capacity = (size_t)rows->capacity, widest = (size_t)mlp->widest, gw = 0, last = 0;
  rows->x_row = mlp->layers[0].pin;
  rows->x = tnd_arena_take(arena, capacity * (size_t)rows->x_row, size);
  for (int l = 0; l < mlp->nlayer; l++) {
    const struct layer *layer = &mlp->layers[l];
    if ((size_t)layer->nin * (size_t)layer->pout > gw)
      gw = (size_t)layer->nin * (size_t)layer->pout;
    last = (size_t)layer->pout;
    if (l == mlp->nlayer - 1) break;
    rows->h[l] = tnd_arena_take(arena, capacity * (size_t)h_stride(layer, size), size);
    if (mlp->shape.activation == TENDRIL_SOFTPLUS)
      rows->d[l] = tnd_arena_take(arena, capacity * (size_t)layer->pout, size);
  }
  if (rows->keeps_only) return;
  struct scratch *s = &rows->scratch;
  s->y = tnd_arena_take(arena, capacity * last, size);
  s->stacked = rows->capacity > mlp->shape.nout ? rows->capacity : mlp->shape.nout;
  for (int i = 0; i < 2; i++)
    s->g[i] = tnd_arena_take(arena, (size_t)s->stacked * (widest + TND_LINE / size), size);
  s->gw = tnd_arena_take(arena, gw, size);
  s->temporary = tnd_arena_take(arena, 2 * widest, size);
}

static tendril_status create_rows(const tnd_mlp *mlp, int capacity, bool keeps_only,
                                  tnd_mlp_rows **out, tendril_error *err) {
  tnd_mlp_rows *rows = tnd_alloc(sizeof *rows);
  if (!rows) return tnd_fail_memory(err);
  rows->capacity = capacity;
  rows->keeps_only = keeps_only;
  layout_rows(rows, mlp, &rows->arena);
  tendril_status status = tnd_arena_alloc(&rows->arena, err);
  if (status != TENDRIL_OK) {
    tnd_mlp_rows_destroy(rows);
    return status;
  }
  layout_rows(rows, mlp, &rows->arena);
  *out = rows;
  return TENDRIL_OK;
}

tendril_status tnd_mlp_rows_create(const tnd_mlp *mlp, int capacity, tnd_mlp_rows **out,
                                   tendril_error *err) {
  return create_rows(mlp, capacity, false, out, err);
}

tendril_status tnd_mlp_rows_create_kept(const tnd_mlp *mlp, int capacity, tnd_mlp_rows **out,
                                        tendril_error *err) {
  return create_rows(mlp, capacity, true, out, err);
}

void tnd_mlp_rows_borrow(tnd_mlp_rows *kept, const tnd_mlp_rows *from) {
  assert(kept->keeps_only && kept->capacity <= from->capacity);
  kept->scratch = from->scratch;
}

void tnd_mlp_rows_destroy(tnd_mlp_rows *rows) {
  if (!rows) return;
  tnd_arena_free(&rows->arena);
  tnd_free(rows);
}

void tnd_mlp_set_params(tnd_mlp *mlp, const double *theta) {
  if (single(mlp))
    set_params_floats(mlp, theta);
  else
    set_params_doubles(mlp, theta);
}

void tnd_mlp_set_tangent(tnd_mlp *mlp, const double *v) {
  if (single(mlp))
    set_tangent_floats(mlp, v);
  else
    set_tangent_doubles(mlp, v);
}

void tnd_mlp_forward(const tnd_mlp *mlp, tnd_mlp_rows *rows, int n, const double *x, double *y) {
  assert(n <= rows->capacity);
  rows->n = n;
  if (single(mlp))
    forward_floats(mlp, rows, x, y);
  else
    forward_doubles(mlp, rows, x, y);
}

void tnd_mlp_jvp(const tnd_mlp *mlp, tnd_mlp_rows *rows, double *dy) {
  if (single(mlp))
    jvp_floats(mlp, rows, dy);
  else
    jvp_doubles(mlp, rows, dy);
}

void tnd_mlp_vjp(const tnd_mlp *mlp, tnd_mlp_rows *rows, const double *g, double *grad) {
  if (single(mlp))
    vjp_floats(mlp, rows, g, grad);
  else
    vjp_doubles(mlp, rows, g, grad);
}

void tnd_mlp_jacobian(const tnd_mlp *mlp, const tnd_mlp_rows *rows, int nx, double *J) {
  const int nout = mlp->shape.nout, stacked = rows->scratch.stacked;
  const int most = (stacked < MAX_STACKED ? stacked : MAX_STACKED) / nout, step = most ? most : 1;
  for (int first = 0; first < rows->n; first += step) {
    const int n = rows->n - first < step ? rows->n - first : step;
    double *to = J + (ptrdiff_t)first * nout * nx;
    if (single(mlp))
      jacobian_of_floats(mlp, rows, first, n, nx, to);
    else
      jacobian_of_doubles(mlp, rows, first, n, nx, to);
  }
}

size_t tnd_mlp_point_size(const tnd_mlp *mlp) {
  // input, output, derivative, two temporaries; doubles also where floats would do
  return 5 * (size_t)mlp->widest;
}

void tnd_mlp_point(const tnd_mlp *mlp, double *scratch, const double *x, double *y) {
  if (single(mlp))
    point_floats(mlp, (float *)(void *)scratch, x, y);
  else
    point_doubles(mlp, scratch, x, y);
}
