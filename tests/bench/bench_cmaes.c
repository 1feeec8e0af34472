// Evaluations that CMA-ES needs for a value of 1e-9, over seeds: the tables of
// docs/methods/cma-es.md. Prints Markdown; --json for a program. Counts, not times: the same on
// every machine but for what the BLAS library's sums do to the last bits.
#include "base/clock.h"
#include "support/objective.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 31 };

typedef struct subject {
  const char *name;
  support_objective f;
  int n;
  double mean, sd;
  int restarts;
} subject;

static const subject subjects[] = {
    {"sphere", support_sphere, 5, 0.5, 0.3, 0},
    {"sphere", support_sphere, 10, 0.5, 0.3, 0},
    {"sphere", support_sphere, 20, 0.5, 0.3, 0},
    {"sphere", support_sphere, 40, 0.5, 0.3, 0},
    {"ellipsoid", support_ellipsoid, 5, 0.5, 0.3, 0},
    {"ellipsoid", support_ellipsoid, 10, 0.5, 0.3, 0},
    {"ellipsoid", support_ellipsoid, 20, 0.5, 0.3, 0},
    {"ellipsoid", support_ellipsoid, 40, 0.5, 0.3, 0},
    {"Rosenbrock", support_rosenbrock, 5, 0, 0.5, 0},
    {"Rosenbrock", support_rosenbrock, 10, 0, 0.5, 0},
    {"Rosenbrock", support_rosenbrock, 20, 0, 0.5, 0},
    {"Rosenbrock", support_rosenbrock, 40, 0, 0.5, 0},
    {"ellipsoid", support_ellipsoid, 4, 2, 1, 0},
    {"Rosenbrock", support_rosenbrock, 8, 0, 0.5, 0},
    {"Rosenbrock", support_rosenbrock, 10, 0.1, 0.5, 0},
    {"sphere", support_sphere, 40, 3, 2, 0},
    {"ellipsoid", support_ellipsoid, 40, 3, 2, 0},
    {"Rastrigin", support_rastrigin, 5, 3, 2, 6},
    {"Rastrigin", support_rastrigin, 10, 3, 2, 6},
};

static int ascending(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

// counts [SEEDS] sorted, searches that found nothing last as INT64_MAX; returns how many there are
static int measure(const subject *s, bool active, int64_t *counts) {
  int failed = 0;
  tendril_cmaes_options options;
  tendril_cmaes_defaults(&options);
  options.active = active;
  options.restarts = s->restarts;
  for (int seed = 0; seed < SEEDS; seed++) {
    const int64_t count =
        support_evaluations(&options, s->f, s->n, s->mean, s->sd, (uint64_t)seed + 1, 1e-9);
    failed += count < 0;
    counts[seed] = count < 0 ? INT64_MAX : count;
  }
  qsort(counts, SEEDS, sizeof *counts, ascending);
  return failed;
}

int main(int argc, char **argv) {
  const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  if (!json)
    printf(
        "| function | n | mean | sd | median | quartiles | found | median, not active | seconds |\n"
        "|---|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
    const subject *s = &subjects[i];
    int64_t counts[SEEDS], passive[SEEDS];
    const double begin = tnd_clock_thread();
    const int failed = measure(s, true, counts);
    const double seconds = (tnd_clock_thread() - begin) / SEEDS;
    measure(s, false, passive);
    printf(
        json ? "{\"function\": \"%s\", \"n\": %d, \"mean\": %g, \"sd\": %g, \"median\": %lld, "
               "\"quartiles\": [%lld, %lld], \"found\": %d, \"passive\": %lld, \"seconds\": %.4f}\n"
             : "| %s | %d | %g | %g | %lld | %lld to %lld | %d | %lld | %.4f |\n",
        s->name, s->n, s->mean, s->sd, (long long)counts[SEEDS / 2], (long long)counts[SEEDS / 4],
        (long long)counts[SEEDS - 1 - SEEDS / 4], SEEDS - failed, (long long)passive[SEEDS / 2],
        seconds);
    fflush(stdout);
  }
  return 0;
}
