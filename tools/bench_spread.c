// What the benchmarks say of a figure that was measured in rounds: its median and its ends.
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *values, int n) {
  qsort(values, (size_t)n, sizeof *values, ascending);
  return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

void bench_put_spread(cli_json *json, const char *name, double *values, int n) {
  cli_json_open(json, name, '{');
  cli_json_number(json, "median", bench_median(values, n));
  cli_json_number(json, "min", values[0]);
  cli_json_number(json, "max", values[n - 1]);
  cli_json_close(json, '}');
}

void bench_print_spread(const char *label, double *values, int n, double unit) {
  const double median = bench_median(values, n);
  printf("%-38s median %9.3f   (%.3f to %.3f)\n", label, median * unit, values[0] * unit,
         values[n - 1] * unit);
}
