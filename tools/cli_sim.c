// Another simulation than a run's or a task's own, on the command line: --set sim.x and terrain.x.
#include "cli.h"

#include "base/options.h"
#include "sim/sim.h"
#include "sim/terrain.h"

#include <stdio.h>
#include <string.h>

int cli_sim_changes(const cli_command *command, const cli_list *set, cli_changes *out) {
  *out = (cli_changes){.n = 0};
  for (int i = 0; i < set->n; i++) {
    const char *pair = set->at[i], *equals = strchr(pair, '=');
    if (!equals || (strncmp(pair, "sim.", 4) != 0 && strncmp(pair, "terrain.", 8) != 0))
      return cli_usage(command,
                       "--set %.100s: write it as sim.option=value or terrain.option=value, as in "
                       "terrain.kind=slopes",
                       pair);
    char *key = out->keys[out->n];
    if (out->n == CLI_MAX_CHANGES || (size_t)(equals - pair) >= sizeof out->keys[0])
      return cli_usage(command, "--set %.100s: at most %d, and no name of %d letters", pair,
                       CLI_MAX_CHANGES, (int)sizeof out->keys[0]);
    memcpy(key, pair, (size_t)(equals - pair));
    out->pairs[2 * out->n] = key;
    out->pairs[2 * out->n + 1] = equals + 1;
    out->n++;
  }
  return EXIT_OK;
}

tendril_status cli_sim_options(const char *const *changes, tendril_sim_options *out,
                               tendril_error *err) {
  tendril_sim_defaults(out);
  for (; changes && *changes; changes += 2) {
    const char *name = changes[0], *dot = strchr(name, '.');
    const bool terrain = strncmp(name, "terrain.", 8) == 0;
    TENDRIL_TRY(tnd_options_set(terrain ? &tnd_terrain_options : &tnd_sim_options,
                                terrain ? (void *)&out->terrain : (void *)out, "",
                                terrain ? "terrain" : "sim", dot ? dot + 1 : name, changes[1],
                                err));
  }
  return TENDRIL_OK;
}
