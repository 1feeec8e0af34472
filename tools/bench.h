// The benchmarks of `tendril bench`: what they share.
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include "cli.h"

typedef struct bench_options {
  const char *task, *run, *preset;
  int64_t rounds, steps, rows, threads, seed;
  bool json;
  cli_list set, plugins;
} bench_options;

// What is measured: the model with a policy for it (fresh, or of a run) and the configuration.
typedef struct bench_subject {
  tendril_tasks *tasks;
  tendril_config *config;
  tendril_model *model;
  tendril_policy *policy;
} bench_subject;

tendril_status bench_subject_open(const bench_options *options, bench_subject *out,
                                  tendril_error *err);
void bench_subject_close(bench_subject *subject);

// Median of values [n], which are sorted in place.
double bench_median(double *values, int n);
// The member `name`: an object of their median and both ends. Sorts them, too.
void bench_put_spread(cli_json *json, const char *name, double *values, int n);
// A line of both, in multiples of 1 / unit. Sorts them, too.
void bench_print_spread(const char *label, double *values, int n, double unit);

int bench_rollout(const bench_options *options);
int bench_update(const bench_options *options);
int bench_train(const bench_options *options);
int bench_record(const bench_options *options);
int bench_trajopt(const bench_options *options);
int bench_moto(const bench_options *options);
int bench_gps(const bench_options *options);

#endif
