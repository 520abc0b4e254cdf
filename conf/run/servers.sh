# shellcheck shell=bash disable=SC2154
# Starts what ./dev and a container run: Redis, the pools of workers, nginx. Sourced by dev and by
# container.sh. The working folder is RUN_DIR. POOLS names the pools; nginx serves them on HOST at PORTS.

# --- Redis ---------------------------------------------------------------------------------------

redis_answers() { [[ $(redis-cli -s redis.sock ping 2>/dev/null) == PONG ]]; }
redis_settled() { died redis.pid || redis_answers; }

# The commands that a worker sends; it may send no others. An operator is the user "default", who may do
# all. Only those who can enter RUN_DIR reach Redis at all.
WORKER_RIGHTS='-@all +evalsha +eval +script|load +time +info +mget +exists +set +setrange'

# The workers' password, saved for workers that start later. It is never the argument of a command:
# everybody on the host can see arguments.
random_password() { od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'; }
read_password() {
  [[ -f $RUN_DIR/redis.password ]] || (umask 077 && random_password >"$RUN_DIR/redis.password")
  PASSWORD=$(<"$RUN_DIR/redis.password")
}

export_storage() {  # where the store and the secret are: workers read it from their environment
  [[ -n $STORAGE_URI ]] || read_password
  export RATE_LIMIT_STORAGE_URI=${STORAGE_URI:-unix://sluice:$PASSWORD@$RUN_DIR/redis.sock?db=0}
  export SLUICE_SECRET_FILE=$RUN_DIR/secret
}

rights() {  # PATTERN…: prints the workers' user, who may use keys of these patterns
  local hash
  read -r hash _ < <(printf '%s' "$PASSWORD" | sha256sum)
  printf 'sluice on resetpass #%s resetkeys' "$hash"
  printf ' ~%s' "$@"
  printf ' resetchannels %s\n' "$WORKER_RIGHTS"
}

grant() {  # PATTERN…: gives them to the workers, in the Redis that runs
  [[ $(timeout 5 redis-cli -s redis.sock <<<"ACL SETUSER $(rights "$@")" 2>/dev/null) == OK ]] ||
    die "Redis does not take the workers' rights: see ./dev status and $RUN_DIR/log/redis.log"
}

redis_settings() {  # the same for ./dev and in a container
  cat <<CONF
user $(rights "$KEY_PATTERN")
# Counts outlive a restart of Redis, and are never thrown out for lack of memory.
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
enable-debug-command no
enable-module-command no
enable-protected-configs no
proc-title-template "{title} {config-file}"
CONF
}

write_redis_conf() {
  {
    printf 'port 0\nunixsocket %s/redis.sock\nunixsocketperm 660\n' "$RUN_DIR"
    printf 'dir %s/redis\n' "$RUN_DIR"
    redis_settings
  } >redis.conf
}

start_redis() {
  write_redis_conf
  launch redis.pid log/redis.log redis-server "$RUN_DIR/redis.conf"
  await 30 redis_settled || die "Redis does not answer: see $RUN_DIR/log/redis.log"
  ! died redis.pid ||
    die "Redis did not start: $(last_line log/redis.log) (see $RUN_DIR/log/redis.log)"
  say "Redis on $RUN_DIR/redis.sock"
}

# --- pools ---------------------------------------------------------------------------------------

start_pool() {  # GENERATION POOL
  local dir=$RUN_DIR/gen-$1 pool=$2 i
  local worker=("$BINARY" worker --config "$CONFIG" --pool "$pool" --generation "$1")
  if [[ $LAYOUT == shared ]]; then
    # spawn-fcgi -F sends the output of its children to /dev/null: the shell sends it to the log. Nobody
    # restarts these workers.
    # shellcheck disable=SC2016
    spawn-fcgi -s "$dir/$pool.sock" -M 0660 -b 1024 -F "$WORKERS" -P "$dir/$pool.spawned" -- \
      /bin/sh -c 'exec "$@" 2>>"$0"' "$RUN_DIR/log/$pool.log" "${worker[@]}" \
      >/dev/null 9>&- || die "spawn-fcgi could not start pool $pool"
    # shellcheck disable=SC2046
    note_pids "$dir/$pool.pid" $(<"$dir/$pool.spawned")
    return
  fi
  for ((i = 1; i <= WORKERS; i++)); do
    # keep replaces a worker that dies; requests wait in its socket. If the first worker cannot start, keep
    # ends too, so that we see it.
    launch "$dir/$pool-$i.pid" "log/$pool-$i.log" \
      spawn-fcgi -n -s "$dir/$pool-$i.sock" -M 0660 -b 1024 -- \
      "$ROOT/conf/run/keep" "${worker[@]}"
  done
}

# Whether a worker answers a FastCGI request on this socket.
serves() {
  local answer
  answer=$(env -i REQUEST_METHOD=GET DOCUMENT_URI=/ REMOTE_ADDR=127.0.0.1 \
    timeout 2 /usr/bin/cgi-fcgi -bind -connect "$1" </dev/null 2>/dev/null) || return 1
  [[ $answer == *'"service"'* ]]
}

settled() { died "${1%.sock}.pid" || serves "$1"; }

start_generation() {  # GENERATION: all pools; returns when every socket answers
  local pool socket name
  mkdir -p "gen-$1"
  for pool in "${POOLS[@]}"; do
    start_pool "$1" "$pool"
  done
  for name in "gen-$1"/*.pid; do
    socket=$RUN_DIR/${name%.pid}.sock
    name=$(basename "$name" .pid)
    { await 30 settled "$socket" && ! died "${socket%.sock}.pid"; } ||
      die "worker $name did not come up: $(last_line "log/$name.log") (see $RUN_DIR/log/$name.log)"
  done
}

# --- nginx ---------------------------------------------------------------------------------------

write_upstreams() {  # GENERATION
  local pool socket
  for pool in "${POOLS[@]}"; do
    printf 'upstream %s {\n    least_conn;\n' "$pool"
    for socket in "$RUN_DIR/gen-$1/$pool"*.sock; do
      # A crashed worker is back within a second, and requests wait in its socket. So nginx must not take
      # it off the list: with max_fails, a crash of all workers would mean ten seconds of 503.
      printf '    server unix:%s max_fails=0;\n' "$socket"
    done
    printf '    keepalive 64;\n    keepalive_requests 1000000;\n}\n'
  done >upstreams.conf.new
  mv upstreams.conf.new upstreams.conf
}

answers() (  # PORT: whether a worker behind nginx answers. A container has no curl to ask with
  exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit
  printf 'GET / HTTP/1.0\r\n\r\n' >&3
  IFS= read -r -t 2 line <&3 && [[ $line == 'HTTP/1.1 200 '* ]]
)

nginx_serves() {
  local port
  for port in "${PORTS[@]}"; do
    answers "$port" || return 1
  done
}
nginx_settled() { died nginx.pid || nginx_serves; }

# Debian's nginx has this bound since 1.22.1-9+deb12u8. An older one refuses a config that names it.
max_headers() {
  ! grep -qaw max_headers "$(command -v nginx)" || printf 'max_headers 100;'
}

# With the module (./dev up --module) nginx decides about messages, and the workers let that stand.
load_module() {
  [[ -z ${MODULE:-} ]] || printf 'load_module "%s/build/%s/ngx_http_sluice_module.so";' "$ROOT" "$PRESET"
}
sluice_config() { [[ -z ${MODULE:-} ]] || printf 'sluice_config "%s";' "$CONFIG"; }
messages() {  # POOL
  [[ -n ${MODULE:-} ]] || return 0
  cat <<CONF
location = /chat {
            sluice chat;
            include "$ROOT/nginx/sluice_params";
            include "$ROOT/nginx/sluice_location.conf";
            fastcgi_param SLUICE_HANDED_OVER \$sluice_handed_over if_not_empty;
            fastcgi_pass $1;
        }
CONF
}

servers() {  # prints nginx's servers, one for each pool
  local text i
  for i in "${!POOLS[@]}"; do
    text=$(<"$ROOT/nginx/server.conf.in")
    text=${text//@LISTEN@/"$HOST:${PORTS[i]}"}
    text=${text//@ROOT@/"$ROOT"}
    text=${text//@MESSAGES@/"$(messages "${POOLS[i]}")"}
    printf '%s\n' "${text//@POOL@/"${POOLS[i]}"}"
  done
}

start_nginx() {
  local text user=
  # If root starts nginx, its workers would be another user, who cannot enter RUN_DIR.
  ((EUID != 0)) || user='user root;'
  text=$(<"$ROOT/nginx/nginx.conf.in")
  text=${text//@USER@/"$user"}
  text=${text//@MAX_HEADERS@/"$(max_headers)"}
  text=${text//@LOAD_MODULE@/"$(load_module)"}
  text=${text//@SLUICE_CONFIG@/"$(sluice_config)"}
  text=${text//@ROOT@/"$ROOT"}
  text=${text//@RUN_DIR@/"$RUN_DIR"}
  printf '%s\n' "${text//@SERVERS@/"$(servers)"}" >nginx.conf
  write_upstreams "$(<generation)"
  : >>log/nginx.log
  launch nginx.pid log/nginx.log nginx -e "$RUN_DIR/log/nginx.log" -p "$RUN_DIR" -c nginx.conf
  { await 15 nginx_settled && ! died nginx.pid; } ||
    die "nginx did not come up: $(last_line log/nginx.log) (see $RUN_DIR/log/nginx.log)"
}

# Whether nginx has new workers, and the old ones take no more requests.
reloaded() {  # MASTER OLD-WORKER…
  local master=$1 pid now
  shift
  now=" $(children "$master") "
  for pid in "$@"; do
    [[ $now != *" $pid "* ]] || grep -q 'shutting down' "/proc/$pid/cmdline" 2>/dev/null || return 1
  done
  for pid in $now; do
    [[ " $* " == *" $pid "* ]] || return 0
  done
  return 1
}

reload_nginx() {  # MASTER
  local before
  read -ra before <<<"$(children "$1")"
  kill -HUP "$1"
  await 15 reloaded "$1" "${before[@]}"
}

take_nginx_config() {
  nginx -t -q -e "$RUN_DIR/log/nginx.log" -p "$RUN_DIR" -c nginx.conf 2>>log/nginx.log ||
    die "nginx refuses its new config: $(last_line log/nginx.log)"
  reload_nginx "$(leaders nginx.pid)" ||
    die "nginx did not reload: $(last_line log/nginx.log) (see $RUN_DIR/log/nginx.log)"
}

roll_back() {  # NEW: undoes a roll_over that failed; the old workers still serve
  if ! cmp -s upstreams.conf upstreams.conf.old; then
    mv upstreams.conf.old upstreams.conf
    reload_nginx "$(leaders nginx.pid)" || true
  fi
  stop 5 "gen-$1"/*.pid
  rm -rf "gen-$1"
}

roll_over() {  # replaces the workers, and refuses nobody: starts new ones, reloads nginx, ends the old ones
  local old new
  old=$(<generation)
  new=$((old + 1))
  cp upstreams.conf upstreams.conf.old
  # shellcheck disable=SC2064
  trap "roll_back $new" EXIT
  start_generation "$new"
  write_upstreams "$new"
  take_nginx_config
  echo "$new" >generation
  trap - EXIT
  stop 12 "gen-$old"/*.pid
  rm -rf "gen-$old"
}
