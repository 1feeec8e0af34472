// Temporary folders, files made of bytes, and the allocator that fails at every place in turn.
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include "base/file.h"

// A new folder of this test's own; test_folder_done() removes it with all that is in it.
const char *test_folder(void);
void test_folder_done(void);
// "folder/name" in a buffer that lasts until the fourth next call.
const char *test_path(const char *name);

// Plain writes and reads, past the library. The text has a zero byte behind it; free() it.
void test_write(const char *path, const void *bytes, size_t size);
char *test_read(const char *path, size_t *size);

// Calls attempt(context) with its first allocation failing, then its second, and so on, cJSON's
// among them, until it succeeds. Every failure has to be E_MEMORY; leaks are AddressSanitizer's to
// find.
void test_every_allocation(tendril_status (*attempt)(void *context), void *context);

#endif
