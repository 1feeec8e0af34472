// Derivatives of one MuJoCo step under semi-implicit Euler, by the implicit function theorem where
// mjd_transitionFD() solves for the constraint forces anew in every column.
#ifndef TND_EULER_H
#define TND_EULER_H

#include "base/alloc.h"

#include <mujoco/mujoco.h>
#include <stdbool.h>

// Scratch of one thread; symbols as in euler.c, w = 2 nv + nu.
typedef struct tnd_euler {
  int nv, nu;
  bool scalar;               // every joint is a hinge or a slide: positions add
  bool damped;               // MuJoCo integrates joint damping implicitly
  bool pushed;               // forces are applied to bodies
  bool *still;               // [nv] no dynamics depends on this coordinate
  double *a, *at;            // [nv] acceleration, and what is left of it under implicit damping
  double *M, *H;             // [nv][nv] inertia, dr/da
  double *Mh;                // [nv][nv] M + h B
  double *r0, *r;            // [nv] residual of the equation of motion, and moved
  double *p0, *p;            // [nv] M (a - at), and moved
  double *dr, *dp;           // [nv][w] their derivatives
  double *da;                // [nv][w] that of the acceleration
  double *warm;              // [nv] the warm start
  double *change;            // [nv] zeros between calls
  double *v;                 // [nv]
  double *q, *next, *moved;  // [nq] positions before and after the step, and moved
} tnd_euler;

// Whether it is made for this model: Euler, pyramidal friction cones, no noslip solver, dense
// Jacobians (MuJoCo's choice below 60 degrees of freedom).
bool tnd_euler_can(const mjModel *model);
// Names its arrays in `arena`; called twice, as layout functions are, and then init once.
void tnd_euler_layout(tnd_euler *e, const mjModel *model, tnd_arena *arena);
void tnd_euler_init(tnd_euler *e, const mjModel *model);

// F [2 nv][2 nv + nu] = d(qpos, qvel)' / d(qpos, qvel, ctrl) of the MuJoCo step that data stands
// before; forward differences of eps where it takes differences. qpos, qvel, ctrl, warm start and
// time are as they were, all else is not. False if there is no acceleration or MuJoCo warned.
bool tnd_euler_differentiate(tnd_euler *e, const mjModel *model, mjData *data, double eps,
                             double *F);

#endif
