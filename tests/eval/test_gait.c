// Rhythms against motions whose period and phase are known.
#include "eval/gait.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>
#include <tendril/random.h>

enum { T = 400, N = 4 };
static const double dt = 0.008, two_pi = 6.283185307179586;
static double joints[T * N];

// Two legs half a period apart, each with a second harmonic, as in a walk; noise of that deviation.
static void walk(double period, double zero, double noise) {
  tendril_random random = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  for (int t = 0; t < T; t++) {
    double z[N];
    const double a = two_pi * (t * dt - zero) / period;
    tendril_random_normals(&random, N, z);
    joints[t * N] = 1 + 0.5 * cos(a) + 0.1 * cos(2 * a + 1);
    joints[t * N + 1] = -2 + 0.3 * cos(a - 1) + 0.2 * sin(2 * a);
    joints[t * N + 2] = 1 + 0.45 * cos(a + two_pi / 2) + 0.1 * cos(2 * a + 1);
    joints[t * N + 3] = -2 + 0.3 * cos(a - 1 + two_pi / 2) + 0.2 * sin(2 * a);
    for (int i = 0; i < N; i++)
      joints[t * N + i] += noise * z[i];
  }
}

Test(gait, a_walk_repeats_itself_with_the_stride_and_not_with_the_step) {
  static const double periods[] = {0.31, 0.6, 0.777, 1.2};
  for (int i = 0; i < 4; i++) {
    tnd_gait gait;
    const double zero = 0.4 * periods[i];
    walk(periods[i], zero, 0);
    tnd_gait_find(joints, T, N, dt, &gait);
    // a parabola through three states near the peak of a smooth correlation; a tenth of a state
    cr_assert_float_eq(gait.period, periods[i], 0.1 * dt, "%g: %g", periods[i], gait.period);
    cr_assert_gt(gait.strength, 0.98);
    cr_assert_eq(gait.joint, 0);
    const double phase = tnd_gait_phase(joints, T, N, 0, dt, gait.period);
    // the means over 3.2 s are not those over whole periods: some percent of a period
    cr_assert_float_eq(phase, zero, 0.03 * periods[i], "%g: %g", zero, phase);
    // the other leg, half a period later
    const double other = tnd_gait_phase(joints, T, N, 2, dt, gait.period);
    cr_assert_float_eq(fabs(other - phase), periods[i] / 2, 0.06 * periods[i]);
  }
}

Test(gait, noise_hides_it_late) {
  tnd_gait gait;
  walk(0.6, 0.1, 0.1);
  tnd_gait_find(joints, T, N, dt, &gait);
  // peaks of a noisy correlation are off by some states
  cr_assert_float_eq(gait.period, 0.6, 4 * dt);
  cr_assert(gait.strength > 0.8 && gait.strength < 1);
}

Test(gait, what_stands_still_or_only_trembles_has_none) {
  tnd_gait gait;
  for (int i = 0; i < T * N; i++)
    joints[i] = i % N;
  tnd_gait_find(joints, T, N, dt, &gait);
  cr_assert_eq(gait.period, 0);
  tendril_random random = tendril_random_stream(2, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&random, T * N, joints);
  tnd_gait_find(joints, T, N, dt, &gait);
  cr_assert_eq(gait.period, 0);
  // a drift
  for (int i = 0; i < T * N; i++)
    joints[i] = i;
  tnd_gait_find(joints, T, N, dt, &gait);
  cr_assert_eq(gait.period, 0);
}

Test(gait, a_period_longer_than_half_of_the_states_is_not_seen) {
  tnd_gait gait;
  walk(2, 0, 0);
  tnd_gait_find(joints, T, N, dt, &gait);
  cr_assert_eq(gait.period, 0);
}
