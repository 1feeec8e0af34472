// Another simulation or planner than a run's or a task's own, on the command line: --set sim.x,
// terrain.x, push.x and mpc.x.
#include "cli.h"

#include "base/options.h"
#include "base/status.h"
#include "sim/disturbance.h"
#include "sim/sim.h"
#include "sim/terrain.h"
#include "trajopt/mpc.h"

#include <stdio.h>
#include <string.h>

static bool is_of(const char *pair, const char *section) {
  const size_t n = strlen(section);
  return strncmp(pair, section, n) == 0 && pair[n] == '.';
}

tendril_status cli_changes_read(const cli_list *set, const char *const *ours, cli_changes *out,
                                tendril_error *err) {
  int nsim = 0, nmpc = 0;
  for (int i = 0; i < set->n; i++) {
    const char *pair = set->at[i], *equals = strchr(pair, '=');
    const bool mpc = is_of(pair, "mpc");
    if (!equals || (!mpc && !is_of(pair, "sim") && !is_of(pair, "terrain") && !is_of(pair, "push")))
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "--set %.100s: write it as sim.option=value, terrain.option=value, "
                      "push.option=value or mpc.option=value, as in terrain.kind=slopes",
                      pair);
    if (i >= CLI_MAX_CHANGES / 2 || (size_t)(equals - pair) >= sizeof out->keys[0])
      return tnd_fail(err, TENDRIL_E_ARGUMENT,
                      "--set %.100s: at most %d, and no name of %d letters", pair,
                      CLI_MAX_CHANGES / 2, (int)sizeof out->keys[0]);
    const char **to = mpc ? out->mpc + nmpc : out->sim + nsim;
    snprintf(out->keys[i], sizeof out->keys[0], "%.*s", (int)(equals - pair), pair);
    to[0] = out->keys[i];
    to[1] = equals + 1;
    *(mpc ? &nmpc : &nsim) += 2;
  }
  for (; ours && *ours && nsim < 2 * CLI_MAX_CHANGES; ours++)
    out->sim[nsim++] = *ours;
  out->sim[nsim] = out->mpc[nmpc] = NULL;
  return TENDRIL_OK;
}

tendril_status cli_sim_options(const char *const *changes, tendril_sim_options *out,
                               tendril_error *err) {
  tendril_sim_defaults(out);
  for (; changes && *changes; changes += 2) {
    const char *name = changes[0], *dot = strchr(name, '.');
    const struct {
      const char *name;
      const tnd_option_table *table;
      void *options;
    } sections[] = {{"sim", &tnd_sim_options, out},  // of a name without a section, too
                    {"terrain", &tnd_terrain_options, &out->terrain},
                    {"push", &tnd_disturbance_options, &out->push}};
    int k = 0;
    for (int i = 1; i < (int)(sizeof sections / sizeof sections[0]); i++)
      if (is_of(name, sections[i].name)) k = i;
    TENDRIL_TRY(tnd_options_set(sections[k].table, sections[k].options, "", sections[k].name,
                                dot ? dot + 1 : name, changes[1], err));
  }
  return TENDRIL_OK;
}

tendril_status cli_mpc_options(const char *const *changes, tendril_mpc_options *out,
                               tendril_error *err) {
  tendril_mpc_defaults(out);
  for (; *changes; changes += 2)
    TENDRIL_TRY(tnd_options_set(&tnd_mpc_options, out, "", "mpc", strchr(changes[0], '.') + 1,
                                changes[1], err));
  return TENDRIL_OK;
}
