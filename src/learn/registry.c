// The learners that can be named in a configuration: one line each.
#include "learn/learner.h"

#include "learn/adapted_isgps.h"
#include "learn/cgps.h"
#include "learn/cwr.h"
#include "learn/dagger.h"
#include "learn/isgps.h"
#include "learn/la14.h"
#include "learn/moto.h"
#include "learn/trpo.h"
#include "learn/vgps.h"
#include "learn/vine.h"

#include <string.h>

static const tnd_method *const methods[] = {
    &tnd_method_trpo,  &tnd_method_vine,          &tnd_method_moto,   &tnd_method_la14,
    &tnd_method_cgps,  &tnd_method_vgps,          &tnd_method_dagger, &tnd_method_cwr,
    &tnd_method_isgps, &tnd_method_adapted_isgps,
};

int tnd_method_count(void) {
  return (int)(sizeof methods / sizeof methods[0]);
}

const tnd_method *tnd_method_get(int i) {
  return methods[i];
}

const tnd_method *tnd_method_find(const char *name) {
  for (int i = 0; i < tnd_method_count(); i++)
    if (strcmp(methods[i]->name, name) == 0) return methods[i];
  return NULL;
}
