#!/bin/sh
# Imports run downward: a file of src/<part>, or a public header, includes its own level or a lower
# one, and of two parts on one level only one may know the other.
set -eu
find src include tools -name '*.[ch]' | sort | xargs awk '
  BEGIN {
    # lowest first; docs/guide/source-tour.md tells the same
    levels = split("base:options:random|math|sim|tasks:policy|rollout:critic:dynamics:control|" \
                   "trajopt:learn|eval:view|run|tools:tendril", level, "|")
    for (i = 1; i <= levels; i++) {
      n = split(level[i], names, ":")
      for (j = 1; j <= n; j++) rank[names[j]] = i
    }
    # lower, yet none of its business
    split("view>learn learn>base/file.h learn>base/json.h", list, " ")
    for (i in list) banned[list[i]] = 1
    bad = 0
  }
  function complain(text) { print FILENAME ":" FNR ": " text; bad = 1 }
  # options.h, random.h: base; terrain.h, disturbance.h: sim; cmaes.h: learn; simbicon.h, wave.h: control;
  # gait.h, optimize.h: run
  function public_part(header) {
    sub(/\.h$/, "", header)
    if (header == "options" || header == "random") return "base"
    if (header == "terrain" || header == "disturbance") return "sim"
    if (header == "cmaes") return "learn"
    if (header == "simbicon" || header == "wave") return "control"
    return header == "gait" || header == "optimize" ? "run" : header
  }
  FNR == 1 {
    split(FILENAME, path, "/")
    from = path[1] == "src" ? path[2] : path[1] == "tools" ? "tools" : public_part(path[3])
    if (!(from in rank)) complain("a part that has no level: add it to tests/house/order.sh")
  }
  /^[ \t]*#[ \t]*include[ \t]*(<tendril\/|")/ {
    match($0, /[<"][^>"]*[>"]/)
    name = substr($0, RSTART + 1, RLENGTH - 2)
    if (name ~ /^tendril\//) to = public_part(substr(name, 9))
    else if (name ~ /\//) { to = name; sub(/\/.*/, "", to) }
    else to = from  # beside the file itself
    if (!(to in rank)) complain("includes " name ", of no known part")
    else if (rank[to] > rank[from]) complain(from " may not include " name ": " to " is above it")
    else if ((from ">" to) in banned || (from ">" name) in banned)
      complain(from " may not include " name ": not its business")
    else if (from != to && rank[to] == rank[from]) {
      knows[from, to] = 1
      if ((to, from) in knows) complain(from " and " to " include each other")
    }
  }
  END { exit bad }
'
