/**
 * @file critic.h
 * Critics: value functions fitted to returns, and the advantages made with them.
 */
#ifndef TENDRIL_CRITIC_H
#define TENDRIL_CRITIC_H

#include <tendril/base.h>
#include <tendril/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Index into the names of the option `kind` of a critic. */
typedef enum tendril_critic_kind {
  TENDRIL_CRITIC_NEURAL,
  TENDRIL_CRITIC_LINEAR,
  TENDRIL_CRITIC_QUADRATIC,
  TENDRIL_CRITIC_NONE,
} tendril_critic_kind;

// clang-format off
#define TENDRIL_CRITIC_OPTIONS(X)                                                                  \
  X(choice,  kind,          "neural", "neural linear quadratic none", 0, "", "network fitted by Adam; ridge regression on features (Duan et al. 2016); a quadratic function for every time step, backed up in time (Akrour et al. 2018, sec. 4); none: V = 0") \
  X(sizes,   hidden,        "64 64",  1,                    4096,  "",       "neural: widths of the hidden layers") \
  X(choice,  activation,    "tanh",   "tanh softplus relu", 0,     "",       "neural: nonlinearity") \
  X(integer, epochs,        10,       1,                    1000,  "",       "neural: passes over the batch per fit") \
  X(integer, minibatch,     128,      1,                    65536, "rows",   "neural: rows per step of Adam") \
  X(real,    learning_rate, 1e-3,     1e-8,                 1,     "",       "neural: Adam's step size") \
  X(choice,  precision,     "single", "single double",      0,     "",       "neural: arithmetic of the network") \
  X(real,    ridge,         1e-5,     0,                    1e6,   "",       "linear, quadratic: penalty on the weights")
// clang-format on

typedef struct tendril_critic_options {
  TENDRIL_CRITIC_OPTIONS(TENDRIL_OPTION_FIELD)
} tendril_critic_options;

/** The defaults of the table above. */
TENDRIL_API void tendril_critic_defaults(tendril_critic_options *options);

#ifdef __cplusplus
}
#endif

#endif
