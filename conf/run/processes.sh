# shellcheck shell=bash disable=SC2154
# Starts, finds and stops the processes of ./dev and of a container. Sourced by dev and by container.sh.
# The working folder is RUN_DIR. A pid file has lines of PID START. The kernel reuses pids, so a process
# is ours only if it has the start time that the file says.

started_at() {  # PID: prints its start, in clock ticks after boot; fails if it is gone, or a zombie
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  stat=${stat##*) }
  [[ $stat != Z* ]] || return 1
  local fields
  read -ra fields <<<"$stat"
  printf '%s' "${fields[19]}"
}

# Pid files may have been copied with their folder: a process is ours only if it works in this one.
is_ours() {  # PID START
  [[ $(started_at "$1") == "$2" ]] &&
    [[ /proc/$1/cwd -ef $RUN_DIR || /proc/$1/cwd -ef $RUN_DIR/redis ]]
}

leaders() {  # PIDFILE…: prints those of their processes that are alive
  local file pid start
  for file in "$@"; do
    [[ -f $file ]] || continue
    while read -r pid start; do
      [[ -z $pid ]] || ! is_ours "$pid" "$start" || printf '%s\n' "$pid"
    done <"$file"
  done
}

followers() {  # PID…: prints the processes of their sessions that work in RUN_DIR
  local file stat fields pid
  for file in /proc/[0-9]*/stat; do
    { read -r stat <"$file"; } 2>/dev/null || continue
    read -ra fields <<<"${stat##*) }"
    pid=${stat%% *}
    [[ " $* " == *" ${fields[3]} "* && ${fields[0]} != Z && /proc/$pid/cwd -ef $RUN_DIR ]] || continue
    printf '%s\n' "$pid"
  done
}

# Prints what `stop` has to end: the leaders, and what outlived a leader that was killed (nginx's workers,
# the worker of a keep).
our_pids() {  # PIDFILE…
  local file pid start dead=()
  leaders "$@"
  for file in "$@"; do
    [[ -f $file ]] || continue
    while read -r pid start; do
      [[ -z $pid ]] || is_ours "$pid" "$start" || dead+=("$pid")
    done <"$file"
  done
  ((${#dead[@]} == 0)) || followers "${dead[@]}"
}

note_pids() {  # PIDFILE PID…
  local file=$1 pid
  shift
  for pid in "$@"; do
    printf '%s %s\n' "$pid" "$(started_at "$pid" || true)"
  done >"$file"
}

children() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }

launch() {  # PIDFILE LOG COMMAND…: in a session of its own, so that a Ctrl-C here does not end it
  local pidfile=$1 log=$2
  shift 2
  setsid "$@" </dev/null >>"$log" 2>&1 8>&- 9>&- &
  note_pids "$pidfile" $!
}

await() {  # SECONDS COMMAND…: polls until the command succeeds
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS <= deadline)) || return 1
    sleep 0.05
  done
}

gone() { [[ -z $(our_pids "$@") ]]; }
died() { [[ -z $(leaders "$@") ]]; }

stop() {  # SECONDS PIDFILE…: TERM, and KILL after that time
  local limit=$1 pid
  shift
  for pid in $(our_pids "$@"); do
    kill -TERM "$pid" 2>/dev/null || true
  done
  await "$limit" gone "$@" && return 0
  for pid in $(our_pids "$@"); do
    # shellcheck disable=SC2046
    kill -KILL "$pid" $(followers "$pid") 2>/dev/null || true
  done
  await 5 gone "$@" || say "could not end process $(our_pids "$@")" >&2
}

is_running() {
  local file
  [[ -f settings && $(saved RUN_DIR) == "$RUN_DIR" ]] || return 1
  for file in nginx.pid gen-*/*.pid $([[ ! -f redis.pid ]] || echo redis.pid); do
    [[ -f $file && $(leaders "$file" | wc -l) == $(wc -l <"$file") ]] || return 1
  done
}

# The last line that a server wrote into its log. A keep writes into its worker's log, too.
last_line() { (grep -v '^keep: ' "$1" || true) | tail -n 1 | cut -c 1-200; }

# --- status and logs -----------------------------------------------------------------------------

uptime_of() {  # PID
  local now seconds
  read -r now _ </proc/uptime
  seconds=$((${now%.*} - $(started_at "$1") / $(getconf CLK_TCK)))
  printf '%d:%02d:%02d' $((seconds / 3600)) $((seconds / 60 % 60)) $((seconds % 60))
}

show_process() {  # NAME [PID]: fails if it is down
  if [[ -z ${2:-} ]] || ! started_at "$2" >/dev/null; then
    printf '%-8s down\n' "$1"
    return 1
  fi
  printf '%-8s up    pid %-8s %s\n' "$1" "$2" "$(uptime_of "$2")"
}

show_pool_file() {  # PIDFILE: shows its workers; a keep has its worker as a child
  local name pid start worker bad=0
  name=$(basename "$1" .pid)
  while read -r pid start; do
    worker=$pid
    [[ $(started_at "$pid") == "$start" ]] || worker=
    [[ $LAYOUT == shared || -z $worker ]] || worker=$(children "$pid")
    show_process "$name" "${worker%% *}" || bad=1
  done <"$1"
  return $bad
}

status() {
  local file port store bad=0
  is_up || {
    echo "not running"
    return 3
  }
  cd "$RUN_DIR" || return 3
  unset "${SETTINGS[@]}"  # only what was saved counts here
  recall
  settle
  [[ -n $STORAGE_URI ]] || show_process redis "$(leaders redis.pid)" || bad=3
  show_process nginx "$(leaders nginx.pid)" || bad=3
  for file in gen-*/*.pid; do
    { [[ -f $file ]] && show_pool_file "$file"; } || bad=3
  done
  for port in "$PORT1" "$PORT2"; do
    store=$(curl -s --max-time 3 "http://127.0.0.1:$port/" | jq -r ".store.status // empty" 2>/dev/null) || true
    printf '%-24s store %s\n' "http://127.0.0.1:$port/" "${store:-unknown, no answer}"
    [[ $store == up ]] || bad=3
  done
  # nginx looks for the sockets where they were. Its open connections hide that for a while.
  if [[ $(saved RUN_DIR) != "$RUN_DIR" ]]; then
    echo "moved here from $(saved RUN_DIR) while it ran: ./dev down ends it"
    bad=3
  fi
  return $bad
}

logs() {
  [[ "$*" =~ ^(-n\ ?\+?[0-9]+)?$ ]] || refuse "logs: \"$*\" is not -n LINES: see ./dev logs --help"
  is_up || {
    say "not running: ./dev up starts it" >&2
    exit 3
  }
  # nginx logs parts of a request as they came. No control character of a client may reach the terminal.
  tail -F "$@" "$RUN_DIR"/log/*.log | LC_ALL=C sed -u 's/[^ -~\t]/?/g'
}
