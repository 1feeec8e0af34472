// progress.csv: rows, resuming, damage, a full disk, reading.
#include "run/table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

static tendril_error err;
static const char *const names[] = {"iteration", "steps", "kl"};

TestSuite(table, .init = support_folder_open, .fini = support_folder_close);

static void assert_holds(const char *path, const char *text) {
  char *bytes = support_read_file(path, NULL);
  cr_assert_str_eq(bytes, text);
  free(bytes);
}

static tendril_status open_at(const char *text, int64_t last, tnd_table **out) {
  const char *path = support_file("progress.csv");
  support_write_file(path, text, strlen(text));
  return tnd_table_open_at(path, names, 3, last, out, &err);
}

Test(table, is_a_header_and_rows_in_the_fewest_digits) {
  tnd_table *table = NULL;
  const char *path = support_file("progress.csv");
  cr_assert_eq(tnd_table_create(path, names, 3, &table, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tnd_table_row(table, (double[]){0, 2048, (double)NAN}, &err), TENDRIL_OK);
  cr_assert_eq(tnd_table_row(table, (double[]){1, 1e9, 0.1}, &err), TENDRIL_OK);
  cr_assert_eq(tnd_table_row(table, (double[]){2, -(double)INFINITY, 1e-300}, &err), TENDRIL_OK);
  assert_holds(path, "iteration,steps,kl\n0,2048,\n1,1000000000,0.1\n2,-inf,1e-300\n");
  cr_assert_eq(tnd_table_sync(table, &err), TENDRIL_OK);
  tnd_table_destroy(table);
  cr_assert_eq(tnd_table_create(path, names, 3, &table, &err), TENDRIL_E_EXISTS);
}

Test(table, takes_no_row_out_of_order_and_no_name_that_breaks_a_line) {
  tnd_table *table = NULL;
  const char *path = support_file("progress.csv");
  cr_assert_eq(tnd_table_create(path, (const char *const[]){"a,b"}, 1, &table, &err),
               TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_table_create(path, names, 0, &table, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_table_create(path, names, 3, &table, &err), TENDRIL_OK);
  cr_assert_eq(tnd_table_row(table, (double[]){3, 1, 1}, &err), TENDRIL_OK);
  cr_assert_eq(tnd_table_row(table, (double[]){3, 1, 1}, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_table_row(table, (double[]){3.5, 1, 1}, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_table_row(table, (double[]){(double)NAN, 1, 1}, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_table_row(table, (double[]){(double)INFINITY, 1, 1}, &err), TENDRIL_E_ARGUMENT);
  tnd_table_destroy(table);
  assert_holds(path, "iteration,steps,kl\n3,1,1\n");
}

Test(table, resumes_after_the_given_iteration) {
  static const char *const cases[][2] = {
      {"iteration,steps,kl\n1,2,3\n2,3,\n3,4,5\n", "iteration,steps,kl\n1,2,3\n2,3,\n3,0,0\n"},
      {"iteration,steps,kl\n1,inf,3\n2,3,4\n3,4", "iteration,steps,kl\n1,inf,3\n2,3,4\n3,0,0\n"},
      {"iteration,steps,kl\n1,2,3\n2,3,4", "iteration,steps,kl\n1,2,3\n3,0,0\n"},
      {"iteration,steps,kl\n2,3,4\nrubbish\n1,1,1\n", "iteration,steps,kl\n2,3,4\n3,0,0\n"},
      {"iteration,steps,kl\n", "iteration,steps,kl\n3,0,0\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tnd_table *table = NULL;
    cr_assert_eq(open_at(cases[i][0], 2, &table), TENDRIL_OK, "%s", err.text);
    cr_assert_eq(tnd_table_row(table, (double[]){2 - 1e-9, 0, 0}, &err), TENDRIL_E_ARGUMENT);
    cr_assert_eq(tnd_table_row(table, (double[]){3, 0, 0}, &err), TENDRIL_OK);
    tnd_table_destroy(table);
    assert_holds(support_file("progress.csv"), cases[i][1]);
  }
}

Test(table, refuses_foreign_columns_and_damage_unchanged) {
  static const char *const cases[][2] = {
      {"", "line 1: the columns are not this version's"},
      {"iteration,steps", "line 1: the columns"},
      {"iteration,steps,entropy\n1,2,3\n", "line 1: the columns"},
      {"iteration,steps,kl,more\n1,2,3,4\n", "line 1: the columns"},
      {"iteration,steps,kl\n1,2,3\n2,3\n3,4,5\n", "line 3: not a row of this table"},
      {"iteration,steps,kl\n1,2,3\n2,3,4,5\n3,4,5\n", "line 3: not"},
      {"iteration,steps,kl\n1,2,3\nx,3,4\n3,4,5\n", "line 3: not"},
      {"iteration,steps,kl\n1,2,3\n,3,4\n3,4,5\n", "line 3: not"},
      {"iteration,steps,kl\n1,2,3\n1,3,4\n3,4,5\n", "line 3: not"},
      {"iteration,steps,kl\n1,2,3\n2,0x3,4\n3,4,5\n", "line 3: not"},
      {"iteration,steps,kl\n1,2,3\r\n2,3,4\r\n", "line 2: not"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tnd_table *table = NULL;
    cr_assert_eq(open_at(cases[i][0], 9, &table), TENDRIL_E_FORMAT, "%s", cases[i][0]);
    cr_assert(strstr(err.text, cases[i][1]) != NULL, "%s", err.text);
    cr_assert_null(table);
    assert_holds(support_file("progress.csv"), cases[i][0]);
  }
}

Test(table, resumes_long_tables) {
  static char text[400000];
  size_t n = (size_t)sprintf(text, "iteration,steps,kl\n");
  for (int i = 1; i <= 30000; i++)
    n += (size_t)sprintf(text + n, "%d,%d,\n", i, i);
  cr_assert(n > (1 << 18), "smaller than one piece of the reader's");
  tnd_table *table = NULL;
  cr_assert_eq(open_at(text, 29999, &table), TENDRIL_OK, "%s", err.text);
  tnd_table_destroy(table);
  text[n - strlen("30000,30000,\n")] = 0;
  assert_holds(support_file("progress.csv"), text);
}

Test(table, a_full_disk_leaves_no_part_of_a_row) {
  tnd_table *table = NULL;
  const char *path = support_file("progress.csv");
  cr_assert_eq(tnd_table_create(path, names, 3, &table, &err), TENDRIL_OK);
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit full = {22, RLIM_INFINITY}, roomy = {RLIM_INFINITY, RLIM_INFINITY};
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
  cr_assert_eq(tnd_table_row(table, (double[]){1, 2048, 3}, &err), TENDRIL_E_IO);
  assert_holds(path, "iteration,steps,kl\n");
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &roomy), 0);
  cr_assert_eq(tnd_table_row(table, (double[]){1, 2048, 3}, &err), TENDRIL_OK);
  assert_holds(path, "iteration,steps,kl\n1,2048,3\n");
  tnd_table_destroy(table);
}

static tendril_status create_and_reopen(void *context, tendril_error *error) {
  tnd_table *table = NULL;
  (void)context;
  char path[TND_PATH_MAX];
  tendril_status status = tnd_path_join(support_folder, "progress.csv", path, error);
  remove(path);
  if (status == TENDRIL_OK) status = tnd_table_create(path, names, 3, &table, error);
  if (status == TENDRIL_OK) status = tnd_table_row(table, (double[]){1, 2, 3}, error);
  tnd_table_destroy(table);
  table = NULL;
  if (status == TENDRIL_OK) status = tnd_table_open_at(path, names, 3, 1, &table, error);
  tnd_table_destroy(table);
  return status;
}

Test(table, survives_every_failing_allocation) {
  support_fail_each_alloc(create_and_reopen, NULL);
}

Test(table, that_cannot_begin_leaves_no_file) {
  tnd_table *table = NULL;
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit full = {5, RLIM_INFINITY};
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
  cr_assert_eq(tnd_table_create(support_file("progress.csv"), names, 3, &table, &err),
               TENDRIL_E_IO);
  cr_assert(!tnd_path_exists(support_file("progress.csv")));
  cr_assert_null(table);
}

// ----------------------------------------------------------------------------------------- reading

static tendril_status read_text(const char *text, tnd_rows *out) {
  const char *path = support_file("progress.csv");
  support_write_file(path, text, strlen(text));
  return tnd_rows_read(path, out, &err);
}

Test(rows, are_what_a_table_wrote, .init = support_folder_open, .fini = support_folder_close) {
  static const double values[2][3] = {{3, -(double)INFINITY, 0.1}, {7, 1e-300, 1e9}};
  tnd_table *table = NULL;
  tnd_rows rows = {0};
  const char *path = support_file("progress.csv");
  cr_assert_eq(tnd_table_create(path, names, 3, &table, &err), TENDRIL_OK);
  for (int i = 0; i < 2; i++)
    cr_assert_eq(tnd_table_row(table, values[i], &err), TENDRIL_OK);
  cr_assert_eq(tnd_rows_read(path, &rows, &err), TENDRIL_OK, "%s", err.text);
  tnd_table_destroy(table);
  cr_assert_eq(rows.nrow, 2);
  cr_assert_eq(rows.ncolumn, 3);
  cr_assert_eq(memcmp(rows.values, values, sizeof values), 0);
  for (int i = 0; i < 3; i++)
    cr_assert_eq(tnd_rows_column(&rows, names[i]), i);
  cr_assert_eq(tnd_rows_column(&rows, "k"), -1);
  tnd_rows_free(&rows);
}

Test(rows, of_a_running_training_are_the_whole_ones, .init = support_folder_open,
     .fini = support_folder_close) {
  static const struct {
    const char *text;
    size_t n;
  } cases[] = {
      {"a,b\n", 0}, {"a,b\n1,2", 0}, {"a,b\n1,2\n", 1}, {"a,b\n1,\n2,x", 1}, {"a\n1\n2\n3\n-", 3}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tnd_rows rows = {0};
    cr_assert_eq(read_text(cases[i].text, &rows), TENDRIL_OK, "%zu: %s", i, err.text);
    cr_assert_eq(rows.nrow, cases[i].n, "%zu", i);
    if (i == 3) cr_assert(rows.values[0] == 1 && isnan(rows.values[1]));
    tnd_rows_free(&rows);
  }
}

Test(rows, that_are_none_are_named_by_their_line, .init = support_folder_open,
     .fini = support_folder_close) {
  static const struct {
    const char *text, *line;
  } cases[] = {{"", "line 1: no header"},
               {"a,b", "line 1: no header"},
               {"a,b\n1,2\n2\n", "line 3: not a row"},
               {"a,b\n1,2,3\n", "line 2: not a row"},
               {"a,b\n1,x\n", "line 2: not a row"},
               {"a,b\n,1\n", "line 2: not a row"},
               {"a,b\n1.5,1\n", "line 2: not a row"},
               {"a,b\n2,1\n2,1\n", "line 3: not a row"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tnd_rows rows = {0};
    cr_assert_eq(read_text(cases[i].text, &rows), TENDRIL_E_FORMAT, "%zu", i);
    cr_assert(strstr(err.text, cases[i].line), "%zu: %s", i, err.text);
    cr_assert_null(rows.text);
  }
  tnd_rows rows = {0};
  cr_assert_eq(tnd_rows_read(support_file("none"), &rows, &err), TENDRIL_E_IO);
}

static tendril_status read_once(void *context, tendril_error *error) {
  tnd_rows rows = {0};
  const tendril_status status = tnd_rows_read(context, &rows, error);
  tnd_rows_free(&rows);
  return status;
}

Test(rows, survive_every_failing_allocation, .init = support_folder_open,
     .fini = support_folder_close) {
  char path[TND_PATH_MAX];
  cr_assert_eq(tnd_path_join(support_folder, "progress.csv", path, &err), TENDRIL_OK);
  support_write_file(path, "a,b\n1,2\n", 8);
  cr_assert_eq(support_fail_each_alloc(read_once, path), 3);
}
