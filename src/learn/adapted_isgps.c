// Adapted importance-sampled guided policy search as a learner; see isgps.c.
#include "learn/adapted_isgps.h"

#include "learn/isgps.h"

tendril_status tendril_adapted_isgps_create(const tendril_adapted_isgps_options *options,
                                            const tendril_learner_setup *setup,
                                            tendril_learner **out, tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_adapted_isgps.options, options, "learner", err));
  return tnd_isgps_create("adapted-isgps", true, options, setup, out, err);
}

#define X(...) TND_OPTION_ROW(tendril_adapted_isgps_options, __VA_ARGS__)
TND_METHOD(
    adapted_isgps, TENDRIL_ADAPTED_ISGPS_OPTIONS, "adapted-isgps",
    "importance-sampled guided policy search with trajectories that come to meet the policy",
    "Levine and Koltun 2013 (ICML), Guided Policy Search, as in Levine and Koltun 2014, sec. 4")
#undef X
