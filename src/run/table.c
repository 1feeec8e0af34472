// progress.csv, written a whole row at a time and carried on by resumed runs.
#include "run/table.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"

struct tnd_table {
  int fd, n;  // n columns
  char *path;
  int64_t size;    // of the file, whole rows only
  double last;     // first column of the last row, -infinity before there is one
  tnd_buffer row;  // scratch
};

static tendril_status put_header(tnd_buffer *buffer, const char *const *names, int n,
                                 tendril_error *err) {
  for (int i = 0; i < n; i++) {
    for (const char *c = names[i]; *c; c++)
      if ((unsigned char)*c < 0x20 || *c == ',' || *c == '"')
        return tnd_fail(err, TENDRIL_E_ARGUMENT, "column %s: can't be written without quotes",
                        names[i]);
    if (i) tnd_buffer_text(buffer, ",");
    tnd_buffer_text(buffer, names[i]);
  }
  tnd_buffer_text(buffer, "\n");
  return buffer->failed ? tnd_fail_memory(err) : TENDRIL_OK;
}

// a table without its file, with the header as its row
static tendril_status create(const char *path, const char *const *names, int n, tnd_table **out,
                             tendril_error *err) {
  if (n < 1) return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: a table of %d columns", path, n);
  tnd_table *table = tnd_alloc(sizeof *table);
  if (!table) return tnd_fail_memory(err);
  table->fd = -1;
  table->n = n;
  table->last = -HUGE_VAL;
  table->path = tnd_strdup(path);
  tendril_status status = table->path ? TENDRIL_OK : tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = put_header(&table->row, names, n, err);
  if (status == TENDRIL_OK)
    *out = table;
  else
    tnd_table_destroy(table);
  return status;
}

tendril_status tnd_table_create(const char *path, const char *const *names, int n, tnd_table **out,
                                tendril_error *err) {
  tnd_table *table = NULL;
  TENDRIL_TRY(create(path, names, n, &table, err));
  tendril_status status = tnd_fd_create(path, &table->fd, err);
  if (status == TENDRIL_OK) {
    status = tnd_fd_append(table->fd, path, &table->size, table->row.text, table->row.n, err);
    if (status == TENDRIL_OK) {
      *out = table;
      return TENDRIL_OK;
    }
    unlink(path);
  }
  tnd_table_destroy(table);
  return status;
}

tendril_status tnd_table_row(tnd_table *table, const double *values, tendril_error *err) {
  double first = values[0];
  if (first != floor(first) || fabs(first) > (double)TND_WHOLE_MAX || !(first > table->last))
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: row %g can't follow row %g", table->path, first,
                    table->last);
  tnd_buffer *row = &table->row;
  row->n = 0;
  for (int i = 0; i < table->n; i++) {
    if (i) tnd_buffer_text(row, ",");
    if (!isnan(values[i])) tnd_buffer_number(row, values[i]);
  }
  tnd_buffer_text(row, "\n");
  if (row->failed) {
    row->failed = false;
    return tnd_fail_memory(err);
  }
  TENDRIL_TRY(tnd_fd_append(table->fd, table->path, &table->size, row->text, row->n, err));
  table->last = first;
  return TENDRIL_OK;
}

tendril_status tnd_table_sync(tnd_table *table, tendril_error *err) {
  return tnd_fd_sync(table->fd, table->path, err);
}

void tnd_table_destroy(tnd_table *table) {
  if (!table) return;
  if (table->fd >= 0) close(table->fd);
  tnd_buffer_free(&table->row);
  tnd_free(table->path);
  tnd_free(table);
}

// --------------------------------------------------------------------------------------- reopening

// text[0..n-1] (without its newline) is a row of `columns` cells that could follow row `last`;
// values [columns] are set, an empty cell to NAN
static bool is_row(const char *text, size_t n, int columns, double last, double *values) {
  const char *end = text + n;
  for (int i = 0; i < columns; i++) {
    const char *comma = memchr(text, ',', (size_t)(end - text));
    size_t length = (size_t)((comma ? comma : end) - text);
    if (!comma != (i == columns - 1)) return false;
    bool infinite = (length == 3 && memcmp(text, "inf", 3) == 0) ||
                    (length == 4 && memcmp(text, "-inf", 4) == 0);
    double value = infinite ? text[0] == '-' ? -HUGE_VAL : HUGE_VAL : (double)NAN;
    bool number = tnd_number_parse(text, length, &value) == TND_NUMBER_OK;
    if (i == 0 && (!number || value != floor(value) || !(value > last))) return false;
    if (!number && !infinite && length > 0) return false;
    values[i] = value;
    if (comma) text = comma + 1;
  }
  return true;
}

// the size up to which the file is kept, and the iteration of the last row in it
static tendril_status scan(tnd_table *table, tnd_window *window, int64_t size, int64_t last,
                           double *row, tendril_error *err) {
  const unsigned char *bytes;
  size_t got, header = table->row.n;
  TENDRIL_TRY(tnd_window_get(window, 0, header, &bytes, &got, err));
  if (got < header || memcmp(bytes, table->row.text, header) != 0)
    return tnd_fail(err, TENDRIL_E_FORMAT,
                    "%s: line 1: the columns are not this version's; move the file away to resume "
                    "without it",
                    table->path);
  table->size = (int64_t)header;
  for (long long line = 2; table->size < size; line++) {
    TENDRIL_TRY(tnd_window_get(window, table->size, window->room, &bytes, &got, err));
    const unsigned char *newline = memchr(bytes, '\n', got);
    bool torn = !newline && table->size + (int64_t)got >= size;
    size_t n = newline ? (size_t)(newline - bytes) : 0;
    bool good = newline && is_row((const char *)bytes, n, table->n, table->last, row);
    const double first = row[0];

    // up to the first late row, or to what a crash has left
    if (torn || (good && first > (double)last)) return TENDRIL_OK;
    if (!good && table->last >= (double)last) return TENDRIL_OK;
    if (!good)
      return tnd_fail(err, TENDRIL_E_FORMAT,
                      "%s: line %lld: not a row of this table; mend it, or move the file away to "
                      "resume without it",
                      table->path, line);
    table->last = first;
    table->size += (int64_t)n + 1;
  }
  return TENDRIL_OK;
}

tendril_status tnd_table_open_at(const char *path, const char *const *names, int n, int64_t last,
                                 tnd_table **out, tendril_error *err) {
  tnd_table *table = NULL;
  tnd_window window = {0};
  int64_t size = 0;
  double *row = NULL;
  TENDRIL_TRY(create(path, names, n, &table, err));
  // the longest line there can be
  size_t room = (size_t)n * TND_NUMBER_MAX + 1;
  if (room < table->row.n) room = table->row.n;
  tendril_status status = tnd_fd_open(path, O_RDWR, &table->fd, &size, err);
  if (status == TENDRIL_OK) status = tnd_window_open(&window, table->fd, path, room, err);
  if (status == TENDRIL_OK) {
    row = tnd_alloc((size_t)n * sizeof *row);
    status = row ? scan(table, &window, size, last, row, err) : tnd_fail_memory(err);
  }
  if (status == TENDRIL_OK && table->size < size)
    status = tnd_fd_cut(table->fd, path, table->size, err);
  if (status == TENDRIL_OK) {
    *out = table;
    table = NULL;
  }
  tnd_free(row);
  tnd_window_close(&window);
  tnd_table_destroy(table);
  return status;
}

// ----------------------------------------------------------------------------------------- reading

#define ROWS_LIMIT ((int64_t)1 << 30)

// The file's bytes as they are now, with a zero byte behind them; what grows meanwhile is not read.
static tendril_status read_now(const char *path, char **out, size_t *n, tendril_error *err) {
  int fd = -1;
  int64_t size = 0;
  TENDRIL_TRY(tnd_fd_open(path, O_RDONLY, &fd, &size, err));
  tendril_status status = TENDRIL_OK;
  if (size > ROWS_LIMIT)
    status = tnd_fail(err, TENDRIL_E_IO, "%s: %lld bytes; is this the right file?", path,
                      (long long)size);
  char *text = status == TENDRIL_OK ? tnd_alloc((size_t)size + 1) : NULL;
  if (status == TENDRIL_OK && !text) status = tnd_fail_memory(err);
  if (status == TENDRIL_OK) status = tnd_fd_read(fd, path, 0, text, (size_t)size, n, err);
  close(fd);
  if (status == TENDRIL_OK)
    *out = text;
  else
    tnd_free(text);
  return status;
}

// The header's names; its line is text[0..n-1].
static tendril_status split_names(tnd_rows *rows, char *text, size_t n, tendril_error *err) {
  rows->ncolumn = 1;
  for (size_t i = 0; i < n; i++)
    rows->ncolumn += text[i] == ',';
  rows->names = tnd_alloc((size_t)rows->ncolumn * sizeof *rows->names);
  if (!rows->names) return tnd_fail_memory(err);
  int k = 0;
  rows->names[k++] = text;
  for (size_t i = 0; i <= n; i++) {
    if (text[i] == ',') rows->names[k++] = text + i + 1;
    if (text[i] == ',' || i == n) text[i] = '\0';
  }
  return TENDRIL_OK;
}

static tendril_status read_rows(tnd_rows *rows, const char *path, size_t size, tendril_error *err) {
  const char *end = rows->text + size;
  char *newline = memchr(rows->text, '\n', size);
  if (!newline)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: line 1: no header; is this a run's table?", path);
  TENDRIL_TRY(split_names(rows, rows->text, (size_t)(newline - rows->text), err));
  size_t nline = 0;
  for (const char *c = newline + 1; c < end; c++)
    nline += *c == '\n';
  rows->values = tnd_alloc((nline + 1) * (size_t)rows->ncolumn * sizeof *rows->values);
  if (!rows->values) return tnd_fail_memory(err);
  const char *text = newline + 1;
  double last = -HUGE_VAL;
  for (; rows->nrow < nline; rows->nrow++) {
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    double *row = rows->values + rows->nrow * (size_t)rows->ncolumn;
    if (!is_row(text, (size_t)(stop - text), rows->ncolumn, last, row))
      return tnd_fail(err, TENDRIL_E_FORMAT, "%s: line %zu: not a row of this table", path,
                      rows->nrow + 2);
    last = row[0];
    text = stop + 1;
  }
  return TENDRIL_OK;
}

tendril_status tnd_rows_read(const char *path, tnd_rows *out, tendril_error *err) {
  tnd_rows rows = {0};
  size_t size = 0;
  TENDRIL_TRY(read_now(path, &rows.text, &size, err));
  const tendril_status status = read_rows(&rows, path, size, err);
  if (status == TENDRIL_OK)
    *out = rows;
  else
    tnd_rows_free(&rows);
  return status;
}

void tnd_rows_free(tnd_rows *rows) {
  tnd_free(rows->names);
  tnd_free(rows->values);
  tnd_free(rows->text);
  *rows = (tnd_rows){0};
}

int tnd_rows_column(const tnd_rows *rows, const char *name) {
  for (int i = 0; i < rows->ncolumn; i++)
    if (strcmp(rows->names[i], name) == 0) return i;
  return -1;
}
