// The benchmarks of learners: trainings on one thread and on several in turn from the same start,
// which must give the same bits. What is measured of an iteration, and of which tasks, is each
// benchmark's own.
#ifndef TOOLS_BENCH_LEARNER_H
#define TOOLS_BENCH_LEARNER_H

#include "bench.h"
#include "run/config.h"
#include "run/demonstration.h"

// The same training on some threads.
typedef struct bench_side {
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  double wall, cpu;  // seconds of its last iteration
  double *stats;     // [nstat] of its last iteration, a struct of the learner's
} bench_side;

typedef struct bench_learner {
  tendril_config *config;
  tendril_model *model;
  tnd_demonstrations demonstrations;
  bench_side one, many;  // on one thread, and on several
} bench_learner;

// A task with its settings; NULL ends them.
typedef struct bench_case {
  const char *task;
  const char *set[4];
} bench_case;

typedef enum bench_unit { BENCH_SECONDS, BENCH_RATIO, BENCH_SPEEDUP } bench_unit;

// What a round measures.
typedef struct bench_figure {
  const char *json, *label;
  bench_unit unit;  // seconds are printed as ms; a speed-up is "N threads over 1"
} bench_figure;

enum { BENCH_MAX_FIGURES = 16 };

typedef struct bench_method {
  const char *learner;
  const bench_case *cases;  // [ncase]; those of a task one after the other
  int ncase;
  const char *const *set;  // settings of all of them, NULL ends them; --set comes behind
  const bench_figure *figures;
  int nfigure;
  int (*unmeasured)(const tendril_config *config);  // iterations that come before the first round
  // values [nfigure] of the round that both sides have just done
  tendril_status (*measure)(const bench_learner *b, double *values, tendril_error *err);
  void (*print_case)(const bench_learner *b);                // the heading, without its end
  void (*put_case)(cli_json *json, const bench_learner *b);  // the same as members
} bench_method;

// The command: measures the cases asked for and prints them.
int bench_learner_run(const bench_method *method, const bench_options *options);

#endif
