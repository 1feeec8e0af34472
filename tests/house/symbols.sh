#!/bin/sh
# The shared library exports tendril_* and nothing else and, once the tree is whole (there is a
# program), all that the public headers declare.
# usage: symbols.sh LIBRARY [PROGRAM], in the source tree
set -eu
exported=$(nm -D --defined-only "$1" | awk '{sub(/@.*/, "", $3); print $3}' | sort -u)
[ -n "$exported" ] || { echo "$1 exports nothing"; exit 1; }
alien=$(echo "$exported" | grep -v '^tendril_' || true)
if [ -n "$alien" ]; then
  echo "exported, but not tendril_*:"
  echo "$alien"
  exit 1
fi
if [ -n "${2-}" ]; then
  temp=$(mktemp -d)
  trap 'rm -rf "$temp"' EXIT
  echo "$exported" >"$temp/exported"
  # a function of the public headers: the name before the first parenthesis after TENDRIL_API
  cat include/tendril/*.h | grep -v '^#' | tr '\n' ' ' | sed 's/TENDRIL_API/\n&/g' |
    grep -oE '^TENDRIL_API[^(;]*[(;]' | grep -oE 'tendril_[a-z0-9_]+ *[(;]$' | tr -d '(; ' |
    sort -u >"$temp/declared"
  missing=$(comm -13 "$temp/exported" "$temp/declared")
  if [ -n "$missing" ]; then
    echo "declared in include/tendril, but not in the library:"
    echo "$missing"
    exit 1
  fi
fi
