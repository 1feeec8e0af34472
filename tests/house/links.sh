#!/bin/sh
# Relative links in the documentation lead somewhere.
set -eu
find README.md docs tests -name '*.md' | sort | while read -r page; do
  grep -oE '\]\([^)# ]+' "$page" | cut -c3- | grep -vE '^[a-z]+:' | while read -r link; do
    [ -e "$(dirname "$page")/$link" ] || echo "$page: dead link: $link"
  done || true
done | { ! grep . ; }
