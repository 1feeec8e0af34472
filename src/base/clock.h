// Clocks, in seconds. What they say goes to logs and statistics; no result depends on it.
#ifndef TND_CLOCK_H
#define TND_CLOCK_H

double tnd_clock_wall(void);     // monotonic, from some moment on
double tnd_clock_date(void);     // since 1970
double tnd_clock_process(void);  // CPU time of all threads of this process
double tnd_clock_thread(void);   // CPU time of this thread; dearer than the wall's (a system call)

#endif
