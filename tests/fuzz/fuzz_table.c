// progress.csv, reopened: any bytes end in an error and an unchanged file, or in a part of the file
// from its start, to which a row can be added and which opens again just so. Read as a whole it is
// refused, or what resuming finds are its first rows. The first byte of the input is the iteration
// to resume after.
#include "fuzz.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "run/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = {"i", "a", "b"};
  if (size < 1) return 0;
  int64_t last = (int8_t)data[0];
  data++, size--;

  char path[64];
  size_t n, m, k;
  uint8_t *kept, *longer, *same;
  tendril_error err;
  tnd_table *table = NULL;
  int fd = fuzz_file(data, size, path);
  tnd_rows rows = {0};
  const bool read = tnd_rows_read(path, &rows, &err) == TENDRIL_OK;
  tendril_status status = tnd_table_open_at(path, names, 3, last, &table, &err);
  kept = fuzz_file_bytes(fd, &n);
  FUZZ_CHECK(n <= size && memcmp(kept, data, n) == 0);
  if (status == TENDRIL_OK) {
    FUZZ_CHECK(n >= strlen("i,a,b\n"));
    size_t lines = 0;
    for (size_t i = 0; i < n; i++)
      lines += kept[i] == '\n';
    FUZZ_CHECK(!read || (rows.ncolumn == 3 && rows.nrow + 1 >= lines));
    FUZZ_CHECK(tnd_table_row(table, (double[]){1000, (double)NAN, 0.1}, &err) == TENDRIL_OK);
    tnd_table_destroy(table);
    longer = fuzz_file_bytes(fd, &m);
    FUZZ_CHECK(m == n + strlen("1000,,0.1\n") && memcmp(longer, kept, n) == 0);
    // all of it is good, and goes or stays as asked
    FUZZ_CHECK(tnd_table_open_at(path, names, 3, 1000, &table, &err) == TENDRIL_OK);
    tnd_table_destroy(table);
    same = fuzz_file_bytes(fd, &k);
    FUZZ_CHECK(k == m);
    free(same);
    FUZZ_CHECK(tnd_table_open_at(path, names, 3, last, &table, &err) == TENDRIL_OK);
    tnd_table_destroy(table);
    same = fuzz_file_bytes(fd, &k);
    FUZZ_CHECK(k == n);
    free(same);
    free(longer);
  } else {
    FUZZ_CHECK(n == size && table == NULL);
  }
  tnd_rows_free(&rows);
  free(kept);
  close(fd);
  return 0;
}
