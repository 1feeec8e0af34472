// What a family of policies is to src/policy/: its objects begin with the structs below, and its
// functions fill one table. policy.c does the rest: options, normaliser, parameters, files.
#ifndef TND_POLICY_OPS_H
#define TND_POLICY_OPS_H

#include "policy/policy.h"

#include "base/alloc.h"
#include "math/moments.h"

typedef struct tnd_policy_ops {
  void (*destroy)(tendril_policy *policy);  // all that the family's create took
  void (*params_changed)(tendril_policy *policy);

  // acting on one input: scratch of `act_size` doubles
  size_t (*act_size)(const tendril_policy *policy);
  void (*act)(const tendril_policy *policy, double *scratch, const double *x, const double *noise,
              double *action);

  // the functions of the same name in policy.h
  tendril_status (*rows_create)(const tendril_policy *policy, int capacity, bool kept,
                                tnd_policy_rows **out, tendril_error *err);
  void (*rows_borrow)(tnd_policy_rows *kept, const tnd_policy_rows *from);
  void (*rows_destroy)(tnd_policy_rows *rows);
  void (*forward)(const tendril_policy *policy, tnd_policy_rows *rows, int n, const double *x,
                  double *d);
  // P [n][nact][nobs], for the rows of the last forward: of the means, in the first nobs inputs
  void (*jacobian)(const tendril_policy *policy, const tnd_policy_rows *rows, double *P);
  void (*set_tangent)(tendril_policy *policy, const double *v);
  void (*jvp)(const tendril_policy *policy, tnd_policy_rows *rows, double *jv);
  void (*vjp)(const tendril_policy *policy, tnd_policy_rows *rows, const double *u, double *grad);
  void (*logp)(const tendril_policy *policy, int n, const double *d, const double *action,
               double *logp);
  void (*logp_gradient)(const tendril_policy *policy, int n, const double *d, const double *action,
                        const double *weight, double *u);
  void (*kl)(const tendril_policy *policy, int n, const double *d_old, const double *d_new,
             double *kl);
  void (*metric)(const tendril_policy *policy, int n, const double *d, double *v);
  void (*entropy)(const tendril_policy *policy, int n, const double *d, double *h);
} tnd_policy_ops;

// Every family's policy struct begins with this one.
struct tendril_policy {
  const tnd_policy_ops *ops;
  tendril_policy_options options;
  int nobs, nact, horizon, ninput, nparam, ndist;
  int log_std;       // see tnd_policy_log_std()
  double *theta;     // [nparam]
  tnd_moments seen;  // observations so far
  double *scale;     // [nobs] 1 / sd of the observations; 1 until some were seen
  tnd_arena arena;   // the three arrays above
};

// Every family's rows struct begins with this one.
struct tnd_policy_rows {
  const tnd_policy_ops *ops;
};

// What a family's create is told, and the struct that its own begins with.
typedef struct tnd_policy_shape {
  int nobs, nact, horizon;
  int ninput;  // nobs, and one more if time is an input
} tnd_policy_shape;

// For a family's create, which has set ops, nparam, ndist and log_std: the rest, the arrays among
// it. theta is zero, the normaliser the identity.
TENDRIL_MUST_CHECK tendril_status tnd_policy_base_create(tendril_policy *policy,
                                                         const tendril_policy_options *options,
                                                         const tnd_policy_shape *shape,
                                                         tendril_error *err);
void tnd_policy_base_destroy(tendril_policy *policy);

// The families, in policy.c's table of kinds.
tendril_status tnd_network_policy_create(const tendril_policy_options *options,
                                         const tnd_policy_shape *shape, uint64_t seed,
                                         tendril_policy **out, tendril_error *err);
tendril_status tnd_time_linear_create(const tendril_policy_options *options,
                                      const tnd_policy_shape *shape, uint64_t seed,
                                      tendril_policy **out, tendril_error *err);

#endif
