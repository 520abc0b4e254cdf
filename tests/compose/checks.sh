# shellcheck shell=bash disable=SC2154
# What ./dev test compose checks beside the walk-through. Sourced by run.sh.

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
  seen=$(inside api1 sluice --version)
  mark "$([[ $seen == *"(git ${SLUICE_REVISION:0:7})" ]] && echo yes)" "$seen"
  seen=$(inside api1 find /etc/sluice -type f | sort | xargs)
  same "config" "/etc/sluice/sluice.cfg /etc/sluice/tenants.cfg" "$seen"
}

as_user() {  # NAME PASSWORD COMMAND…: what Redis says
  inside redis redis-cli --no-auth-warning --user "$1" --pass "$2" "${@:3}" 2>&1 || true
}

# Workers may not PING: if the password is right, Redis answers NOPERM.
entry() { [[ $(as_user "$1" "$2" PING) =~ ^(PONG|NOPERM) ]] && echo yes || echo no; }  # NAME PASSWORD

check_passwords() {
  local worker operator guess seen
  title "Redis's passwords, made at the first start"
  worker=$(inside redis cat /var/lib/redis-password/password)
  operator=$(inside redis cat /data/operator.password)
  mark "$([[ $worker =~ ^[0-9a-f]{64}$ && $operator =~ ^[0-9a-f]{64}$ ]] && echo yes)" "two of 256 bits"
  mark "$([[ $worker != "$operator" ]] && echo yes)" "not the same"
  mark "$([[ $(inside api1 cat /var/lib/redis-password/password) == "$worker" ]] && echo yes)" \
    "the pods have the workers'"
  mark "$(inside api1 bash -c '! ls /data || ! : >>/var/lib/redis-password/password' 2>/dev/null &&
    echo yes)" "and not the operator's, nor may they write to it"
  mark "$(! inside api1 env | grep -E "$worker|$operator" >/dev/null && echo yes)" "none in the environment"
  same "as a worker, FLUSHALL" NOPERM "$(as_user sluice "$worker" FLUSHALL | cut -c 1-6)"
  same "as the operator, by README's words" PONG "$(ask_redis PING)"
  for guess in "" sluice redis sluice-demo sluice-demo-operator; do  # those of earlier versions, too
    for seen in sluice default; do
      same "entry as $seen with \"$guess\"" no "$(entry "$seen" "$guess")"
    done
  done
}

check_keys() {
  local key port seen
  title "An API key that is made inside"
  key=$(inside api1 sluice key new -c /etc/sluice/sluice.cfg --tenant globex --user alice)
  mark "$([[ -n $key ]] && inside api2 sluice key list -c /etc/sluice/sluice.cfg | grep -q alice && echo yes)" \
    "the other pod lists it"
  request POST "$PORT1" /chat '{"message":"hello"}' "X-API-Key: $key"
  same "before a restart" 401 "$STATUS"
  restart_workers
  for port in "$PORT1" "$PORT2"; do
    request POST "$port" /chat '{"tenant_id":"globex","message":"hello"}' "X-API-Key: $key" "X-Tenant-ID: globex"
    same "after it" 200 "$STATUS"
  done
  seen=$(inside api2 operator sluice peek -c /etc/sluice/sluice.cfg --session "$ACME" | head -n 1)
  mark "$([[ $seen == chat*used* ]] && echo yes)" "an operator's peek: $seen"
  title "A check in a container of its own sees what an editor has put in the place of the config"
  seen=$(docker compose run --rm api1 sluice check /etc/sluice/sluice.cfg 2>&1) || true
  mark "$([[ $seen == *"1 API key"* ]] && echo yes)" "$seen"
  sed -i.good '1s/^/nonsense\n/' "$CONF_DIR/tenants.cfg"
  seen=$(docker compose run --rm api1 sluice check /etc/sluice/sluice.cfg 2>&1) || true
  mark "$([[ $seen == *tenants.cfg:* ]] && echo yes)" "$seen"
  mv "$CONF_DIR/tenants.cfg.good" "$CONF_DIR/tenants.cfg"
}

check_own_passwords() {
  title "N: passwords of .env go before"
  printf 'REDIS_PASSWORD=OfTheWorkers1\nREDIS_OPERATOR_PASSWORD=OfTheOperator2\n' >"$PLACE/project/.env"
  compose up -d
  wait_until_up
  request GET "$PORT1" /
  same "store" up "$(jq -r .store.status <<<"$BODY")"
  same "entry as a worker" yes "$(entry sluice OfTheWorkers1)"
  same "entry as the operator" yes "$(entry default OfTheOperator2)"
  rm "$PLACE/project/.env"
}

crew_is_new() {  # NAME OLD
  local now
  now=$(processes "$1")
  [[ $(wc -w <<<"$now") == $(wc -w <<<"$2") && $now != "$2" ]]
}

is_another() { [[ $(started) != "$1" ]]; }  # STARTED

check_crashes() {
  local before round
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
  for round in {1..12}; do  # nobody gives up
    before=$(processes sluice)
    # shellcheck disable=SC2016,SC2086
    inside api1 bash -c 'kill -KILL "$0" "$@"' $before
    await 20 crew_is_new sluice "$before" || true
    crew_is_new sluice "$before" || break
  done
  mark "$(crew_is_new sluice "$before" && echo yes)" "killed $round times more: $(processes sluice)"
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

# As README has it, without a terminal. For `run`, docker-compose 1.29 asks for links, which podman has
# none of: podman itself makes the container, of the same image and with the same volumes.
docker() {  # compose …
  local like
  case "$2 ${3:-}" in
    'run --rm')
      like=$(compose ps -q "$4")
      podman --log-level=error run --rm --volumes-from "$like" "$(podman inspect --format '{{.Image}}' "$like")" "${@:5}"
      ;;
    exec\ *) compose exec -T "${@:3}" </dev/null ;;
    *) compose "${@:2}" ;;
  esac
}

check_readme() {
  local line lines
  title "O: README's commands, as they stand there"
  mapfile -t lines < <(sed -n '/^## With Docker/,/^## /{s/^    //p}' "$ROOT/README.md")
  same "commands" 5 "${#lines[@]}"
  for line in "${lines[@]}"; do
    mark "$(eval "$line" >"$ANSWER" 2>&1 && echo yes)" "$line"
    tail -n 3 "$ANSWER"
  done
  wait_until_up
}
