// TensorBoard's event file: TFRecord framing around protocol buffers. A record is
//   length (8 bytes, little-endian), masked CRC-32C of these, data, masked CRC-32C of the data.
// Source: tensorflow/core/lib/io/record_writer.h; CRC-32C: RFC 3720, appendix B.4.
#include "run/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "events.pb-c.h"

#define VERSION "brain.Event:2"  // what TensorBoard wants to see first

enum {
  HEAD = 12,           // length and its CRC
  TAIL = 4,            // CRC of the data
  MAX_DATA = 1 << 16,  // bytes of data in a record; ours have less than 100
  PENDING = 1 << 16,   // bytes that collect before they are written unasked
};

typedef Tnd__Events__Event Event;

struct tnd_events {
  int fd;
  char *path;
  int64_t size;        // of the file, whole records only
  int64_t step;        // of the last record
  tnd_buffer pending;  // records that are not in the file yet
};

// ---------------------------------------------------------------------------------------- framing

// CRC-32C, four bits at a time, as TFRecord stores it: rotated and shifted, so that the checksum of
// data with a checksum inside is no trivial one
static uint32_t masked_crc(const unsigned char *bytes, size_t n) {
  static const uint32_t table[16] = {
      0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
      0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
      0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
  };
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void put_bytes(unsigned char *out, uint64_t value, int n) {
  for (int i = 0; i < n; i++)
    out[i] = (unsigned char)(value >> (8 * i) & 0xff);
}

static uint64_t get_bytes(const unsigned char *bytes, int n) {
  uint64_t value = 0;
  for (int i = n - 1; i >= 0; i--)
    value = value << 8 | bytes[i];
  return value;
}

// adds a record to those that wait; unchanged after an error
static tendril_status put_event(tnd_events *events, const Event *event, tendril_error *err) {
  size_t n = tnd__events__event__get_packed_size(event);
  if (n > MAX_DATA) return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: a tag is too long", events->path);
  unsigned char *record = tnd_buffer_room(&events->pending, HEAD + n + TAIL);
  if (!record) {
    events->pending.failed = false;
    return tnd_fail_memory(err);
  }
  put_bytes(record, n, 8);
  put_bytes(record + 8, masked_crc(record, 8), 4);
  tnd__events__event__pack(event, record + HEAD);
  put_bytes(record + HEAD + n, masked_crc(record + HEAD, n), 4);
  return TENDRIL_OK;
}

// ------------------------------------------------------------------------------------------
// writing

static tendril_status create(const char *path, tnd_events **out, tendril_error *err) {
  tnd_events *events = tnd_alloc(sizeof *events);
  if (events) events->path = tnd_strdup(path);
  if (!events || !events->path) {
    tnd_free(events);
    return tnd_fail_memory(err);
  }
  events->fd = -1;
  *out = events;
  return TENDRIL_OK;
}

tendril_status tnd_events_create(const char *folder, double wall_time, tnd_events **out,
                                 tendril_error *err) {
  char path[TND_PATH_MAX];
  tnd_events *events = NULL;
  TENDRIL_TRY(tnd_path_join(folder, TND_EVENTS_NAME, path, err));
  TENDRIL_TRY(create(path, &events, err));
  tendril_status status = tnd_fd_create(path, &events->fd, err);
  bool made = status == TENDRIL_OK;

  // the version comes first
  Event event = TND__EVENTS__EVENT__INIT;
  event.wall_time = wall_time;
  event.what_case = TND__EVENTS__EVENT__WHAT_FILE_VERSION;
  event.file_version = (char *)VERSION;
  if (status == TENDRIL_OK) status = put_event(events, &event, err);
  if (status == TENDRIL_OK) status = tnd_events_flush(events, err);
  if (status == TENDRIL_OK) {
    *out = events;
    events = NULL;
  } else if (made) {
    unlink(path);
  }
  tnd_events_destroy(events);
  return status;
}

tendril_status tnd_events_scalar(tnd_events *events, const char *tag, int64_t step,
                                 double wall_time, double value, tendril_error *err) {
  if (step < events->step)
    return tnd_fail(err, TENDRIL_E_ARGUMENT, "%s: step %lld comes after step %lld", events->path,
                    (long long)step, (long long)events->step);
  Tnd__Events__Summary__Value scalar = TND__EVENTS__SUMMARY__VALUE__INIT;
  scalar.tag = (char *)tag;
  scalar.value_case = TND__EVENTS__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
  scalar.simple_value = (float)value;
  Tnd__Events__Summary__Value *values[] = {&scalar};
  Tnd__Events__Summary summary = TND__EVENTS__SUMMARY__INIT;
  summary.n_value = 1;
  summary.value = values;
  Event event = TND__EVENTS__EVENT__INIT;
  event.wall_time = wall_time;
  event.step = step;
  event.what_case = TND__EVENTS__EVENT__WHAT_SUMMARY;
  event.summary = &summary;

  if (events->pending.n >= PENDING) TENDRIL_TRY(tnd_events_flush(events, err));
  TENDRIL_TRY(put_event(events, &event, err));
  events->step = step;
  return TENDRIL_OK;
}

tendril_status tnd_events_flush(tnd_events *events, tendril_error *err) {
  TENDRIL_TRY(tnd_fd_append(events->fd, events->path, &events->size, events->pending.text,
                            events->pending.n, err));
  events->pending.n = 0;
  return TENDRIL_OK;
}

tendril_status tnd_events_sync(tnd_events *events, tendril_error *err) {
  TENDRIL_TRY(tnd_events_flush(events, err));
  return tnd_fd_sync(events->fd, events->path, err);
}

void tnd_events_destroy(tnd_events *events) {
  if (!events) return;
  if (events->fd >= 0) close(events->fd);
  tnd_buffer_free(&events->pending);
  tnd_free(events->path);
  tnd_free(events);
}

// --------------------------------------------------------------------------------------- reopening

// for protobuf-c; *context says afterwards whether memory ran out
static void *take(void *context, size_t size) {
  void *memory = tnd_alloc(size);
  if (!memory) *(bool *)context = true;
  return memory;
}

static void give_back(void *context, void *memory) {
  (void)context;
  tnd_free(memory);
}

// What is at a place in the file.
typedef enum found {
  RECORD,   // a whole record
  TORN,     // one that the file's end cuts off
  DAMAGED,  // anything else
} found;

// looks at the record at `at`, in a file of `size` bytes; data and its length n for a RECORD
static tendril_status look(tnd_window *window, int64_t at, int64_t size, found *kind,
                           const unsigned char **data, size_t *n, tendril_error *err) {
  const unsigned char *bytes;
  size_t got;
  *kind = TORN;
  TENDRIL_TRY(tnd_window_get(window, at, HEAD, &bytes, &got, err));
  if (got < HEAD) return TENDRIL_OK;
  uint64_t length = get_bytes(bytes, 8);
  *kind = DAMAGED;
  if (get_bytes(bytes + 8, 4) != masked_crc(bytes, 8) || length > MAX_DATA) return TENDRIL_OK;
  if (length + HEAD + TAIL > (uint64_t)(size - at)) {
    *kind = TORN;
    return TENDRIL_OK;
  }
  TENDRIL_TRY(tnd_window_get(window, at, HEAD + (size_t)length + TAIL, &bytes, &got, err));
  if (got < HEAD + (size_t)length + TAIL) return TENDRIL_OK;
  *data = bytes + HEAD;
  *n = (size_t)length;
  if (get_bytes(*data + *n, 4) == masked_crc(*data, *n)) *kind = RECORD;
  return TENDRIL_OK;
}

// the size up to which the file is kept, and the last step in it
static tendril_status scan(tnd_window *window, int64_t size, int64_t last_step, int64_t *kept,
                           int64_t *step, tendril_error *err) {
  bool exhausted = false;
  ProtobufCAllocator memory = {take, give_back, &exhausted};
  for (int64_t at = 0; at < size;) {
    found kind;
    const unsigned char *data;
    size_t n;
    TENDRIL_TRY(look(window, at, size, &kind, &data, &n, err));
    Event *event = kind == RECORD ? tnd__events__event__unpack(&memory, n, data) : NULL;
    if (exhausted) return tnd_fail_memory(err);
    bool version = event && event->what_case == TND__EVENTS__EVENT__WHAT_FILE_VERSION &&
                   event->step == 0 && strcmp(event->file_version, VERSION) == 0;
    bool late = event && event->step > last_step;
    bool ordered = event && event->step >= *step;
    if (event && ordered && !late) *step = event->step;
    tnd__events__event__free_unpacked(event, &memory);

    // the version first; then up to the first late record, or to what a crash has left
    if (at == 0 && !version) break;
    if (at > 0 && (late || kind == TORN)) return TENDRIL_OK;
    if (!ordered) {
      if (*step >= last_step) return TENDRIL_OK;
      return tnd_fail(err, TENDRIL_E_FORMAT,
                      "%s: damaged at byte %lld; move it away to resume without it", window->path,
                      (long long)at);
    }
    at += HEAD + (int64_t)n + TAIL;
    *kept = at;
  }
  if (*kept > 0) return TENDRIL_OK;
  return tnd_fail(err, TENDRIL_E_FORMAT,
                  "%s: not an event file of TensorBoard; move it away to resume without it",
                  window->path);
}

tendril_status tnd_events_open_at(const char *path, int64_t last_step, tnd_events **out,
                                  tendril_error *err) {
  tnd_events *events = NULL;
  tnd_window window = {0};
  int64_t size = 0;
  TENDRIL_TRY(create(path, &events, err));
  tendril_status status = tnd_fd_open(path, O_RDWR, &events->fd, &size, err);
  if (status == TENDRIL_OK)
    status = tnd_window_open(&window, events->fd, path, HEAD + MAX_DATA + TAIL, err);
  if (status == TENDRIL_OK)
    status = scan(&window, size, last_step, &events->size, &events->step, err);
  if (status == TENDRIL_OK && events->size < size)
    status = tnd_fd_cut(events->fd, path, events->size, err);
  if (status == TENDRIL_OK) {
    *out = events;
    events = NULL;
  }
  tnd_window_close(&window);
  tnd_events_destroy(events);
  return status;
}
