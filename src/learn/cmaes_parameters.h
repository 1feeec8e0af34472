// CMA-ES's weights and learning rates as functions of dimension and population (Hansen, "The CMA
// Evolution Strategy: A Tutorial", arXiv 1604.00772v2, table 1). Names are the tutorial's.
#ifndef TND_CMAES_PARAMETERS_H
#define TND_CMAES_PARAMETERS_H

#include <stdbool.h>

typedef struct tnd_cmaes_parameters {
  int lambda;          // candidates
  int mu;              // of them with a positive weight
  double mueff;        // variance effective selection mass
  double cs, ds;       // step-size control: rate of its path, damping
  double cc, c1, cmu;  // covariance: rate of its path, of the rank-one and the rank-mu update
  double chi;          // E |N(0, I)|
} tnd_cmaes_parameters;

// 4 + floor(3 ln n), (48)
int tnd_cmaes_default_lambda(int n);

// w [lambda] filled, best rank first: positive ones sum to 1; the others are 0 unless active.
// lambda >= 2
void tnd_cmaes_parameters_set(int n, int lambda, bool active, tnd_cmaes_parameters *parameters,
                              double *w);

#endif
