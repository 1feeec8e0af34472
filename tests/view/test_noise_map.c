// Survival under noise as a figure, from counts that are known.
#include "support/learning.h"
#include "support/tmpdir.h"
#include "view/noise_map.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(noise_map, shows_counts_by_both_deviations) {
  static const tendril_noise_cell cells[] = {
      {.start = 0, .torque = 0.125, .survived = 17, .share = 1},
      {.start = 0, .torque = 7, .survived = 13},
      {.start = 0.25, .torque = 0.125, .survived = 11},
      {.start = 0.25, .torque = 7, .survived = 3}};
  const tendril_noise_result r = {
      .nstart = 2, .ntorque = 2, .rollouts = 17, .seconds = 1.5, .cells = cells};
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "map.svg");
  check_ok(tnd_noise_map_write(&r, "a title", path, check_err));
  char *text = support_read_file(path, NULL);
  static const char *const words[] = {
      "a title", ">on the start, m and rad<",       ">0.125<", ">0.25<", ">13<", ">11<",
      ">3<",     "of 17 rollouts got through 1.5 s"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    cr_assert_not_null(strstr(text, words[i]), "%s", words[i]);
  free(text);
  cr_assert_eq(tnd_noise_map_write(&r, NULL, "map.txt", NULL), TENDRIL_E_ARGUMENT);
  support_tmpdir_remove(folder);
}
