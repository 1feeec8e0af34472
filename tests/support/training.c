// See training.h.
#include "support/training.h"

#include "support/learning.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

tendril_tasks *support_tasks;

void support_tasks_open(void) {
  support_folder_open();
  check_ok(tendril_tasks_create(&support_tasks, check_err));
}

void support_tasks_close(void) {
  tendril_tasks_destroy(support_tasks);
  support_folder_close();
}

static void stop_at(void *user, const tendril_progress *p) {
  support_stop *s = user;
  if (p->iteration >= s->at) s->flag = 1;
}

tendril_run_hooks support_stop_hooks(support_stop *stop) {
  return (tendril_run_hooks){.stop = &stop->flag, .progress = stop_at, .user = stop};
}

void support_check_same_file(const char *a, const char *b) {
  size_t na, nb;
  char *bytes_a = support_read_file(a, &na), *bytes_b = support_read_file(b, &nb);
  cr_assert(na == nb && memcmp(bytes_a, bytes_b, na) == 0, "%s and %s differ", a, b);
  free(bytes_a);
  free(bytes_b);
}
