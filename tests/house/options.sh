#!/bin/sh
# docs/reference/options.md is what the program's option tables say. To mend:
# build/release/tendril list options --markdown > docs/reference/options.md
# usage: options.sh PROGRAM, in the source tree
set -eu
"$1" list options --markdown | diff -u docs/reference/options.md - || {
  echo "docs/reference/options.md is stale: tendril list options --markdown writes it anew"
  exit 1
}
