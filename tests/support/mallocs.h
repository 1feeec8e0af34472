// Counts this thread's calls of malloc and its kin, where they can be watched, and fails a chosen
// one. Defines them: include it in one file of a test program.
//
//   const long before = support_mallocs;
//   ...
//   cr_assert_eq(support_mallocs, before);
//
//   support_malloc_fail_at = support_mallocs + k;   the k-th from now on, k = 0 the next; -1: none
#ifndef SUPPORT_MALLOCS_H
#define SUPPORT_MALLOCS_H

#include <stdlib.h>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define SUPPORT_MALLOCS_WATCHED 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef SUPPORT_MALLOCS_WATCHED
#endif
#endif
#endif

// in this thread; a test need not look at both, nor at either where nothing is watched
static _Thread_local long support_mallocs __attribute__((unused));
static _Thread_local long support_malloc_fail_at __attribute__((unused)) = -1;

#ifdef SUPPORT_MALLOCS_WATCHED
// glibc's own entry points, behind counters
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  if (support_mallocs++ == support_malloc_fail_at) return NULL;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  if (support_mallocs++ == support_malloc_fail_at) return NULL;
  return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  if (support_mallocs++ == support_malloc_fail_at) return NULL;
  return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  if (support_mallocs++ == support_malloc_fail_at) return NULL;
  return __libc_memalign(alignment, size);
}
#endif

#endif
