#!/bin/sh
# Every public header compiles alone, as C11 and as C++17, without a warning.
# usage: headers.sh CC [MUJOCO_INCLUDE_FOLDER...], in the source tree
set -eu
cc=$1
shift
cxx=$(command -v g++ || command -v clang++ || command -v c++) || {
  echo "no C++ compiler here: run tools/setup"
  exit 77
}
system=
for folder; do
  case "$folder" in
  "" | /usr/include | /usr/include/) ;; # named again, it would hide the compiler's own
  *) system="$system -isystem $folder" ;;
  esac
done
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
bad=0
for header in include/tendril/*.h; do
  name=tendril/$(basename "$header")
  # twice: the guard
  printf '#include <%s>\n#include <%s>\nextern int tested;\n' "$name" "$name" >"$temp/header.c"
  # shellcheck disable=SC2086
  "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude $system -fsyntax-only "$temp/header.c" ||
    { echo "$header: not C11 by itself"; bad=1; }
  # shellcheck disable=SC2086
  "$cxx" -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -Iinclude $system -fsyntax-only \
    "$temp/header.c" || { echo "$header: not C++17 by itself"; bad=1; }
done
exit $bad
