/**
 * @file options.h
 * How option tables become structs. A module lists its options once, in a table X(type, name,
 * default, min, max, unit, meaning); the struct below, its defaults, the JSON reader, `--set`, the
 * range check, `--help` and docs/reference/options.md are all made from that table.
 *
 * | type    | field          | default    | min, max                                |
 * |---------|----------------|------------|-----------------------------------------|
 * | integer | int64_t        | 10         | range, inclusive                        |
 * | real    | double         | 0.01       | range, inclusive                        |
 * | flag    | bool           | true       | unused (0, 0)                           |
 * | choice  | int            | "tanh"     | min: "tanh relu", the names; max: 0     |
 * | sizes   | tendril_sizes  | "64 64"    | range of each entry; 1 to 8 of them     |
 *
 * A flag's default may be true or false; what is no text is a plain number (1e-8), no expression.
 */
#ifndef TENDRIL_OPTIONS_H
#define TENDRIL_OPTIONS_H

#include <tendril/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TENDRIL_MAX_SIZES 8

/** A short list of sizes, such as the widths of hidden layers. */
typedef struct tendril_sizes {
  int n;
  int at[TENDRIL_MAX_SIZES];
} tendril_sizes;

#define TENDRIL_FIELD_integer int64_t
#define TENDRIL_FIELD_real double
#define TENDRIL_FIELD_flag bool
#define TENDRIL_FIELD_choice int
#define TENDRIL_FIELD_sizes tendril_sizes
#define TENDRIL_OPTION_FIELD(type, name, def, min, max, unit, meaning) TENDRIL_FIELD_##type name;

#ifdef __cplusplus
}
#endif

#endif
