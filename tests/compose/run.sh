# shellcheck shell=bash
# ./dev test compose: builds and runs docker-compose.yml. Sourced by dev. It needs no Docker engine: podman
# and runc stand in for it, and docker-compose speaks to podman's API. It needs no registry: the base image
# is made from this machine's own apt sources. It needs root, and the rights to mount and to make networks:
# that is why it is apart from the other tests.
#
# Images and their layers stay in build/compose for the next run. Another podman on the machine is not touched.

COMPOSE_HOME=$ROOT/build/compose
COMPOSE_BASE=localhost/sluice-base:12
compose_background=()  # processes that clean_up ends
compose_builder=

# --- podman ---------------------------------------------------------------------------------------

# The ulimits, runc and cgroupfs are for machines that are containers themselves. The locks are files, as all
# podmans of a machine would share those in shared memory.
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

# podman leaves its health checks to systemd, which may not run here.
run_health_checks() {
  local container
  while sleep 0.5; do
    for container in $(podman ps -q --filter health=starting); do
      timeout 20 podman healthcheck run "$container" || true
    done
  done
}

start_engine() {
  podman rm -fa >/dev/null  # what a killed run left
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
  # A container that was killed at an unlucky moment leaves its mounts. The innermost goes first.
  awk -v home="$COMPOSE_HOME/" 'index($2, home) == 1 { print $2 }' /proc/mounts | tac |
    xargs -r -n 1 umount 2>/dev/null || true
  rm -rf "$PLACE"
  exit $code
}

# --- what the walk-through needs ------------------------------------------------------------------

compose() { docker-compose -f "$PLACE/project/docker-compose.yml" "$@"; }
inside() { compose exec -T "$@" </dev/null; }  # SERVICE COMMAND…
ask_redis() { inside redis operator redis-cli "$@"; }
both_answer() { answers "$PORT1" && answers "$PORT2"; }
wait_until_up() { await 90 both_answer || die "the pods do not answer: see their last lines below"; }

restart_workers() {
  local start=$SECONDS
  compose restart api1 api2
  wait_until_up
  say "restarted in $((SECONDS - start)) s"
}

# Prints the processes of this name in api1 on one line, the oldest first.
processes() {  # NAME
  # shellcheck disable=SC2016
  inside api1 bash -c 'for p in /proc/[0-9]*; do
    { read -r name <$p/comm; } 2>/dev/null && [[ $name == "$0" ]] && echo "${p#/proc/}"
  done | sort -n | paste -sd " "' "$1"
}

started() { podman inspect --format '{{.State.StartedAt}}' "$(compose ps -q api1)"; }

# shellcheck source=tests/compose/checks.sh
. "$ROOT/tests/compose/checks.sh"

# --- the run --------------------------------------------------------------------------------------

compose_project() {  # makes a copy, as the tests edit its config
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
  export SLUICE_REVISION=0123456789abcdef0123456789abcdef01234567  # of no commit: the same image each time
  compose_project
  configure_podman
  trap clean_up EXIT
  timed "the base image" make_base_image
  start_engine
  # In the background, so that bash handles a signal at once.
  timed "the build" build_images &
  compose_builder=$!
  wait "$compose_builder" || exit
  compose_builder=
  timed "up" compose up -d
  wait_until_up
  podman images --format '{{.Repository}} {{.Size}}' | grep sluice
  check_confinement
  check_passwords
  timed "the walk-through" walk_through
  timed "crashes" check_crashes
  timed "down and up" check_persistence
  timed "a key" check_keys
  timed "own passwords" check_own_passwords
  timed "README" check_readme
  show_result
}
