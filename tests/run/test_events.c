// TensorBoard's event file, read here with a decoder of the test's own: bytes, resuming, damage.
#include "run/events.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/scarce.h"
#include "support/tmpdir.h"

static tendril_error err;

TestSuite(events, .init = support_folder_open, .fini = support_folder_close);

// CRC-32C bit by bit, masked as TFRecord does (RFC 3720: "123456789" gives e3069283)
static uint32_t crc32c(const void *bytes, size_t n) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < n; i++) {
    crc ^= ((const unsigned char *)bytes)[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

static uint32_t masked(const void *bytes, size_t n) {
  uint32_t crc = crc32c(bytes, n);
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

// checks the frames of a file; how many records it has
static int count_records(const char *path) {
  size_t size;
  char *file = support_read_file(path, &size);
  int n = 0;
  for (size_t at = 0; at < size; n++) {
    uint64_t length;
    uint32_t crc;
    cr_assert(size - at >= 16);
    memcpy(&length, file + at, 8);
    memcpy(&crc, file + at + 8, 4);
    cr_assert_eq(crc, masked(file + at, 8));
    cr_assert(length <= size - at - 16);
    memcpy(&crc, file + at + 12 + length, 4);
    cr_assert_eq(crc, masked(file + at + 12, length));
    at += 16 + length;
  }
  free(file);
  return n;
}

// a version record and steps 0 .. n-1
static const char *write_steps(int n) {
  tnd_events *events = NULL;
  cr_assert_eq(tnd_events_create(support_folder, 1e9, &events, &err), TENDRIL_OK, "%s", err.text);
  for (int i = 0; i < n; i++)
    cr_assert_eq(tnd_events_scalar(events, "return", i, 1e9 + i, i, &err), TENDRIL_OK);
  cr_assert_eq(tnd_events_sync(events, &err), TENDRIL_OK);
  tnd_events_destroy(events);
  return support_file(TND_EVENTS_NAME);
}

Test(events, have_the_bytes_that_tensorboard_reads) {
  cr_assert_eq(crc32c("123456789", 9), 0xe3069283);
  tnd_events *events = NULL;
  cr_assert_eq(tnd_events_create(support_folder, 1.5, &events, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(tnd_events_scalar(events, "kl", 300, 2.5, 0.5, &err), TENDRIL_OK);
  cr_assert_eq(tnd_events_flush(events, &err), TENDRIL_OK);
  tnd_events_destroy(events);

  // field << 3 | type: 9 wall_time (double), 0x1a file_version, 0x10 step, 0x2a summary, in it 0x0a
  // value, in it 0x0a tag and 0x15 simple_value (float)
  static const char version[] = "\x09\0\0\0\0\0\0\xf8\x3f\x1a\x0d"
                                "brain.Event:2";
  static const char scalar[] = "\x09\0\0\0\0\0\0\x04\x40\x10\xac\x02\x2a\x0b\x0a\x09\x0a\x02kl\x15"
                               "\0\0\0\x3f";
  static const char *const data[] = {version, scalar};
  static const size_t sizes[] = {sizeof version - 1, sizeof scalar - 1};
  size_t size, at = 0;
  char *file = support_read_file(support_file(TND_EVENTS_NAME), &size);
  for (int i = 0; i < 2; i++) {
    uint64_t length = sizes[i];
    uint32_t crc = masked(&length, 8);
    cr_assert(size >= at + 16 + length);
    cr_assert_arr_eq(file + at, &length, 8);
    cr_assert_arr_eq(file + at + 8, &crc, 4);
    cr_assert_arr_eq(file + at + 12, data[i], sizes[i]);
    crc = masked(data[i], sizes[i]);
    cr_assert_arr_eq(file + at + 12 + length, &crc, 4);
    at += 16 + length;
  }
  cr_assert_eq(at, size);
  free(file);
}

Test(events, are_never_written_over) {
  const char *path = write_steps(3);
  tnd_events *events = NULL;
  cr_assert_eq(tnd_events_create(support_folder, 1, &events, &err), TENDRIL_E_EXISTS);
  cr_assert_eq(count_records(path), 4);
  cr_assert_eq(tnd_events_create(support_file("none"), 1, &events, &err), TENDRIL_E_IO);
  cr_assert_null(events);
}

Test(events, resumed_are_the_same_bytes_as_never_stopped) {
  // more than fits the memory that collects records, so that both write in pieces
  enum { STEPS = 5000, STOP = 3000 };
  const char *path = write_steps(STEPS);
  size_t size, again;
  char *whole = support_read_file(path, &size), *resumed;
  tnd_events *events = NULL;
  cr_assert_eq(tnd_events_open_at(path, STOP, &events, &err), TENDRIL_OK, "%s", err.text);
  cr_assert_eq(count_records(path), STOP + 2);
  for (int i = STOP + 1; i < STEPS; i++)
    cr_assert_eq(tnd_events_scalar(events, "return", i, 1e9 + i, i, &err), TENDRIL_OK);
  cr_assert_eq(tnd_events_flush(events, &err), TENDRIL_OK);
  tnd_events_destroy(events);
  resumed = support_read_file(path, &again);
  cr_assert_eq(size, again);
  cr_assert_arr_eq(whole, resumed, size);
  free(whole);
  free(resumed);
}

Test(events, cut_off_anywhere_keep_their_whole_records) {
  const char *path = write_steps(3);
  size_t size;
  char *file = support_read_file(path, &size);
  size_t first = 16 + (size_t)(unsigned char)file[0];
  for (size_t n = 0; n <= size; n++) {
    support_write_file(path, file, n);
    tnd_events *events = NULL;
    tendril_status status = tnd_events_open_at(path, 100, &events, &err);
    if (n < first) {
      cr_assert_eq(status, TENDRIL_E_FORMAT);
      continue;
    }
    cr_assert_eq(status, TENDRIL_OK, "%s", err.text);
    cr_assert_eq(tnd_events_scalar(events, "return", 100, 0, 1, &err), TENDRIL_OK);
    cr_assert_eq(tnd_events_flush(events, &err), TENDRIL_OK);
    tnd_events_destroy(events);
    cr_assert(count_records(path) >= 2);
  }
  free(file);
}

Test(events, damaged_before_the_resumption_are_refused_unchanged_after_it_cut) {
  const char *path = write_steps(10);
  size_t size, record, n;
  char *file = support_read_file(path, &size), *now;
  record = (size - 16 - (size_t)(unsigned char)file[0]) / 10;  // near enough for a place inside
  file[size - 3 * record] ^= 1;
  support_write_file(path, file, size);
  tnd_events *events = NULL;
  cr_assert_eq(tnd_events_open_at(path, 9, &events, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "damaged at byte ") != NULL);
  now = support_read_file(path, &n);
  cr_assert(n == size && memcmp(now, file, n) == 0);
  cr_assert_eq(tnd_events_open_at(path, 4, &events, &err), TENDRIL_OK, "%s", err.text);
  tnd_events_destroy(events);
  cr_assert_eq(count_records(path), 6);
  free(file);
  free(now);
}

Test(events, of_another_kind_are_refused_unchanged) {
  tnd_events *events = NULL;
  support_write_file(support_file("text"), "iteration,steps\n1,2\n", 20);
  cr_assert_eq(tnd_events_open_at(support_file("text"), 5, &events, &err), TENDRIL_E_FORMAT);
  cr_assert(strstr(err.text, "not an event file") != NULL);
  size_t n;
  free(support_read_file(support_file("text"), &n));
  cr_assert_eq(n, 20);
  cr_assert_eq(tnd_events_open_at(support_file("none"), 5, &events, &err), TENDRIL_E_IO);
  cr_assert_eq(tnd_events_open_at(support_folder, 5, &events, &err), TENDRIL_E_IO);
  cr_assert_null(events);
}

Test(events, go_forward_only_and_have_short_tags) {
  tnd_events *events = NULL;
  static char tag[1 << 17];
  memset(tag, 'a', sizeof tag - 1);
  cr_assert_eq(tnd_events_create(support_folder, 1, &events, &err), TENDRIL_OK);
  cr_assert_eq(tnd_events_scalar(events, "a", 5, 1, 1, &err), TENDRIL_OK);
  cr_assert_eq(tnd_events_scalar(events, "a", 4, 1, 1, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_events_scalar(events, tag, 5, 1, 1, &err), TENDRIL_E_ARGUMENT);
  cr_assert_eq(tnd_events_flush(events, &err), TENDRIL_OK);
  tnd_events_destroy(events);
  cr_assert_eq(count_records(support_file(TND_EVENTS_NAME)), 2);
}

Test(events, wait_for_room_on_a_full_disk) {
  tnd_events *events = NULL;
  cr_assert_eq(tnd_events_create(support_folder, 1, &events, &err), TENDRIL_OK);
  cr_assert_eq(tnd_events_scalar(events, "a", 1, 1, 1, &err), TENDRIL_OK);
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit full = {50, RLIM_INFINITY}, roomy = {RLIM_INFINITY, RLIM_INFINITY};
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
  cr_assert_eq(tnd_events_flush(events, &err), TENDRIL_E_IO);
  cr_assert_eq(count_records(support_file(TND_EVENTS_NAME)), 1);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &roomy), 0);
  cr_assert_eq(tnd_events_flush(events, &err), TENDRIL_OK);
  cr_assert_eq(count_records(support_file(TND_EVENTS_NAME)), 2);
  tnd_events_destroy(events);
}

static tendril_status create_and_reopen(void *context, tendril_error *error) {
  tnd_events *events = NULL;
  (void)context;
  char path[TND_PATH_MAX];
  tendril_status status = tnd_path_join(support_folder, TND_EVENTS_NAME, path, error);
  remove(path);
  if (status == TENDRIL_OK) status = tnd_events_create(support_folder, 1, &events, error);
  if (status == TENDRIL_OK) status = tnd_events_scalar(events, "a", 1, 1, 1, error);
  if (status == TENDRIL_OK) status = tnd_events_flush(events, error);
  tnd_events_destroy(events);
  events = NULL;
  if (status == TENDRIL_OK) status = tnd_events_open_at(path, 1, &events, error);
  if (status == TENDRIL_OK) cr_assert_eq(count_records(path), 2);
  tnd_events_destroy(events);
  return status;
}

Test(events, survive_every_failing_allocation) {
  support_fail_each_alloc(create_and_reopen, NULL);
}

Test(events, that_cannot_begin_leave_no_file) {
  tnd_events *events = NULL;
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit full = {5, RLIM_INFINITY};
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
  cr_assert_eq(tnd_events_create(support_folder, 1, &events, &err), TENDRIL_E_IO);
  cr_assert(!tnd_path_exists(support_file(TND_EVENTS_NAME)));
  cr_assert_null(events);
}
