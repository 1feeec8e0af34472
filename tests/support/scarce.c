// The loop that fails every allocation in turn.
#include "support/scarce.h"

#include "base/alloc.h"
#include "base/json.h"

#include <criterion/criterion.h>
#include <string.h>

int support_fail_each_alloc(support_attempt attempt, void *context) {
  enum { MANY = 100000 };
  cJSON_Hooks scarce = {tnd_alloc, tnd_free};
  cJSON_InitHooks(&scarce);
  for (int k = 0; k < MANY; k++) {
    tendril_error err = {""};
    long before = tnd_alloc_count();
    tnd_alloc_fail_at(k);
    tendril_status status = attempt(context, &err);
    tnd_alloc_fail_at(-1);
    // the failing call was not reached: all of them have had their turn
    if (tnd_alloc_count() - before <= k) {
      cJSON_InitHooks(NULL);
      cr_assert_eq(status, TENDRIL_OK, "without a failing allocation: %s (%s)",
                   tendril_status_text(status), err.text);
      return k;
    }
    cr_assert_eq(status, TENDRIL_E_MEMORY, "allocation %d failed, but the result is: %s (%s)", k,
                 tendril_status_text(status), err.text);
    cr_assert(err.text[0] && !strchr(err.text, '\n'), "allocation %d: no one-line message", k);
  }
  cr_assert(0, "still allocating after %d failures", MANY);
  return MANY;
}
