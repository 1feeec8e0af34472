// Episodes as tables: what was played, number for number, and back into a trace. The columns are
// in docs/reference/file-formats.md.
#ifndef TND_TRACE_CSV_H
#define TND_TRACE_CSV_H

#include "base/buffer.h"
#include "view/trace.h"

// The first line. pushes: how many forces a row has room for, at most TENDRIL_MAX_FORCES.
void tnd_trace_csv_header(const tendril_model *model, int pushes, tnd_buffer *out);
// One row for each remembered state. E_PHYSICS never; E_MEMORY.
TENDRIL_MUST_CHECK tendril_status tnd_trace_csv_episode(const tnd_trace *trace, int episode,
                                                        int pushes, tnd_buffer *out,
                                                        tendril_error *err);

// Reads the first episode of a file, or that with the number `episode` if it is not negative. The
// numbers are the file's; what it doesn't hold (warm start, the task's own state, random numbers)
// is that of a fresh episode: fine for looking at, not for going on from.
// @param model  that the file must fit
// @param out    owned by the caller, tnd_trace_destroy()
// @return E_FORMAT: "gait.csv: line 3, column 12 (qpos.thigh): ..."
TENDRIL_MUST_CHECK tendril_status tnd_trace_csv_read(const char *path, const tendril_model *model,
                                                     int episode, tnd_trace **out,
                                                     tendril_error *err);

#endif
