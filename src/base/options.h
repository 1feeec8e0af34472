// One table of options (tendril/options.h) seen as data: defaults, JSON, `--set`, range checks,
// help.
//
//   static const tnd_option rows[] = {TENDRIL_TRPO_OPTIONS(TND_OPTION(tendril_trpo_options))};
// can't be written in C, so a table is made with
//   #define X(...) TND_OPTION_ROW(tendril_trpo_options, __VA_ARGS__)
//   static const tnd_option rows[] = {TENDRIL_TRPO_OPTIONS(X)};
//   #undef X
//   const tnd_option_table tnd_trpo_options = TND_OPTION_TABLE(tendril_trpo_options, rows);
#ifndef TND_OPTIONS_H
#define TND_OPTIONS_H

#include "base/status.h"

#include <tendril/options.h>

struct cJSON;

typedef enum tnd_option_type {
  TND_OPTION_integer,
  TND_OPTION_real,
  TND_OPTION_flag,
  TND_OPTION_choice,
  TND_OPTION_sizes,
} tnd_option_type;

typedef struct tnd_option {
  tnd_option_type type;
  const char *name;
  size_t offset;
  const char *def, *min, *max;  // as in the table, macros expanded (true is "1"); texts in quotes
  const char *unit, *meaning;
} tnd_option;

typedef struct tnd_option_table {
  const tnd_option *rows;
  int n;
  size_t size;  // of the struct
} tnd_option_table;

#define TND_OPTION_ROW(structure, type, name, def, min, max, unit, meaning)                        \
  {TND_OPTION_##type, #name, offsetof(structure, name), #def, #min, #max, unit, meaning},
#define TND_OPTION_TABLE(structure, rows)                                                          \
  { (rows), (int)(sizeof(rows) / sizeof((rows)[0])), sizeof(structure) }

// *options filled with the table's defaults.
void tnd_options_default(const tnd_option_table *table, void *options);

// One option from text ("0.01", "true", "tanh", "64 64" or "64,64"). `where` begins the error line,
// as in "--set learner.max_kll: no such option; did you mean max_kl?". `section` may be empty.
// Unchanged after an error, which is E_CONFIG. Whole numbers may be written 1e6 and reach to
// +-(2^53 - 1), as JSON holds no more; real ones are finite; a list of sizes has 1 to
// TENDRIL_MAX_SIZES.
TENDRIL_MUST_CHECK tendril_status tnd_options_set(const tnd_option_table *table, void *options,
                                                  const char *where, const char *section,
                                                  const char *name, const char *text,
                                                  tendril_error *err);

// All members of a JSON object; a member that is no option is an error, except `ignore` (may be
// NULL). Unchanged after an error: "hopper.json: learner.max_kl: 50 is out of range; use 1e-08 to
// 10 (nat)".
TENDRIL_MUST_CHECK tendril_status tnd_options_read(const tnd_option_table *table, void *options,
                                                   const char *where, const char *section,
                                                   const struct cJSON *object, const char *ignore,
                                                   tendril_error *err);

// Every option as a member of `object`. After E_MEMORY some of them are there.
TENDRIL_MUST_CHECK tendril_status tnd_options_write(const tnd_option_table *table,
                                                    const void *options, struct cJSON *object,
                                                    tendril_error *err);

// Every option within its range (for callers that filled the struct by hand); E_ARGUMENT.
TENDRIL_MUST_CHECK tendril_status tnd_options_check(const tnd_option_table *table,
                                                    const void *options, const char *section,
                                                    tendril_error *err);

typedef enum tnd_options_style {
  TND_OPTIONS_TEXT,      // columns, for --help
  TND_OPTIONS_MARKDOWN,  // a table, for docs/reference/options.md
  TND_OPTIONS_JSON,      // objects, comma separated
} tnd_options_style;

// Name, default, values and meaning of every option. *out owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_options_describe(const tnd_option_table *table,
                                                       const char *section, tnd_options_style style,
                                                       char **out, tendril_error *err);

// The name in names[0..n-1] nearest to `name` (edit distance; case does not count), NULL if none
// is near enough to be meant.
const char *tnd_nearest(const char *name, const char *const *names, int n);

#endif
