#!/bin/sh
# Installs into a temporary prefix, moves it, and builds a small program on it as a user would:
# by CMake and by pkg-config, shared and static.
# usage: run.sh CMAKE GENERATOR BUILD_FOLDER CC SOURCE_FOLDER MUJOCO_DIR
set -eu
cmake=$1 generator=$2 build=$3 cc=$4 source=$5 mujoco_dir=$6
here=$source/tests/install
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
fail() { echo "$1"; exit 1; }

"$cmake" --install "$build" --prefix "$temp/first-place" >"$temp/log" || { cat "$temp/log"; exit 1; }
prefix=$temp/moved
mv "$temp/first-place" "$prefix"
library=$(dirname "$(find "$prefix" -name libtendril.so)")
[ -e "$library/libtendril.a" ] || fail "no static library beside the shared one"
[ -e "$prefix/include/tendril/tendril.h" ] || fail "no headers"
if find "$prefix/include" -type f | grep -v '/include/tendril/[a-z]*\.h$'; then
  fail "installed more than the public headers"
fi
[ ! -d "$source/models" ] || [ -d "$prefix/share/tendril/models" ] || fail "no models"
[ ! -x "$prefix/bin/tendril" ] || "$prefix/bin/tendril" list experiments | grep -q '^gymnasium-v4 ' ||
  fail "the installed program does not find the experiments"

# runs EXPECTED_NEED PROGRAM: it says its line, and needs the shared library or doesn't
runs() {
  "$2" | grep -qxE 'tendril [0-9.]+, MuJoCo [0-9.]+, 2 threads' || fail "$2 does not run"
  if readelf -d "$2" | grep -q 'NEEDED.*libtendril'; then need=shared; else need=static; fi
  [ $need = "$1" ] || fail "$2 is $need, expected $1"
}

# CMake
mkdir "$temp/user"
cp "$here/first.c" "$temp/user"
cp "$here/user-CMakeLists.txt" "$temp/user/CMakeLists.txt"
"$cmake" -S "$temp/user" -B "$temp/user/build" -G "$generator" -DCMAKE_C_COMPILER="$cc" \
  -DCMAKE_PREFIX_PATH="$prefix" -Dmujoco_DIR="$mujoco_dir" >"$temp/log" 2>&1 &&
  "$cmake" --build "$temp/user/build" >"$temp/log" 2>&1 || { cat "$temp/log"; exit 1; }
runs shared "$temp/user/build/first_shared"
runs static "$temp/user/build/first_static"

# pkg-config
export PKG_CONFIG_PATH="$library/pkgconfig"
# shellcheck disable=SC2046
"$cc" -Wall -Wextra -Werror -o "$temp/shared" "$here/first.c" \
  $(pkg-config --cflags --libs tendril) "-Wl,-rpath,$library"
runs shared "$temp/shared"
archive=$(pkg-config --variable=archive tendril)
# shellcheck disable=SC2046
"$cc" -Wall -Wextra -Werror -o "$temp/static" "$here/first.c" \
  $(pkg-config --static --cflags --libs tendril | sed "s/-ltendril/$archive/")
runs static "$temp/static"

# the example of a plugin, built both ways that its README says, far from the source tree
example=$temp/plugin
cp -r "$source/docs/examples/plugin" "$example"
"$cmake" -S "$example" -B "$example/build" -G "$generator" -DCMAKE_C_COMPILER="$cc" \
  -DCMAKE_PREFIX_PATH="$prefix" -Dmujoco_DIR="$mujoco_dir" >"$temp/log" 2>&1 &&
  "$cmake" --build "$example/build" >"$temp/log" 2>&1 || { cat "$temp/log"; exit 1; }
grep -F 'cc -std=c11' "$example/README.md" | sed 's/^cc /"$cc" /' >"$example/by-hand"
[ -s "$example/by-hand" ] || fail "the plugin's README has no command for the compiler"
# without ldconfig the library is looked for by its path
echo 'set -- "-Wl,-rpath,$library"' | cat - "$example/by-hand" | sed 's/ -lm$/ -lm "$@"/' >"$example/sh"
(cd "$example" && export cc library && sh -eu sh) || fail "the plugin does not build by hand"

# plugin FILE: the installed program lists, trains and evaluates its task
plugin() {
  runs=$(mktemp -d "$temp/runs-XXXXXX")
  tendril=$prefix/bin/tendril
  (
    cd "$runs"
    "$tendril" list --plugin "$1" | grep -q '^crane ' || fail "$1: not listed"
    "$tendril" train crane --plugin "$1" --iterations 3 --set rollout.batch=512 -q -o run >out 2>&1 ||
      { cat out; fail "$1: not trained"; }
    "$tendril" eval run --plugin "$1" --episodes 2 >out 2>&1 || { cat out; fail "$1: not evaluated"; }
    # without the plugin the run's task is not known
    ! "$tendril" eval run >out 2>&1 || fail "$1: evaluated without the plugin"
    grep -q 'crane: no such task.*--plugin' out || { cat out; fail "$1: another line was expected"; }
  ) || exit 1
}
if [ -e "$prefix/bin/tendril" ]; then
  plugin "$example/build/crane.so"
  plugin "$example/crane.so"
  cmp "$temp"/runs-*/run/checkpoints/last.safetensors || fail "the two plugins do not train the same"
fi

# the program, from somewhere else
if [ -e "$prefix/bin/tendril" ]; then
  cd /
  "$prefix/bin/tendril" --version >/dev/null || fail "the installed program does not start"
  # its own models, not the source tree's
  TENDRIL_MODELS= "$prefix/bin/tendril" list presets >"$temp/presets"
  mv "$prefix/share/tendril/models" "$temp/aside"
  ! "$prefix/bin/tendril" list presets >"$temp/log" 2>&1 || fail "models come from elsewhere"
fi
