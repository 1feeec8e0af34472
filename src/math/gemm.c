// Small matrix products; see gemm.h. The tile of gemm.inc.h is made for each number type and
// instruction set. Long sums are cut into stretches of DEEP so that a band of b stays in the
// first-level cache; a stretch continues the sum of the last, so the cut does not change the
// result.
#include "math/gemm.h"

#include "math/simd.h"

#include <string.h>

#define DEEP 144

// plain C: 16-byte vectors that every compiler splits or maps as it can
typedef float v4f __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));
typedef float v4f_unaligned __attribute__((vector_size(16), aligned(4), may_alias));
typedef double v2d_unaligned __attribute__((vector_size(16), aligned(8), may_alias));
#define REAL float
#define VEC v4f
#define LANES 4
#define LOAD(p) (*(const v4f_unaligned *)(p))
#define STORE(p, v) (*(v4f_unaligned *)(p) = (v))
#define FILL(x) ((v4f){(x), (x), (x), (x)})
#define FMA(a, b, c) ((a) * (b) + (c))
#define ROWS 4
#define WIDE 2
#define TARGET
#define NAME(x) x##_f_plain
#include "math/gemm.inc.h"

#define REAL double
#define VEC v2d
#define LANES 2
#define LOAD(p) (*(const v2d_unaligned *)(p))
#define STORE(p, v) (*(v2d_unaligned *)(p) = (v))
#define FILL(x) ((v2d){(x), (x)})
#define FMA(a, b, c) ((a) * (b) + (c))
#define ROWS 4
#define WIDE 2
#define TARGET
#define NAME(x) x##_d_plain
#include "math/gemm.inc.h"

#if TND_X86
#include <immintrin.h>

#define REAL float
#define VEC __m256
#define LANES 8
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define FILL _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define ROWS 4
#define WIDE 2
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_f_avx2
#include "math/gemm.inc.h"

#define REAL double
#define VEC __m256d
#define LANES 4
#define LOAD _mm256_loadu_pd
#define STORE _mm256_storeu_pd
#define FILL _mm256_set1_pd
#define FMA _mm256_fmadd_pd
#define ROWS 4
#define WIDE 2
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_d_avx2
#include "math/gemm.inc.h"

#define REAL float
#define VEC __m512
#define LANES 16
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define FILL _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define ROWS 4
#define WIDE 4
#define TARGET __attribute__((target("avx512f")))
#define NAME(x) x##_f_avx512
#include "math/gemm.inc.h"

#define REAL double
#define VEC __m512d
#define LANES 8
#define LOAD _mm512_loadu_pd
#define STORE _mm512_storeu_pd
#define FILL _mm512_set1_pd
#define FMA _mm512_fmadd_pd
#define ROWS 4
#define WIDE 4
#define TARGET __attribute__((target("avx512f")))
#define NAME(x) x##_d_avx512
#include "math/gemm.inc.h"
#endif

void tnd_gemm_floats(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const float *a, ptrdiff_t a_row,
                     ptrdiff_t a_col, const float *b, ptrdiff_t b_row, const float *init,
                     ptrdiff_t init_row, float *c, ptrdiff_t c_row) {
  void (*kernel)(ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t,
                 const float *, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t) =
      gemm_f_plain;
#if TND_X86
  tnd_simd level = tnd_simd_level();
  if (level == TND_SIMD_AVX512) kernel = gemm_f_avx512;
  if (level == TND_SIMD_AVX2) kernel = gemm_f_avx2;
#endif
  ptrdiff_t l = 0;
  do {
    ptrdiff_t deep = k - l < DEEP ? k - l : DEEP;
    kernel(m, n, deep, a + l * a_col, a_row, a_col, b + l * b_row, b_row, init, init_row, c, c_row);
    init = c;
    init_row = c_row;
    l += deep;
  } while (l < k);
}

void tnd_gemm_doubles(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a, ptrdiff_t a_row,
                      ptrdiff_t a_col, const double *b, ptrdiff_t b_row, const double *init,
                      ptrdiff_t init_row, double *c, ptrdiff_t c_row) {
  void (*kernel)(ptrdiff_t, ptrdiff_t, ptrdiff_t, const double *, ptrdiff_t, ptrdiff_t,
                 const double *, ptrdiff_t, const double *, ptrdiff_t, double *, ptrdiff_t) =
      gemm_d_plain;
#if TND_X86
  tnd_simd level = tnd_simd_level();
  if (level == TND_SIMD_AVX512) kernel = gemm_d_avx512;
  if (level == TND_SIMD_AVX2) kernel = gemm_d_avx2;
#endif
  ptrdiff_t l = 0;
  do {
    ptrdiff_t deep = k - l < DEEP ? k - l : DEEP;
    kernel(m, n, deep, a + l * a_col, a_row, a_col, b + l * b_row, b_row, init, init_row, c, c_row);
    init = c;
    init_row = c_row;
    l += deep;
  } while (l < k);
}
