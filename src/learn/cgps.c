// Constrained guided policy search as a learner; see guided.c.
#include "learn/cgps.h"

#include "learn/guided.h"

tendril_status tendril_cgps_create(const tendril_cgps_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_cgps.options, options, "learner", err));
  return tnd_guided_create("cgps", TND_PULL_CONSTRAINED, options, setup, out, err);
}

#define X(...) TND_OPTION_ROW(tendril_cgps_options, __VA_ARGS__)
TND_METHOD(cgps, TENDRIL_CGPS_OPTIONS, "cgps",
           "constrained guided policy search: a policy fitted to trajectories that come to meet it",
           "Levine and Koltun 2014 (ICML), algorithm 1")
#undef X
