// TensorBoard's event file: one scalar a record. A run has one such file, and a resumed run carries
// it on from the step it resumes at.
#ifndef TND_EVENTS_H
#define TND_EVENTS_H

#include "base/status.h"

#define TND_EVENTS_NAME "events.out.tfevents.tendril"

typedef struct tnd_events tnd_events;

// A new file TND_EVENTS_NAME in the folder, E_EXISTS if there is one already.
// @param wall_time  of the run's start, seconds since 1970
// @param out        owned by the caller, tnd_events_destroy()
TENDRIL_MUST_CHECK tendril_status tnd_events_create(const char *folder, double wall_time,
                                                    tnd_events **out, tendril_error *err);

// Opens the file of a run that resumes after `last_step`: later records go, and so does what a
// crash has left half written. Damage before the point of resumption is E_FORMAT, as is a file of
// another kind; the file is then unchanged.
TENDRIL_MUST_CHECK tendril_status tnd_events_open_at(const char *path, int64_t last_step,
                                                     tnd_events **out, tendril_error *err);

// Adds one number, stored in single precision; steps never decrease (E_ARGUMENT). Records collect
// in memory; what could not be written stays there for the next attempt.
TENDRIL_MUST_CHECK tendril_status tnd_events_scalar(tnd_events *events, const char *tag,
                                                    int64_t step, double wall_time, double value,
                                                    tendril_error *err);
// Everything into the file, whole records or none.
TENDRIL_MUST_CHECK tendril_status tnd_events_flush(tnd_events *events, tendril_error *err);
// Everything onto the disk: before a checkpoint that the file must not fall behind.
TENDRIL_MUST_CHECK tendril_status tnd_events_sync(tnd_events *events, tendril_error *err);
// Closes the file. Records that were not flushed are lost: flush first, and look at the result.
void tnd_events_destroy(tnd_events *events);

#endif
