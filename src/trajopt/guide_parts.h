// What the files of the guide share.
#ifndef TND_GUIDE_PARTS_H
#define TND_GUIDE_PARTS_H

#include "base/alloc.h"
#include "trajopt/guide.h"
#include "trajopt/lqr.h"
#include "trajopt/state_policy.h"

// Scratch of one thread.
typedef struct tnd_guide_worker {
  tnd_transition *f;
  tnd_state_policy *policy;
  double *x;       // [N][nx]
  double *mu, *P;  // [N][nu], [N][nu][n]
  double *dx;      // [n]
  double *u, *e;   // [nu]
  double *WP;      // [nu][n]
  double *change;  // [n]
  double physics;  // CPU seconds
} tnd_guide_worker;

struct tnd_guide {
  const tendril_model *model;
  tnd_guide_options options;
  tendril_pool *pool;
  tendril_ilqg *ilqg;
  const tendril_trajectory *q;  // its trajectory
  int T, taught, nx, n, m, N, nthread, ground;
  int positions;              // coordinates of a state's change that are positions
  double scale;               // nats a unit of cost
  bool drawn;                 // the policy draws q: its terms are part of the objective
  const double *sigma2;       // [m] the policy's variances while it does
  tnd_guide_worker *workers;  // [nthread]
  double *lambda;             // [taught]
  double *A, *C, *W;          // [T][m][m] covariance, its factor, its inverse
  double *pull;               // [m][m] variational: the policy's precision
  bool *matters;              // [n] whether a deviation of it can lose a rollout

  // the distribution before the last improvement, and how strongly the new one is held to it
  double anchor;
  struct {
    double *memory;     // of iLQG
    double *x, *u, *K;  // [T + 1][nx], [T][m], [T][m][n]
    double *A, *C, *W;  // [T][m][m]
    double *d;          // [taught][N][n] deviations of its samples
  } before;

  // samples
  uint64_t seed;
  uint32_t iteration;
  int kept;
  double *x;            // [N][T + 1][nx]
  unsigned char *good;  // [N] it stayed within reach
  int *rank;            // [N] its place among those
  int *steps;           // [N] simulated
  double *cost;         // [N]
  double *d;            // [taught][N][n] deviations from their mean, of rollouts that stayed
  double *S, *S1, *CS;  // [n][n] Gaussian: S_t, scratch, factor
  double *SK, *FS;      // [n + m][n + m], [n][n + m]

  // the policy about the nominal trajectory
  double *means;   // [taught][N][m] at x^ + d_i
  double *mu, *P;  // [taught][m], [taught][m][n]: average less u^, average
  double *kl;      // [taught]

  // second pass
  double *lqr_work, *covariance_work;
  double *Vx, *Vxx;     // [n], [n][n] of the next step, then of this one
  tnd_lqr_q Q;          // of one step
  double *E;            // [N][m] what the actions at the samples are off by
  double *k, *Quu, *M;  // [m], [m][m], [m][m]
  double *H, *A1, *C1;  // [m][m]
  tnd_arena arena;
};

// Whether the policy is taught step t, and so draws it.
bool tnd_guide_is_drawn(const tnd_guide *g, int t);
// What the policy adds to iLQG's objective, as g says; and tells iLQG so, or that it adds nothing.
tnd_ilqg_term tnd_guide_term(tnd_guide *g);
void tnd_guide_set_term(tnd_guide *g);
// l += the expansion of w/2 (u - mu - P x)'W (u - mu - P x); WP [m][n] scratch
void tnd_guide_add_square(int m, int n, double w, const double *W, const double *mu,
                          const double *P, const tnd_cost_expansion *l, double *WP);
// The hold to the distribution before: whether there is one, its value, its expansion about the
// trajectory as it is.
bool tnd_guide_is_anchored(const tnd_guide *g);
double tnd_guide_anchor_value(const tnd_guide *g, tnd_guide_worker *w, int t, const double *x,
                              const double *u);
void tnd_guide_add_anchor(const tnd_guide *g, int t, const tnd_cost_expansion *l);
void tnd_guide_remember(tnd_guide *g);
// l += the expansion of that term at step t, W the precision of its square.
void tnd_guide_add_policy(const tnd_guide *g, int t, const double *W, const tnd_cost_expansion *l,
                          double *work);
// The precision in that square: A^-1, or the policy's.
const double *tnd_guide_pull_at(const tnd_guide *g, int t);
// Its weight, in units of cost.
double tnd_guide_weight(const tnd_guide *g, int t);
// Equations (6) to (8) about the trajectory as it is. *refused counts.
TENDRIL_MUST_CHECK tendril_status tnd_guide_second_pass(tnd_guide *g, int *refused,
                                                        tendril_error *err);
// out [m] = u^ + K dx at step t
void tnd_guide_mean(const tnd_guide *g, int t, const double *dx, double *out);
// x [nx]: where rollout i of an iteration starts; dx [n] is scratch.
void tnd_guide_draw_start(const tnd_guide *g, int i, uint64_t seed, uint32_t iteration, double *dx,
                          double *x);
// Whether a rollout that is off by dx goes on.
bool tnd_guide_within_reach(const tnd_guide *g, const double *dx);
// C and W from A; false if it is not positive definite.
bool tnd_guide_factor(tnd_guide *g, int t);
// e'W e
double tnd_guide_square(int m, const double *W, const double *e);

#endif
