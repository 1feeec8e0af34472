# Compiler flags of all code of ours: library, program, tests. No -ffast-math and no fused
# multiply-add of the compiler's choosing: results must not depend on either. Square roots set no
# errno: no result changes, and loops with one are vectorised.
add_library(tendril_flags INTERFACE)
target_compile_definitions(tendril_flags INTERFACE _GNU_SOURCE)
target_compile_options(tendril_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wformat=2 -Wundef -Werror=implicit-function-declaration -ffp-contract=off -fno-math-errno
  $<$<C_COMPILER_ID:GNU>:-Wdouble-promotion>  # clang's finds fault with INFINITY and NAN
  $<$<BOOL:${TENDRIL_NATIVE}>:-march=native>
  $<$<BOOL:${TENDRIL_WERROR}>:-Werror>)
# all of a program has to be built with a sanitizer, so these flags are everybody's
if(TENDRIL_SANITIZE)
  add_compile_options(-fsanitize=${TENDRIL_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TENDRIL_SANITIZE})
endif()
