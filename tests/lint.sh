# shellcheck shell=bash disable=SC2154
# clang-tidy, over all files or over those that changed; sourced by dev. A file takes some ten seconds.

# clang-tidy reads the compile commands of preset lint, which is configured and never built.
tidy() {  # FILE…
  local file patterns=()
  configure lint always  # for files that are new
  for file in "$@"; do
    patterns+=("^$ROOT/${file//./\\.}\$")
  done
  # Its other output is a command line for each file, and how many warnings the system's headers have.
  run-clang-tidy -quiet -p build/lint "${patterns[@]}" 2>/dev/null | grep -vE '^(clang-tidy |[0-9]+ warnings )'
  return "${PIPESTATUS[0]}"
}

# Prints the commit where the branch left its upstream, else the one before the last.
lint_base() {
  local upstream
  upstream=$(git merge-base HEAD '@{upstream}' 2>/dev/null || git merge-base HEAD origin/main 2>/dev/null) || true
  if [[ -n $upstream && $upstream != "$(git rev-parse HEAD)" ]]; then
    echo "$upstream"
  else
    git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null
  fi
}

# Prints the file to read a header with: the one of its name, else the first that includes it.
reader_of() {  # HEADER
  if [[ -f ${1%.h}.cpp ]]; then
    echo "${1%.h}.cpp"
  else
    # It is no error if there is none.
    { git grep -lF "#include \"${1#*/}\"" -- '*.cpp' || true; } | sed -n 1p
  fi
}

changed_sources() {  # SINCE
  local file
  { git diff --name-only --diff-filter=d "$1"; git ls-files -o --exclude-standard; } |
    while read -r file; do
      case $file in
        tests/fuzz/* | bench/*) ;;  # of other presets
        fcgi-app/*.cpp | tests/*.cpp | nginx/*.cpp) echo "$file" ;;
        fcgi-app/*.h | tests/*.h) reader_of "$file" ;;
        nginx/module/*.h) echo nginx/module/gate.cpp nginx/module/loop.cpp | tr ' ' '\n' ;;
      esac
    done | sort -u
}

lint_changed() {  # [SINCE]
  local files since=${1:-}
  since=$(git rev-parse -q --verify "${since:-$(lint_base)}") || die "git knows no commit \"$1\""
  mapfile -t files < <(changed_sources "$since")
  say "clang-tidy: ${#files[@]} files that changed"
  ((${#files[@]} == 0)) || tidy "${files[@]}"
}

lint_all() {
  local files
  mapfile -t files < <(git ls-files 'fcgi-app/*.cpp' 'nginx/*.cpp' 'tests/*.cpp' ':!tests/fuzz')
  say "clang-tidy: ${#files[@]} files"
  tidy "${files[@]}"
}

lint() {  # [changed [SINCE]]
  cd "$ROOT" || die "$ROOT: cannot enter"
  mkdir -p build
  "lint_${1:-all}" "${@:2}" || die "clang-tidy has complaints: see above"
  ! command -v shellcheck >/dev/null ||
    shellcheck -x dev .ci/run conf/run/* conf/debian/{*.sh,restart,p*inst,p*rm} tests/*.sh tests/*/*.sh
}
