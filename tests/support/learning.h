// A task with its model, a pool and a policy: what tests of rollouts and learners start from.
#ifndef SUPPORT_LEARNING_H
#define SUPPORT_LEARNING_H

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
