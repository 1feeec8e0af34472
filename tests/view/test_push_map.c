// The survival surface as a figure, from counts that are known.
#include "support/learning.h"
#include "support/tmpdir.h"
#include "view/push_map.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(push_map, shows_counts_thresholds_and_what_a_push_makes_of_the_mass) {
  static const double newtons[] = {10, 20, 321};
  // [direction][phase][newton]
  int recovered[] = {5, 4, 0, 5, 2, 1, 3, 3, 3, 0, 0, 0};
  double threshold[] = {20, 10, 0, 0}, direction_threshold[] = {10, 0};
  const tendril_push_result r = {.ndirection = 2,
                                 .nphase = 2,
                                 .nnewton = 3,
                                 .replicas = 5,
                                 .newtons = newtons,
                                 .recovered = recovered,
                                 .threshold = threshold,
                                 .direction_threshold = direction_threshold,
                                 .seconds = 0.1,
                                 .mass = 2};
  static const char *const names[] = {"uphill", "back"};
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "map.svg");
  check_ok(tnd_push_map_write(&r, names, "a title", path, check_err));
  char *text = support_read_file(path, NULL);
  static const char *const words[] = {"a title",
                                      "uphill: up to 10 N, 0.50 m/s",
                                      "back: up to 0 N, 0.00 m/s",
                                      ">321<",
                                      "how many of 5",
                                      "No gait was found"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    cr_assert_not_null(strstr(text, words[i]), "%s", words[i]);
  free(text);
  cr_assert_eq(tnd_push_map_write(&r, names, NULL, "map.txt", NULL), TENDRIL_E_ARGUMENT);
  support_tmpdir_remove(folder);
}
