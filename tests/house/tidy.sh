#!/bin/sh
# clang-tidy (.clang-tidy) finds nothing in the library and the program.
# usage: tidy.sh BUILD_FOLDER [FILE...], in the source tree
set -eu
build=$1
shift
for tool in clang-tidy-14 clang-tidy; do
  if command -v $tool >/dev/null; then break; fi
  tool=
done
[ -n "$tool" ] || { echo "no clang-tidy here: run tools/setup"; exit 77; }
[ $# -gt 0 ] || set -- $(find src tools -name '*.c' | sort)
# one file at a time: clang-tidy 14 mistakes a va_list when it reads several; its line of statistics
# is not worth reading
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" $tool -p "$build" --quiet \
  --extra-arg=-Wno-unknown-warning-option 2>&1 | { grep -vE '^[0-9]+ warnings? generated|^Suppressed|^Use -header-filter' || true; } |
  { ! grep . ; }
