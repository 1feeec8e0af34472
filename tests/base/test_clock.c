// The clocks run forwards and count what they say.
#include "base/clock.h"

#include <criterion/criterion.h>
#include <unistd.h>

Test(clock, sleep_takes_wall_time_and_work_takes_cpu_time) {
  double wall = tnd_clock_wall(), process = tnd_clock_process(), thread = tnd_clock_thread();
  usleep(50000);
  cr_assert_geq(tnd_clock_wall() - wall, 0.05);
  cr_assert_lt(tnd_clock_thread() - thread, 0.05);
  while (tnd_clock_thread() - thread < 0.02)
    continue;
  cr_assert_geq(tnd_clock_process() - process, 0.02);  // all threads: at least this one
  cr_assert_gt(tnd_clock_date(), 1.6e9);               // after 2020
}
