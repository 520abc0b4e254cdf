# shellcheck shell=bash disable=SC2154
# Makes a Debian root, $clean, and boots systemd in it. Sourced by run.sh. Mounts, processes, network and
# control groups have namespaces of their own, so that they leave nothing here and disturb nothing.

# Prints the addresses that this machine's packages come from.
mirrors() {
  local text
  text=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null) || true
  grep -oE 'https?://[^ ]+' <<<"$(grep -vE '^ *#' <<<"$text")" | awk '!seen[$0]++'
}

make_root() {
  local first security
  { read -r first && read -r security; } < <(mirrors) || { say "no apt sources found"; return 1; }
  mkdir -p "$work"
  if [[ ! -s $work/base.tar ]]; then
    rm -rf "$work/base"
    debootstrap --variant=minbase bookworm "$work/base" "$first" >"$work/debootstrap.log" 2>&1 || {
      tail -n 5 "$work/debootstrap.log" >&2
      return 1
    }
    tar -C "$work/base" -cf "$work/base.tar.new" . && mv "$work/base.tar.new" "$work/base.tar"
    rm -rf "$work/base"
  fi
  rm -rf "$clean" && mkdir "$clean" && tar -C "$clean" -xf "$work/base.tar" || return 1
  printf 'deb %s bookworm main\ndeb %s bookworm-security main\n' "$first" "$security" \
    >"$clean/etc/apt/sources.list"
  cp /etc/resolv.conf "$clean/etc/resolv.conf"
  # Without it, packages would start their servers while no systemd runs in the root.
  printf '#!/bin/sh\nexit 101\n' >"$clean/usr/sbin/policy-rc.d" && chmod 755 "$clean/usr/sbin/policy-rc.d"
}

# Runs a command in the root before systemd does; on this machine's network, for apt.
in_root() {
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child env -i HOME=/root PATH="$PATH" LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive ROOT_OF="$clean" bash -c '
    mount -t proc proc "$ROOT_OF/proc" && mount --bind /dev "$ROOT_OF/dev" &&
      exec chroot "$ROOT_OF" "$@"' in_root "$@"
}

# Boots systemd in the root. It gets a control group; it cannot change settings of the machine.
boot() {
  group=/sys/fs/cgroup
  [[ ! -d $group/unified ]] || group=$group/unified
  group=$group/sluice-package-$$
  mkdir "$group" || return 1
  rm -f "$clean/usr/sbin/policy-rc.d"
  # shellcheck disable=SC2016
  env -i PATH="$PATH" ROOT_OF="$clean" GROUP="$group" setsid bash -c '
    echo $$ >"$GROUP/cgroup.procs" &&
    exec unshare --cgroup --mount --net --pid --uts --ipc --fork --kill-child bash -ec "
      hostname clean
      ip link set lo up
      mount --bind \"\$ROOT_OF\" \"\$ROOT_OF\"
      cd \"\$ROOT_OF\"
      mount -t proc proc proc
      mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
      mount -t sysfs -o ro sysfs sys
      mount -t cgroup2 cgroup2 sys/fs/cgroup
      mount -t tmpfs -o mode=755 tmpfs dev
      for name in null zero full random urandom tty; do
        touch dev/\$name && mount --bind /dev/\$name dev/\$name
      done
      ln -s pts/ptmx dev/ptmx
      mkdir dev/shm dev/pts && mount -t tmpfs -o mode=1777 tmpfs dev/shm
      mount -t tmpfs -o mode=755 tmpfs run
      pivot_root . mnt && umount -l mnt
      exec env container=lxc /lib/systemd/systemd --log-target=console --show-status=no
    "' >"$work/systemd.log" 2>&1 </dev/null &
  outside=$!
  await 60 booted
}

# Prints the pid, on this machine, of process 1 of the root.
first_process() {
  local pids=()
  read -ra pids <<<"$(children "$outside")"
  printf '%s' "${pids[0]:-}"
}

# Runs a command in the root, beside systemd.
inside() {
  nsenter --target "$(first_process)" --all env -i HOME=/root PATH="$PATH" LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

booted() { [[ $(inside systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }

halt_root() {
  [[ -n ${outside:-} ]] || return 0
  kill -KILL "$(first_process)" 2>/dev/null || true
  wait "$outside" 2>/dev/null || true
  outside=
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
}
