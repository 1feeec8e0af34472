// Finds the minimum of a function by CMA-ES: ask, evaluate, tell.
//
//   cc search.c $(pkg-config --cflags --libs tendril) -lm -o search && ./search
#include <stdio.h>
#include <stdlib.h>
#include <tendril/tendril.h>

enum { N = 6, MOST = 64 };  // variables; candidates of a generation

// Rosenbrock's function, a curved valley to (1, ..., 1).
static double objective(const double *x) {
  double sum = 0;
  for (int i = 0; i + 1 < N; i++) {
    const double across = x[i + 1] - x[i] * x[i], along = 1 - x[i];
    sum += 100 * across * across + along * along;
  }
  return sum;
}

int main(void) {
  tendril_error err = {{0}};
  tendril_cmaes *search = NULL;
  tendril_cmaes_options options;
  tendril_cmaes_defaults(&options);
  options.target = 1e-9;

  const double mean[N] = {0}, sd[N] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  const tendril_cmaes_setup setup = {.n = N, .mean = mean, .sd = sd, .seed = 1};
  tendril_status status = tendril_cmaes_create(&options, &setup, &search, &err);

  while (status == TENDRIL_OK && tendril_cmaes_get_end(search) == TENDRIL_CMAES_RUNNING) {
    const double *x;
    double values[MOST];
    int lambda;
    status = tendril_cmaes_ask(search, &lambda, &x, &err);
    for (int k = 0; status == TENDRIL_OK && k < lambda; k++)
      values[k] = objective(x + (size_t)k * N);  // on as many threads as you like
    if (status == TENDRIL_OK) status = tendril_cmaes_tell(search, values, &err);
  }
  if (status != TENDRIL_OK) {
    fprintf(stderr, "%s\n", err.text);
    return EXIT_FAILURE;
  }

  tendril_cmaes_result result;
  tendril_cmaes_get_result(search, &result);
  printf("%g at %.4f %.4f ... after %lld evaluations: %s\n", result.best, result.best_x[0],
         result.best_x[1], (long long)result.evaluations, tendril_cmaes_end_text(result.end));
  const int code = result.end == TENDRIL_CMAES_TARGET ? EXIT_SUCCESS : EXIT_FAILURE;
  tendril_cmaes_destroy(search);
  return code;
}
