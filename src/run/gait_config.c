// What a search for a gait is configured by: five sections of options.
#include "run/gait_config.h"

#include "base/options.h"
#include "control/simbicon.h"
#include "learn/cmaes.h"
#include "sim/sim.h"
#include "sim/terrain.h"

#include <stdio.h>
#include <string.h>

#define X(...) TND_OPTION_ROW(tendril_gait_options, __VA_ARGS__)
static const tnd_option rows[] = {TENDRIL_GAIT_OPTIONS(X)};
#undef X
const tnd_option_table tnd_gait_options = TND_OPTION_TABLE(tendril_gait_options, rows);

void tnd_gait_sections(tendril_gait_config *c, tnd_section sections[TND_GAIT_SECTIONS]) {
  const tnd_section all[TND_GAIT_SECTIONS] = {
      {"gait", &tnd_gait_options, &c->gait},
      {"sim", &tnd_sim_options, &c->sim},
      {"terrain", &tnd_terrain_options, &c->sim.terrain},
      {"simbicon", &tnd_simbicon_options, &c->simbicon},
      {"cmaes", &tnd_cmaes_options, &c->cmaes},
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

static tendril_status unknown_section(const char *name, tendril_error *err) {
  static const char *const names[] = {"gait", "sim", "terrain", "simbicon", "cmaes"};
  const char *near = tnd_nearest(name, names, TND_GAIT_SECTIONS);
  return tnd_fail(err, TENDRIL_E_CONFIG, "%.100s: no such section; %s%s%s", name,
                  near ? "did you mean " : "use gait, sim, terrain, simbicon or cmaes",
                  near ? near : "", near ? "?" : "");
}

tendril_status tendril_gait_set(tendril_gait_config *config, const char *key, const char *text,
                                tendril_error *err) {
  const char *dot = strchr(key, '.');
  char name[32];
  tnd_section sections[TND_GAIT_SECTIONS];
  if (!dot || (size_t)(dot - key) >= sizeof name)
    return tnd_fail(err, TENDRIL_E_CONFIG,
                    "%.100s: no such option; write section.option=value, as in gait.speed=1.5",
                    key);
  snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
  tnd_gait_sections(config, sections);
  for (int i = 0; i < TND_GAIT_SECTIONS; i++)
    if (strcmp(name, sections[i].name) == 0)
      return tnd_options_set(sections[i].table, sections[i].options, "", name, dot + 1, text, err);
  return unknown_section(name, err);
}
