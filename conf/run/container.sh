#!/bin/bash
# Process 1 of a container. `pod` runs nginx and WORKERS workers of pool POOL; `redis` runs a Redis for
# them; `health` and `redis-health` are their health checks. Anything else is a command, which gets the
# passwords that it needs. /usr/bin/operator is a link to this file: its arguments are such a command.
set -euo pipefail

ROOT=$(realpath -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
readonly ROOT PORT=8080

say() { printf 'sluice: %s\n' "$*"; }
die() {
  printf 'sluice: %s\n' "$*" >&2
  exit 1
}

# shellcheck source=conf/run/processes.sh
. "$ROOT/conf/run/processes.sh"
# shellcheck source=conf/run/servers.sh
. "$ROOT/conf/run/servers.sh"

# All logs go to the container's standard error: there is no file to read the last line of.
last_line() { printf 'its last lines are above'; }

# Two passwords: the workers' is in a volume of its own, the operator's beside the data. A variable
# replaces each. Without it, Redis makes the password at its first start, and the pods wait for that.
WORKER_PASSWORD=/var/lib/redis-password/password
OPERATOR_PASSWORD=/data/operator.password

password() {  # GIVEN FILE: fails if there is none
  printf %s "${1:-$(cat "$2" 2>/dev/null)}" | grep .
}

make_password() {  # FILE: if it does not exist; nobody ever reads half of it
  [[ ! -e $1 ]] || return 0
  (umask 027 && random_password >"$1.new") && sync "$1.new" && mv "$1.new" "$1"
}

# Exports the password that this container has: the operator's for redis-cli, or the workers' in the URI
# of the store, unless RATE_LIMIT_STORAGE_URI is set.
credentials() {
  local password
  [[ ${REDIS_PASSWORD:-}${REDIS_OPERATOR_PASSWORD:-} =~ ^[A-Za-z0-9]*$ ]] ||
    die "REDIS_PASSWORD, REDIS_OPERATOR_PASSWORD: give letters and digits"
  if password=$(password "${REDIS_OPERATOR_PASSWORD:-}" $OPERATOR_PASSWORD); then
    export REDISCLI_AUTH=$password
  elif [[ -z ${RATE_LIMIT_STORAGE_URI:-} ]] &&
    password=$(password "${REDIS_PASSWORD:-}" $WORKER_PASSWORD); then
    export RATE_LIMIT_STORAGE_URI=redis://sluice:$password@redis:6379/0
  fi
}

settle() {
  : "${POOL:=api1}" "${WORKERS:=2}" "${CONFIG:=/etc/sluice/sluice.cfg}"
  [[ $POOL =~ ^[a-z][a-z0-9-]{0,31}$ ]] || die "POOL=$POOL: give up to 32 of a-z, 0-9 and -"
  [[ $WORKERS =~ ^[1-9][0-9]?$ ]] || die "WORKERS=$WORKERS: give a number from 1 to 99"
  RUN_DIR=/tmp/sluice BINARY=/usr/bin/sluice LAYOUT=socket-per-worker
  POOLS=("$POOL") HOST='*' PORTS=("$PORT")
  export SLUICE_SECRET_FILE=${SLUICE_SECRET_FILE:-/var/lib/sluice/secret}
}

enter() {
  local i
  rm -rf "$RUN_DIR"
  mkdir -m 0700 "$RUN_DIR"
  cd "$RUN_DIR"
  mkdir log tmp
  for i in nginx $(seq -f "$POOL-%g" "$WORKERS"); do
    ln -s /dev/stderr "log/$i.log"
  done
}

# nginx takes no more requests, and answers those that it has. Then the workers have nothing left to do.
drain() {
  local master
  trap '' TERM INT
  say "ending"
  master=$(leaders nginx.pid)
  [[ -z $master ]] || kill -QUIT "$master" || true
  await 10 died nginx.pid || true
  stop 5 nginx.pid
  stop 12 gen-*/*.pid
  exit 0
}

reload() {  # the workers take the config as it is now
  local pid
  for pid in $(leaders gen-*/*.pid); do
    kill -HUP "$pid" || true
  done
}

pod() {
  settle
  enter
  credentials
  "$BINARY" check "$CONFIG" || exit
  trap drain TERM INT
  start_generation 1
  echo 1 >generation
  start_nginx
  say "running: $POOL on port $PORT, $WORKERS workers"
  # nginx and the keeps end early only if they cannot go on, or if somebody kills them. Then this
  # container ends too, and whoever runs it starts another.
  trap reload HUP
  until wait -n || (($? != 128 + 1)); do :; done  # HUP ends the wait, not a process
  say "nginx, or the keep of a worker, has ended: this container ends too" >&2
  stop 5 nginx.pid
  stop 12 gen-*/*.pid
  exit 1
}

redis() {
  : "${KEY_PATTERN:=sluice:*}"
  local hash
  make_password $WORKER_PASSWORD
  make_password $OPERATOR_PASSWORD
  credentials
  PASSWORD=$(password "${REDIS_PASSWORD:-}" $WORKER_PASSWORD)
  umask 077
  read -r hash _ < <(printf '%s' "$REDISCLI_AUTH" | sha256sum)
  {
    printf 'port 6379\nbind * -::*\ndir /data\n'
    printf 'user default on resetpass #%s ~* &* +@all\n' "$hash"
    redis_settings
  } >/tmp/redis.conf
  unset REDIS_PASSWORD REDIS_OPERATOR_PASSWORD REDISCLI_AUTH
  exec redis-server /tmp/redis.conf
}

operator() {  # COMMAND…
  (($#)) || die "operator COMMAND…: runs it with the passwords of Redis that it needs"
  credentials
  exec "$@"
}

[[ ${0##*/} != operator ]] || operator "$@"
case ${1:-pod} in
  pod) pod ;;
  health) answers "$PORT" ;;
  redis) redis ;;
  redis-health)
    credentials
    [[ $(timeout 2 redis-cli ping) == PONG ]]
    ;;
  *) operator "$@" ;;
esac
