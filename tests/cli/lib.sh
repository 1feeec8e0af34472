# For the cmd of a case: . "$SOURCE/tests/cli/lib.sh"

# a training of a moment
tiny="--preset none --threads 1 --iterations 2 --set rollout.batch=256 --set rollout.streams=4
  --set policy.hidden=8 --set critic.hidden=8 --set critic.epochs=1 --set run.eval_at=100
  --set run.eval_episodes=2"

fail() { echo "$*"; exit 99; }

# refused STATUS REGEX ARGUMENT...: tendril ends with STATUS and says nothing but one line that fits
refused() {
  wanted=$1 regex=$2
  shift 2
  got=0
  "$TENDRIL" "$@" >"$PWD/refused.out" 2>"$PWD/refused.err" || got=$?
  problem=
  [ "$got" = "$wanted" ] || problem="exit status $got, expected $wanted"
  [ ! -s refused.out ] || problem="stdout is not empty"
  [ "$(wc -l <refused.err)" = 1 ] || problem="not one line on stderr"
  grep -qE "^tendril( [a-z]+)*: .*$regex" refused.err || problem="expected: $regex"
  if [ -n "$problem" ]; then
    echo "tendril $*"
    echo "$problem"
    sed 's/^/  | /' refused.out refused.err
    exit 99
  fi
}

# cases give -o x where no run may begin
none_left() { [ ! -e x ] || fail "x was left behind"; }
