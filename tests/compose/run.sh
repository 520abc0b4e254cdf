# shellcheck shell=bash
# ./dev test compose: docker-compose.yml, built and run. Sourced by dev. No Docker engine is needed:
# podman and runc stand in for it, docker-compose speaks to podman's API, and the base image is made
# from this machine's own apt sources, so that no registry is asked either. Needs root, and the rights
# to mount and to make networks, which is why it stands apart from the other tests.
#
# Images and their layers stay in build/compose for the next run; nobody else's podman is touched.

COMPOSE_HOME=$ROOT/build/compose
COMPOSE_BASE=localhost/sluice-base:12
compose_background=()  # processes that are to end with the run
compose_builder=

# --- podman ---------------------------------------------------------------------------------------

# The ulimits, runc and cgroupfs are for machines that are containers themselves. File locks: those in
# shared memory are one set for all podmans of a machine.
configure_podman() {
  mkdir -p "$COMPOSE_HOME/graph" "$COMPOSE_HOME/networks"
  cat >"$COMPOSE_HOME/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 1
lock_type = "file"
tmp_dir = "$COMPOSE_HOME/tmp"
image_copy_tmp_dir = "$COMPOSE_HOME/graph"
[network]
network_config_dir = "$COMPOSE_HOME/networks"
CONF
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' \
    "$COMPOSE_HOME" "$COMPOSE_HOME" >"$COMPOSE_HOME/storage.conf"
  export CONTAINERS_CONF=$COMPOSE_HOME/containers.conf
  export CONTAINERS_STORAGE_CONF=$COMPOSE_HOME/storage.conf
}

make_base_image() {
  local sources
  ! podman image exists "$COMPOSE_BASE" || return 0
  # shellcheck disable=SC2016
  mapfile -t sources < <(apt-get indextargets 'Created-By: Packages' 'Origin: Debian' \
    --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    grep -E ' bookworm(-updates|-security)? main$' | sort -u)
  ((${#sources[@]})) || die "apt has no sources of Debian 12 (bookworm)"
  say "making a base image of Debian 12"
  mmdebstrap --quiet --variant=minbase bookworm - "${sources[@]}" |
    podman import --quiet - "$COMPOSE_BASE" >/dev/null || die "could not make a base image: see above"
}

# Nobody else runs the health checks: podman leaves that to systemd.
run_health_checks() {
  local container
  while sleep 0.5; do
    for container in $(podman ps -q --filter health=starting); do
      timeout 20 podman healthcheck run "$container" || true
    done
  done
}

start_engine() {
  podman rm -fa >/dev/null  # of a run that was killed
  setsid podman system service --time=0 "unix://$PLACE/api.sock" >"$COMPOSE_HOME/api.log" 2>&1 8>&- &
  compose_background+=($!)
  run_health_checks >/dev/null 2>&1 8>&- &
  compose_background+=($!)
  await 20 test -S "$PLACE/api.sock" || die "podman does not serve: see $COMPOSE_HOME/api.log"
  export DOCKER_HOST=unix://$PLACE/api.sock COMPOSE_DOCKER_CLI_BUILD=0
}

end_tree() {  # PID
  local child
  for child in $(children "$1"); do
    end_tree "$child"
  done
  kill "$1" 2>/dev/null || true
}

clean_up() {
  local code=$?
  trap '' INT TERM HUP
  say "removing the containers"
  [[ -z $compose_builder ]] || end_tree "$compose_builder"
  ((code == 0)) || compose logs --no-color --tail=40 || true
  compose down -v --remove-orphans >/dev/null 2>&1 || code=1
  kill "${compose_background[@]}" 2>/dev/null || true
  podman rm -fa >/dev/null 2>&1 || true
  podman volume prune -f >/dev/null 2>&1 || true
  podman network prune -f >/dev/null 2>&1 || true
  # The innermost first: a container that was killed at an unlucky moment leaves its file system.
  awk -v home="$COMPOSE_HOME/" 'index($2, home) == 1 { print $2 }' /proc/mounts | tac |
    xargs -r -n 1 umount 2>/dev/null || true
  rm -rf "$PLACE"
  exit $code
}

# --- what the walk-through needs ------------------------------------------------------------------

compose() { docker-compose -f "$PLACE/project/docker-compose.yml" "$@"; }
inside() { compose exec -T "$@" </dev/null; }  # SERVICE COMMAND…
ask_redis() { inside redis redis-cli "$@"; }
both_answer() { answers "$PORT1" && answers "$PORT2"; }
wait_until_up() { await 90 both_answer || die "the pods do not answer: their last words are below"; }

restart_workers() {
  local start=$SECONDS
  compose restart api1 api2
  wait_until_up
  say "restarted in $((SECONDS - start)) s"
}

# The processes of a name in api1, oldest first, in one line.
processes() {  # NAME
  # shellcheck disable=SC2016
  inside api1 bash -c 'for p in /proc/[0-9]*; do
    { read -r name <$p/comm; } 2>/dev/null && [[ $name == "$0" ]] && echo "${p#/proc/}"
  done | sort -n | paste -sd " "' "$1"
}

started() { podman inspect --format '{{.State.StartedAt}}' "$(compose ps -q api1)"; }

# --- what is checked ------------------------------------------------------------------------------

check_confinement() {
  title "What a container may"
  # shellcheck disable=SC2016
  local probe='id -u; grep CapEff /proc/self/status; touch /probe 2>&1 || true'
  local seen
  seen=$(inside api1 bash -c "$probe")
  printf '%s\n' "$seen"
  mark "$([[ $seen == *10001*0000000000000000*Read-only* ]] && echo yes)" \
    "a pod: not root, no capabilities, nothing to write to"
  seen=$(inside redis bash -c "$probe")
  mark "$([[ $seen == [1-9]*0000000000000000*Read-only* ]] && echo yes)" "Redis: the same"
  request GET "$PORT1" /
  same "storage, without its password" "redis://sluice:***@redis:6379/0" "$(jq -r .storage <<<"$BODY")"
  seen=$(inside redis redis-cli --no-auth-warning --user sluice --pass sluice-demo FLUSHALL)
  mark "$([[ $seen == NOPERM* ]] && echo yes)" "a worker's FLUSHALL: $seen"
}

crew_is_new() {  # NAME OLD
  local now
  now=$(processes "$1")
  [[ $(wc -w <<<"$now") == $(wc -w <<<"$2") && $now != "$2" ]]
}

is_another() { [[ $(started) != "$1" ]]; }  # STARTED

check_crashes() {
  local before
  title "K: all workers of a pod are killed; others take over, and the count goes on"
  before=$(processes sluice)
  sleep 10
  chat "$PORT1" globex "$GLOBEX" one
  same "message of the window" 1 "$(jq -r .message_number <<<"$BODY")"
  # shellcheck disable=SC2016,SC2086
  inside api1 bash -c 'kill -KILL "$0" "$@"' $before
  chat "$PORT1" globex "$GLOBEX" two
  same "message of the window" 2 "$(jq -r .message_number <<<"$BODY")"
  await 20 crew_is_new sluice "$before" || true
  mark "$(crew_is_new sluice "$before" && echo yes)" "workers $before are now $(processes sluice)"
  title "L: nginx dies, so the container does, and is started again"
  before=$(started)
  # shellcheck disable=SC2016,SC2046
  inside api1 bash -c 'kill -KILL "$0" "$@"' $(processes nginx) || true
  await 30 is_another "$before" || true
  wait_until_up
  mark "$(is_another "$before" && echo yes)" "started again"
  chat "$PORT1" globex "$GLOBEX" three
  same "status" 200 "$STATUS"
}

check_persistence() {
  title "M: down and up again; Redis has its keys, the pods their secret"
  request DELETE "$PORT1" /session '' "X-Session-ID: $INITECH"
  same "initech's session ended" 204 "$STATUS"
  sleep 1.5  # Redis writes its log every second
  compose down
  compose up -d
  wait_until_up
  chat "$PORT2" initech "$INITECH" "am I still out?"
  same "initech's session" 401 "$STATUS"
  chat "$PORT2" acme "$ACME" "am I still in?"
  same "acme's" 200 "$STATUS"
}

# --- the run --------------------------------------------------------------------------------------

compose_project() {  # a copy, whose config may be edited
  local name
  mkdir "$PLACE/project"
  for name in docker-compose.yml Dockerfile .dockerignore CMakeLists.txt CMakePresets.json \
    fcgi-app nginx conf; do
    cp -a "$ROOT/$name" "$PLACE/project/"
  done
  rm -f "$PLACE"/project/conf/*.secret
}

build_images() {
  local log=$COMPOSE_HOME/build.log
  { compose build 2>&1 || touch "$PLACE/failed"; } | tee "$log" |
    { grep -aE --line-buffered '^(Building |STEP |\[[0-9]+/[0-9]+\]|.*[Ee]rror)' || true; }
  [[ ! -f $PLACE/failed ]] || die "the build failed: see $log"
}

timed() {  # NAME COMMAND…
  local name=$1 start=$SECONDS
  shift
  "$@"
  say "$name took $((SECONDS - start)) s"
}

compose_test() {
  ((EUID == 0)) || die "./dev test compose needs root: it mounts images and makes networks"
  unset "${SETTINGS[@]}" RATE_LIMIT_STORAGE_URI REDIS_PASSWORD REDIS_OPERATOR_PASSWORD SLUICE_SECRETS
  mkdir -p "$COMPOSE_HOME"
  exec 8>"$COMPOSE_HOME/lock"
  flock -n 8 || die "another ./dev test compose runs in $COMPOSE_HOME"
  PLACE=$(mktemp -d /tmp/sluice-compose-XXXXXX)
  CONF_DIR=$PLACE/project/conf
  # shellcheck source=tests/e2e/walk_through.sh
  . "$ROOT/tests/e2e/walk_through.sh"
  PORT1=$(free_port "${COMPOSE_PORT:-18003}")
  PORT2=$(free_port $((PORT1 + 1)))
  export PORT1 PORT2 BASE_IMAGE=$COMPOSE_BASE COMPOSE_PROJECT_NAME=sluice-test-$$
  compose_project
  configure_podman
  trap clean_up EXIT
  timed "the base image" make_base_image
  start_engine
  # In the background: bash would see a signal only after it.
  timed "the build" build_images &
  compose_builder=$!
  wait "$compose_builder" || exit
  compose_builder=
  timed "up" compose up -d
  wait_until_up
  podman images --format '{{.Repository}} {{.Size}}' | grep sluice
  check_confinement
  timed "the walk-through" walk_through
  timed "crashes" check_crashes
  timed "down and up" check_persistence
  show_result
}
