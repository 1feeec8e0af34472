// What each of the -v4 tasks observes, pays and ends on, by the numbers that its page gives.
#include "support/task.h"

#include <criterion/criterion.h>
#include <math.h>

Test(tasks, start_within_the_noise_around_the_first_pose) {
  support_task_check_start("hopper-v4", 5e-3);
  support_task_check_start("walker2d-v4", 5e-3);
  support_task_check_start("swimmer-v4", 0.1);
  support_task_check_start("inverted-pendulum-v4", 0.01);
}

Test(tasks, hopper_and_walker_observe_all_but_x_with_clipped_velocities) {
  const char *const names[] = {"hopper-v4", "walker2d-v4"};
  for (int k = 0; k < 2; k++) {
    support_task c = support_task_open(names[k]);
    int nq = (int)c.m->nq, nv = (int)c.m->nv;
    double obs[32];
    for (int i = 0; i < nq; i++)
      c.d->qpos[i] = 0.1 * i;
    for (int i = 0; i < nv; i++)
      c.d->qvel[i] = 4.0 * i - 12.0;  // -12, -8, ..., 12 and more
    c.task->observe(c.m, c.d, NULL, obs);
    cr_assert_eq(c.task->nobs, nq - 1 + nv);
    for (int i = 1; i < nq; i++)
      cr_assert_eq(obs[i - 1], 0.1 * i);
    for (int i = 0; i < nv; i++) {
      double v = 4.0 * i - 12.0;
      cr_assert_eq(obs[nq - 1 + i], v < -10 ? -10 : v > 10 ? 10 : v);
    }
    support_task_close(&c);
  }
}

Test(tasks, swimmer_observes_neither_x_nor_y_and_clips_nothing) {
  support_task c = support_task_open("swimmer-v4");
  double obs[8];
  for (int i = 0; i < 5; i++) {
    c.d->qpos[i] = i + 1;
    c.d->qvel[i] = 100 + i;
  }
  c.task->observe(c.m, c.d, NULL, obs);
  const double expected[8] = {3, 4, 5, 100, 101, 102, 103, 104};
  cr_assert_arr_eq(obs, expected, sizeof obs);
  cr_assert(!support_task_ends(&c));
  support_task_close(&c);
}

Test(tasks, hopper_ends_outside_its_health) {
  support_task c = support_task_open("hopper-v4");
  support_task_stand(&c);
  cr_assert(!support_task_ends(&c));
  c.d->qpos[1] = 0.7;
  cr_assert(support_task_ends(&c));
  c.d->qpos[1] = 0.7001;
  cr_assert(!support_task_ends(&c));
  c.d->qpos[2] = 0.1999;
  cr_assert(!support_task_ends(&c));
  c.d->qpos[2] = -0.2;
  cr_assert(support_task_ends(&c));
  support_task_stand(&c);
  c.d->qvel[0] = -99.9;  // velocities count unclipped
  cr_assert(!support_task_ends(&c));
  c.d->qvel[0] = -100;
  cr_assert(support_task_ends(&c));
  support_task_stand(&c);
  c.d->qpos[0] = 1e6;  // how far it went does not matter
  cr_assert(!support_task_ends(&c));
  c.d->qpos[5] = 100;
  cr_assert(support_task_ends(&c));
  support_task_close(&c);
}

Test(tasks, walker_ends_outside_its_health) {
  support_task c = support_task_open("walker2d-v4");
  support_task_stand(&c);
  cr_assert(!support_task_ends(&c));
  const double z[] = {0.8, 2.0}, inside[] = {0.8001, 1.9999};
  for (int i = 0; i < 2; i++) {
    c.d->qpos[1] = z[i];
    cr_assert(support_task_ends(&c));
    c.d->qpos[1] = inside[i];
    cr_assert(!support_task_ends(&c));
  }
  c.d->qpos[2] = 1.0;
  cr_assert(support_task_ends(&c));
  c.d->qpos[2] = -0.999;
  cr_assert(!support_task_ends(&c));
  c.d->qvel[4] = 1e5;  // unlike the hopper's
  cr_assert(!support_task_ends(&c));
  support_task_close(&c);
}

Test(tasks, pendulum_ends_when_the_pole_leans) {
  support_task c = support_task_open("inverted-pendulum-v4");
  support_task_stand(&c);
  c.d->qpos[1] = 0.2;
  cr_assert(!support_task_ends(&c));
  c.d->qpos[1] = -0.2001;
  cr_assert(support_task_ends(&c));
  support_task_close(&c);
}

Test(tasks, pay_for_displacement_health_and_effort) {
  const struct {
    const char *name;
    double forward, healthy, control;
  } rewards[] = {{"hopper-v4", 0.02 / 0.008, 1, -1e-3 * (0.25 + 4)},
                 {"walker2d-v4", 0.02 / 0.008, 1, -1e-3 * (0.25 + 4)},
                 {"swimmer-v4", 0.02 / 0.04, 0, -1e-4 * (0.25 + 4)}};
  for (int k = 0; k < 3; k++) {
    support_task c = support_task_open(rewards[k].name);
    double terms[TENDRIL_MAX_TERMS], action[8] = {0.5, -2};
    support_task_stand(&c);
    c.d->qpos[1] = 0;  // fallen: the healthy reward is paid all the same
    double sum = support_task_pay(&c, 0.02, action, terms);
    cr_assert_float_eq(sum, rewards[k].forward + rewards[k].healthy + rewards[k].control, 1e-12);
    cr_assert_float_eq(terms[c.task->nterm - 1], rewards[k].control, 1e-15);
    support_task_close(&c);
  }
}

// The numbers that identify the robots, from their published descriptions.
Test(tasks, robots_have_their_published_size) {
  const struct {
    const char *name;
    int nq, nu;
    double timestep, gear;
  } robots[] = {{"hopper-v4", 6, 3, 0.002, 200},
                {"walker2d-v4", 9, 6, 0.002, 100},
                {"swimmer-v4", 5, 2, 0.01, 150},
                {"inverted-pendulum-v4", 2, 1, 0.02, 100}};
  for (int k = 0; k < 4; k++) {
    support_task c = support_task_open(robots[k].name);
    cr_assert_eq(c.m->nq, robots[k].nq);
    cr_assert_eq(c.m->nu, robots[k].nu);
    cr_assert_eq(c.m->opt.timestep, robots[k].timestep);
    cr_assert_eq(c.m->opt.integrator, mjINT_RK4);
    cr_assert_eq(c.m->actuator_gear[0], robots[k].gear);
    cr_assert_geq(mj_name2id(c.m, mjOBJ_CAMERA, "track"), 0);
    support_task_close(&c);
  }
}
