#!/bin/sh
# Runs one test of the command line; README.md beside this says what a case is.
# usage: run.sh PROGRAM SOURCE_FOLDER CASE_FOLDER
set -eu
[ $# -eq 3 ] || { echo "usage: run.sh PROGRAM SOURCE_FOLDER CASE_FOLDER" >&2; exit 2; }
# cases run in another folder
SOURCE=$(cd "$2" && pwd)
case=$(cd "$3" && pwd)
TENDRIL=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
# CTest says where it is; by hand, it lies where the build has put it beside the program
CHECK_JSON=${CHECK_JSON:-$(dirname "$TENDRIL")/tests/check_json}
export TENDRIL SOURCE CHECK_JSON LC_ALL=C TERM=dumb

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir "$temp/work"
status=0
(cd "$temp/work" && sh -eu "$case/cmd") </dev/null >"$temp/out" 2>"$temp/err" || status=$?

# matches EXPECTED ACTUAL: line by line, as README.md says
matches() {
  awk -v expected="$1" '
    BEGIN { while ((getline line < expected) > 0) want[++wants] = line }
    { have[NR] = $0 }
    function fits(pattern, line) {
      return pattern ~ /^~ / ? line ~ ("^(" substr(pattern, 3) ")$") : pattern == line
    }
    END {
      # w, h: next of each; after a "..." (at star), go back and let it swallow one line more
      w = h = 1; star = 0
      while (h <= NR) {
        if (w <= wants && want[w] == "...") { star = w++; mark = h }
        else if (w <= wants && fits(want[w], have[h])) { w++; h++ }
        else if (star) { w = star + 1; h = ++mark }
        else break
      }
      while (w <= wants && want[w] == "...") w++
      exit !(h > NR && w > wants)
    }' "$2"
}

bad=0
complain() { # WHAT FILE
  echo "$(basename "$case"): $1"
  if [ -n "${2-}" ]; then sed 's/^/    expected | /' "$2"; fi
  bad=1
}
wanted=0
if [ -e "$case/exit" ]; then wanted=$(cat "$case/exit"); fi
[ "$status" = "$wanted" ] || complain "exit status $status, expected $wanted"
if [ -e "$case/out" ]; then
  matches "$case/out" "$temp/out" || complain "stdout differs" "$case/out"
fi
if [ -e "$case/err" ]; then
  matches "$case/err" "$temp/err" || complain "stderr differs" "$case/err"
else
  [ ! -s "$temp/err" ] || complain "stderr is not empty"
fi
if [ $bad -ne 0 ]; then
  sed 's/^/    stdout | /' "$temp/out"
  sed 's/^/    stderr | /' "$temp/err"
fi
exit $bad
