// What this build and machine are, for config.json and `tendril --version`.
#include "run/versions.h"

#include <tendril/run.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

extern char *openblas_get_config(void);
extern char *openblas_get_corename(void);

static char cpu[128] = "unknown processor";
static char blas[128];
static tendril_versions versions;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// The processor's name as Linux gives it.
static void read_cpu(void) {
  FILE *file = fopen("/proc/cpuinfo", "r");
  char line[256];
  while (file && fgets(line, sizeof line, file)) {
    const char *colon = strchr(line, ':');
    if (!colon || strncmp(line, "model name", 10) != 0) continue;
    snprintf(cpu, sizeof cpu, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    break;
  }
  if (file) fclose(file);
}

static void fill(void) {
  read_cpu();
  // "OpenBLAS 0.3.21 NO_LAPACKE ...": the first two words, and the kernels chosen for this
  // processor
  const char *config = openblas_get_config();
  const char *space = strchr(config, ' ');
  const char *end = space ? strchr(space + 1, ' ') : NULL;
  snprintf(blas, sizeof blas, "%.*s (%s)", end ? (int)(end - config) : (int)strlen(config), config,
           openblas_get_corename());
  versions = (tendril_versions){tendril_version(), tendril_mujoco_version(), blas, cpu};
}

const tendril_versions *tendril_get_versions(void) {
  pthread_once(&once, fill);
  return &versions;
}

tendril_status tnd_versions_write(cJSON *object, tendril_error *err) {
  const tendril_versions *v = tendril_get_versions();
  cJSON *member = cJSON_AddObjectToObject(object, "versions");
  if (!member || !cJSON_AddStringToObject(member, "tendril", v->tendril) ||
      !cJSON_AddStringToObject(member, "mujoco", v->mujoco) ||
      !cJSON_AddStringToObject(member, "blas", v->blas) ||
      !cJSON_AddStringToObject(member, "cpu", v->cpu))
    return tnd_fail_memory(err);
  return TENDRIL_OK;
}
