// Demonstrations by iLQG from a model's start pose at rest, and a learner that is given them.
#ifndef SUPPORT_DEMONSTRATION_H
#define SUPPORT_DEMONSTRATION_H

#include "learn/learner.h"

#include <tendril/tendril.h>

enum { SUPPORT_DEMONSTRATIONS = 2 };  // at most

// The swimmer of guided policy search, with that noise on its starts. max_steps 0: the task's own.
tendril_model *support_swimmer_model(double start_noise, int max_steps);
// One with noise of 0.01 for all tests of a suite:
//   TestSuite(isgps, .init = support_shared_swimmer_open, .fini = support_shared_swimmer_close);
extern tendril_model *support_shared_swimmer;
void support_shared_swimmer_open(void);
void support_shared_swimmer_close(void);

// Its walker on slopes that begin soon, two grounds, with that noise on its starts.
tendril_model *support_walker_on_two_grounds(double start_noise);

typedef struct support_demonstration {
  tendril_model *model;
  tendril_pool *pool;
  tendril_policy *policy;  // 6 softplus units; precision double
  int n;
  tendril_ilqg *ilqg[SUPPORT_DEMONSTRATIONS];
  tendril_trajectory of[SUPPORT_DEMONSTRATIONS];  // on grounds 0, 1
  tendril_learner_setup setup;                    // of all these, a seed of 4
  tendril_learner *learner;
  double values[64];  // statistics of the last iteration
} support_demonstration;

// n demonstrations of T steps by so many iterations on a model, which is not destroyed by close.
support_demonstration support_demonstrate(tendril_model *model, int n, int T, int iterations,
                                          int threads);
void support_demonstration_close(support_demonstration *s);

// A learner of its setup; `options` are the method's own.
tendril_status support_imitate(support_demonstration *s, const tnd_method *method,
                               const void *options, tendril_error *err);
// That there is no such learner, for a reason of one line with these words.
void support_check_not_imitated(const support_demonstration *s, const tnd_method *method,
                                const void *options, tendril_status status, const char *words);
// That there is none of a time-linear policy.
void support_check_not_time_linear(const support_demonstration *s, const tnd_method *method,
                                   const void *options);
// The first iteration of it fails for want of numbers, for a reason of one line with these words,
// and does not count.
void support_check_lost(support_demonstration *s, const char *words, const char *mend);
// So many iterations of it, all of which must go well.
void support_imitate_on(support_demonstration *s, int iterations);
// The statistic of that name of the last one.
double support_imitation(const support_demonstration *s, const char *name);
// A learner and so many iterations of it with every allocation failed in turn; how many there are.
int support_fail_each_imitation(const support_demonstration *s, const tnd_method *method,
                                const void *options, int iterations);

// Of n that were made alike: as many iterations lead to the same policy. Closes all but the first.
void support_check_alike(support_demonstration *s, int n, int iterations);
// Of two that were made alike: support_check_resumes(). Closes both.
void support_check_imitation_resumes(support_demonstration whole, support_demonstration parts);
// What one has saved is refused by another, in one line with these words; that can still begin, and
// is closed.
void support_check_no_room(const support_demonstration *saved, support_demonstration other,
                           const char *words);

#endif
