// The choice between vector instruction sets.
#include "math/simd.h"

#include <stdatomic.h>

static atomic_int highest = TND_SIMD_AVX512;

void tnd_simd_limit(tnd_simd limit) {
  atomic_store_explicit(&highest, (int)limit, memory_order_relaxed);
}

tnd_simd tnd_simd_level(void) {
#if TND_X86
  int limit = atomic_load_explicit(&highest, memory_order_relaxed);
  if (limit >= TND_SIMD_AVX512 && __builtin_cpu_supports("avx512f")) return TND_SIMD_AVX512;
  if (limit >= TND_SIMD_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return TND_SIMD_AVX2;
#endif
  return TND_SIMD_NONE;
}
