// safetensors: any bytes end in tensors or an error; what is written parses and is written the same
// again.
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "base/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tnd_tensors *tensors = NULL, *again = NULL;
  char *bytes = NULL, *same = NULL;
  size_t n, m;
  tendril_error err;
  double out[4];
  int64_t ints[4];
  if (tnd_tensors_parse(data, size, "fuzz", &tensors, &err) == TENDRIL_OK) {
    FUZZ_CHECK(tnd_tensors_print(tensors, &bytes, &n, &err) == TENDRIL_OK);
    FUZZ_CHECK(tnd_tensors_parse(bytes, n, "fuzz", &again, &err) == TENDRIL_OK);
    FUZZ_CHECK(tnd_tensors_print(again, &same, &m, &err) == TENDRIL_OK);
    FUZZ_CHECK(n == m && memcmp(bytes, same, n) == 0);
    // the shapes that the corpus has
    if (tnd_tensors_get(tensors, "a", 2, 0, out, &err) == TENDRIL_OK)
      FUZZ_CHECK(tnd_tensors_length(tensors, "a") == 2);
    if (tnd_tensors_get(tensors, "a", 2, 2, out, &err) == TENDRIL_OK)
      FUZZ_CHECK(tnd_tensors_length(tensors, "a") == 4);
    if (tnd_tensors_get_ints(tensors, "a", 2, ints, &err) == TENDRIL_OK)
      FUZZ_CHECK(tnd_tensors_length(tensors, "a") == 2);
  } else {
    FUZZ_CHECK(tensors == NULL && strncmp(err.text, "fuzz: ", 6) == 0);
  }
  tnd_free(bytes);
  tnd_free(same);
  tnd_tensors_destroy(tensors);
  tnd_tensors_destroy(again);
  return 0;
}
