#!/bin/sh
# What the library must not do: allocate behind src/base/alloc.c's back, print, exit, abort, draw
# from the C library's random numbers. Comments and strings are not looked at.
set -eu

# banned WORDS EXCEPT WHY: prints where a file of src/ other than EXCEPT calls or names one of WORDS
banned() {
  for file in $(find src -name '*.[ch]' ! -path "$2" | sort); do
    sed -e 's/"\([^"\\]\|\\.\)*"/""/g' -e 's@//.*@@' -e 's@/\*.*\*/@@' \
      -e '/^ *\/\*/,/\*\//s/.*//' "$file" | grep -nE "(^|[^A-Za-z0-9_.>])($1)" |
      sed "s|^\([0-9]*\): *|$file:\1: $3: |" || true
  done
}

# MuJoCo's error hook must not return: outside the library's own calls it does what MuJoCo does
hook=src/sim/physics.c
out=$(
  banned '(malloc|calloc|realloc|aligned_alloc|posix_memalign|free|strdup|strndup|asprintf) *\(' \
    src/base/alloc.c 'use src/base/alloc.h'
  banned '(printf|puts|putchar|perror|vprintf) *\(|(stdout|stderr)($|[^A-Za-z0-9_])' $hook \
    'the library never prints'
  banned '(exit|_exit|_Exit|abort|quick_exit) *\(' $hook 'the library never ends the program'
  banned '(rand|srand|random|drand48|rand_r) *\(' '' 'use tendril/random.h'
)
if [ -n "$out" ]; then
  echo "$out"
  exit 1
fi
