/**
 * @file base.h
 * Status codes, error lines and the worker pool: what every other header stands on.
 */
#ifndef TENDRIL_BASE_H
#define TENDRIL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENDRIL_API __attribute__((visibility("default")))
#define TENDRIL_MUST_CHECK __attribute__((warn_unused_result))
#define TENDRIL_FORMAT(string, first) __attribute__((format(printf, string, first)))

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
/** Every status: name, what it means. The enumerators and tendril_status_text() come from here. */
#define TENDRIL_STATUS_MAP(X)                                                                      \
  X(OK,          "success")                                                                        \
  X(E_ARGUMENT,  "an argument is out of range")                                                    \
  X(E_UNKNOWN,   "no such name")                                                                   \
  X(E_CONFIG,    "the configuration is not valid")                                                 \
  X(E_FORMAT,    "a file is not in the expected format")                                           \
  X(E_IO,        "a file could not be read or written")                                            \
  X(E_EXISTS,    "the output exists already")                                                      \
  X(E_MEMORY,    "out of memory")                                                                  \
  X(E_PHYSICS,   "the simulation failed")                                                          \
  X(E_NUMERIC,   "a number is not finite")                                                         \
  X(E_SYSTEM,    "the operating system refused a request")
// clang-format on

typedef enum tendril_status {
#define X(name, text) TENDRIL_##name,
  TENDRIL_STATUS_MAP(X)
#undef X
} tendril_status;

/** One line for a person: where, what, the mend. Filled by functions that fail; never printed. */
typedef struct tendril_error {
  char text[512];
} tendril_error;

/** Meaning of a status as a constant string; never NULL. */
TENDRIL_API const char *tendril_status_text(tendril_status status);

/** Version of the library, "major.minor.patch". */
TENDRIL_API const char *tendril_version(void);

/**
 * A fixed set of threads that share the work of one caller. The results of everything in this
 * library are the same for any number of threads.
 */
typedef struct tendril_pool tendril_pool;

/**
 * @param threads  1 to 1024; the calling thread is one of them. 0: as many as there are processors
 *                 this process may run on
 * @param out      owned by the caller, tendril_pool_destroy()
 */
TENDRIL_API TENDRIL_MUST_CHECK tendril_status tendril_pool_create(int threads, tendril_pool **out,
                                                                  tendril_error *err);
TENDRIL_API void tendril_pool_destroy(tendril_pool *pool);
TENDRIL_API int tendril_pool_threads(const tendril_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
