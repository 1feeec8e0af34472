// A temporary folder for a test that writes files.
//
//   char *folder = support_tmpdir();
//   ...
//   support_tmpdir_remove(folder);
//
// After a failed assertion the folder stays, for a look at it.
#ifndef SUPPORT_TMPDIR_H
#define SUPPORT_TMPDIR_H

#include <stddef.h>

// Owned by the caller, support_tmpdir_remove().
char *support_tmpdir(void);
// Removes the folder with all that is in it and frees the name.
void support_tmpdir_remove(char *folder);

// path = "folder/name"; borrowed until the next call but seven.
const char *support_path(const char *folder, const char *name);

// The folder of all tests of a suite:
//   TestSuite(table, .init = support_folder_open, .fini = support_folder_close);
extern char *support_folder;
void support_folder_open(void);
void support_folder_close(void);
// support_path() in it, and in a folder of it.
const char *support_file(const char *name);
const char *support_file_of(const char *run, const char *name);

// A whole file, written and read; the test fails if that does. What is read has a zero byte behind
// it and is the caller's, free(); size may be NULL.
void support_write_file(const char *path, const void *bytes, size_t size);
char *support_read_file(const char *path, size_t *size);

#endif
