// Reward scaling: the definition by a plain loop, batches in pieces, episodes that end in any way.
#include "learn/reward_scale.h"
#include "support/close.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N = 8 };

static double reward[N] = {1, 2, -1, 4, 3, 3, -2, 5};
static int time_of[N] = {0, 1, 2, 0, 1, 0, 0, 1};

// One stream whose episodes are rows 0-2, 3-4, 5, 6-7; the second diverged after row 4, and so is
// cut like a batch's end.
static tendril_path paths[] = {{0, 3, 0, TENDRIL_END_TERMINATED},
                               {3, 2, 0, TENDRIL_END_CUT},
                               {5, 1, 0, TENDRIL_END_TRUNCATED},
                               {6, 2, 0, TENDRIL_END_CUT}};
static const tendril_batch batch = {
    .n = N, .reward = reward, .time = time_of, .npath = 4, .paths = paths};

Test(reward_scale, divides_by_the_deviation_of_the_returns_so_far_of_each_episode) {
  double R[N], mean = 0, variance = 0, carried = 0, scaled[N];
  for (int i = 0; i < N; i++) {
    R[i] = reward[i] + (time_of[i] ? 0.5 * R[i - 1] : 0);
    mean += R[i] / N;
  }
  for (int i = 0; i < N; i++)
    variance += (R[i] - mean) * (R[i] - mean) / N;
  tnd_reward_scale scale = {.nstream = 1, .R = &carried};
  tnd_reward_scale_apply(&scale, &batch, 0.5, scaled);
  for (int i = 0; i < N; i++)
    check_close(scaled[i], reward[i] / sqrt(variance), 1e-14);
}

Test(reward_scale, an_episode_cut_by_the_batch_goes_on_and_one_that_diverged_does_not) {
  // rows 3-4 alone: the batch ends within the episode; then it goes on with row 5
  double scaled[N], whole[1] = {0}, parts[1] = {0};
  int times[3] = {0, 1, 2};
  tendril_path one = {0, 3, 0, TENDRIL_END_CUT}, begin = {0, 2, 0, TENDRIL_END_CUT},
               rest = {0, 1, 0, TENDRIL_END_CUT};
  tnd_reward_scale a = {.nstream = 1, .R = whole}, b = {.nstream = 1, .R = parts};
  tendril_batch all = {.n = 3, .reward = reward + 3, .time = times, .npath = 1, .paths = &one};
  tendril_batch first = all, second = all;
  first.n = 2, first.paths = &begin;
  second.n = 1, second.paths = &rest, second.reward = reward + 5, second.time = times + 2;
  tnd_reward_scale_apply(&a, &all, 0.5, scaled);
  tnd_reward_scale_apply(&b, &first, 0.5, scaled);
  tnd_reward_scale_apply(&b, &second, 0.5, scaled);
  cr_assert_eq(whole[0], parts[0]);
  check_close(a.m2, b.m2, 1e-14);
  // it diverges at its next step, which leaves no row: the stream's next row begins an episode
  second.time = times;
  tnd_reward_scale_apply(&b, &second, 0.5, scaled);
  cr_assert_eq(parts[0], reward[5]);
}

Test(reward_scale, rewards_that_do_not_vary_stay_as_they_are) {
  double zeros[N] = {0}, scaled[N], carried = 0;
  tendril_batch still = batch;
  still.reward = zeros;
  tnd_reward_scale scale = {.nstream = 1, .R = &carried};
  tnd_reward_scale_apply(&scale, &still, 0.5, scaled);
  for (int i = 0; i < N; i++)
    cr_assert_eq(scaled[i], 0);
}
