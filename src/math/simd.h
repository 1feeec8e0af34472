// Which vector instructions this process may use. The library is compiled for any processor of its
// kind; the few hot loops exist in several forms and choose here, at run time.
#ifndef TND_SIMD_H
#define TND_SIMD_H

#include <stdint.h>  // defines __GLIBC__ where that is the C library

typedef enum tnd_simd {
  TND_SIMD_NONE,    // what the compiler makes of plain C
  TND_SIMD_AVX2,    // 256 bits, with fused multiply-add
  TND_SIMD_AVX512,  // 512 bits
} tnd_simd;

// The best that processor and operating system offer, but at most the limit.
tnd_simd tnd_simd_level(void);
// For tests: forbids what lies above `limit` (TND_SIMD_AVX512 forbids nothing).
void tnd_simd_limit(tnd_simd limit);

#if defined(__x86_64__)
#define TND_X86 1
#else
#define TND_X86 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TND_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TND_SANITIZED 1
#endif
#endif

// Elementwise loops that the compiler vectorises well by itself: it writes each function three
// times and the loader picks one. No entry's result depends on the choice, as such a loop adds
// nothing up and products and sums are never contracted. Sanitizers instrument the function that
// picks, which runs before they are ready; clang 14 exports it from the shared library.
#if TND_X86 && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&                   \
    !defined(TND_SANITIZED) && defined(__OPTIMIZE__)
#define TND_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TND_CLONES
#endif

#endif
