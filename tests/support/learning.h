// A task with its model, a pool and a policy: what tests of rollouts and learners start from.
#ifndef SUPPORT_LEARNING_H
#define SUPPORT_LEARNING_H

#include "learn/learner.h"

#include <tendril/tendril.h>

typedef struct support_scene {
  tendril_tasks *tasks;
  tendril_model *model;
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_agent *agent;  // the policy's mean actions
} support_scene;

// The test fails if anything does. precision double; hidden layers "16 16".
void support_scene_open(support_scene *scene, const char *task, int threads);
void support_scene_close(support_scene *scene);

// A pool alone. tendril_pool_destroy()
tendril_pool *support_pool(int threads);

// A model, which is the stage's from now on, and a pool: what an evaluation needs.
typedef struct support_stage {
  tendril_model *model;
  tendril_pool *pool;
} support_stage;
support_stage support_stage_open(tendril_model *model, int threads);
void support_stage_close(support_stage *stage);

// For methods of time-dependent linear-Gaussian policies: full covariances, observations as they
// are; one whole episode of T steps of every stream.
tendril_policy_options support_time_linear(double log_std);
tendril_rollout_options support_whole_episodes(int streams, int T);

// A policy and its learner.
typedef struct support_training {
  tendril_pool *pool;
  tendril_policy *policy;
  tendril_learner *learner;
  double values[64];  // statistics of the last iteration
} support_training;

// By one whole episode of every stream; `options` are the method's own. What fails leaves something
// to close.
tendril_status support_training_open(support_training *training, const tnd_method *method,
                                     const void *options, const tendril_model *model, int streams,
                                     tendril_policy_options policy, int threads,
                                     tendril_error *err);
void support_training_close(support_training *training);
tendril_status support_iterate(support_training *training, tendril_error *err);
// So many, all of which must go well.
void support_iterations(support_training *training, int count);
// The statistic of that name of the last one.
double support_value(const support_training *training, const char *name);

// The statistic of that name in a learner's `values`; the test fails if there is none.
double support_stat(const tendril_learner *learner, const double *values, const char *name);

// Two summaries equal to the bit; what lies between their members is nobody's.
#define check_same_summary(got, expected)                                                          \
  support_check_same_summary(__FILE__, __LINE__, (got), (expected))
void support_check_same_summary(const char *file, int line, const tendril_summary *got,
                                const tendril_summary *expected);

// Fails with the error's line if a library call failed: check_ok(tendril_f(..., check_err)).
#define check_ok(call) support_check_ok(__FILE__, __LINE__, (call))
#define check_err (&support_error_line)
extern tendril_error support_error_line;
void support_check_ok(const char *file, int line, tendril_status status);

#endif
