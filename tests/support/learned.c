// See learned.h.
#include "support/learned.h"

#include "base/alloc.h"
#include "policy/policy.h"
#include "support/close.h"
#include "support/learning.h"

#include <criterion/criterion.h>
#include <string.h>

tnd_tensors *support_save(support_learned from) {
  tnd_tensors *tensors = NULL;
  check_ok(tnd_tensors_create(&tensors, check_err));
  check_ok(tnd_policy_save(from.policy, tensors, check_err));
  check_ok(tnd_learner_save(from.learner, tensors, check_err));
  return tensors;
}

// As the bytes of a file.
static char *bytes_of(support_learned l, size_t *size) {
  tnd_tensors *tensors = support_save(l);
  char *bytes = NULL;
  check_ok(tnd_tensors_print(tensors, &bytes, size, check_err));
  tnd_tensors_destroy(tensors);
  return bytes;
}

void support_pass_on(support_learned from, support_learned to) {
  size_t size;
  tnd_tensors *tensors = NULL;
  char *bytes = bytes_of(from, &size);
  check_ok(tnd_tensors_parse(bytes, size, "memory", &tensors, check_err));
  check_ok(tnd_policy_load(to.policy, tensors, check_err));
  check_ok(tnd_learner_load(to.learner, tensors, check_err));
  tnd_tensors_destroy(tensors);
  tnd_free(bytes);
}

static void check_same_state(support_learned a, support_learned b) {
  size_t na, nb;
  char *bytes_a = bytes_of(a, &na), *bytes_b = bytes_of(b, &nb);
  cr_assert_eq(na, nb);
  cr_assert(memcmp(bytes_a, bytes_b, na) == 0, "the states differ");
  tnd_free(bytes_a);
  tnd_free(bytes_b);
}

static void iterate(tendril_learner *learner, int iterations) {
  double values[64];
  for (int k = 0; k < iterations; k++)
    check_ok(tendril_learner_iterate(learner, values, check_err));
}

void support_check_resumes(support_learned whole, support_learned parts, int before, int after) {
  iterate(whole.learner, before);
  support_pass_on(whole, parts);
  check_same_state(whole, parts);
  iterate(whole.learner, after);
  iterate(parts.learner, after);
  check_same_state(whole, parts);
}

void support_check_allocates_nothing(tendril_learner *learner, int iterations) {
  iterate(learner, 1);
  const long before = tnd_alloc_count();
  iterate(learner, iterations);
  cr_assert_eq(tnd_alloc_count(), before);
}

void support_check_same_policy(const char *file, int line, const tendril_policy *a,
                               const tendril_policy *b) {
  support_check_same_bits(file, line, "policy", tendril_policy_get_params(a),
                          tendril_policy_get_params(b), (size_t)tendril_policy_nparam(b));
}
