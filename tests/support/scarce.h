// Fails every allocation in turn: the k-th call of tnd_alloc() inside `attempt` returns NULL, for
// k = 0, 1, ... until none is reached any more. cJSON allocates by it, too, meanwhile. Leaks are
// AddressSanitizer's to find.
#ifndef SUPPORT_SCARCE_H
#define SUPPORT_SCARCE_H

#include <tendril/base.h>

// Makes something and, if that succeeds, destroys it; on an error leaves nothing behind.
typedef tendril_status (*support_attempt)(void *context, tendril_error *err);

// Asserts that every attempt with a failing allocation returns TENDRIL_E_MEMORY with a one-line
// message and that the first without one succeeds. Returns how many allocations were failed.
int support_fail_each_alloc(support_attempt attempt, void *context);

#endif
