// tendril bench record: what a video costs beside drawing its frames, in CPU seconds of this
// process and of ffmpeg. A round makes the same 10 s of 640 x 480 pixels twice, once into an mp4
// and once for nobody; both play the episodes anew.
#include "bench.h"

#include "base/status.h"
#include "run/config.h"
#include "view/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SECONDS 10.0

enum { DRAWN, RECORDED, RATIO, NFIGURE };
static const char *const json_names[NFIGURE] = {"drawing", "recording", "ratio"};
static const char *const labels[NFIGURE] = {"drawing alone", "drawing and mp4",
                                            "recording over drawing"};

static double cpu_seconds(void) {
  struct rusage own, children;
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  const struct timeval *t[] = {&own.ru_utime, &own.ru_stime, &children.ru_utime,
                               &children.ru_stime};
  double sum = 0;
  for (int i = 0; i < 4; i++)
    sum += (double)t[i]->tv_sec + 1e-6 * (double)t[i]->tv_usec;
  return sum;
}

// How many episodes make 10 s: one of a policy that runs, many of one that falls.
static tendril_status count_episodes(const tendril_model *model, tendril_controller *controller,
                                     uint64_t seed, int *out, tendril_error *err) {
  tnd_trace *trace = NULL;
  double seconds = 0;
  *out = 0;
  tendril_status status = tnd_trace_create(model, tendril_model_max_steps(model), &trace, err);
  while (status == TENDRIL_OK && seconds < SECONDS) {
    status = tnd_trace_play(trace, controller, seed, (uint32_t)*out, NULL, 0, err);
    seconds += tnd_trace_last(trace) * tendril_model_seconds(model);
    ++*out;
  }
  tnd_trace_destroy(trace);
  return status;
}

// A folder for the videos, which nobody wants to keep.
static tendril_status make_folder(char path[64], tendril_error *err) {
  strcpy(path, "/tmp/tendril-bench-XXXXXX");
  if (mkdtemp(path)) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_IO, "/tmp: no folder could be made in it");
}

static tendril_status measure(const tendril_model *model, tendril_controller *controller,
                              const char *file, int rounds, tnd_record_options *o, double **figures,
                              tnd_recorded *recorded, tendril_error *err) {
  // the first round warms up and is not counted
  for (int i = -1; i < rounds; i++) {
    double cpu[2];
    for (int side = DRAWN; side <= RECORDED; side++) {
      const double start = cpu_seconds();
      o->draw_only = side == DRAWN;
      const tendril_status status =
          tnd_record(model, controller, o, &file, side == DRAWN ? 0 : 1, recorded, err);
      if (status != TENDRIL_OK) return status;
      cpu[side] = cpu_seconds() - start;
    }
    if (i < 0) continue;
    figures[DRAWN][i] = cpu[DRAWN];
    figures[RECORDED][i] = cpu[RECORDED];
    figures[RATIO][i] = cpu[RECORDED] / cpu[DRAWN];
  }
  return TENDRIL_OK;
}

static tendril_status print(const bench_options *o, const tendril_model *model,
                            const tnd_recorded *r, double **figures, tendril_error *err) {
  const int rounds = (int)o->rounds;
  if (!o->json) {
    printf("%s, %.2f s in %d episode%s, %d frames of 640 x 480, %d rounds, CPU seconds\n",
           tendril_model_task(model)->name, r->seconds, r->episodes, r->episodes == 1 ? "" : "s",
           r->frames, rounds);
    for (int k = 0; k < NFIGURE; k++) {
      const double median = bench_median(figures[k], rounds);
      printf("  %-24s median %.3f   (%.3f to %.3f)\n", labels[k], median, figures[k][0],
             figures[k][rounds - 1]);
    }
    return TENDRIL_OK;
  }
  cli_json json = {0};
  cli_json_open(&json, NULL, '{');
  cli_json_text(&json, "task", tendril_model_task(model)->name);
  cli_json_number(&json, "rounds", rounds);
  cli_json_number(&json, "seconds", r->seconds);
  cli_json_number(&json, "frames", r->frames);
  for (int k = 0; k < NFIGURE; k++)
    bench_put_spread(&json, json_names[k], figures[k], rounds);
  cli_json_close(&json, '}');
  return cli_json_print(&json, err);
}

int bench_record(const bench_options *o) {
  tendril_error err = {{0}};
  bench_subject subject = {0};
  tendril_agent *agent = NULL;
  tendril_controller *controller = NULL;
  tnd_recorded recorded = {0};
  tnd_record_options options = {.quality = TND_QUALITY_NORMAL, .seed = (uint64_t)o->seed};
  char folder[64] = "", file[96] = "";
  double *figures[NFIGURE] = {NULL};
  setenv("EGL_LOG_LEVEL", "fatal", 0);
  tendril_status status = bench_subject_open(o, &subject, &err);
  for (int k = 0; k < NFIGURE && status == TENDRIL_OK; k++) {
    figures[k] = calloc((size_t)o->rounds, sizeof *figures[k]);
    if (!figures[k]) status = TENDRIL_E_MEMORY;
  }
  if (status == TENDRIL_OK && !subject.policy)
    status = tendril_policy_create(&subject.config->policy, tendril_model_nobs(subject.model),
                                   tendril_model_nact(subject.model),
                                   tendril_model_max_steps(subject.model), (uint64_t)o->seed,
                                   &subject.policy, &err);
  if (status == TENDRIL_OK) status = tendril_agent_create(subject.policy, false, &agent, &err);
  if (status == TENDRIL_OK)
    status = tendril_controller_create(agent, subject.model, &controller, &err);
  if (status == TENDRIL_OK)
    status = count_episodes(subject.model, controller, options.seed, &options.episodes, &err);
  // what the time limit cuts in two is 10 s all the same
  if (options.episodes == 2) options.seconds = SECONDS / 2;
  if (status == TENDRIL_OK) status = make_folder(folder, &err);
  if (status == TENDRIL_OK) {
    snprintf(file, sizeof file, "%s/bench.mp4", folder);
    status = measure(subject.model, controller, file, (int)o->rounds, &options, figures, &recorded,
                     &err);
    unlink(file);
    rmdir(folder);
  }
  if (status == TENDRIL_OK) status = print(o, subject.model, &recorded, figures, &err);
  for (int k = 0; k < NFIGURE; k++)
    free(figures[k]);
  tendril_controller_destroy(controller);
  tendril_agent_destroy(agent);
  bench_subject_close(&subject);
  return status == TENDRIL_OK ? EXIT_OK : cli_fail(status, &err);
}
