// progress.csv and evaluations.csv: a header, then one row per iteration. The first column is the
// iteration, a whole number that grows from row to row; a resumed run carries the file on from its
// iteration.
#ifndef TND_TABLE_H
#define TND_TABLE_H

#include "base/status.h"

typedef struct tnd_table tnd_table;

// A new file, E_EXISTS if there is one already.
// @param names  [n] of the columns, without commas, quotes or control characters
// @param out    owned by the caller, tnd_table_destroy()
TENDRIL_MUST_CHECK tendril_status tnd_table_create(const char *path, const char *const *names,
                                                   int n, tnd_table **out, tendril_error *err);

// Opens the table of a run that resumes after iteration `last`: later rows go, and so does a row
// that a crash has left half written. Other columns, or damage before the point of resumption, are
// E_FORMAT; the file is then unchanged.
TENDRIL_MUST_CHECK tendril_status tnd_table_open_at(const char *path, const char *const *names,
                                                    int n, int64_t last, tnd_table **out,
                                                    tendril_error *err);

// One row in one write: in the fewest digits that read back the same, nan as an empty cell. After
// an error the file is as before. E_ARGUMENT if values[0] is no whole number above the last row's.
// @param values  [n] borrowed
TENDRIL_MUST_CHECK tendril_status tnd_table_row(tnd_table *table, const double *values,
                                                tendril_error *err);
// All rows onto the disk: before a checkpoint that the file must not fall behind.
TENDRIL_MUST_CHECK tendril_status tnd_table_sync(tnd_table *table, tendril_error *err);
void tnd_table_destroy(tnd_table *table);

// A whole table in memory. Starts as {0}.
typedef struct tnd_rows {
  int ncolumn;
  size_t nrow;
  const char **names;  // [ncolumn]
  double *values;      // [nrow][ncolumn]; an empty cell is NAN
  char *text;          // what the names point into
} tnd_rows;

// Reads the table as it is now, of a training that goes on, too: a last row that is half written is
// left out. E_FORMAT for a line that is no row, with its number.
TENDRIL_MUST_CHECK tendril_status tnd_rows_read(const char *path, tnd_rows *out,
                                                tendril_error *err);
void tnd_rows_free(tnd_rows *rows);
// -1 if there is no such column.
int tnd_rows_column(const tnd_rows *rows, const char *name);

#endif
