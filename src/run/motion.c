// See motion.h. docs/reference/file-formats.md lists the tensors.
#include "run/motion.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/tensors.h"

#include <stdio.h>
#include <string.h>

#define FORMAT "1"
#define FORMAT_KEY "tendril.trajectory"

tendril_status tnd_motion_write(const char *path, const tendril_optimization *o,
                                const tendril_trajectory *y, const double *reset,
                                tendril_error *err) {
  tnd_tensors *tensors = NULL;
  char *text = NULL;
  tendril_status status = tnd_tensors_create(&tensors, err);
  if (status == TENDRIL_OK) status = tnd_optimization_print(o, false, &text, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put_text(tensors, FORMAT_KEY, FORMAT, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put_text(tensors, "tendril.config", text, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put(tensors, "x", y->T + 1, y->nx, y->x, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put(tensors, "u", y->T, y->nu, y->u, err);
  if (status == TENDRIL_OK)
    status = tnd_tensors_put(tensors, "K", (int64_t)y->T * y->nu, y->n, y->K, err);
  if (status == TENDRIL_OK) status = tnd_tensors_put(tensors, "cost", 1, 0, &y->cost, err);
  if (status == TENDRIL_OK && reset)
    status = tnd_tensors_put(tensors, "reset", y->nx, 0, reset, err);
  if (status == TENDRIL_OK) status = tnd_tensors_write(tensors, path, err);
  tnd_free(text);
  tnd_tensors_destroy(tensors);
  return status;
}

// The file of a path, a folder's or the path itself.
static bool locate(const char *path, char *out) {
  if (!tnd_path_is_folder(path))
    return (size_t)snprintf(out, TND_PATH_MAX, "%s", path) < TND_PATH_MAX && tnd_path_exists(path);
  return tnd_path_join(path, TND_MOTION_NAME, out, NULL) == TENDRIL_OK && tnd_path_exists(out);
}

bool tendril_is_motion(const char *path) {
  char file[TND_PATH_MAX];
  tnd_tensors *tensors = NULL;
  if (!locate(path, file)) return false;
  if (tnd_path_is_folder(path)) return true;
  const bool read = tnd_tensors_read(file, &tensors, NULL) == TENDRIL_OK;
  const bool is = read && tnd_tensors_get_text(tensors, FORMAT_KEY);
  tnd_tensors_destroy(tensors);
  return is;
}

static tendril_status read_config(const tnd_tensors *tensors, const char *path,
                                  const tendril_tasks *tasks, const char *const *sim,
                                  tendril_motion *out, tendril_error *err) {
  const char *format = tnd_tensors_get_text(tensors, FORMAT_KEY);
  const char *text = tnd_tensors_get_text(tensors, "tendril.config");
  if (!format || !text)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: a safetensors file, but no trajectory of tendril",
                    path);
  if (strcmp(format, FORMAT) != 0)
    return tnd_fail(err, TENDRIL_E_FORMAT, "%s: trajectory format %.20s; this version reads %s",
                    path, format, FORMAT);
  TENDRIL_TRY(tnd_optimization_parse(tasks, text, path, &out->optimization, err));
  for (; sim && *sim; sim += 2) {
    char key[128];
    snprintf(key, sizeof key, "%s%.100s", strchr(sim[0], '.') ? "" : "sim.", sim[0]);
    TENDRIL_TRY(tendril_optimization_set(out->optimization, key, sim[1], err));
  }
  const tendril_optimization *o = out->optimization;
  return tendril_tasks_model(tasks, o->task->name, &o->sim, &out->model, err);
}

static tendril_status read_numbers(const tnd_tensors *tensors, tendril_motion *out,
                                   tendril_error *err) {
  const mjModel *m = tendril_model_mujoco(out->model);
  tendril_trajectory *y = &out->trajectory;
  y->nx = (int)(m->nq + m->nv);
  y->n = 2 * (int)m->nv;
  y->nu = (int)m->nu;
  // the horizon is the file's: options may have been changed since
  const int64_t length = tnd_tensors_length(tensors, "u");
  if (length < y->nu || length / y->nu > 100000)
    return tnd_tensors_refuse(tensors, "u", "no controls", err);
  y->T = (int)(length / y->nu);
  const size_t nx = (size_t)(y->T + 1) * (size_t)y->nx, nu = (size_t)y->T * (size_t)y->nu;
  const size_t nreset = (size_t)y->nx;
  out->numbers = tnd_alloc(sizeof(double) * (nx + nu + nu * (size_t)y->n + nreset));
  if (!out->numbers) return tnd_fail_memory(err);
  y->x = out->numbers;
  y->u = y->x + nx;
  y->K = y->u + nu;
  if (tnd_tensors_length(tensors, "reset") >= 0) {
    double *reset = y->K + nu * (size_t)y->n;
    TENDRIL_TRY(tnd_tensors_get(tensors, "reset", y->nx, 0, reset, err));
    y->reset = reset;
  }
  TENDRIL_TRY(tnd_tensors_get(tensors, "x", y->T + 1, y->nx, y->x, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "u", y->T, y->nu, y->u, err));
  TENDRIL_TRY(tnd_tensors_get(tensors, "K", (int64_t)y->T * y->nu, y->n, y->K, err));
  return tnd_tensors_get(tensors, "cost", 1, 0, &y->cost, err);
}

tendril_status tendril_motion_open(const tendril_tasks *tasks, const char *path,
                                   const char *const *sim, tendril_motion *out,
                                   tendril_error *err) {
  char file[TND_PATH_MAX];
  tnd_tensors *tensors = NULL;
  tendril_motion motion = {0};
  if (!locate(path, file))
    return tnd_fail(err, TENDRIL_E_IO,
                    "%.400s: there is no trajectory; `tendril optimize` makes one", path);
  if ((size_t)snprintf(motion.path, sizeof motion.path, "%s", file) >= sizeof motion.path)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "the path of the trajectory is too long");
  tendril_status status = tnd_tensors_read(file, &tensors, err);
  if (status == TENDRIL_OK) status = read_config(tensors, file, tasks, sim, &motion, err);
  if (status == TENDRIL_OK) status = read_numbers(tensors, &motion, err);
  tnd_tensors_destroy(tensors);
  if (status == TENDRIL_OK)
    *out = motion;
  else
    tendril_motion_close(&motion);
  return status;
}

void tendril_motion_close(tendril_motion *motion) {
  tnd_free(motion->numbers);
  tendril_model_destroy(motion->model);
  tendril_optimization_destroy(motion->optimization);
  *motion = (tendril_motion){0};
}
