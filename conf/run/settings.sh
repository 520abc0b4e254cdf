# shellcheck shell=bash disable=SC2034,SC2154
# The settings of ./dev, and RUN_DIR: the folder of these settings and of all that runs. Sourced by dev.

# `up` saves them for later commands.
SETTINGS=(WORKERS PORT1 PORT2 CONFIG PRESET LAYOUT STORAGE_URI KEY_PATTERN MODULE)
PLAIN_PATH='^[A-Za-z0-9._/+@,-]+$'  # the configs of nginx and Redis need no quotes for it

saved() { sed -n "s/^$1=//p" "$RUN_DIR/settings"; }  # NAME

recall() {  # sets what the environment does not
  local name
  for name in "${SETTINGS[@]}"; do
    [[ -n ${!name:-} ]] || printf -v "$name" %s "$(saved "$name")"
  done
}

differs() {  # NAME…: prints the first one that the environment sets otherwise than it was saved
  local name
  for name in "$@"; do
    [[ -n ${!name:-} && ${!name} != "$(saved "$name")" ]] || continue
    printf %s "${name/#STORAGE_URI/RATE_LIMIT_STORAGE_URI}"
    return
  done
  return 1
}

remember() {
  local name
  for name in "${SETTINGS[@]}" RUN_DIR; do
    printf '%s=%s\n' "$name" "${!name}"
  done >"$RUN_DIR/settings"
}

settle() {  # fills in the defaults, refuses what cannot work
  local name
  : "${WORKERS:=2}" "${PORT1:=8003}" "${PORT2:=8004}" "${CONFIG:=$ROOT/conf/sluice.cfg}"
  : "${PRESET:=release}" "${LAYOUT:=socket-per-worker}" "${STORAGE_URI:=}" "${KEY_PATTERN:=}"
  : "${MODULE:=}"
  CONFIG=$(realpath -m -- "$CONFIG")
  BINARY=$ROOT/build/$PRESET/sluice
  [[ $WORKERS =~ ^[1-9][0-9]?$ ]] || refuse "WORKERS=$WORKERS: give a number from 1 to 99"
  for name in PORT1 PORT2; do
    { [[ ${!name} =~ ^[1-9][0-9]{0,4}$ ]] && ((${!name} < 65536)); } ||
      refuse "$name=${!name}: give a number from 1 to 65535"
  done
  PORTS=("$PORT1" "$PORT2")
  ((PORT1 != PORT2)) || refuse "PORT1 and PORT2 are both $PORT1: give two ports"
  [[ $PRESET =~ ^(release|dev|asan-ubsan(-full)?)$ ]] ||
    refuse "PRESET=$PRESET: give release, dev or asan-ubsan"
  [[ $LAYOUT =~ ^(socket-per-worker|shared)$ ]] ||
    refuse "LAYOUT=$LAYOUT: give socket-per-worker or shared"
  [[ $CONFIG =~ $PLAIN_PATH ]] ||
    refuse "CONFIG=$CONFIG: only letters, digits and ._/+@,- can be in this path"
}

config_is_there() {
  [[ -f $CONFIG && -r $CONFIG ]] || refuse "CONFIG=$CONFIG: no such file, or you may not read it"
}

# --- RUN_DIR -------------------------------------------------------------------------------------

check_run_dir() {  # before we make or delete anything in it: it may be somebody else's
  [[ $RUN_DIR =~ $PLAIN_PATH ]] ||
    refuse "RUN_DIR=$RUN_DIR: only letters, digits and ._/+@,- can be in this path"
  # A socket's path has at most 107 bytes, and /gen-99999/api1-99.sock takes 23 of them.
  ((${#RUN_DIR} <= 84)) || refuse "RUN_DIR=$RUN_DIR is longer than 84 bytes: give a shorter one"
  [[ -e $RUN_DIR ]] || return 0
  [[ -d $RUN_DIR ]] || die "RUN_DIR=$RUN_DIR is not a folder: give another"
  [[ -O $RUN_DIR || $EUID == 0 ]] || die "RUN_DIR=$RUN_DIR is another user's: give one of your own"
  [[ $RUN_DIR == "$ROOT/.run" || -f $RUN_DIR/dev.lock || -z $(ls -A "$RUN_DIR" 2>/dev/null) ]] ||
    die "RUN_DIR=$RUN_DIR has files of somebody else: give an empty folder, or a new one"
}

enter() {  # makes RUN_DIR and locks it: another ./dev waits until this one ends
  local said
  said=$(mkdir -p -- "$RUN_DIR" 2>&1) || die "RUN_DIR=$RUN_DIR: ${said##*: }: give another"
  { chmod 700 "$RUN_DIR" && cd "$RUN_DIR" && exec 9>dev.lock; } 2>/dev/null ||
    die "RUN_DIR=$RUN_DIR cannot be written to: give another"
  flock -n 9 || {
    say "waiting for another ./dev to end"
    flock -w 900 9 || die "another ./dev still works in $RUN_DIR: wait for it, or end it"
  }
  ! is_copy || {
    say "$RUN_DIR is a copy of $(saved RUN_DIR): nothing runs here"
    forget
  }
}

# Whether RUN_DIR is a copy of a folder in use. If it was moved instead, its processes work in it.
is_copy() {
  [[ -f settings && $(saved RUN_DIR) != "$RUN_DIR" ]] && gone nginx.pid gen-*/*.pid redis.pid
}

is_up() ([[ -f $RUN_DIR/settings ]] && cd "$RUN_DIR" && ! is_copy)

forget() { rm -rf gen-* tmp settings ./*.pid redis.sock redis.password upstreams.conf; }
