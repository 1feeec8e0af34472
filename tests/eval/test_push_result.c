// What outcomes of pushes add up to, from outcomes that are known.
#include "eval/push_result.h"
#include "support/learning.h"

#include <criterion/criterion.h>

// 5 replicas, 2 phases, 2 directions, 3 sizes. A cell's digit: how many replicas recover; of the
// others the first falls, the rest stands still.
Test(push_result, a_threshold_is_the_largest_push_up_to_which_all_pass) {
  enum { REPLICAS = 5, P = 2, D = 2, K = 3 };
  static const double newtons[K] = {10, 20, 30};
  static const int recovered[D][P][K] = {{{5, 4, 3}, {4, 3, 5}}, {{5, 5, 5}, {3, 5, 5}}};
  static const int calm[P] = {5, 2};
  const tendril_push directions[D] = {{.direction = {1, 0, 0}}, {.direction = {-1, 0, 0}}};
  tendril_push_options o;
  tendril_push_defaults(&o);
  o.newtons = newtons;
  o.nnewton = K;
  o.directions = directions;
  o.ndirection = D;
  o.phases = P;
  unsigned char outcomes[REPLICAS][P][D][K + 1] = {0};
  for (int i = 0; i < REPLICAS; i++)
    for (int p = 0; p < P; p++)
      for (int d = 0; d < D; d++)
        for (int k = 0; k <= K; k++) {
          const int good = k < K ? recovered[d][p][k] : calm[p];
          outcomes[i][p][d][k] = i < good ? TND_RECOVERED : i == good ? TND_FALLEN : TND_STANDING;
        }
  tendril_push_result *r = NULL;
  check_ok(tnd_push_result_create(&o, &r, check_err));
  tnd_push_result_count(r, &o, &outcomes[0][0][0][0]);
  for (int d = 0; d < D; d++)
    for (int p = 0; p < P; p++)
      for (int k = 0; k < K; k++) {
        const int cell = (d * P + p) * K + k;
        cr_expect_eq(r->recovered[cell], recovered[d][p][k]);
        cr_expect_eq(r->fallen[cell], recovered[d][p][k] < REPLICAS);
      }
  // 4 of 5 pass; what passes beyond a push that doesn't is luck
  static const double thresholds[D * P] = {20, 10, 30, 0};
  cr_assert_arr_eq(r->threshold, thresholds, sizeof thresholds);
  cr_assert_eq(r->direction_threshold[0], 10);
  cr_assert_eq(r->direction_threshold[1], 0);
  cr_assert_eq(tendril_push_threshold(r), 0);
  cr_assert_arr_eq(r->calm, calm, sizeof calm);
  r->seconds = 0.1;
  r->mass = 4;
  cr_assert_float_eq(tendril_push_velocity(r, 20), 0.5, 1e-15);
  tendril_push_result_destroy(r);
}
