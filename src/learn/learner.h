// What a method fills in to be a learner; the public calls of tendril/learn.h go through here. A
// new learner is one file with a table like this and one line in registry.c.
#ifndef TND_LEARNER_H
#define TND_LEARNER_H

#include "base/options.h"
#include "base/tensors.h"

#include <tendril/learn.h>

typedef struct tnd_learner_ops {
  const tendril_stat *stats;
  int nstat;
  // One iteration; adds to learner->steps. The object stays valid after an error.
  tendril_status (*iterate)(tendril_learner *learner, double *stats, tendril_error *err);
  // All that the next iteration depends on beside the policy.
  tendril_status (*save)(const tendril_learner *learner, tnd_tensors *tensors, tendril_error *err);
  tendril_status (*load)(tendril_learner *learner, const tnd_tensors *tensors, tendril_error *err);
  void (*destroy)(tendril_learner *learner);
} tnd_learner_ops;

// First member of every learner.
struct tendril_learner {
  const tnd_learner_ops *ops;
  int64_t iterations;  // done
  int64_t steps;       // control steps simulated
  double fraction;     // of the training that is done, as far as the learner was told
};

// A method that can be named in a configuration.
typedef struct tnd_method {
  const char *name;
  const char *summary;  // one line for `tendril list`
  const char *source;
  const tnd_option_table *options;
  tendril_status (*create)(const void *options, const tendril_learner_setup *setup,
                           tendril_learner **out, tendril_error *err);
} tnd_method;

// Defines tnd_method_ID, in the registry as NAME, and tendril_ID_defaults() from the options
// OPTIONS and tendril_ID_create():
//
//   #define X(...) TND_OPTION_ROW(tendril_trpo_options, __VA_ARGS__)
//   TND_METHOD(trpo, TENDRIL_TRPO_OPTIONS, "trpo", "summary", "source")
//   #undef X
#define TND_METHOD(ID, OPTIONS, NAME, SUMMARY, SOURCE)                                             \
  static tendril_status create_from_table(const void *options, const tendril_learner_setup *setup, \
                                          tendril_learner **out, tendril_error *err) {             \
    return tendril_##ID##_create(options, setup, out, err);                                        \
  }                                                                                                \
  static const tnd_option option_rows[] = {OPTIONS(X)};                                            \
  static const tnd_option_table option_table =                                                     \
      TND_OPTION_TABLE(tendril_##ID##_options, option_rows);                                       \
  const tnd_method tnd_method_##ID = {                                                             \
      .name = (NAME),                                                                              \
      .summary = (SUMMARY),                                                                        \
      .source = (SOURCE),                                                                          \
      .options = &option_table,                                                                    \
      .create = create_from_table,                                                                 \
  };                                                                                               \
  void tendril_##ID##_defaults(tendril_##ID##_options *options) {                                  \
    tnd_options_default(&option_table, options);                                                   \
  }

// The end of a create function: `learner` into *out, or, if its parts could not be made, destroyed.
// Returns `status`.
TENDRIL_MUST_CHECK tendril_status tnd_learner_finish(tendril_learner *learner,
                                                     tendril_status status, tendril_learner **out);

// E_CONFIG unless an iteration is one whole episode of every stream, which `method` needs.
TENDRIL_MUST_CHECK tendril_status tnd_check_whole_episodes(const tendril_learner_setup *setup,
                                                           const char *method, tendril_error *err);

int tnd_method_count(void);
const tnd_method *tnd_method_get(int i);
// NULL if there is none of that name
const tnd_method *tnd_method_find(const char *name);

// Counters and the method's own state; the policy is saved by its owner.
TENDRIL_MUST_CHECK tendril_status tnd_learner_save(const tendril_learner *learner,
                                                   tnd_tensors *tensors, tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_learner_load(tendril_learner *learner,
                                                   const tnd_tensors *tensors, tendril_error *err);

#endif
