// Sections of options under their names: how a configuration is read from JSON, set from the
// command line and written, whatever it is a configuration of.
#ifndef TND_SECTIONS_H
#define TND_SECTIONS_H

#include "base/options.h"

struct cJSON;

typedef struct tnd_section {
  const char *name;
  const tnd_option_table *table;
  void *options;     // the table's struct
  const char *kind;  // member "name" of the section, which says what its options are of ("trpo");
                     // NULL: it has none
} tnd_section;

// All members of `object` that are no header (task, tasks, summary, versions) into their sections,
// which are left half read after an error. `where` begins the error line.
TENDRIL_MUST_CHECK tendril_status tnd_sections_read(const tnd_section *sections, int n,
                                                    const struct cJSON *object, const char *where,
                                                    tendril_error *err);
// One option: key "learner.max_kl", text "0.02".
TENDRIL_MUST_CHECK tendril_status tnd_sections_set(const tnd_section *sections, int n,
                                                   const char *key, const char *text,
                                                   tendril_error *err);
// Every section as a member of `object`.
TENDRIL_MUST_CHECK tendril_status tnd_sections_write(const tnd_section *sections, int n,
                                                     struct cJSON *object, tendril_error *err);

#endif
