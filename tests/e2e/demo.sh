#!/bin/bash
# ./dev demo: the walk-through of the article. It has an instance of its own: so quotas are full at the start,
# it may edit the config, and it disturbs nobody.
set -euo pipefail

ROOT=$(realpath -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
PLACE=$(mktemp -d /tmp/sluice-demo-XXXXXX)
CONF_DIR=$PLACE/conf
unset RATE_LIMIT_STORAGE_URI LAYOUT
export RUN_DIR=$PLACE/run CONFIG=$CONF_DIR/sluice.cfg

# shellcheck source=tests/e2e/walk_through.sh
. "$ROOT/tests/e2e/walk_through.sh"

ask_redis() { redis-cli -s "$RUN_DIR/redis.sock" "$@"; }
restart_workers() { "$ROOT/dev" restart; }

finish() {
  local code=$?
  "$ROOT/dev" down >/dev/null || code=1
  rm -rf "$PLACE"
  exit $code
}

trap finish EXIT
trap 'exit 130' INT TERM
PORT1=$(free_port 8103)
PORT2=$(free_port $((PORT1 + 1)))
export PORT1 PORT2
cp -r "$ROOT/conf" "$CONF_DIR"
"$ROOT/dev" up | sed '/^Try:/,$d'
walk_through
show_result
