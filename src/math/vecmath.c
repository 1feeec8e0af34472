// Array functions over libmvec. Its entry points are named by the vector ABI: _ZGV, the instruction
// set (b: SSE, d: AVX2, e: AVX-512), N (no mask), the lanes, v (one vector argument), the scalar
// name. They are only declared by a compiler under -ffast-math, hence the declarations here.
#include "math/vecmath.h"

#include "math/simd.h"

#include <math.h>
#include <string.h>

#if TND_X86 && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#define HAVE_LIBMVEC 1
#endif
#endif

#ifdef HAVE_LIBMVEC
#include <immintrin.h>

#define TARGET_b
#define TARGET_d __attribute__((target("avx2")))
#define TARGET_e __attribute__((target("avx512f")))

// One loop: whole vectors, then the rest in a padded one.
#define LOOP(function, real, set, lanes, vec, load, store)                                         \
  TARGET_##set vec _ZGV##set##N##lanes##v_##function(vec);                                         \
  TARGET_##set static void function##_##set(ptrdiff_t n, const real *x, real *y) {                 \
    ptrdiff_t i = 0;                                                                               \
    for (; i + lanes <= n; i += lanes)                                                             \
      store(y + i, _ZGV##set##N##lanes##v_##function(load(x + i)));                                \
    if (i < n) {                                                                                   \
      real rest[lanes] = {0};                                                                      \
      memcpy(rest, x + i, (size_t)(n - i) * sizeof *x);                                            \
      store(rest, _ZGV##set##N##lanes##v_##function(load(rest)));                                  \
      memcpy(y + i, rest, (size_t)(n - i) * sizeof *y);                                            \
    }                                                                                              \
  }
#define LOOPS(name)                                                                                \
  LOOP(name##f, float, b, 4, __m128, _mm_loadu_ps, _mm_storeu_ps)                                  \
  LOOP(name##f, float, d, 8, __m256, _mm256_loadu_ps, _mm256_storeu_ps)                            \
  LOOP(name##f, float, e, 16, __m512, _mm512_loadu_ps, _mm512_storeu_ps)                           \
  LOOP(name, double, b, 2, __m128d, _mm_loadu_pd, _mm_storeu_pd)                                   \
  LOOP(name, double, d, 4, __m256d, _mm256_loadu_pd, _mm256_storeu_pd)                             \
  LOOP(name, double, e, 8, __m512d, _mm512_loadu_pd, _mm512_storeu_pd)
LOOPS(tanh)
LOOPS(exp)
LOOPS(log1p)

#define DEFINE(function, real, public)                                                             \
  void public(ptrdiff_t n, const real *x, real *y) {                                               \
    switch (tnd_simd_level()) {                                                                    \
    case TND_SIMD_AVX512:                                                                          \
      function##_e(n, x, y);                                                                       \
      break;                                                                                       \
    case TND_SIMD_AVX2:                                                                            \
      function##_d(n, x, y);                                                                       \
      break;                                                                                       \
    case TND_SIMD_NONE:                                                                            \
      function##_b(n, x, y);                                                                       \
      break;                                                                                       \
    }                                                                                              \
  }

#else

#define DEFINE(function, real, public)                                                             \
  void public(ptrdiff_t n, const real *x, real *y) {                                               \
    for (ptrdiff_t i = 0; i < n; i++)                                                              \
      y[i] = function(x[i]);                                                                       \
  }

#endif

DEFINE(tanhf, float, tnd_tanh_floats)
DEFINE(tanh, double, tnd_tanh_doubles)
DEFINE(expf, float, tnd_exp_floats)
DEFINE(exp, double, tnd_exp_doubles)
DEFINE(log1pf, float, tnd_log1p_floats)
DEFINE(log1p, double, tnd_log1p_doubles)
