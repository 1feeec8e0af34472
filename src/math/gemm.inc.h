// The body of gemm.c, once per number type and instruction set. Expects
//   REAL, VEC (LANES of them), LOAD, STORE, FILL, FMA(a, b, c) = a b + c
//   ROWS x WIDE vectors, a tile that the registers hold (as they do 8 x 1); TARGET; NAME(x)

#define TILE NAME(tile)
#define BAND NAME(band)

// One tile of rows x wide vectors, both known where this is inlined: the sums stay in registers
// while l runs.
static inline __attribute__((always_inline)) TARGET void
NAME(tile)(int rows, int wide, ptrdiff_t k, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_col,
           const REAL *b, ptrdiff_t b_row, const REAL *init, ptrdiff_t init_row, REAL *c,
           ptrdiff_t c_row) {
  VEC sum[8][8];
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < wide; j++)
      if (init)
        sum[i][j] = LOAD(init + i * init_row + j * LANES);
      else
        sum[i][j] = FILL(0);
  for (ptrdiff_t l = 0; l < k; l++) {
    VEC bl[8];
    for (int j = 0; j < wide; j++)
      bl[j] = LOAD(b + l * b_row + j * LANES);
    for (int i = 0; i < rows; i++) {
      VEC ail = FILL(a[i * a_row + l * a_col]);
      for (int j = 0; j < wide; j++)
        sum[i][j] = FMA(ail, bl[j], sum[i][j]);
    }
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < wide; j++)
      STORE(c + i * c_row + j * LANES, sum[i][j]);
}

// All rows of one band of `wide` vectors, `rows` at a time.
static inline __attribute__((always_inline)) TARGET void
NAME(band)(int rows, int wide, ptrdiff_t m, ptrdiff_t k, const REAL *a, ptrdiff_t a_row,
           ptrdiff_t a_col, const REAL *b, ptrdiff_t b_row, const REAL *init, ptrdiff_t init_row,
           REAL *c, ptrdiff_t c_row) {
  ptrdiff_t i = 0;
  for (; i + rows <= m; i += rows) {
    const REAL *first = init ? init + i * init_row : NULL;
    TILE(rows, wide, k, a + i * a_row, a_row, a_col, b, b_row, first, init_row, c + i * c_row,
         c_row);
  }
  for (; i < m; i++) {
    const REAL *first = init ? init + i * init_row : NULL;
    TILE(1, wide, k, a + i * a_row, a_row, a_col, b, b_row, first, init_row, c + i * c_row, c_row);
  }
}

static TARGET void NAME(gemm)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const REAL *a, ptrdiff_t a_row,
                              ptrdiff_t a_col, const REAL *b, ptrdiff_t b_row, const REAL *init,
                              ptrdiff_t init_row, REAL *c, ptrdiff_t c_row) {
  ptrdiff_t j = 0;
  if (m == 1)  // one row keeps the multipliers busy only with many vectors
    for (; j + 8 * LANES <= n; j += 8 * LANES)
      TILE(1, 8, k, a, a_row, a_col, b + j, b_row, init ? init + j : NULL, init_row, c + j, c_row);
  for (; j + WIDE * LANES <= n; j += WIDE * LANES)
    BAND(ROWS, WIDE, m, k, a, a_row, a_col, b + j, b_row, init ? init + j : NULL, init_row, c + j,
         c_row);
  for (; j < n; j += LANES)
    BAND(8, 1, m, k, a, a_row, a_col, b + j, b_row, init ? init + j : NULL, init_row, c + j, c_row);
}

#undef REAL
#undef VEC
#undef LANES
#undef LOAD
#undef STORE
#undef FILL
#undef FMA
#undef ROWS
#undef WIDE
#undef TARGET
#undef NAME
#undef TILE
#undef BAND
