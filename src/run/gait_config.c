// What a search for a gait is configured by: five sections of options.
#include "run/gait_config.h"

#include "base/options.h"
#include "control/simbicon.h"
#include "learn/cmaes.h"
#include "sim/sim.h"
#include "sim/terrain.h"

#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_gait_options, __VA_ARGS__)
static const tnd_option rows[] = {TENDRIL_GAIT_OPTIONS(X)};
#undef X
const tnd_option_table tnd_gait_options = TND_OPTION_TABLE(tendril_gait_options, rows);

void tnd_gait_sections(tendril_gait_config *c, tnd_section sections[TND_GAIT_SECTIONS]) {
  const tnd_section all[TND_GAIT_SECTIONS] = {
      {"gait", &tnd_gait_options, &c->gait, NULL},
      {"sim", &tnd_sim_options, &c->sim, NULL},
      {"terrain", &tnd_terrain_options, &c->sim.terrain, NULL},
      {"simbicon", &tnd_simbicon_options, &c->simbicon, NULL},
      {"cmaes", &tnd_cmaes_options, &c->cmaes, NULL},
  };
  memcpy(sections, all, sizeof all);
}

void tendril_gait_defaults(const char *task, tendril_gait_config *config) {
  tnd_section sections[TND_GAIT_SECTIONS];
  *config = (tendril_gait_config){.task = task};
  tnd_gait_sections(config, sections);
  for (int i = 0; i < TND_GAIT_SECTIONS; i++)
    tnd_options_default(sections[i].table, sections[i].options);
  config->sim.start_qpos = 0.01;
  config->sim.start_qvel = 0.1;
  config->cmaes.population = 16;
  config->cmaes.budget = 6400;
  config->cmaes.stagnation = false;
}

tendril_status tendril_gait_set(tendril_gait_config *config, const char *key, const char *text,
                                tendril_error *err) {
  tnd_section sections[TND_GAIT_SECTIONS];
  tnd_gait_sections(config, sections);
  return tnd_sections_set(sections, TND_GAIT_SECTIONS, key, text, err);
}
