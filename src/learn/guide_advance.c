// See guide_advance.h.
#include "learn/guide_advance.h"

#include "base/clock.h"

#include <math.h>

// How strongly a step is held to the trajectory after the first that lost it, and steps tried in an
// iteration.
static const double first_anchor = 1;
static const double last_anchor = 1e4;
enum { ATTEMPTS = 5 };

// Whether an improvement lost the trajectory: fewer rollouts of N stay within reach than before it,
// and not for want of perfection.
static bool is_lost(double N, int kept, int before) {
  // two standard deviations of what chance alone makes of so many
  const double share = before / N;
  return kept < 0.75 * N && kept < before - 2 * sqrt(2 * N * share * (1 - share));
}

static tendril_status draw(tnd_guide *q, uint64_t seed, uint32_t stream, tnd_guide_samples *drawn,
                           tnd_guide_advanced *out, tendril_error *err) {
  const tendril_status status = tnd_guide_sample(q, seed, stream, drawn, err);
  out->steps += drawn->steps;
  out->physics += drawn->physics;
  return status;
}

tendril_status tnd_guide_advance(tnd_guide *q, int samples, const double *sigma2, uint64_t seed,
                                 uint32_t stream, tnd_guide_samples *drawn, tnd_guide_advanced *out,
                                 tendril_error *err) {
  const int before = tnd_guide_kept(q);
  *out = (tnd_guide_advanced){0};
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    tnd_guide_step step;
    const double wall = tnd_clock_wall(), cpu = tnd_clock_process();
    tendril_status status = tnd_guide_improve(q, sigma2, &step, err);
    out->trajectory_seconds += tnd_clock_wall() - wall;
    out->trajectory_cpu += tnd_clock_process() - cpu;
    if (status == TENDRIL_OK) status = draw(q, seed, stream, drawn, out, err);
    if (status != TENDRIL_OK && status != TENDRIL_E_NUMERIC && status != TENDRIL_E_PHYSICS)
      return status;
    if (status == TENDRIL_OK && !is_lost(samples, drawn->kept, before)) {
      const double anchor = tnd_guide_anchor(q) / 2;
      tnd_guide_set_anchor(q, anchor < first_anchor ? 0 : anchor);
      out->alpha = step.alpha;
      out->refused = step.refused;
      return TENDRIL_OK;
    }
    tnd_guide_take_back(q);
    tnd_guide_set_anchor(q, fmin(last_anchor, fmax(first_anchor, 4 * tnd_guide_anchor(q))));
    out->taken_back++;
  }
  return draw(q, seed, stream, drawn, out, err);
}
