// Recorded episodes: any bytes end in a line about the file, or in a trace that can be looked at
// and that, written and read again, is the same.
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "view/pose.h"
#include "view/trace_csv.h"

#include <tendril/tasks.h>

static tendril_model *model;

static tnd_buffer table_of(const tnd_trace *trace) {
  tnd_buffer text = {0};
  tnd_trace_csv_header(model, TENDRIL_MAX_FORCES, &text);
  FUZZ_CHECK(tnd_trace_csv_episode(trace, 0, TENDRIL_MAX_FORCES, &text, NULL) == TENDRIL_OK);
  return text;
}

static void look(const tnd_trace *trace) {
  tnd_pose *pose = NULL;
  tendril_error err;
  FUZZ_CHECK(tnd_pose_create(model, &pose, &err) == TENDRIL_OK);
  for (int t = 0; t <= tnd_trace_last(trace); t++) {
    // positions may be beyond what MuJoCo goes on with, but then it says so
    const tendril_status status = tnd_pose_set(pose, tnd_trace_snapshot(trace, t), &err);
    FUZZ_CHECK(status == TENDRIL_OK || status == TENDRIL_E_PHYSICS);
  }
  tnd_pose_destroy(pose);
}

static void read_again(const tnd_trace *trace) {
  char path[64];
  tendril_error err;
  tnd_trace *again = NULL;
  tnd_buffer first = table_of(trace);
  int fd = fuzz_file((const uint8_t *)first.text, first.n, path);
  FUZZ_CHECK(tnd_trace_csv_read(path, model, 0, &again, &err) == TENDRIL_OK);
  tnd_buffer second = table_of(again);
  FUZZ_CHECK(first.n == second.n && memcmp(first.text, second.text, first.n) == 0);
  tnd_buffer_free(&first);
  tnd_buffer_free(&second);
  tnd_trace_destroy(again);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tendril_error err = {{0}};
  tnd_trace *trace = NULL;
  char path[64];
  tendril_tasks *tasks = NULL;
  FUZZ_CHECK(tendril_tasks_create(&tasks, &err) == TENDRIL_OK);
  FUZZ_CHECK(tendril_tasks_model(tasks, "cartpole", NULL, &model, &err) == TENDRIL_OK);
  int fd = fuzz_file(data, size, path);
  if (tnd_trace_csv_read(path, model, -1, &trace, &err) == TENDRIL_OK) {
    look(trace);
    read_again(trace);
  } else {
    FUZZ_CHECK(!trace && strncmp(err.text, path, strlen(path)) == 0 && !strchr(err.text, '\n'));
  }
  tnd_trace_destroy(trace);
  tendril_model_destroy(model);
  tendril_tasks_destroy(tasks);
  close(fd);
  return 0;
}
