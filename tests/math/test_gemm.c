// Small matrix products against the plain triple loop.
#include "math/gemm.h"

#include "math/simd.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <tendril/random.h>

enum { M = 23, N = 96, K = 301 };

static void fill(double *x, int n, uint32_t which) {
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, which, 0);
  tendril_random_normals(&random, n, x);
}

static double a[M * K], b[K * N], c0[M * N];
static float af[M * K], bf[K * N], c0f[M * N];

static void setup(void) {
  fill(a, M * K, 0);
  fill(b, K * N, 1);
  fill(c0, M * N, 2);
  for (int i = 0; i < M * K; i++)
    a[i] = (double)(af[i] = (float)a[i]);
  for (int i = 0; i < K * N; i++)
    b[i] = (double)(bf[i] = (float)b[i]);
  for (int i = 0; i < M * N; i++)
    c0[i] = (double)(c0f[i] = (float)c0[i]);
}

static double reference(int i, int j, int k, int a_row, int a_col, double init, double *size) {
  double sum = init;
  *size = 1e-30 + fabs(init);  // not zero
  for (int l = 0; l < k; l++) {
    double term = a[i * a_row + l * a_col] * b[l * N + j];
    sum += term;
    *size += fabs(term);
  }
  return sum;
}

Test(gemm, agrees_with_the_triple_loop_for_all_shapes_and_transposes, .init = setup) {
  static float cf[M * N];
  static double c[M * N];
  const int ks[] = {0, 1, 3, 64, 143, 144, 145, 301};
  for (int level = TND_SIMD_NONE; level <= TND_SIMD_AVX512; level++)
    for (int m = 1; m <= M; m += m < 10 ? 1 : 13)
      for (int n = 16; n <= N; n += 16)
        for (int q = 0; q < 8; q++)
          for (int transposed = 0; transposed < 2; transposed++)
            for (int start = 0; start < 3; start++) {
              tnd_simd_limit((tnd_simd)level);
              int k = ks[q], a_row = transposed ? 1 : K, a_col = transposed ? M : 1;
              memcpy(cf, c0f, sizeof cf);
              memcpy(c, c0, sizeof c);
              // start: from zero, from one row for all, from c itself
              const float *init_f = start == 0 ? NULL : start == 1 ? c0f : cf;
              const double *init = start == 0 ? NULL : start == 1 ? c0 : c;
              int init_row = start == 1 ? 0 : N;
              tnd_gemm_floats(m, n, k, af, a_row, a_col, bf, N, init_f, init_row, cf, N);
              tnd_gemm_doubles(m, n, k, a, a_row, a_col, b, N, init, init_row, c, N);
              for (int i = 0; i < M; i++)
                for (int j = 0; j < N; j++) {
                  if (i >= m || j >= n) {
                    cr_assert(c[i * N + j] == c0[i * N + j] && cf[i * N + j] == c0f[i * N + j],
                              "wrote outside");
                    continue;
                  }
                  double first = start == 0 ? 0 : c0[(start == 1 ? 0 : i * N) + j], size;
                  double exact = reference(i, j, k, a_row, a_col, first, &size);
                  // k + 1 roundings of partial sums no larger than `size`
                  check_close(c[i * N + j] / size, exact / size, (k + 1) * 2.4e-16);
                  check_close((double)cf[i * N + j] / size, exact / size, (k + 1) * 6e-8);
                }
            }
}

Test(gemm, a_row_is_the_same_to_the_bit_alone_and_in_a_batch, .init = setup) {
  for (int level = TND_SIMD_NONE; level <= TND_SIMD_AVX512; level++) {
    tnd_simd_limit((tnd_simd)level);
    static float all[M * N], one[N];
    static double all_d[M * N], one_d[N];
    tnd_gemm_floats(M, N, K, af, K, 1, bf, N, NULL, 0, all, N);
    tnd_gemm_doubles(M, N, K, a, K, 1, b, N, NULL, 0, all_d, N);
    for (int i = 0; i < M; i++) {
      tnd_gemm_floats(1, N, K, af + i * K, K, 1, bf, N, NULL, 0, one, N);
      tnd_gemm_doubles(1, N, K, a + i * K, K, 1, b, N, NULL, 0, one_d, N);
      cr_assert_eq(memcmp(one, all + i * N, sizeof one), 0);
      cr_assert_eq(memcmp(one_d, all_d + i * N, sizeof one_d), 0);
    }
  }
}

Test(gemm, is_the_same_to_the_bit_with_vectors_of_256_and_512_bits, .init = setup) {
  static float wide[M * N], narrow[M * N];
  tnd_gemm_floats(M, N, K, af, K, 1, bf, N, NULL, 0, wide, N);
  bool differ = tnd_simd_level() == TND_SIMD_AVX512;
  tnd_simd_limit(TND_SIMD_AVX2);
  tnd_gemm_floats(M, N, K, af, K, 1, bf, N, NULL, 0, narrow, N);
  if (!differ) cr_skip("no AVX-512 here");
  cr_assert_eq(memcmp(wide, narrow, sizeof wide), 0);
}
