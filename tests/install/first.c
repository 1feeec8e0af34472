// A user's program: the library, its threads and the physics behind it are there.
#include <stdio.h>
#include <tendril/tendril.h>

int main(void) {
  tendril_pool *pool;
  tendril_error err;
  if (tendril_pool_create(2, &pool, &err) != TENDRIL_OK) return puts(err.text), 1;
  printf("tendril %s, MuJoCo %s, %d threads\n", tendril_version(), mj_versionString(),
         tendril_pool_threads(pool));
  tendril_pool_destroy(pool);
  return 0;
}
