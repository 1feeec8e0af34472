// Named arrays with text metadata, stored as safetensors. Entries keep their order, so equal
// contents are equal bytes.
#ifndef TND_TENSORS_H
#define TND_TENSORS_H

#include "base/status.h"

typedef struct tnd_tensors tnd_tensors;

TENDRIL_MUST_CHECK tendril_status tnd_tensors_create(tnd_tensors **out, tendril_error *err);
void tnd_tensors_destroy(tnd_tensors *tensors);

// Copies [rows][columns] doubles (F64) or integers (I64); columns 0: a vector [rows]. A name is put
// once.
TENDRIL_MUST_CHECK tendril_status tnd_tensors_put(tnd_tensors *tensors, const char *name,
                                                  int64_t rows, int64_t columns, const double *data,
                                                  tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_tensors_put_ints(tnd_tensors *tensors, const char *name,
                                                       int64_t rows, const int64_t *data,
                                                       tendril_error *err);
// Text under __metadata__.
TENDRIL_MUST_CHECK tendril_status tnd_tensors_put_text(tnd_tensors *tensors, const char *key,
                                                       const char *text, tendril_error *err);

// Copies exactly rows * max(columns, 1) entries out. E_FORMAT if the tensor is missing or of
// another shape or type (the line names the file, the tensor, both shapes), E_NUMERIC if an entry
// of a real tensor is not finite.
TENDRIL_MUST_CHECK tendril_status tnd_tensors_get(const tnd_tensors *tensors, const char *name,
                                                  int64_t rows, int64_t columns, double *out,
                                                  tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_tensors_get_ints(const tnd_tensors *tensors, const char *name,
                                                       int64_t rows, int64_t *out,
                                                       tendril_error *err);
// NULL if there is no such key; borrowed.
const char *tnd_tensors_get_text(const tnd_tensors *tensors, const char *key);
// For numbers that make no sense: E_FORMAT "file: name: what; the file is damaged".
tendril_status tnd_tensors_refuse(const tnd_tensors *tensors, const char *name, const char *what,
                                  tendril_error *err);
// Length of a stored tensor in entries, -1 if there is none: for the few of variable length.
int64_t tnd_tensors_length(const tnd_tensors *tensors, const char *name);

// The file as bytes, owned by the caller, tnd_free().
TENDRIL_MUST_CHECK tendril_status tnd_tensors_print(const tnd_tensors *tensors, char **out,
                                                    size_t *size, tendril_error *err);
// Written aside, synced, renamed: `path` holds the old file or the new one, whole.
TENDRIL_MUST_CHECK tendril_status tnd_tensors_write(const tnd_tensors *tensors, const char *path,
                                                    tendril_error *err);
TENDRIL_MUST_CHECK tendril_status tnd_tensors_read(const char *path, tnd_tensors **out,
                                                   tendril_error *err);
// The same from memory; `name` stands for the file in error lines.
TENDRIL_MUST_CHECK tendril_status tnd_tensors_parse(const void *bytes, size_t size,
                                                    const char *name, tnd_tensors **out,
                                                    tendril_error *err);

#endif
