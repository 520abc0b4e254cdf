# shellcheck shell=bash disable=SC2034,SC2154
# The walk-through of the article (requirements.md A0-25 to A0-32); it checks each answer. A script that
# sources it brings up an instance first: api1 on PORT1, api2 on PORT2, full quotas. It gives a copy of conf/
# in CONF_DIR, an empty folder PLACE, and two functions: ask_redis COMMAND… and restart_workers.

WRONG=0
ANSWER=$PLACE/answer
HEAD=$PLACE/head

free_port() {  # FROM
  local port=$1
  while (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

title() { printf '\n== %s\n' "$*"; }
mark() {  # GOOD TEXT
  if [[ $1 == yes ]]; then printf '   ✔ %s\n' "$2"; else printf '   ✘ %s\n' "$2"; WRONG=$((WRONG + 1)); fi
}
same() {  # WHAT EXPECTED ACTUAL
  if [[ $2 == "$3" ]]; then mark yes "$1: $2"; else mark no "$1: $3, expected $2"; fi
}

request() {  # METHOD PORT PATH [BODY [HEADER…]]: sets STATUS and BODY
  local method=$1 url=http://127.0.0.1:$2$3 body=${4:-} header arguments=()
  shift $(($# < 4 ? $# : 4))
  [[ -z $body ]] || arguments+=(-H 'Content-Type: application/json' -d "$body")
  for header in "$@"; do arguments+=(-H "$header"); done
  STATUS=$(curl -s --max-time 20 -X "$method" -D "$HEAD" -o "$ANSWER" -w '%{http_code}' \
    "${arguments[@]}" "$url") || true
  BODY=$(<"$ANSWER")
  printf '%s %s %s\n   %s %s\n' "$method" "$url" "$body" "$STATUS" "$BODY"
}

chat() {  # PORT TENANT SESSION MESSAGE
  request POST "$1" /chat "{\"tenant_id\":\"$2\",\"session_id\":\"$3\",\"message\":\"$4\"}" \
    "X-Tenant-ID: $2" "X-Session-ID: $3"
}

accepted() {  # PORT TENANT SESSION FROM TO: messages nFROM to nTO all succeed
  local i good=0
  for ((i = $4; i <= $5; i++)); do
    chat "$1" "$2" "$3" "n$i"
    [[ $STATUS != 200 ]] || good=$((good + 1))
  done
  same "messages n$4 to n$5 of $2 accepted" $(($5 - $4 + 1)) "$good"
}

denied() {  # LIMIT: the answer is the article's 429
  same "status" 429 "$STATUS"
  same "body" "{\"detail\":\"Rate limit exceeded: $1\"}" "$BODY"
}

open_session() {  # TENANT: sets SID
  request POST "$PORT1" /session "{\"tenant_id\":\"$1\"}"
  SID=$(jq -r '.session_id // empty' <<<"$BODY")
  mark "$([[ $STATUS == 20[01] && -n $SID ]] && echo yes)" "a session for $1"
}

wait_as_told() {  # by the last 429's Retry-After
  local seconds
  seconds=$(tr -d '\r' <"$HEAD" | sed -n 's/^retry-after: *//Ip')
  mark "$([[ $seconds =~ ^[1-9][0-9]*$ ]] && echo yes)" "Retry-After: $seconds"
  printf '   waiting %s s for the window to reset\n' "$seconds"
  sleep "$seconds"
}

check_status() {
  local port n=0
  title "A: both pools, one truth"
  for port in "$PORT1" "$PORT2"; do
    n=$((n + 1))
    request GET "$port" /
    same "pool" "api$n" "$(jq -r .pool <<<"$BODY")"
    same "store" up "$(jq -r .store.status <<<"$BODY")"
    same "acme may" 8 "$(jq -r .tenants.acme.chat_per_10s <<<"$BODY")"
    same "defaults" "5 10" \
      "$(jq -r '.defaults | "\(.chat_per_10s) \(.session_per_minute)"' <<<"$BODY")"
  done
}

check_limits() {
  title "B: a session for each tenant"
  open_session acme && ACME=$SID
  FIRST_SESSION=$SECONDS
  open_session globex && GLOBEX=$SID
  open_session initech && INITECH=$SID
  title "C: acme has 8 per 10 seconds"
  accepted "$PORT1" acme "$ACME" 1 8
  chat "$PORT1" acme "$ACME" n9
  denied "8 per 10 seconds"
  wait_as_told
  title "D: seven on one port, the eighth on the other; the count is one"
  accepted "$PORT1" acme "$ACME" 1 7
  accepted "$PORT2" acme "$ACME" 8 8
  chat "$PORT2" acme "$ACME" n9-should-429
  denied "8 per 10 seconds"
  title "E: globex has 4 per 10 seconds"
  accepted "$PORT1" globex "$GLOBEX" 1 4
  chat "$PORT1" globex "$GLOBEX" n5
  denied "4 per 10 seconds"
}

check_fallbacks() {
  local i
  title "F: without headers the address counts, by the default of 5 per 10 seconds"
  for i in 1 2 3 4 5; do
    request POST "$PORT1" /chat '{"message":"who am I?"}'
    same "call $i" 200 "$STATUS"
  done
  request POST "$PORT1" /chat '{"message":"who am I?"}'
  denied "5 per 10 seconds"
  title "G: a session belongs to one tenant"
  chat "$PORT1" globex "$ACME" "not mine"
  if [[ $STATUS == 429 ]]; then
    wait_as_told
    chat "$PORT1" globex "$ACME" "not mine"
  fi
  same "status" 403 "$STATUS"
  same "body" '{"detail":"Session does not belong to tenant"}' "$BODY"
}

check_sessions() {
  local i good='' left=$((FIRST_SESSION + 61 - SECONDS))
  title "H: twelve sessions, ten a minute"
  if ((left > 0)); then
    printf '   waiting %s s: three sessions were made in this minute already\n' "$left"
    sleep "$left"
  fi
  for i in {1..12}; do
    request POST "$PORT1" /session '{"tenant_id":"acme"}'
    good+=" $STATUS"
  done
  same "answers" " 201 201 201 201 201 201 201 201 201 201 429 429" "$good"
  same "body" '{"detail":"Rate limit exceeded: 10 per 1 minute"}' "$BODY"
}

inspect_keys() {
  local key keys ttl
  title "I: what Redis holds"
  chat "$PORT1" acme "$ACME" "one more"
  keys=$(ask_redis --scan)
  mark "$([[ -n $keys ]] && echo yes)" "$(wc -l <<<"$keys") keys"
  while read -r key; do
    ttl=$(ask_redis PTTL "$key" </dev/null)
    # -2: it has expired since; -1 would be for ever.
    mark "$( ((ttl > 0 || ttl == -2)) && echo yes)" "$key expires in $ttl ms"
  done <<<"$keys"
}

check_new_limit() {
  title "J: acme gets 12, by an edit and a restart of the workers"
  sed -i '/id = "acme"/s/8 per 10 seconds/12 per 10 seconds/' "$CONF_DIR/tenants.cfg"
  diff "$ROOT/conf/tenants.cfg" "$CONF_DIR/tenants.cfg" || true
  restart_workers
  request GET "$PORT1" /
  same "acme may" 12 "$(jq -r .tenants.acme.chat_per_10s <<<"$BODY")"
  printf '   waiting 10 s for a fresh window\n'
  sleep 10
  accepted "$PORT1" acme "$ACME" 1 7
  accepted "$PORT2" acme "$ACME" 8 12
  chat "$PORT2" acme "$ACME" n13
  denied "12 per 10 seconds"
}

walk_through() {
  check_status
  check_limits
  check_fallbacks
  check_sessions
  inspect_keys
  check_new_limit
}

show_result() {  # fails if something differs
  title "$( ((WRONG == 0)) && echo 'all as expected' || echo "$WRONG differ")"
  ((WRONG == 0))
}
