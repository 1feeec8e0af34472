// Memory that is still to be had. Linux lends more than there is and, when it is used, ends a
// process without a word: so large requests are compared with what is left beforehand. Where the
// numbers can't be read nothing is refused.
#include "base/alloc.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARGIN ((size_t)128 << 20)     // for everything else that runs
#define LOOK_EVERY ((size_t)64 << 20)  // bytes given out between two looks
#define PLENTY ((size_t)SIZE_MAX)      // of what is not known

// The beginning of a small file as text; empty if there is none.
static void read_text(const char *path, char *text, size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, room - 1) : 0;
  text[n > 0 ? n : 0] = '\0';
  if (fd >= 0) close(fd);
}

// The number behind `name` at the start of a line; 0 if it is not there.
static size_t number_after(const char *text, const char *name) {
  for (const char *at = text; (at = strstr(at, name)); at++)
    if (at == text || at[-1] == '\n') return (size_t)strtoull(at + strlen(name), NULL, 10);
  return 0;
}

static size_t left_in_machine(void) {
  char text[4096];
  read_text("/proc/meminfo", text, sizeof text);
  if (!strstr(text, "MemAvailable:")) return PLENTY;
  return 1024 * (number_after(text, "MemAvailable:") + number_after(text, "SwapFree:"));
}

// Of the control group (version 2) that this process is in; page cache gives way.
static size_t left_in_group(void) {
  char group[512], path[1024], text[8192];
  read_text("/proc/self/cgroup", text, sizeof text);
  const char *line = strstr(text, "0::");
  if (!line) return PLENTY;
  snprintf(group, sizeof group, "/sys/fs/cgroup%.*s", (int)strcspn(line + 3, "\n"), line + 3);

  snprintf(path, sizeof path, "%s/memory.max", group);
  read_text(path, text, sizeof text);
  if (text[0] < '0' || text[0] > '9') return PLENTY;  // "max", or no such file
  const size_t limit = (size_t)strtoull(text, NULL, 10);
  snprintf(path, sizeof path, "%s/memory.current", group);
  read_text(path, text, sizeof text);
  const size_t used = (size_t)strtoull(text, NULL, 10);
  snprintf(path, sizeof path, "%s/memory.stat", group);
  read_text(path, text, sizeof text);
  const size_t cache = number_after(text, "inactive_file ");
  const size_t held = used > cache ? used - cache : 0;
  return limit > held ? limit - held : 0;
}

bool tnd_memory_take(size_t size) {
  static atomic_size_t given_out;
  if (size < LOOK_EVERY && atomic_fetch_add(&given_out, size) + size < LOOK_EVERY) return true;
  atomic_store(&given_out, 0);
  const size_t machine = left_in_machine(), group = left_in_group();
  const size_t left = machine < group ? machine : group;
  return left == PLENTY || (left > MARGIN && size <= left - MARGIN);
}
