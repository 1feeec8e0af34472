// A walk through the checkpoints of a run in the order of its training.
#ifndef TND_WALK_H
#define TND_WALK_H

#include <tendril/run.h>

// The checkpoint nearest before (by < 0) or after (by > 0) an iteration: of those kept, the best
// and the last, as they are now, since a training may still be adding to them. A best or last that
// can't be read is passed over.
// @param out    filled if *there; tendril_trained_close()
// @param there  false: there is none
TENDRIL_MUST_CHECK tendril_status tnd_walk_open(const tendril_tasks *tasks, const char *folder,
                                                int by, int64_t from, tendril_trained *out,
                                                bool *there, tendril_error *err);

#endif
