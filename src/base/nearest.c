// "Did you mean": the known name with the smallest edit distance to an unknown one, where a
// transposition of neighbours counts as one edit (optimal string alignment; Damerau 1964,
// Levenshtein 1966). Case and - against _ don't count.
#include "base/options.h"

#include <string.h>

enum { LONGEST = 63 };

static char folded(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

static int min_int(int a, int b) {
  return a < b ? a : b;
}

// edits that turn a into b, both at most LONGEST long
static int distance(const char *a, int na, const char *b, int nb) {
  int rows[3][LONGEST + 1];
  int *before = rows[0], *above = rows[1], *row = rows[2];
  for (int j = 0; j <= nb; j++)
    above[j] = j;
  for (int i = 1; i <= na; i++) {
    row[0] = i;
    for (int j = 1; j <= nb; j++) {
      char x = folded(a[i - 1]), y = folded(b[j - 1]);
      row[j] = min_int(above[j - 1] + (x != y), 1 + min_int(above[j], row[j - 1]));
      if (i > 1 && j > 1 && x == folded(b[j - 2]) && y == folded(a[i - 2]))
        row[j] = min_int(row[j], before[j - 2] + 1);
    }
    int *free_row = before;
    before = above;
    above = row;
    row = free_row;
  }
  return above[nb];
}

const char *tnd_nearest(const char *name, const char *const *names, int n) {
  size_t length = strlen(name);
  if (length == 0 || length > LONGEST) return NULL;
  const char *best = NULL;
  int best_edits = 0;

  // a third of the letters may be wrong
  for (int i = 0; i < n; i++) {
    size_t other = strlen(names[i]);
    if (other == 0 || other > LONGEST) continue;
    int edits = distance(name, (int)length, names[i], (int)other);
    if (edits > ((int)length + 2) / 3 || edits >= (int)other) continue;
    if (best && edits >= best_edits) continue;
    best = names[i];
    best_edits = edits;
  }

  // else one whose stem, without a suffix as in hopper-v4, is near
  for (int i = 0; i < n && !best; i++) {
    const char *dash = strrchr(names[i], '-');
    size_t stem = dash ? (size_t)(dash - names[i]) : 0;
    if (stem == 0 || stem > LONGEST || stem + 1 < length) continue;
    int edits = distance(name, (int)length, names[i], (int)stem);
    if (edits <= ((int)length + 2) / 3 && edits < (int)stem) best = names[i];
  }

  // else a name that begins as this one does: "hopper" for hopper-v4
  for (int i = 0; i < n && !best; i++)
    if (length >= 3 && strncmp(name, names[i], length) == 0) best = names[i];
  return best;
}
