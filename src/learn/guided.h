// What constrained and variational guided policy search share: all but which term draws a
// trajectory towards the policy and how the policy is fitted.
#ifndef TND_GUIDED_H
#define TND_GUIDED_H

#include "learn/learner.h"
#include "trajopt/guide.h"

// name: in error lines, constant. options: checked, copied. setup as tendril_cgps_create() says.
TENDRIL_MUST_CHECK tendril_status tnd_guided_create(const char *name, tnd_guide_pull pull,
                                                    const tendril_cgps_options *options,
                                                    const tendril_learner_setup *setup,
                                                    tendril_learner **out, tendril_error *err);

#endif
