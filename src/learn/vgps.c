// Variational guided policy search as a learner; see guided.c.
#include "learn/vgps.h"

#include "learn/guided.h"

#define X(type, name, ...) .name = options->name,
tendril_status tendril_vgps_create(const tendril_vgps_options *options,
                                   const tendril_learner_setup *setup, tendril_learner **out,
                                   tendril_error *err) {
  TENDRIL_TRY(tnd_options_check(tnd_method_vgps.options, options, "learner", err));
  const tendril_cgps_options all = {TENDRIL_GUIDED_OPTIONS(X)};
  return tnd_guided_create("vgps", TND_PULL_VARIATIONAL, &all, setup, out, err);
}
#undef X

#define X(...) TND_OPTION_ROW(tendril_vgps_options, __VA_ARGS__)
TND_METHOD(vgps, TENDRIL_VGPS_OPTIONS, "vgps",
           "variational guided policy search: as cgps, without a constraint",
           "Levine and Koltun 2013, Variational policy search via trajectory optimization (NIPS)")
#undef X
