#include "support/cart.h"

#include "support/learning.h"
#include "support/sim.h"

#include "trajopt/lqr.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const double dt = 0.1, mass = 2, q = 1, p = 0.2, r = 0.05;

static void reset(const mjModel *model, mjData *data, double *state, tendril_random *random) {
  (void)model, (void)state;
  double noise[2];
  tendril_random_normals(random, 2, noise);
  data->qpos[0] = 1 + 0.5 * noise[0];
  data->qvel[0] = 0.5 * noise[1];
}

static void observe(const mjModel *model, const mjData *data, const double *state, double *obs) {
  (void)model, (void)state;
  obs[0] = data->qpos[0];
  obs[1] = data->qvel[0];
}

static void residuals(const mjModel *model, const double *qpos, const double *qvel,
                      const double *action, double *out, double *rx, double *ru) {
  (void)model;
  out[0] = qpos[0];
  out[1] = qvel[0];
  out[2] = action[0];
  if (!rx) return;
  rx[0] = rx[3] = 1;
  ru[2] = 1;
}

const tendril_task support_cart = {
    .name = "cart",
    .summary = "a mass on a rail",
    .mjcf = "cart.xml",
    .physics_steps = 1,
    .max_steps = SUPPORT_CART_STEPS,
    .nobs = 2,
    .nterm = 3,
    .terms = {"x", "v", "u"},
    .reset = reset,
    .observe = observe,
    .ncost = 3,
    .cost = {{"x", 1, 1, 0, true}, {"v", 1, 0.2, 0, true}, {"u", 1, 0.05, 0, false}},
    .residuals = residuals,
};

tendril_model *support_cart_model(void) {
  tendril_model *model = NULL;
  check_ok(tendril_model_create(&support_cart, support_mjcf("cart.xml"), NULL, &model, check_err));
  return model;
}

void support_cart_gains(double *K) {
  const double b = dt / mass, F[6] = {1, dt, dt * b, 0, 1, b};
  const double lx[2] = {0}, lu[1] = {0}, lux[2] = {0}, luu[1] = {2 * r};
  const double lxx[4] = {2 * q, 0, 0, 2 * p};
  double Vx[2] = {0}, Vxx[4], k, Quu, *work = malloc(sizeof *work * (size_t)tnd_lqr_work(2, 1));
  memcpy(Vxx, lxx, sizeof Vxx);
  tnd_lqr_value v = {Vx, Vxx};
  const tnd_lqr_stage stage = {.F = F, .lx = lx, .lu = lu, .lxx = lxx, .lux = lux, .luu = luu};
  for (int t = SUPPORT_CART_STEPS - 1; t >= 0; t--) {
    tnd_lqr_law law = {.k = &k, .K = K + 2 * t, .Quu = &Quu};
    cr_assert(tnd_lqr_step(2, 1, &stage, work, &v, &law));
  }
  free(work);
}
