# shellcheck shell=bash
# ./dev package, sourced by dev: the .debs of this tree.

PACKAGE_PACKAGES=(dpkg-dev file)  # CPack finds out with them which packages the libraries are in

package() (  # a subshell has a working folder and a lock of its own
  need "${BUILD_PACKAGES[@]}" "${MODULE_PACKAGES[@]}" "${PACKAGE_PACKAGES[@]}"
  cd "$ROOT" || die "$ROOT: cannot enter"
  # Nothing in a package is newer than its commit: the same bytes each time.
  : "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
  export SOURCE_DATE_EPOCH
  mkdir -p build
  exec 7>build/.package.lock
  flock 7
  rm -f build/release/build.ninja  # so that build() configures, which reads the time
  build release
  rm -rf build/package
  for config in CPackConfig CPackModule; do
    cpack --config build/release/$config.cmake -B build/package >build/.package.log 2>&1 || {
      cat build/.package.log >&2
      die "cpack could not make the package: see above"
    }
  done
  rm -rf build/package/_CPack_Packages
  printf '%s\n' build/package/*.deb
)
