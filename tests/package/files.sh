# shellcheck shell=bash
# Checks the files of the package without building it. Sourced by tests/suites.sh; the working folder is the
# top of the tree.

# systemd verifies our units alone; /bin/true is in the place of the program, which is not installed.
units() {
  local folder code=0 said
  folder=$(mktemp -d)
  for file in conf/systemd/*.service conf/systemd/*.socket conf/systemd/*.target; do
    sed 's|/usr/bin/sluice|/bin/true|' "$file" >"$folder/${file##*/}"
  done
  said=$(SYSTEMD_UNIT_PATH=$folder: systemd-analyze verify --man=no "$folder/sluice@.service" \
    "$folder/sluice@.socket" "$folder/sluice.target" 2>&1) || code=1
  rm -rf "$folder"
  # It may complain of other units of the machine, too.
  ! grep sluice <<<"$said" && ((code == 0))
}

# The other manuals that ours refer to need not be installed here.
manuals() {
  local found
  found=$(mandoc -T lint -W style conf/man/* 2>/dev/null | grep -v 'referenced manual not found') || true
  [[ -z $found ]] || { printf '%s\n' "$found" && return 1; }
}

# Prints the flags that a command's --help lists, without --help.
flags_of() {  # COMMAND…
  build/release/sluice "$@" --help | grep -oE -- '--[a-z][a-z-]+' | grep -vxF -- --help | sort -u
}

# Whether completion and manual have every flag.
flags() {
  local command flag words missing=0
  bash -n conf/bash-completion/sluice || return 1
  for command in worker check doctor peek reset 'key new' 'key list' 'key revoke' import export; do
    read -ra words <<<"$command"
    for flag in $(flags_of "${words[@]}"); do
      grep -qE -- "[ ']${flag}[ ']" conf/bash-completion/sluice || missing=1
      grep -qE -- "Fl -${flag#--}|Fl ${flag:2:1} Ar config" conf/man/sluice.1 || missing=1
      ((missing == 0)) || { say "sluice $command $flag: not completed, or not in sluice.1"; return 1; }
    done
  done
}

# Whether it says version and commit; in a tree without git, "unknown".
version() {
  local commit said
  commit=$(git rev-parse --short=7 HEAD 2>/dev/null) || commit=unknown
  said=$(build/release/sluice --version)
  [[ $said =~ ^sluice\ [0-9]+\.[0-9]+\.[0-9]+\ \(git\ ${commit:0:7}(-dirty)?\)$ ]] ||
    { say "--version: $said, but the commit is $commit"; return 1; }
}

# Runs revision.cmake in a clean tree, a changed one, and one without git inside another's repository.
revision() {
  local folder code=0 commit
  folder=$(mktemp -d)
  commit=$(cd "$folder" && git init -q && echo one >file && mkdir inner && git add file &&
    git -c user.name=x -c user.email=x@localhost commit -qm one && git rev-parse HEAD) || code=1
  names() {  # SOURCE_DIR REVISION
    cmake -D SOURCE_DIR="$1" -D OUTPUT="$folder/revision.cpp" -P fcgi-app/revision.cmake
    grep -qF "\"$2\"" "$folder/revision.cpp" || { say "not $2"; code=1; }
  }
  names "$folder" "${commit:0:7}"
  names "$folder/inner" unknown
  SLUICE_REVISION=0123456789abcdef names "$folder/inner" 0123456
  SLUICE_REVISION=0123456789abcdef-dirty names "$folder/inner" 0123456-dirty
  SLUICE_REVISION=0123456789abcdef names "$folder" "${commit:0:7}"
  ! SLUICE_REVISION='";' cmake -D SOURCE_DIR="$folder/inner" -D OUTPUT="$folder/revision.cpp" \
    -P fcgi-app/revision.cmake 2>/dev/null || code=1
  echo two >"$folder/file"
  names "$folder" "${commit:0:7}-dirty"
  rm -rf "$folder"
  return $code
}

package_files() {
  if command -v systemd-analyze >/dev/null; then
    check "systemd units" units || true
  else
    say "systemd units: no systemd-analyze here" && count "systemd units" 0 0 1
  fi
  check "manuals" manuals || true
  check "every flag is completed and in the manual" flags || true
  check "sluice --version" version || true
  check "revision of trees with and without git" revision || true
}
