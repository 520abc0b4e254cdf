# shellcheck shell=bash
# The steps of ./dev test, sourced by dev. Each runs whatever became of those before it.

passed=0 failed=0 skipped=0 fuzz_failed=0

count() {  # NAME PASSED FAILED SKIPPED
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  say "$1: $2 passed, $3 failed, $4 skipped"
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
  for file in dev .ci/run nginx/*.sh conf/debian/*.sh tests/*.sh tests/*/*.sh bench/run; do
    [[ ! -f $file || $(head -c 64 "$file") == *python* ]] || bash -n "$file" || good=1
  done
  return $good
}

# That docker-compose.yml is one. ./dev test compose runs it: apart, for it takes rights that not every
# machine gives (mounts, networks), and some ten minutes where it has to make base image and build.
compose_file() { docker-compose -f docker-compose.yml config -q; }

unit_tests() {
  local binary=build/asan-ubsan/tests/sluice_tests report=$PWD/build/unit.json code=0 numbers
  rm -f "$report"
  if [[ ! -x $binary ]]; then
    say "unit tests: $binary is missing" >&2
    count "unit tests" 0 1 0
    return
  fi
  "$binary" --gtest_brief=1 --gtest_output="json:$report" || code=$?
  numbers=$(jq -r '[.tests, .failures, ([.testsuites[].testsuite[]
    | select(.result == "SKIPPED" or .status == "NOTRUN")] | length)] | @tsv' "$report") ||
    numbers='0 0 0'
  local all bad left
  read -r all bad left <<<"$numbers"
  # A crash leaves no report, and a sanitizer may complain at the very end.
  ((bad > 0 || code == 0)) && ((all > 0)) || bad=$((bad + 1)) all=$((all + 1))
  count "unit tests" $((all - bad - left)) "$bad" "$left"
}

e2e_tests() {  # PRESET
  local report=$PWD/build/e2e-$1.xml code=0 numbers all bad left
  rm -f "$report"
  say "end to end, preset $1"
  PRESET=$1 PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider -v \
    --junitxml="$report" tests/e2e || code=$?
  numbers=$(/usr/bin/python3 - "$report" <<'PY'
import sys, xml.etree.ElementTree as tree
suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
def total(*names): return sum(int(suite.get(name, 0)) for suite in suites for name in names)
print(total("tests"), total("failures", "errors"), total("skipped"))
PY
  ) || numbers='0 0 0'
  read -r all bad left <<<"$numbers"
  ((bad > 0 || code == 0)) && ((all > 0)) || bad=$((bad + 1)) all=$((all + 1))
  count "end to end, preset $1" $((all - bad - left)) "$bad" "$left"
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
  printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || echo ", $skipped skipped")"
  ((failed == 0))
}
