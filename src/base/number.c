// Numbers as text. printf and strtod follow the locale that the program has set, where 0.5 may be
// "0,5"; here both are held to the C locale of the calling thread.
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// the C locale; glibc hands out a constant object here, so there is nothing to free
static locale_t c_locale(void) {
  return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int tnd_number_print(double value, char out[TND_NUMBER_MAX]) {
  // names for what is no number
  if (isnan(value)) return snprintf(out, TND_NUMBER_MAX, "nan");
  if (isinf(value)) return snprintf(out, TND_NUMBER_MAX, value < 0 ? "-inf" : "inf");

  // whole numbers as whole numbers
  if (fabs(value) <= (double)TND_WHOLE_MAX && value == floor(value))
    return snprintf(out, TND_NUMBER_MAX, "%.0f", value);

  // the fewest digits that read back the same; 17 always do
  locale_t c = c_locale(), before = uselocale(c);
  int n = 0;
  for (int digits = 1; digits <= 17; digits++) {
    n = snprintf(out, TND_NUMBER_MAX, "%.*g", digits, value);
    if (strtod_l(out, NULL, c) == value) break;
  }
  uselocale(before);
  return n;
}

const char *tnd_number_brief(double value, char out[TND_NUMBER_MAX]) {
  const bool large = fabs(value) >= 100 && fabs(value) < 1e12;
  locale_t before = uselocale(c_locale());
  snprintf(out, TND_NUMBER_MAX, large ? "%.1f" : "%.4g", value);
  uselocale(before);
  return out;
}

static size_t skip_digits(const char *text, size_t n, size_t at) {
  while (at < n && text[at] >= '0' && text[at] <= '9')
    at++;
  return at;
}

tnd_number tnd_number_parse(const char *text, size_t n, double *out) {
  // strtod alone would take white space, hexadecimal, nan and inf
  char copy[128];
  if (n == 0 || n >= sizeof copy) return TND_NUMBER_INVALID;
  size_t at = text[0] == '+' || text[0] == '-';
  size_t from = at;
  at = skip_digits(text, n, at);
  if (at == from) return TND_NUMBER_INVALID;
  if (at < n && text[at] == '.') {
    from = ++at;
    at = skip_digits(text, n, at);
    if (at == from) return TND_NUMBER_INVALID;
  }
  if (at < n && (text[at] == 'e' || text[at] == 'E')) {
    at++;
    if (at < n && (text[at] == '+' || text[at] == '-')) at++;
    from = at;
    at = skip_digits(text, n, at);
    if (at == from) return TND_NUMBER_INVALID;
  }
  if (at != n) return TND_NUMBER_INVALID;

  memcpy(copy, text, n);
  copy[n] = 0;
  double value = strtod_l(copy, NULL, c_locale());
  if (!isfinite(value)) return TND_NUMBER_OVERFLOW;
  *out = value;
  return TND_NUMBER_OK;
}
