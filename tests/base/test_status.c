// Statuses have texts, error lines are whole or cut, versions agree.
#include "base/status.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const tendril_status all[] = {
#define X(name, text) TENDRIL_##name,
    TENDRIL_STATUS_MAP(X)
#undef X
};
enum { N = sizeof all / sizeof *all };

Test(status, ok_is_zero_and_the_codes_have_no_gaps) {
  cr_assert_eq(TENDRIL_OK, 0);
  for (int i = 0; i < N; i++)
    cr_assert_eq((int)all[i], i);
}

Test(status, every_code_has_a_text_of_its_own) {
  for (int i = 0; i < N; i++) {
    const char *text = tendril_status_text(all[i]);
    cr_assert(text && text[0] && !strchr(text, '\n'));
    for (int j = 0; j < i; j++)
      cr_assert_str_neq(text, tendril_status_text(all[j]));
  }
}

Test(status, a_number_that_is_no_code_has_a_text_too) {
  cr_assert_not_null(tendril_status_text((tendril_status)N));
  cr_assert_not_null(tendril_status_text((tendril_status)1000));
}

Test(status, fail_fills_the_line_and_returns_the_code) {
  tendril_error err;
  cr_assert_eq(tnd_fail(&err, TENDRIL_E_CONFIG, "%s: %d", "gamma", 2), TENDRIL_E_CONFIG);
  cr_assert_str_eq(err.text, "gamma: 2");
  cr_assert_eq(tnd_fail(NULL, TENDRIL_E_IO, "nobody listens"), TENDRIL_E_IO);
  cr_assert_eq(tnd_fail_memory(NULL), TENDRIL_E_MEMORY);
}

Test(status, a_line_that_is_too_long_is_cut_and_ended) {
  char text[2 * sizeof(tendril_error)];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  tendril_error err;
  memset(&err, 'y', sizeof err);
  cr_assert_eq(tnd_fail(&err, TENDRIL_E_FORMAT, "%s", text), TENDRIL_E_FORMAT);
  cr_assert_eq(strlen(err.text), sizeof err.text - 1);
}

static tendril_status pass_up(tendril_status inner, int *reached) {
  TENDRIL_TRY(inner);
  *reached = 1;
  return TENDRIL_OK;
}

Test(status, try_returns_an_error_at_once_and_goes_on_otherwise) {
  int reached = 0;
  cr_assert_eq(pass_up(TENDRIL_E_IO, &reached), TENDRIL_E_IO);
  cr_assert_eq(reached, 0);
  cr_assert_eq(pass_up(TENDRIL_OK, &reached), TENDRIL_OK);
  cr_assert_eq(reached, 1);
}

Test(status, the_version_is_three_numbers) {
  int major, minor, patch, end = 0;
  cr_assert_eq(sscanf(tendril_version(), "%d.%d.%d%n", &major, &minor, &patch, &end), 3);
  cr_assert_eq(tendril_version()[end], 0);
}
