// Makes the parity data: transitions of the four Gymnasium v4 tasks, recorded with Gymnasium's own
// model files by plain MuJoCo calls. It shares no code with the library, on purpose: the formulas
// below were written from Gymnasium's documentation of each task, not from src/tasks/.
//
//   cc -O2 -ffp-contract=off tests/data/make_parity.c -o make_parity -lmujoco -lm
//   ./make_parity GYMNASIUM/gymnasium/envs/mujoco/assets tests/data
//
// tests/data/README.md describes the files.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, EVERY = 7, EPISODE = 200, AFTER_FALL = 100, WIDEST = 64 };

typedef struct task {
  const char *name, *file;
  int frame_skip;
  int hidden;          // leading entries of qpos that are not observed
  double clip;         // of observed velocities
  double noise;        // of the start state
  double ctrl_weight;  // of the squared action
  double ctrl_max;     // actions are drawn about as wide as this, and beyond
  double wild;         // velocities of a start in mid-air
} task;

static const task tasks[] = {
    {"hopper-v4", "hopper.xml", 4, 1, 10, 5e-3, 1e-3, 1, 12},
    {"walker2d-v4", "walker2d.xml", 4, 1, 10, 5e-3, 1e-3, 1, 12},
    {"swimmer-v4", "swimmer.xml", 4, 2, HUGE_VAL, 0.1, 1e-4, 1, 3},
    {"inverted-pendulum-v4", "inverted_pendulum.xml", 2, 0, HUGE_VAL, 0.01, 0, 3, 3},
};

// ------------------------------------------------------------------------------------ chance

static uint64_t seed = 20240229;

static double uniform(double low, double high) {  // splitmix64
  uint64_t z = seed += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return low + (high - low) * ((double)(z >> 11) * 0x1p-53);
}

static double normal(void) {
  double u = 1.0 - uniform(0, 1), v = uniform(0, 1);
  return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

// ------------------------------------------------------------------------------------ the tasks

static int terminated(const task *t, const mjModel *m, const mjData *d) {
  double z = d->qpos[1], angle = d->qpos[2];
  if (t == &tasks[0]) {
    if (z <= 0.7 || angle <= -0.2 || angle >= 0.2) return 1;
    for (int i = 2; i < m->nq + m->nv; i++) {
      double s = i < m->nq ? d->qpos[i] : d->qvel[i - m->nq];
      if (s <= -100 || s >= 100) return 1;
    }
    return 0;
  }
  if (t == &tasks[1]) return z <= 0.8 || z >= 2.0 || angle <= -1.0 || angle >= 1.0;
  if (t == &tasks[2]) return 0;
  return fabs(d->qpos[1]) > 0.2;
}

static double reward(const task *t, const mjModel *m, double moved, const double *action) {
  if (t == &tasks[3]) return 1.0;
  double dt = m->opt.timestep * t->frame_skip, cost = 0;
  for (int i = 0; i < m->nu; i++)
    cost += action[i] * action[i];
  double healthy = t == &tasks[2] ? 0.0 : 1.0;  // paid even when terminated
  return moved / dt + healthy - t->ctrl_weight * cost;
}

static int observe(const task *t, const mjModel *m, const mjData *d, double *obs) {
  int n = 0;
  for (int i = t->hidden; i < m->nq; i++)
    obs[n++] = d->qpos[i];
  for (int i = 0; i < m->nv; i++) {
    double v = d->qvel[i];
    obs[n++] = v > t->clip ? t->clip : v < -t->clip ? -t->clip : v;
  }
  return n;
}

static void start(const task *t, const mjModel *m, mjData *d) {
  mj_resetData(m, d);
  for (int i = 0; i < m->nq; i++)
    d->qpos[i] += uniform(-t->noise, t->noise);
  for (int i = 0; i < m->nv; i++)
    d->qvel[i] += uniform(-t->noise, t->noise);
  mj_forward(m, d);
}

// Episodes of four kinds take turns: independent noise, slowly changing noise, torques held long at
// or beyond their limits (which drives joints into theirs), and a wild start in mid-air. Some go on
// after the fall, so that lying, sliding and self-contact occur as well.
static void choose(const task *t, const mjModel *m, const mjData *d, int kind, int step,
                   double *action) {
  for (int i = 0; i < m->nu; i++) {
    if (kind == 0 || kind == 3) action[i] = t->ctrl_max * 1.2 * normal();
    if (kind == 1) action[i] = 0.95 * action[i] + 0.3 * t->ctrl_max * normal();
    if (kind == 2 && step % 25 == 0) action[i] = t->ctrl_max * uniform(-1.8, 1.8);
  }
  // random actions alone never keep the pole up
  if (t == &tasks[3] && kind < 2) {
    action[0] = 4 * d->qpos[1] + 0.5 * d->qvel[1] + 0.2 * d->qpos[0] + 0.3 * d->qvel[0] +
                (kind == 0 ? 0.5 : 2.0) * normal();
  }
}

static void make_wild(const task *t, const mjModel *m, mjData *d) {
  for (int i = 0; i < m->nq; i++)
    d->qpos[i] += uniform(-0.4, 0.4);
  for (int i = 0; i < m->nv; i++)
    d->qvel[i] += uniform(-t->wild, t->wild);
  mj_forward(m, d);
}

// ------------------------------------------------------------------------------------ the file

static double *append(double *row, const double *x, int n) {
  memcpy(row, x, (size_t)n * sizeof(double));
  return row + n;
}

static void record(const task *t, const char *models, const char *out) {
  char path[4096], error[1000];
  snprintf(path, sizeof path, "%s/%s", models, t->file);
  mjModel *m = mj_loadXML(path, NULL, error, sizeof error);
  if (!m) {
    fprintf(stderr, "%s: %s\n", path, error);
    exit(1);
  }
  mjData *d = mj_makeData(m);
  double obs[WIDEST], action[WIDEST] = {0};
  int nobs = observe(t, m, d, obs);

  snprintf(path, sizeof path, "%s/%s.bin", out, t->name);
  FILE *file = fopen(path, "wb");
  if (!file) exit(1);
  fprintf(file, "tendril-parity 1\ntask %s\nmujoco %s\nrows %d\n", t->name, mj_versionString(),
          ROWS);
  fprintf(file, "qpos %d\nqvel %d\nqacc_warmstart %d\naction %d\n", m->nq, m->nv, m->nv, m->nu);
  fprintf(file, "obs %d\nreward 1\nterminated 1\nend\n", nobs);

  int rows = 0, ended = 0, contacts = 0;
  for (int episode = 0; rows < ROWS; episode++) {
    int kind = episode % 4, goes_on = episode % 16 >= 12;
    int fallen = 0, over = 0;
    start(t, m, d);
    if (kind == 3) make_wild(t, m, d);
    memset(action, 0, sizeof action);
    for (int step = 0; step < EPISODE && rows < ROWS && !over; step++) {
      double row[4 * WIDEST], *last = row;
      choose(t, m, d, kind, step, action);
      last = append(last, d->qpos, m->nq);
      last = append(last, d->qvel, m->nv);
      last = append(last, d->qacc_warmstart, m->nv);
      last = append(last, action, m->nu);

      double x = d->qpos[0];
      mju_copy(d->ctrl, action, m->nu);
      for (int i = 0; i < t->frame_skip; i++)
        mj_step(m, d);
      observe(t, m, d, obs);
      double r = reward(t, m, d->qpos[0] - x, action), end = terminated(t, m, d);
      last = append(last, obs, nobs);
      last = append(last, &r, 1);
      last = append(last, &end, 1);

      // kept: every few steps, and the step that ends an episode
      fallen += end != 0;
      over = fallen > (goes_on ? AFTER_FALL : 0);
      if ((step + episode) % EVERY != 0 && !over) continue;
      size_t n = (size_t)(last - row);
      if (fwrite(row, sizeof(double), n, file) != n) exit(1);
      rows++;
      ended += end != 0;
      contacts += d->ncon > 0;
    }
  }
  if (fclose(file)) exit(1);
  printf("%s: %d rows, %d terminated, %d in contact\n", path, rows, ended, contacts);
  for (int i = 0; i < mjNWARNING; i++) {
    if (d->warning[i].number) printf("  MuJoCo warned: %d\n", i);
  }
  mj_deleteData(d);
  mj_deleteModel(m);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "use: make_parity FOLDER_OF_GYMNASIUM_MODELS OUTPUT_FOLDER\n");
    return 2;
  }
  for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
    record(&tasks[i], argv[1], argv[2]);
  return 0;
}
