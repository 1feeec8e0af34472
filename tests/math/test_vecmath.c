// Vector functions: within libmvec's bound of the C library, and the same wherever an entry stands.
#include "math/vecmath.h"

#include "math/simd.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 20011 };

static const char *const levels[] = {"plain", "AVX2", "AVX-512"};

// Units in the last place between a float or double and the exact value.
static double ulps_float(float actual, double exact) {
  float near = fabsf((float)exact);
  return fabs((double)actual - exact) / (double)(nextafterf(near, INFINITY) - near);
}

static double ulps_double(double actual, long double exact) {
  double near = fabs((double)exact), ulp = nextafter(near, (double)INFINITY) - near;
  return (double)fabsl((long double)actual - exact) / ulp;
}

typedef void (*floats)(ptrdiff_t, const float *, float *);
typedef void (*doubles)(ptrdiff_t, const double *, double *);

// 4 ulp is libmvec's own bound; half a unit more for the rounding of `exact`
static void check(floats f, doubles d, long double (*exact)(long double), double low, double high) {
  static float xf[N], yf[N];
  static double xd[N], yd[N];
  for (int i = 0; i < N; i++) {
    xd[i] = low + (high - low) * i / (N - 1);
    xf[i] = (float)xd[i];
  }
  for (int level = TND_SIMD_NONE; level <= TND_SIMD_AVX512; level++) {
    tnd_simd_limit((tnd_simd)level);
    f(N, xf, yf);
    d(N, xd, yd);
    for (int i = 0; i < N; i++) {
      double ulps = ulps_float(yf[i], (double)exact((long double)xf[i]));
      cr_assert_leq(ulps, 4.5, "%s, float, x = %.9g: %.2f ulp", levels[level], (double)xf[i], ulps);
      ulps = ulps_double(yd[i], exact((long double)xd[i]));
      cr_assert_leq(ulps, 4.5, "%s, double, x = %.17g: %.2f ulp", levels[level], xd[i], ulps);
    }
  }
  tnd_simd_limit(TND_SIMD_AVX512);
}

Test(vecmath, tanh_is_within_4_ulp_of_the_c_library) {
  check(tnd_tanh_floats, tnd_tanh_doubles, tanhl, -12, 12);
  check(tnd_tanh_floats, tnd_tanh_doubles, tanhl, -1e-3, 1e-3);
}

Test(vecmath, exp_is_within_4_ulp_of_the_c_library) {
  check(tnd_exp_floats, tnd_exp_doubles, expl, -80, 80);
}

Test(vecmath, log1p_is_within_4_ulp_of_the_c_library) {
  check(tnd_log1p_floats, tnd_log1p_doubles, log1pl, 0, 1);
  check(tnd_log1p_floats, tnd_log1p_doubles, log1pl, -0.99, 100);
}

Test(vecmath, infinities_and_nan_come_out_as_in_the_c_library) {
  for (int level = TND_SIMD_NONE; level <= TND_SIMD_AVX512; level++) {
    tnd_simd_limit((tnd_simd)level);
    const float x[4] = {INFINITY, -INFINITY, NAN, 0};
    float y[4];
    tnd_tanh_floats(4, x, y);
    cr_assert(y[0] == 1 && y[1] == -1 && isnan(y[2]) && y[3] == 0, "%s", levels[level]);
    tnd_exp_floats(4, x, y);
    cr_assert(isinf(y[0]) && y[1] == 0 && isnan(y[2]) && y[3] == 1, "%s", levels[level]);
    const double xd[4] = {(double)INFINITY, -1e300, (double)NAN, 0};
    double yd[4];
    tnd_tanh_doubles(4, xd, yd);
    cr_assert(yd[0] == 1 && yd[1] == -1 && isnan(yd[2]) && yd[3] == 0, "%s", levels[level]);
    tnd_exp_doubles(4, xd, yd);
    cr_assert(isinf(yd[0]) && yd[1] == 0 && isnan(yd[2]) && yd[3] == 1, "%s", levels[level]);
  }
}

Test(vecmath, a_result_does_not_depend_on_its_place_nor_on_how_many_there_are) {
  enum { M = 70 };
  for (int level = TND_SIMD_NONE; level <= TND_SIMD_AVX512; level++) {
    tnd_simd_limit((tnd_simd)level);
    float x[M], alone[M], y[M + 1];
    double xd[M], alone_d[M], yd[M + 1];
    for (int i = 0; i < M; i++) {
      x[i] = 0.1f * (float)(i - 35);
      xd[i] = 0.1 * (i - 35);
      tnd_tanh_floats(1, x + i, alone + i);
      tnd_tanh_doubles(1, xd + i, alone_d + i);
    }
    for (int first = 0; first < 17; first++)
      for (int n = 0; first + n <= M; n++) {
        y[n] = 7;
        yd[n] = 7;
        tnd_tanh_floats(n, x + first, y);
        tnd_tanh_doubles(n, xd + first, yd);
        cr_assert_eq(memcmp(y, alone + first, (size_t)n * sizeof *y), 0, "%s", levels[level]);
        cr_assert_eq(memcmp(yd, alone_d + first, (size_t)n * sizeof *yd), 0, "%s", levels[level]);
        cr_assert(y[n] == 7 && yd[n] == 7, "wrote behind the end");
      }
  }
}
