// The arithmetic of mlp.c in one precision: REAL float or double, NAME(x) = x_floats
// or x_doubles.

#define GEMM NAME(tnd_gemm)
#define IMPORT NAME(import)

// n doubles to this precision, and added to doubles
static TND_CLONES void NAME(import)(ptrdiff_t n, const double *in, REAL *out) {
  for (ptrdiff_t i = 0; i < n; i++)
    out[i] = (REAL)in[i];
}

static TND_CLONES void NAME(add_to)(ptrdiff_t n, const REAL *in, double *out) {
  for (ptrdiff_t i = 0; i < n; i++)
    out[i] += (double)in[i];
}

// Rows of `width` dense doubles into rows padded with zeros to `stride`, and back.
static void NAME(import_rows)(int n, int width, int stride, const double *in, REAL *out) {
  for (int r = 0; r < n; r++) {
    REAL *row = out + (ptrdiff_t)r * stride;
    for (int j = 0; j < width; j++)
      row[j] = (REAL)in[(ptrdiff_t)r * width + j];
    for (int j = width; j < stride; j++)
      row[j] = 0;
  }
}

static void NAME(export_rows)(int n, int width, int stride, const REAL *in, double *out) {
  for (int r = 0; r < n; r++)
    for (int j = 0; j < width; j++)
      out[(ptrdiff_t)r * width + j] = (double)in[(ptrdiff_t)r * stride + j];
}

// a <- a o h'(z) for n rows of `width` entries, those of a, h and d (of the softplus alone) their
// strides apart, 0 for one row for all; of tanh and relu the derivative is a function of H
static TND_CLONES void NAME(times_derivative)(tendril_activation activation, int n, int width,
                                              int h_row, const REAL *restrict h, int d_row,
                                              const REAL *restrict d, int a_row, REAL *restrict a) {
  switch (activation) {
  case TENDRIL_TANH:
    for (int r = 0; r < n; r++)
      for (int j = 0; j < width; j++) {
        REAL hj = h[(ptrdiff_t)r * h_row + j];
        a[(ptrdiff_t)r * a_row + j] *= 1 - hj * hj;
      }
    break;
  case TENDRIL_SOFTPLUS:
    for (int r = 0; r < n; r++)
      for (int j = 0; j < width; j++)
        a[(ptrdiff_t)r * a_row + j] *= d[(ptrdiff_t)r * d_row + j];
    break;
  case TENDRIL_RELU:
    for (int r = 0; r < n; r++)
      for (int j = 0; j < width; j++)
        a[(ptrdiff_t)r * a_row + j] *= h[(ptrdiff_t)r * h_row + j] > 0 ? (REAL)1 : (REAL)0;
    break;
  }
}

static TND_CLONES void NAME(negative_magnitude)(int n, const REAL *restrict z, REAL *restrict e) {
  for (int j = 0; j < n; j++)
    e[j] = z[j] < 0 ? z[j] : -z[j];
}

// h = max(z, 0) + log(1 + e) with e = exp(-|z|); d = 1 / (1 + exp(-z)) without overflow
static TND_CLONES void NAME(softplus_row)(int n, const REAL *restrict e,
                                          const REAL *restrict log1pe, REAL *restrict h,
                                          REAL *restrict d) {
  for (int j = 0; j < n; j++) {
    REAL z = h[j], above = z < 0 ? 0 : z, numerator = z < 0 ? e[j] : 1;
    h[j] = above + log1pe[j];
    d[j] = numerator / (1 + e[j]);
  }
}

static TND_CLONES void NAME(relu_row)(int n, REAL *restrict h) {
  for (int j = 0; j < n; j++)
    h[j] = h[j] < 0 ? 0 : h[j];  // keeps a NaN
}

// h <- h(h) for n rows of `width` entries, those of h `stride` apart; of the softplus also d = h'.
// temporary: [2][width]
static void NAME(activate)(tendril_activation activation, int n, int width, int stride, REAL *h,
                           REAL *d, REAL *temporary) {
  REAL *e = temporary, *log1pe = temporary + width;
  switch (activation) {
  case TENDRIL_TANH:
    for (int r = 0; r < n; r++)
      NAME(tnd_tanh)(width, h + (ptrdiff_t)r * stride, h + (ptrdiff_t)r * stride);
    break;
  case TENDRIL_SOFTPLUS:
    for (int r = 0; r < n; r++) {
      REAL *row = h + (ptrdiff_t)r * stride;
      NAME(negative_magnitude)(width, row, e);
      NAME(tnd_exp)(width, e, e);
      NAME(tnd_log1p)(width, e, log1pe);
      NAME(softplus_row)(width, e, log1pe, row, d + (ptrdiff_t)r * width);
    }
    break;
  case TENDRIL_RELU:
    for (int r = 0; r < n; r++)
      NAME(relu_row)(width, h + (ptrdiff_t)r * stride);
    break;
  }
}

static void NAME(set_params)(tnd_mlp *mlp, const double *theta) {
  for (int l = 0; l < mlp->nlayer; l++) {
    struct layer *layer = &mlp->layers[l];
    int nin = layer->nin, nout = layer->nout;
    REAL *w = layer->w, *wt = layer->wt;
    for (int i = 0; i < nin; i++)
      IMPORT(nout, theta + layer->first + (ptrdiff_t)i * nout, w + (ptrdiff_t)i * layer->pout);
    IMPORT(nout, theta + layer->first + (ptrdiff_t)nin * nout, layer->b);
    for (int i = 0; wt && i < nin; i++)
      for (int j = 0; j < nout; j++)
        wt[(ptrdiff_t)j * layer->pin + i] = w[(ptrdiff_t)i * layer->pout + j];
  }
}

static void NAME(set_tangent)(tnd_mlp *mlp, const double *v) {
  for (int l = 0; l < mlp->nlayer; l++) {
    struct layer *layer = &mlp->layers[l];
    int nin = layer->nin, nout = layer->nout;
    REAL *vw = layer->v;
    for (int i = 0; i < nin; i++)
      IMPORT(nout, v + layer->first + (ptrdiff_t)i * nout, vw + (ptrdiff_t)i * layer->pout);
    IMPORT(nout, v + layer->first + (ptrdiff_t)nin * nout, layer->vb);
  }
}

static void NAME(forward)(const tnd_mlp *mlp, tnd_mlp_rows *rows, const double *x, double *y) {
  int n = rows->n;
  NAME(import_rows)(n, mlp->shape.nin, rows->x_row, x, rows->x);
  const REAL *in = rows->x;
  int in_row = rows->x_row;
  for (int l = 0; l < mlp->nlayer; l++) {
    const struct layer *layer = &mlp->layers[l];
    int pout = layer->pout;
    if (l == mlp->nlayer - 1) {
      // y = H W + b
      REAL *out = rows->scratch.y;
      GEMM(n, pout, layer->nin, in, in_row, 1, layer->w, pout, layer->b, 0, out, pout);
      NAME(export_rows)(n, layer->nout, pout, out, y);
    } else {
      // H = h(H W + b)
      REAL *h = rows->h[l];
      int h_row = h_stride(layer, sizeof *h);
      GEMM(n, pout, layer->nin, in, in_row, 1, layer->w, pout, layer->b, 0, h, h_row);
      NAME(activate)(mlp->shape.activation, n, pout, h_row, h, rows->d[l], rows->scratch.temporary);
      in = h;
      in_row = h_row;
    }
  }
}

static void NAME(jvp)(const tnd_mlp *mlp, tnd_mlp_rows *rows, double *dy) {
  int n = rows->n;
  const REAL *in = rows->x, *din = NULL;
  int in_row = rows->x_row;
  for (int l = 0; l < mlp->nlayer; l++) {
    const struct layer *layer = &mlp->layers[l];
    int pout = layer->pout, nin = layer->nin, h_row = h_stride(layer, sizeof *in);
    bool last = l == mlp->nlayer - 1;
    REAL *dz = last ? rows->scratch.y : rows->scratch.g[l % 2];
    int dz_row = last ? pout : h_row;
    // dZ = dH W + v, the first without dH: the input has no tangent; then dZ += H V
    if (l > 0) GEMM(n, pout, nin, din, in_row, 1, layer->w, pout, layer->vb, 0, dz, dz_row);
    GEMM(n, pout, nin, in, in_row, 1, layer->v, pout, l > 0 ? dz : layer->vb, l > 0 ? dz_row : 0,
         dz, dz_row);
    if (last) {
      NAME(export_rows)(n, layer->nout, pout, dz, dy);
      break;
    }
    // dH = D o dZ
    NAME(times_derivative)
    (mlp->shape.activation, n, pout, h_row, rows->h[l], pout, rows->d[l], dz_row, dz);
    in = rows->h[l];
    din = dz;
    in_row = h_row;
  }
}

static void NAME(vjp)(const tnd_mlp *mlp, tnd_mlp_rows *rows, const double *gy, double *grad) {
  static const REAL one = 1;
  int n = rows->n;
  REAL *g = rows->scratch.y, *gw = rows->scratch.gw;
  NAME(import_rows)(n, mlp->shape.nout, mlp->layers[mlp->nlayer - 1].pout, gy, g);
  for (int l = mlp->nlayer - 1; l >= 0; l--) {
    const struct layer *layer = &mlp->layers[l];
    int nin = layer->nin, nout = layer->nout, pin = layer->pin, pout = layer->pout;
    const REAL *in = l == 0 ? rows->x : rows->h[l - 1];
    int in_row = l == 0 ? rows->x_row : h_stride(&mlp->layers[l - 1], sizeof *in);
    // grad W += H' G
    double *grad_w = grad + layer->first;
    GEMM(nin, pout, n, in, 1, in_row, g, pout, NULL, 0, gw, pout);
    for (int i = 0; i < nin; i++)
      NAME(add_to)(nout, gw + (ptrdiff_t)i * pout, grad_w + (ptrdiff_t)i * nout);
    // grad b += 1' G
    GEMM(1, pout, n, &one, 0, 0, g, pout, NULL, 0, gw, pout);
    NAME(add_to)(nout, gw, grad_w + (ptrdiff_t)nin * nout);
    if (l == 0) break;
    // G <- (G W') o D
    REAL *below = rows->scratch.g[l % 2];
    GEMM(n, pin, nout, g, pout, 1, layer->wt, pin, NULL, 0, below, pin);
    NAME(times_derivative)
    (mlp->shape.activation, n, pin, in_row, in, pin, rows->d[l - 1], pin, below);
    g = below;
  }
}

// J [n][nout][nx] for n rows from `first` on: all their G in one matrix [n nout][width].
static void NAME(jacobian_of)(const tnd_mlp *mlp, const tnd_mlp_rows *rows, int first, int n,
                              int nx, double *J) {
  const int nout = mlp->shape.nout, line = (int)(TND_LINE / sizeof(REAL));
  const struct layer *above = &mlp->layers[mlp->nlayer - 1];
  REAL *g = rows->scratch.g[0], *below = rows->scratch.g[1];
  int g_row = above->pin + line;
  // G_L = I, G_L W_L' = W_L'
  for (int i = 0; i < n * nout; i++)
    memcpy(g + (ptrdiff_t)i * g_row, (REAL *)above->wt + (ptrdiff_t)(i % nout) * above->pin,
           (size_t)above->pin * sizeof *g);
  for (int l = mlp->nlayer - 2; l >= 0; l--) {
    const struct layer *layer = &mlp->layers[l];
    const int pin = layer->pin, pout = layer->pout, h_row = h_stride(layer, sizeof *g);
    const REAL *h = rows->h[l], *d = rows->d[l];
    // G <- (G o D) W', a row of D for nout of G
    for (int r = 0; r < n; r++) {
      const REAL *h_r = h + (ptrdiff_t)(first + r) * h_row;
      const REAL *d_r = d ? d + (ptrdiff_t)(first + r) * pout : NULL;
      NAME(times_derivative)
      (mlp->shape.activation, nout, pout, 0, h_r, 0, d_r, g_row, g + (ptrdiff_t)r * nout * g_row);
    }
    GEMM((ptrdiff_t)n * nout, pin, layer->nout, g, g_row, 1, layer->wt, pin, NULL, 0, below,
         pin + line);
    REAL *swap = g;
    g = below;
    below = swap;
    g_row = pin + line;
  }
  NAME(export_rows)(n * nout, nx, g_row, g, J);
}

static void NAME(point)(const tnd_mlp *mlp, REAL *scratch, const double *x, double *y) {
  ptrdiff_t widest = mlp->widest;
  REAL *in = scratch, *out = in + widest, *d = out + widest, *temporary = d + widest;
  for (int i = 0; i < mlp->shape.nin; i++)
    in[i] = (REAL)x[i];
  for (int l = 0; l < mlp->nlayer; l++) {
    const struct layer *layer = &mlp->layers[l];
    int pout = layer->pout;
    GEMM(1, pout, layer->nin, in, 0, 1, layer->w, pout, layer->b, 0, out, 0);
    if (l < mlp->nlayer - 1) NAME(activate)(mlp->shape.activation, 1, pout, 0, out, d, temporary);
    REAL *swap = in;
    in = out;
    out = swap;
  }
  for (int j = 0; j < mlp->shape.nout; j++)
    y[j] = (double)in[j];
}

#undef REAL
#undef NAME
#undef GEMM
#undef IMPORT
