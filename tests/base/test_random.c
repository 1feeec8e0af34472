// Philox streams: known answers, moments, independence of streams.
#include <tendril/random.h>

#include <Random123/philox.h>
#include <criterion/criterion.h>
#include <math.h>

Test(random, gives_the_known_answer_of_philox4x32_10) {
  // key 0, counter 0: Random123's known-answer file
  philox4x32_ctr_t counter = {{0, 0, 0, 0}};
  philox4x32_key_t key = {{0, 0}};
  philox4x32_ctr_t block = philox4x32(counter, key);
  cr_assert_eq(block.v[0], 0x6627e8d5u);
  cr_assert_eq(block.v[1], 0xe169c58du);
  cr_assert_eq(block.v[2], 0xbc57ac4cu);
  cr_assert_eq(block.v[3], 0x9b00dbd8u);
}

Test(random, a_stream_is_a_function_of_its_key) {
  tendril_random a = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 1, 2);
  tendril_random b = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 1, 2);
  tendril_random c = tendril_random_stream(7, TENDRIL_PURPOSE_TEST, 1, 3);
  tendril_random d = tendril_random_stream(8, TENDRIL_PURPOSE_TEST, 1, 2);
  tendril_random e = tendril_random_stream(7, TENDRIL_PURPOSE_RESET, 1, 2);
  int same_c = 0, same_d = 0, same_e = 0;
  for (int i = 0; i < 1000; i++) {
    uint32_t bits = tendril_random_bits(&a);
    cr_assert_eq(bits, tendril_random_bits(&b));
    same_c += bits == tendril_random_bits(&c);
    same_d += bits == tendril_random_bits(&d);
    same_e += bits == tendril_random_bits(&e);
  }
  // 1000 of 2^32 values: an agreement has probability 2e-7
  cr_assert_eq(same_c + same_d + same_e, 0);
}

Test(random, normals_have_the_moments_of_a_standard_normal) {
  enum { N = 200000 };
  static double z[N];
  tendril_random r = tendril_random_stream(1, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random_normals(&r, N, z);
  double m[5] = {0};
  for (int i = 0; i < N; i++)
    for (int k = 1; k <= 4; k++)
      m[k] += pow(z[i], k) / N;
  // five standard errors: sqrt(1, 2, 15, 96) / sqrt(N)
  cr_assert_lt(fabs(m[1]), 5 * 1.0 / sqrt(N));
  cr_assert_lt(fabs(m[2] - 1), 5 * sqrt(2.0 / N));
  cr_assert_lt(fabs(m[3]), 5 * sqrt(15.0 / N));
  cr_assert_lt(fabs(m[4] - 3), 5 * sqrt(96.0 / N));
}

Test(random, normals_drawn_in_parts_start_on_fresh_blocks) {
  double first[3], second[3], whole[8];
  tendril_random a = tendril_random_stream(3, TENDRIL_PURPOSE_TEST, 0, 0);
  tendril_random b = a;
  tendril_random_normals(&a, 3, first);
  tendril_random_normals(&a, 3, second);
  tendril_random_normals(&b, 8, whole);
  for (int i = 0; i < 3; i++) {
    cr_assert_eq(first[i], whole[i]);
    cr_assert_eq(second[i], whole[4 + i]);
  }
}

Test(random, uniform_and_below_stay_in_range_and_reach_all_of_it) {
  tendril_random r = tendril_random_stream(5, TENDRIL_PURPOSE_TEST, 0, 0);
  double low = 1, high = 0;
  int seen[7] = {0};
  for (int i = 0; i < 70000; i++) {
    double u = tendril_random_uniform(&r, 0, 1);
    if (u < low) low = u;
    if (u > high) high = u;
    seen[tendril_random_below(&r, 7)]++;
  }
  cr_assert(low >= 0 && low < 1e-3 && high < 1 && high > 1 - 1e-3);
  for (int i = 0; i < 7; i++)
    cr_assert(abs(seen[i] - 10000) < 5 * 93, "%d seen %d times", i, seen[i]);  // sd 93
}

Test(random, belows_are_those_that_one_call_each_gives) {
  // of the last two, the larger draws again half of the time, the other never
  static const uint32_t ns[] = {1, 2, 7, 1000, (1u << 31) + 1, 1u << 31};
  enum { MOST = 13 };
  for (int k = 0; k < 6; k++)
    for (int before = 0; before < 5; before++)  // words of a block that are gone already
      for (int count = 0; count <= MOST; count++) {
        tendril_random one = tendril_random_stream(6, TENDRIL_PURPOSE_TEST, 0, 0);
        for (int i = 0; i < before; i++)
          tendril_random_bits(&one);
        tendril_random many = one;
        uint32_t out[MOST + 1];
        out[count] = 77;
        tendril_random_belows(&many, ns[k], count, out);
        for (int i = 0; i < count; i++)
          cr_assert_eq(out[i], tendril_random_below(&one, ns[k]));
        cr_assert_eq(out[count], 77);
        cr_assert_eq(many.draw, one.draw);
      }
}
