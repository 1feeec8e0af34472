// What the benchmarks measure: a task with a fresh policy, or a run with its own.
#include "bench.h"

#include "run/config.h"

tendril_status bench_subject_open(const bench_options *o, bench_subject *out, tendril_error *err) {
  bench_subject s = {0};
  tendril_trained trained = {0};
  tendril_status status = cli_tasks(&o->plugins, &s.tasks, err);
  if (status == TENDRIL_OK && o->run) {
    status = tendril_trained_open(s.tasks, o->run, NULL, NULL, &trained, err);
    s.config = trained.config;
    s.model = trained.model;
    s.policy = trained.policy;
  } else if (status == TENDRIL_OK) {
    status = cli_configure(s.tasks, o->task, NULL, o->preset, NULL, &o->set, &s.config, err);
    if (status == TENDRIL_OK)
      status = tendril_tasks_model(s.tasks, o->task, &s.config->sim, &s.model, err);
  }
  if (status == TENDRIL_OK)
    *out = s;
  else
    bench_subject_close(&s);
  return status;
}

void bench_subject_close(bench_subject *s) {
  tendril_policy_destroy(s->policy);
  tendril_model_destroy(s->model);
  tendril_config_destroy(s->config);
  tendril_tasks_destroy(s->tasks);
  *s = (bench_subject){0};
}
