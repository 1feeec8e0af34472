// A task with its model and one environment, for tests of what it observes, pays and ends on.
#ifndef SUPPORT_TASK_H
#define SUPPORT_TASK_H

#include <tendril/tasks.h>

typedef struct support_task {
  tendril_model *model;
  const tendril_task *task;
  const mjModel *m;
  tendril_env *env;
  mjData *d;  // env's
} support_task;

// The test fails if anything does.
support_task support_task_open(const char *name);
void support_task_close(support_task *t);

// qpos0 and no velocities.
void support_task_stand(const support_task *t);

// The task's own verdict on the present state.
bool support_task_ends(const support_task *t);

// After a way of dx along x in one control step with that action: the terms, and their sum.
double support_task_pay(const support_task *t, double dx, const double *action, double *terms);

// Starts are qpos0 and no velocities, each number off by uniform noise of +-noise.
void support_task_check_start(const char *name, double noise);

#endif
