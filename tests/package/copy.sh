# shellcheck shell=bash disable=SC2154
# Builds the package in a second tree, $copy. Sourced by run.sh.

copy=$work/another/folder/of/sluice

# Copies the files as they are here, and their commit. What was built there before stays.
make_copy() {
  [[ -d $copy/.git ]] || { mkdir -p "$copy" && git init -q "$copy"; } || return 1
  git -C "$copy" fetch -q --update-shallow "$ROOT" HEAD && git -C "$copy" update-ref HEAD FETCH_HEAD || return 1
  (cd "$copy" && git ls-files -z | xargs -0r rm -f) || return 1
  # -p keeps the times, or all would be compiled again. test -f leaves out what is deleted here.
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
    xargs -0 cp -p --parents -t "$copy" && git -C "$copy" reset -q --mixed || return 1
}

# Without ccache, which would give the same bytes in any case.
package_copy() { (cd "$copy" && CCACHE_DISABLE=1 RUN_DIR='' ./dev package); }

same_bytes() {
  make_copy && package_copy || return 1
  cmp build/release/sluice "$copy/build/release/sluice" || return 1
  local deb
  deb=$(echo build/package/sluice_*.deb)
  cmp "$deb" "$copy/$deb" && sha256sum "$deb"
}

# Builds $newer: the next version, in which a conffile has changed too.
newer_package() {
  local now
  now=$(sed -nE 's/^project\(sluice VERSION ([0-9.]+).*/\1/p' "$copy/CMakeLists.txt")
  next=${now%.*}.$((${now##*.} + 1))
  sed -i "s/^project(sluice VERSION $now/project(sluice VERSION $next/" "$copy/CMakeLists.txt"
  echo '# Of the newer package.' >>"$copy/conf/tenants.cfg"
  package_copy || return 1
  newer=$(echo "$copy"/build/package/sluice_"$next"_*.deb) && [[ -f $newer ]]
}
