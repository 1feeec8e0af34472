// What follows the training's progress, as far as the learner was told (learner->fraction).
#ifndef TND_SCHEDULE_H
#define TND_SCHEDULE_H

#include "learn/learner.h"

// delta: in a straight line from max_kl to the share `final` of it.
double tnd_trust_radius(const tendril_learner *learner, double max_kl, double final);

// The discount: its horizon 1/(1 - gamma) goes from that of gamma to that of `final` by equal
// factors in equal times. final == 0: gamma throughout.
double tnd_discount(const tendril_learner *learner, double gamma, double final);

// E_CONFIG if one of the two has no horizon and the other has.
TENDRIL_MUST_CHECK tendril_status tnd_check_discount(double gamma, double final,
                                                     tendril_error *err);

#endif
