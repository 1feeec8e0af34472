// A policy and its learner: saved, passed on to others and compared, to the bit.
#ifndef SUPPORT_LEARNED_H
#define SUPPORT_LEARNED_H

#include "learn/learner.h"

typedef struct support_learned {
  tendril_policy *policy;
  tendril_learner *learner;
} support_learned;

// All that a checkpoint holds of them; tnd_tensors_destroy()
tnd_tensors *support_save(support_learned from);
// The same into others that were made alike, which stay as they were made but for that.
void support_pass_on(support_learned from, support_learned to);

// Of two that were made alike: one is iterated `before` times and passed on to the other; both go
// on for `after` iterations as one.
void support_check_resumes(support_learned whole, support_learned parts, int before, int after);

// The first iteration apart, so many allocate nothing.
void support_check_allocates_nothing(tendril_learner *learner, int iterations);

// Two policies with the same parameters.
#define check_same_policy(a, b) support_check_same_policy(__FILE__, __LINE__, (a), (b))
void support_check_same_policy(const char *file, int line, const tendril_policy *a,
                               const tendril_policy *b);

#endif
