# shellcheck shell=bash
# The steps of ./dev test, sourced by dev. Each step runs, even if those before it failed.

passed=0 failed=0 skipped=0 fuzz_failed=0
failures=()  # a line each; printed again at the end, in case only the end of the output is kept

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

sources() { find fcgi-app nginx tests bench -name '*.cpp' -o -name '*.h' | sort; }
format() { sources | xargs -r /usr/bin/clang-format --dry-run -Werror; }

syntax() {
  local file good=0
  for file in dev .ci/run conf/run/* conf/debian/{*.sh,restart,p*inst,p*rm} tests/*.sh tests/*/*.sh; do
    bash -n "$file" || good=1
  done
  return $good
}

# Whether docker-compose.yml can be read. Only ./dev test compose runs it: that takes some ten minutes, and
# rights that not every machine gives (mounts, networks). If two services built one image, it would be
# built twice, and chance would decide which of the two stays.
compose_file() {
  docker-compose -f docker-compose.yml config -q && /usr/bin/python3 - <<'PY'
import sys, yaml
services = yaml.safe_load(open("docker-compose.yml"))["services"].values()
built = [service["image"] for service in services if "build" in service]
sys.exit(len(built) != len(set(built)) and f"docker-compose.yml: two services build one image: {built}")
PY
}

# Counts a suite. LINES are its runner's report: first "ALL FAILED SKIPPED", then the name of each test that
# failed.
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

# Twice as many shards at a time as there are processors: some tests wait for time-outs.
unit_tests() {  # PRESET
  local program atonce=$((2 * $(nproc))) shards=$((4 * $(nproc))) code=0
  rm -f build/unit-*.json
  for program in sluice_tests sluice_core_test sluice_nginx_test; do
    [[ -x build/$1/tests/$program ]] || continue  # nginx-dev is missing
    seq 0 $((shards - 1)) | GTEST_TOTAL_SHARDS=$shards xargs -P $atonce -I{} env GTEST_SHARD_INDEX={} \
      "build/$1/tests/$program" --gtest_brief=1 "--gtest_output=json:$PWD/build/unit-$program-{}.json" ||
      code=$?
  done
  count_report "unit tests" $code "$(jq -rs '[.[].testsuites[].testsuite[] | select(.status == "RUN")] |
    "\(length) \(map(select(has("failures"))) | length) \(map(select(.result == "SKIPPED")) | length)",
      (.[] | select(has("failures")) | "\(.classname).\(.name)")' build/unit-*.json)"
}

# Runs each seed of the fuzzers once, under the sanitizers of the unit tests.
seed_tests() {  # PRESET
  local names=() name bad=()
  mapfile -t names < <(fuzz_names)
  for name in "${names[@]}"; do
    mapfile -t seeds < <(fuzz_seeds "$name")
    "build/$1/tests/sluice_replay" "$name" "${seeds[@]}" || bad+=("$name")
  done
  count "seeds of the fuzzers" $((${#names[@]} - ${#bad[@]})) ${#bad[@]} 0 "${bad[@]}"
}

# More files at a time than there are processors: a test mostly waits for a window or for workers. No build
# may run meanwhile: on a busy machine the 100 ms for Redis are too short. e2e_report counts the results.
e2e_tests() {  # PRESET [OPTION…]
  local preset=$1
  shift
  rm -f "build/e2e-$preset.xml"
  PRESET=$preset PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider -q -n $((2 * $(nproc) + 1)) \
    --dist loadfile --junitxml="build/e2e-$preset.xml" "$@" tests/e2e
}

e2e_report() {  # PRESET EXIT-CODE
  count_report "end to end, preset $1" "$2" "$(/usr/bin/python3 - "build/e2e-$1.xml" <<'PY'
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

# Runs every seed once, then for a few seconds what libFuzzer makes of them. With one -seed that is always the
# same, so a finding is due to a change of the code. ./dev fuzz searches for longer.
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

source_tests() {
  check "format" format || true
  check "syntax of the scripts" syntax || true
  check "docker-compose.yml" compose_file || true
}

release_tests() {  # [PYTEST-OPTION…]
  local code=0
  if ! check "release build" build release all stream_worker; then
    count "end to end, preset release" 0 1 0
    return
  fi
  package_files
  say "end to end, preset release"
  e2e_tests release "$@" || code=$?
  e2e_report release $code
}

sanitized_tests() {  # PRESET [PYTEST-OPTION…]
  local code=0
  if ! check "$1 build" build "$1" all stream_worker; then
    count "unit tests" 0 1 0
    count "end to end, preset $1" 0 1 0
    return
  fi
  unit_tests "$1"
  seed_tests "$1"
  say "end to end, preset $1"
  e2e_tests "$@" || code=$?
  e2e_report "$1" $code
}

# Each end-to-end test runs once, but for those marked `both`; ./dev test full runs all of them twice.
short_set() {
  source_tests
  release_tests -m "outside_worker or both"
  sanitized_tests asan-ubsan -m "not outside_worker"
  check "clang-tidy of what changed" lint_changed || true
}

# What is promised to clients and held against attackers, once more by stacks whose nginx decides about messages.
# (After a pause of Redis the workers are asked whether it is up again; they know nothing of nginx's connections.)
module_tests() {
  local code=0
  [[ -e build/release/ngx_http_sluice_module.so ]] || return 0
  say "end to end, with nginx's module before the workers"
  SLUICE_TEST_MODULE=1 e2e_tests release -m "not reads_body" -k "test_walkthrough or test_attacks or \
test_abuse_http or test_exactness or test_parity or test_unreadable or (test_api_keys and not test_reload) or test_limits_route or \
test_trusted_proxies or (test_store_faults and not paused_redis) or test_concurrency" || code=$?
  e2e_report release $code
}

# promtool, which says whether GET /metrics is as Prometheus wants it: alone out of Debian's package, as the
# server beside it is large, and is not wanted here.
fetch_promtool() {
  [[ ! -x build/promtool/usr/bin/promtool ]] || return 0
  mkdir -p build/promtool
  (
    cd build/promtool || return
    apt-get -q download prometheus || { as_root apt-get -q update && apt-get -q download prometheus; } &&
      dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb usr/bin/prometheus
  )
}

# More of the same: every check of the sanitizers, long timelines and each step of a crash, all
# end-to-end tests under the sanitizers, libFuzzer itself, clang-tidy over all.
full_set() {
  export SLUICE_TEST_FULL=1
  source_tests
  check "promtool" fetch_promtool || true
  release_tests
  module_tests
  sanitized_tests asan-ubsan-full
  if check "fuzz build" build fuzz; then fuzz_tests; else count "fuzz" 0 1 0; fi
  check "clang-tidy" lint_all || true
}

run_suites() {  # [full | package]
  cd "$ROOT" || die "$ROOT: cannot enter"
  # The caller's settings are for ./dev up, not for the instances of the tests.
  unset "${SETTINGS[@]}" RUN_DIR RATE_LIMIT_STORAGE_URI
  case ${1:-} in
    '') short_set ;;
    full) full_set ;;
    package)
      # shellcheck source=tests/package/run.sh
      . "$ROOT/tests/package/run.sh" && package_tests
      ;;
  esac
  ((failed == 0)) || printf 'dev: failed: %s\n' "${failures[@]}"
  printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || echo ", $skipped skipped")"
  ((failed == 0))
}
