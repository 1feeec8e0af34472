// Numbers as text, the same in every locale.
#ifndef TND_NUMBER_H
#define TND_NUMBER_H

#include "base/status.h"

#define TND_NUMBER_MAX 32

// The largest magnitude up to which every whole number is a double of its own, and so survives
// JSON.
#define TND_WHOLE_MAX INT64_C(9007199254740991)  // 2^53 - 1

// The shortest decimal that reads back as the same double; whole numbers below 2^53 without an
// exponent; "inf", "-inf", "nan". Returns its length.
int tnd_number_print(double value, char out[TND_NUMBER_MAX]);
// For a reader: four digits, one of them behind the point where that is more; "3754.2", "-0.0145".
// Returns out.
const char *tnd_number_brief(double value, char out[TND_NUMBER_MAX]);
// For a reader: four digits, or one decimal place where that is more ("3754.2", "-0.0145").
const char *tnd_number_brief(double value, char out[TND_NUMBER_MAX]);

typedef enum tnd_number {
  TND_NUMBER_OK,
  TND_NUMBER_INVALID,   // not a plain decimal number, or longer than any number needs to be
  TND_NUMBER_OVERFLOW,  // too large for a double
} tnd_number;

// Reads [+-]digits[.digits][e[+-]digits], the whole of text[0..n-1]; no white space, hexadecimal,
// nan or inf. *out is set for TND_NUMBER_OK only.
tnd_number tnd_number_parse(const char *text, size_t n, double *out);

#endif
