# shellcheck shell=bash
# The steps of ./dev test, sourced by dev. Each runs whatever became of those before it.

passed=0 failed=0 skipped=0 fuzz_failed=0
failures=()  # a line each, said again at the end: it may be all that is kept of a long run

count() {  # NAME PASSED FAILED SKIPPED [NAME-OF-A-FAILED-TEST…]
  local suite=$1 bad=$3
  passed=$((passed + $2)) failed=$((failed + bad)) skipped=$((skipped + $4))
  say "$suite: $2 passed, $bad failed, $4 skipped"
  shift 4
  if (($#)); then
    failures+=("${@/#/$suite: }")
  elif ((bad)); then
    failures+=("$suite")
  fi
}

check() {  # NAME COMMAND…: counts as one test
  local name=$1 code=0
  shift
  say "$name"
  "$@" || code=1
  count "$name" $((1 - code)) $code 0
  return $code
}

sources() { find fcgi-app tests bench -name '*.cpp' -o -name '*.h' | sort; }
format() { sources | xargs -r /usr/bin/clang-format --dry-run -Werror; }

syntax() {
  local file good=0
  for file in dev .ci/run nginx/*.sh conf/run/* conf/debian/*.sh tests/*.sh tests/*/*.sh bench/run; do
    [[ ! -f $file || $(head -c 64 "$file") == *python* ]] || bash -n "$file" || good=1
  done
  return $good
}

# That docker-compose.yml is one. ./dev test compose runs it: apart, for it takes rights that not every
# machine gives (mounts, networks), and some ten minutes where it has to make base image and build.
compose_file() { docker-compose -f docker-compose.yml config -q; }

# Counts a suite from its runner's report, as lines: how many, failed, skipped; then a name each of
# those that failed.
count_report() {  # NAME EXIT-CODE LINES
  local suite=$1 code=$2 all bad left names
  { read -r all bad left && mapfile -t names; } <<<"${3:-0 0 0}"
  # A crash leaves no report, and a sanitizer may complain at the very end.
  if ((bad == 0 && code != 0 || all == 0)); then
    bad=$((bad + 1)) all=$((all + 1))
    names+=("exit code $code, see above")
  fi
  count "$suite" $((all - bad - left)) "$bad" "$left" "${names[@]}"
}

unit_tests() {
  local binary=build/asan-ubsan/tests/sluice_tests report=$PWD/build/unit.json code=0
  rm -f "$report"
  "$binary" --gtest_brief=1 --gtest_output="json:$report" || code=$?
  count_report "unit tests" $code "$(jq -r '[.testsuites[].testsuite[]] |
    "\(length) \(map(select(has("failures"))) | length) \(map(select(.result == "SKIPPED" or
      .status == "NOTRUN")) | length)", (.[] | select(has("failures")) | "\(.classname).\(.name)")
    ' "$report")"
}

e2e_tests() {  # PRESET
  local report=$PWD/build/e2e-$1.xml code=0
  rm -f "$report"
  say "end to end, preset $1"
  PRESET=$1 PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider -v \
    --junitxml="$report" tests/e2e || code=$?
  count_report "end to end, preset $1" $code "$(/usr/bin/python3 - "$report" <<'PY'
import sys, xml.etree.ElementTree as tree
tests = list(tree.parse(sys.argv[1]).getroot().iter("testcase"))
def those(*ends): return [test for test in tests if any(test.find(end) is not None for end in ends)]
failed = those("failure", "error")
print(len(tests), len(failed), len(those("skipped")))
for test in failed:
    print(f"{test.get('classname')}::{test.get('name')}")
PY
  )"
}

# Every seed once, and a few seconds more of what libFuzzer makes of them: always the same seconds,
# so that a change is blamed for what it did. ./dev fuzz looks for more.
fuzz_tests() {
  local names grown=$PWD/build/fuzz-test
  mapfile -t names < <(fuzz_names)
  rm -rf "$grown"
  say "fuzz: ${#names[@]} harnesses"
  fuzz_all 4 "$grown" -seed=1 "${names[@]}"
  count "fuzz" $((${#names[@]} - fuzz_failed)) "$fuzz_failed" 0
}

# shellcheck source=tests/package/files.sh
. "$ROOT/tests/package/files.sh"

every_suite() {
  local sanitized=
  check "format" format || true
  check "syntax of the scripts" syntax || true
  check "docker-compose.yml" compose_file || true
  if check "asan-ubsan build" build asan-ubsan; then sanitized=yes; fi
  if [[ $sanitized ]]; then unit_tests; else count "unit tests" 0 1 0; fi
  if check "fuzz build" build fuzz; then fuzz_tests; else count "fuzz" 0 1 0; fi
  if check "release build" build release; then
    package_files
    e2e_tests release
  else
    count "end to end, preset release" 0 1 0
  fi
  if [[ $sanitized ]]; then
    e2e_tests asan-ubsan
  else
    count "end to end, preset asan-ubsan" 0 1 0
  fi
}

run_suites() {  # [package]: that alone
  cd "$ROOT" || die "$ROOT: cannot enter"
  # What the caller has set for ./dev up is not for the tests' own instances.
  unset "${SETTINGS[@]}" RUN_DIR RATE_LIMIT_STORAGE_URI
  case ${1:-} in
    '') every_suite ;;
    package)
      # shellcheck source=tests/package/run.sh
      . "$ROOT/tests/package/run.sh" && package_tests
      ;;
  esac
  ((failed == 0)) || printf 'dev: failed: %s\n' "${failures[@]}"
  printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || echo ", $skipped skipped")"
  ((failed == 0))
}
