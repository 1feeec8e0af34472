// Configurations: sections, sources in their order, errors that name the place and the mend.
#include "run/config.h"
#include "support/learning.h"
#include "support/tmpdir.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static tendril_tasks *tasks;
static tendril_config *config;
static tendril_error err;

static void open_config(void) {
  check_ok(tendril_tasks_create(&tasks, check_err));
  check_ok(tendril_config_create(tasks, "hopper-v4", "trpo", &config, check_err));
}

static void close_config(void) {
  tendril_config_destroy(config);
  tendril_tasks_destroy(tasks);
}

TestSuite(config, .init = open_config, .fini = close_config);

Test(config, set_reaches_every_section) {
  check_ok(tendril_config_set(config, "run.seed", "17", check_err));
  check_ok(tendril_config_set(config, "sim.integrator", "euler", check_err));
  check_ok(tendril_config_set(config, "policy.hidden", "32,16", check_err));
  check_ok(tendril_config_set(config, "rollout.streams", "3", check_err));
  check_ok(tendril_config_set(config, "critic.kind", "linear", check_err));
  check_ok(tendril_config_set(config, "learner.max_kl", "0.02", check_err));
  cr_assert_eq(config->run.seed, 17);
  cr_assert_eq(config->sim.integrator, TENDRIL_INTEGRATOR_EULER);
  cr_assert_eq(config->policy.hidden.n, 2);
  cr_assert_eq(config->policy.hidden.at[1], 16);
  cr_assert_eq(config->rollout.streams, 3);
  cr_assert_eq(config->critic.kind, TENDRIL_CRITIC_LINEAR);
  cr_assert_eq(((tendril_trpo_options *)config->learner)->max_kl, 0.02);
}

static void check_line(tendril_status status, const char *part) {
  cr_assert_neq(status, TENDRIL_OK);
  cr_assert(strstr(err.text, part), "%s", err.text);
}

Test(config, wrong_keys_name_the_nearest) {
  check_line(tendril_config_set(config, "learner.max_kll", "1", &err), "did you mean max_kl?");
  check_line(tendril_config_set(config, "lerner.max_kl", "1", &err), "did you mean learner?");
  check_line(tendril_config_set(config, "max_kl", "1", &err), "section.option=value");
  check_line(tendril_config_set(config, "learner.max_kl", "many", &err), "learner.max_kl");
  check_line(tendril_config_set(config, "policy.activation", "tan", &err), "tanh");
  tendril_config *other = NULL;
  check_line(tendril_config_create(tasks, "hoper-v4", "trpo", &other, &err),
             "did you mean hopper-v4?");
  check_line(tendril_config_create(tasks, "hopper-v4", "trop", &other, &err), "did you mean trpo?");
  cr_assert_null(other);
}

static tendril_status read_text(const char *text) {
  char *folder = support_tmpdir();
  const char *path = support_path(folder, "mine.json");
  support_write_file(path, text, strlen(text));
  tendril_status status = tendril_config_read(config, path, &err);
  support_tmpdir_remove(folder);
  return status;
}

Test(config, a_file_sets_what_it_names_and_nothing_else) {
  cr_assert_eq(
      read_text("{\"learner\": {\"name\": \"trpo\", \"max_kl\": 0.05}, \"run\": {\"steps\": 5}}"),
      TENDRIL_OK, "%s", err.text);
  cr_assert_eq(((tendril_trpo_options *)config->learner)->max_kl, 0.05);
  cr_assert_eq(((tendril_trpo_options *)config->learner)->cg_iters, 10);
  cr_assert_eq(config->run.steps, 5);
}

Test(config, a_file_with_an_error_changes_nothing) {
  check_line(read_text("{\"run\": {\"steps\": 5}, \"learner\": {\"max_kl\": 50}}"), "out of range");
  check_line(read_text("{\"run\": {\"steps\": 5}, \"lerner\": {}}"), "did you mean learner?");
  check_line(read_text("{\"run\": {\"steps\": 5}, \"learner\": {\"name\": \"cem\"}}"),
             "learner.name");
  check_line(read_text("{\"run\": {\"steps\": 5}, \"learner\": 3}"), "learner");
  check_line(read_text("{\"run\": {\"steps\": 5},\n\"learner\": }"), "line 2");
  check_line(read_text("[1]"), "object");
  check_line(read_text(""), "mine.json");
  cr_assert_eq(config->run.steps, 1000000);
}

Test(config, printing_and_parsing_are_inverse) {
  check_ok(tendril_config_set(config, "learner.max_kl", "0.0123456789", check_err));
  check_ok(tendril_config_set(config, "policy.hidden", "7", check_err));
  char *text = NULL, *again = NULL;
  check_ok(tendril_config_print(config, &text, check_err));
  tendril_config_destroy(config);
  check_ok(tendril_config_create(tasks, "hopper-v4", "trpo", &config, check_err));
  cr_assert_eq(read_text(text), TENDRIL_OK, "%s", err.text);
  check_ok(tendril_config_print(config, &again, check_err));
  cr_assert_str_eq(again, text);
  tendril_text_destroy(text);
  tendril_text_destroy(again);
}

// Valid for the learner that it names; every other one refuses it.
Test(config, every_shipped_preset_is_valid_for_one_learner) {
  char folder[1024], path[1400];
  check_ok(tendril_models_folder(folder, sizeof folder, check_err));
  snprintf(path, sizeof path, "%s/presets", folder);
  DIR *entries = opendir(path);
  cr_assert_not_null(entries);
  int found = 0;
  for (const struct dirent *entry; (entry = readdir(entries));) {
    if (!strstr(entry->d_name, ".json")) continue;
    found++;
    snprintf(path, sizeof path, "%s/presets/%s", folder, entry->d_name);
    int accepted = 0;
    for (int i = 0; i < tnd_method_count(); i++) {
      tendril_config *own = NULL;
      check_ok(tendril_config_create(tasks, "hopper-v4", tnd_method_get(i)->name, &own, check_err));
      accepted += tendril_config_read(own, path, &err) == TENDRIL_OK;
      tendril_config_destroy(own);
    }
    cr_assert_eq(accepted, 1, "%s: %d learners accept it; %s", path, accepted, err.text);
  }
  closedir(entries);
  cr_assert_gt(found, 10);
}
