# shellcheck shell=bash
# Runs the harnesses of this folder; sourced by dev.

# Prints the names of all harnesses.
fuzz_names() {
  local file
  for file in "$ROOT"/tests/fuzz/*_fuzz.cpp; do
    basename "$file" _fuzz.cpp
  done
}

# Prints the folders that a harness starts from: its corpus, and real files that fit as they are.
fuzz_seeds() {  # NAME
  printf '%s\n' "$ROOT/tests/fuzz/corpus/$1"
  [[ $1 != config ]] || printf '%s\n' "$ROOT/conf" "$ROOT/tests/fixtures/config"
}

# Runs a harness; its log in build/fuzz-log/NAME. Inputs that are new go to GROWN.
fuzz_one() {  # NAME SECONDS GROWN [OPTION…]
  local name=$1 seconds=$2 grown=$3 dictionary=$ROOT/tests/fuzz/corpus/$1.dict seeds code=0
  shift 3
  mapfile -t seeds < <(fuzz_seeds "$name")
  [[ ! -f $dictionary ]] || set -- "$@" "-dict=$dictionary"
  mkdir -p "$grown"
  nice "$ROOT/build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$ROOT/build/fuzz-findings/$name-" \
    "$@" "$grown" "${seeds[@]}" >"$ROOT/build/fuzz-log/$name" 2>&1 &
  wait $! || code=1
  fuzz_report "$name" "$code"
  return "$code"
}

# Prints a line on a harness that has run; and if it found something, how to see it again.
fuzz_report() {  # NAME CODE
  local log=$ROOT/build/fuzz-log/$1 input
  if (($2 == 0)); then
    awk -v name="$1" '
      /cov: / { for (i = 1; i < NF; ++i) if ($i == "cov:") coverage = $(i + 1) }
      /^stat::number_of_executed_units:/ { runs = $2 }
      /^stat::average_exec_per_sec:/ { speed = $2 }
      /^stat::new_units_added:/ { units = $2 }
      END { printf "dev: fuzz %-13s %9d runs, %6d/s, coverage %5d, new units %d\n",
              name, runs, speed, coverage, units }' "$log"
    return
  fi
  printf 'dev: fuzz %-13s FOUND SOMETHING\n' "$1"
  grep -aE -A1 'property violated|runtime error|^SUMMARY|^==.*ERROR|leak of|^    #[1-3] ' "$log" |
    head -n 16 || true
  input=$(grep -aoE "build/fuzz-findings/$1-[a-z]+-[0-9a-f]+" "$log" | tail -n 1) || true
  say "all of it: build/fuzz-log/$1"
  say "again: build/fuzz/tests/fuzz/fuzz_$1 $input"
}

# Runs harnesses, as many at a time as there are processors, for SECONDS each. OPTIONS are
# libFuzzer's, CORPORA where new inputs go. Sets fuzz_failed to the number of those that found
# something.
fuzz_all() {  # SECONDS CORPORA OPTIONS NAME…
  local seconds=$1 corpora=$2 options lane lanes=() jobs name
  read -ra options <<<"$3"
  shift 3
  jobs=$(nproc)
  ((jobs <= $#)) || jobs=$#
  rm -rf "$ROOT/build/fuzz-log"
  mkdir -p "$ROOT/build/fuzz-findings" "$ROOT/build/fuzz-log"
  for ((lane = 1; lane <= jobs; ++lane)); do
    (
      trap 'kill $! 2>/dev/null; exit 143' TERM
      for ((i = lane; i <= $#; i += jobs)); do
        fuzz_one "${!i}" "$seconds" "$corpora/${!i}" "${options[@]}" ||
          touch "$ROOT/build/fuzz-log/${!i}.found"
      done
    ) &
    lanes+=($!)
  done
  # shellcheck disable=SC2064  # of these lanes
  trap "kill ${lanes[*]} 2>/dev/null; exit 130" INT TERM HUP
  wait "${lanes[@]}"
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  fuzz_failed=0
  for name in "$@"; do
    [[ ! -e $ROOT/build/fuzz-log/$name.found ]] || fuzz_failed=$((fuzz_failed + 1))
  done
}

fuzz() {  # SECONDS [NAME…]
  local seconds=${1:-} names=() name each jobs
  [[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] ||
    refuse "fuzz: \"$seconds\" is not 1 to 999999 seconds: see ./dev fuzz --help"
  names=("${@:2}")
  ((${#names[@]})) || mapfile -t names < <(fuzz_names)
  for name in "${names[@]}"; do
    [[ -f $ROOT/tests/fuzz/${name}_fuzz.cpp ]] ||
      refuse "no harness \"$name\"; there are $(fuzz_names | paste -sd ' ')"
  done
  need "${BUILD_PACKAGES[@]}" "${FUZZ_PACKAGES[@]}"
  build fuzz
  jobs=$(nproc)
  each=$((seconds * jobs / ${#names[@]}))
  ((${#names[@]} > jobs)) || each=$seconds
  ((each > 0)) || each=1
  say "fuzz: ${#names[@]} harnesses for $each s each; new inputs go to build/fuzz-corpus"
  fuzz_all "$each" "$ROOT/build/fuzz-corpus" "" "${names[@]}"
  say "fuzz: ${#names[@]} harnesses, $fuzz_failed found something"
  ((fuzz_failed == 0))
}
