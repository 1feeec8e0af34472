// What a kind of critic is to src/critic/critic.c.
#ifndef TND_CRITIC_OPS_H
#define TND_CRITIC_OPS_H

#include "critic/critic.h"

typedef struct tnd_critic_ops {
  void (*destroy)(tnd_critic *critic);
  // v [n] for at most TND_CRITIC_PIECE rows
  void (*predict)(const tnd_critic *critic, int worker, int n, const double *x, const int *time,
                  double *v);
  // the functions of the same name in critic.h
  tendril_status (*fit)(tnd_critic *critic, int64_t n, const double *x, const int *time,
                        const double *targets, uint32_t iteration, tendril_error *err);
  // of a kind that fits paths, and then there is no fit; NULL: it doesn't
  tendril_status (*fit_paths)(tnd_critic *critic, tendril_pool *pool, const tendril_batch *batch,
                              const double *x, const double *x_last, const double *reward,
                              double gamma, tendril_error *err);
  tendril_status (*save)(const tnd_critic *critic, tnd_tensors *tensors, tendril_error *err);
  tendril_status (*load)(tnd_critic *critic, const tnd_tensors *tensors, tendril_error *err);
} tnd_critic_ops;

#define TND_CRITIC_PIECE 256  // rows

// Every kind's struct begins with this one.
struct tnd_critic {
  const tnd_critic_ops *ops;
  tendril_critic_options options;
  int nx, nobs, horizon;
  int64_t capacity;
  int threads;  // workers that may predict at a time
  uint64_t seed;
};

// `base` is copied into the new critic.
tendril_status tnd_critic_neural_create(const tnd_critic *base, tnd_critic **out,
                                        tendril_error *err);
tendril_status tnd_critic_linear_create(const tnd_critic *base, tnd_critic **out,
                                        tendril_error *err);
tendril_status tnd_critic_quadratic_create(const tnd_critic *base, tnd_critic **out,
                                           tendril_error *err);
tendril_status tnd_critic_none_create(const tnd_critic *base, tnd_critic **out, tendril_error *err);

#endif
