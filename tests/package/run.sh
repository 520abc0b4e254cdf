# shellcheck shell=bash
# ./dev test package, sourced by tests/suites.sh. It builds the .deb twice, installs it in a clean Debian, lets
# its units serve under systemd, upgrades it under load, removes and purges it, and goes a newcomer's path.

work=$ROOT/build/package-test
clean=$work/root
port=8003  # of the network in there

# shellcheck source=conf/debian/package.sh
. "$ROOT/conf/debian/package.sh"
# shellcheck source=tests/package/root.sh
. "$ROOT/tests/package/root.sh"
# shellcheck source=tests/package/copy.sh
. "$ROOT/tests/package/copy.sh"
# shellcheck source=tests/package/module.sh
. "$ROOT/tests/package/module.sh"
# shellcheck source=tests/package/newcomer.sh
. "$ROOT/tests/package/newcomer.sh"

lint_package() {
  local said
  said=$(lintian --fail-on error,warning build/package/*.deb 2>&1 | grep -v 'root privileges') || true
  [[ -z $said ]] || { printf '%s\n' "$said"; return 1; }
}

apt() {  # in_root|inside COMMAND…: keeps config files that were edited
  "$1" apt-get -q -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold "${@:2}" >>"$work/apt.log" 2>&1 ||
    { tail -n 20 "$work/apt.log"; return 1; }
}

install_package() {
  : >"$work/apt.log"
  cp build/package/sluice_*.deb "$clean/root/sluice.deb" || return 1
  # apt installs nginx and redis-server too, because the package recommends them.
  apt in_root update && apt in_root install -y /root/sluice.deb
}

# MODE OWNER GROUP PATH
FILES='755 root root /usr/bin/sluice
644 root root /etc/sluice/sluice.cfg
644 root root /etc/sluice/tenants.cfg
600 root root /etc/default/sluice
755 root root /usr/lib/sluice/keep
755 root root /usr/lib/sluice/restart
644 root root /usr/lib/systemd/system/sluice@.service
644 root root /usr/share/man/man1/sluice.1.gz
644 root root /usr/share/man/man5/sluice.cfg.5.gz
644 root root /usr/share/bash-completion/completions/sluice
644 root root /usr/share/sluice/nginx/sluice_site.conf
644 root root /usr/share/sluice/nginx/sluice_gate.conf
644 root root /usr/share/doc/sluice/examples/README.md
660 sluice www-data /run/sluice/1.sock
660 sluice www-data /run/sluice/2.sock
700 sluice sluice /var/lib/sluice
600 sluice sluice /var/lib/sluice/secret'

files_are_right() {
  local path
  path=$(awk '{print $4}' <<<"$FILES")
  # shellcheck disable=SC2086
  diff <(printf '%s\n' "$FILES") <(inside stat -c '%a %U %G %n' $path 2>&1) &&
    inside sluice check /etc/sluice/sluice.cfg && [[ $(inside sluice --version) == sluice\ * ]]
}

nginx_is_told() {
  cp "$clean/usr/share/sluice/nginx/sluice_site.conf" "$clean/etc/nginx/conf.d/"
}

starts() {
  boot || { cat "$work/systemd.log"; return 1; }
  inside systemctl enable -q --now sluice@1.socket sluice@2.socket || return 1
  # The first connection starts them.
  [[ $(inside systemctl is-active sluice@1.service) == inactive ]] &&
    await 20 both_serve && [[ $(inside systemctl is-active 'sluice@*.service') == active$'\n'active ]]
}

ask() { nsenter --target "$(first_process)" --net curl -s --max-time 10 "$@"; }
both_serve() {
  local _
  for _ in 1 2 3 4; do
    [[ $(ask "http://127.0.0.1:$port/" | jq -r .store.status) == up ]] || return 1
  done
}

say_hello() {  # prints the status
  ask -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/chat" \
    -H 'Content-Type: application/json' -H 'X-Tenant-ID: acme' -H "X-Session-ID: $session" \
    -d "{\"tenant_id\":\"acme\",\"session_id\":\"$session\",\"message\":\"hello\"}"
}

walks_through() {
  local _ said=''
  session=$(ask "http://127.0.0.1:$port/session" -H 'Content-Type: application/json' \
    -d '{"tenant_id":"acme"}' | jq -r .session_id) || return 1
  for _ in 1 2 3 4 5 6 7 8 9; do
    said+=" $(say_hello)"
  done
  [[ $said == ' 200 200 200 200 200 200 200 200 429' ]] || { say "answers:$said"; return 1; }
}

# By systemd's own measure, on which 100 is no hardening at all.
is_hardened() {
  inside systemd-analyze security --threshold=20 sluice@1.service | tail -n 1
  ((PIPESTATUS[0] == 0))
}

main_pids() { inside systemctl show -P MainPID sluice@1.service sluice@2.service | xargs; }

under_load() {  # COMMAND…: runs it while requests come in; each must be answered well
  local code=0 loader
  nsenter --target "$(first_process)" --net /usr/bin/python3 tests/package/load.py "$port" "$session" \
    >"$work/load.json" &
  loader=$!
  sleep 3
  "$@" || code=1
  sleep 4
  kill -TERM "$loader" && wait "$loader" || code=1
  cat "$work/load.json"
  return $code
}

upgrades() {
  local before after
  before=$(main_pids)
  cp "$newer" "$clean/root/newer.deb"
  echo '# Our own.' >>"$clean/etc/sluice/tenants.cfg"
  echo 'SLUICE_TEST=1' >>"$clean/etc/default/sluice"
  under_load apt inside install -y /root/newer.deb || return 1
  after=$(main_pids)
  say "processes $before, then $after"
  [[ " $before " != *" ${after% *} "* && " $before " != *" ${after#* } "* ]] &&
    [[ $(ask "http://127.0.0.1:$port/" | jq -r .version) == "$next" ]]
}

own_changes_are_kept() {
  [[ $(tail -n 1 "$clean/etc/sluice/tenants.cfg") == '# Our own.' ]] &&
    [[ $(tail -n 1 "$clean/etc/sluice/tenants.cfg.dpkg-dist") == '# Of the newer package.' ]] &&
    [[ $(stat -c '%a' "$clean/etc/default/sluice") == 600 ]] &&
    grep -qx SLUICE_TEST=1 "$clean/etc/default/sluice"
}

restarts() {
  local before
  before=$(main_pids)
  under_load inside /usr/lib/sluice/restart && [[ $(main_pids) != "$before" ]]
}

# A config with a mistake must not end the workers that serve.
mistakes_are_survived() {
  local before
  before=$(main_pids)
  echo 'nonsense' >>"$clean/etc/sluice/sluice.cfg"
  inside /usr/lib/sluice/restart 2>/dev/null && return 1
  sed -i '$d' "$clean/etc/sluice/sluice.cfg"
  [[ $(main_pids) == "$before" ]]
}

is_restarted_after_a_crash() {
  local before
  before=$(main_pids)
  inside systemctl kill --signal=KILL 'sluice@*.service' && await 10 both_serve && [[ $(main_pids) != "$before" ]]
}

is_restarted_however_often() {
  local _
  for _ in {1..25}; do
    { inside systemctl kill --signal=KILL 'sluice@*.service' && await 5 both_serve; } || return 1
  done
}

restarts_of() { inside systemctl show -P NRestarts "$1"; }

# While its config is wrong, a worker is started again and again, with pauses that spare the machine.
# Connections that come meanwhile take nothing down for good.
comes_back_once_mended() {
  local before tries began=$SECONDS _
  echo 'nonsense' >>"$clean/etc/sluice/sluice.cfg"
  before=$(restarts_of sluice@1.service)
  inside systemctl kill --signal=KILL 'sluice@*.service'
  for _ in {1..30}; do
    ask -o /dev/null "http://127.0.0.1:$port/" || true
    sleep 0.2
  done
  tries=$(($(restarts_of sluice@1.service) - before))
  sed -i '$d' "$clean/etc/sluice/sluice.cfg"
  say "$tries tries in $((SECONDS - began)) s"  # RestartSec is half a second
  await 5 both_serve && ((tries > 1 && tries <= 2 * (SECONDS - began + 1)))
}

left() {  # prints what is left, without the configs of nginx, which are the administrator's
  inside find / -xdev -name '*sluice*' ! -path '/etc/nginx/*' ! -path '/root/*' ! -path '/proc/*'
}

goes() {
  apt inside remove -y sluice || return 1
  say "left after removal: $(left | xargs)"
  [[ -z $(inside systemctl list-units --no-legend 'sluice@*') && ! -e $clean/usr/bin/sluice ]] &&
    [[ -e $clean/etc/sluice/tenants.cfg && -e $clean/var/lib/sluice/secret ]] || return 1
  apt inside purge -y sluice || return 1
  say "left after the purge: $(left | xargs)"
  [[ -z $(left) && -z $(inside find /run -name '*sluice*' ! -path '/run/systemd/*') ]]
}

package_tests() {
  need "${BUILD_PACKAGES[@]}" "${PACKAGE_PACKAGES[@]}" lintian debootstrap iproute2 curl jq python3
  ((EUID == 0)) || die "test package: makes a root and boots systemd in it, as root only"
  trap halt_root EXIT
  check "package" package && check "lintian" lint_package
  check "the same bytes in another folder" same_bytes || true
  check "a newer package" newer_package && check "a clean root" make_root &&
    check "apt install" install_package && nginx_is_told && check "starts by its sockets" starts || return 0
  check "files" files_are_right || true
  check "walk-through" walks_through || true
  check "hardening" is_hardened || true
  check "upgrade under load" upgrades || true
  check "edited conffiles are kept" own_changes_are_kept || true
  check "restart under load" restarts || true
  check "a mistake in the config ends nobody" mistakes_are_survived || true
  check "a crash is mended" is_restarted_after_a_crash || true
  check "and each crash after it" is_restarted_however_often || true
  check "a mistake in the config is no end either" comes_back_once_mended || true
  check "nginx's module" module_is_installed && { check "its site" module_serves || true; } &&
    { check "remove and purge the module" module_goes || true; }
  check "remove and purge" goes || true
  check "a site of its own" have_a_site && check "a newcomer's path" newcomer || return 0
  check "an example" an_example_runs || true
}
