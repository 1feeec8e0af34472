#!/bin/sh
# tests/cli/run.sh passes what it should and fails what it should.
set -eu
runner=$PWD/tests/cli/run.sh
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
bad=0

# check WANT NAME: the case temp/NAME, run with /bin/echo as the program, must end with WANT
check() {
  if sh "$runner" /bin/echo "$PWD" "$temp/$2" >"$temp/log" 2>&1; then got=pass; else got=fail; fi
  if [ "$got" != "$1" ]; then
    echo "$2: expected $1, got $got:"
    cat "$temp/log"
    bad=1
  fi
}
# make NAME CMD: a case, its `out`, `err` and `exit` to be written by the caller
make() { mkdir "$temp/$1"; printf '%s\n' "$2" >"$temp/$1/cmd"; }

make plain '$TENDRIL hello; test -d "$SOURCE"; test -z "$(ls)"'
echo hello >"$temp/plain/out"
check pass plain
make wrong_text '$TENDRIL hello'
echo hullo >"$temp/wrong_text/out"
check fail wrong_text
make literal '$TENDRIL "a+b [c] (d) *"'
echo 'a+b [c] (d) *' >"$temp/literal/out"
check pass literal
make pattern '$TENDRIL took 12.5 s'
echo '~ took [0-9.]+ s' >"$temp/pattern/out"
check pass pattern
make pattern_is_whole '$TENDRIL it took 12.5 s'
echo '~ took [0-9.]+ s' >"$temp/pattern_is_whole/out"
check fail pattern_is_whole
make dots 'printf "%s\n" a b c d'
printf '%s\n' a ... d >"$temp/dots/out"
check pass dots
make dots_are_none 'printf "%s\n" a d'
printf '%s\n' ... a ... d ... >"$temp/dots_are_none/out"
check pass dots_are_none
make dots_need_the_end 'printf "%s\n" a b c d e'
printf '%s\n' a ... d >"$temp/dots_need_the_end/out"
check fail dots_need_the_end
make missing_line 'printf "%s\n" a'
printf '%s\n' a b >"$temp/missing_line/out"
check fail missing_line
make extra_line 'printf "%s\n" a b'
printf '%s\n' a >"$temp/extra_line/out"
check fail extra_line
make no_out_expected '$TENDRIL anything'
check pass no_out_expected
make empty_out_expected '$TENDRIL anything'
: >"$temp/empty_out_expected/out"
check fail empty_out_expected
make status 'exit 2'
echo 2 >"$temp/status/exit"
check pass status
make wrong_status 'exit 1'
echo 2 >"$temp/wrong_status/exit"
check fail wrong_status
make status_is_0_by_itself 'exit 1'
check fail status_is_0_by_itself
make stderr_is_quiet_by_itself 'echo oops >&2'
check fail stderr_is_quiet_by_itself
make err 'echo oops >&2'
echo oops >"$temp/err/err"
check pass err
make stops_at_the_first_failure 'false
true'
check fail stops_at_the_first_failure

# by hand: names relative to where one is, and check_json where the build has it
mkdir -p "$temp/build/tests"
cp /bin/echo "$temp/build/program"
cp /bin/cat "$temp/build/tests/check_json"
make by_hand 'cd /; $TENDRIL hello; test -e "$SOURCE/by_hand/cmd"; echo "[]" | "$CHECK_JSON"'
printf '%s\n' hello '[]' >"$temp/by_hand/out"
if ! (unset CHECK_JSON; cd "$temp"; sh "$runner" build/program . by_hand) >"$temp/log" 2>&1; then
  echo "by hand:"
  cat "$temp/log"
  bad=1
fi
exit $bad
