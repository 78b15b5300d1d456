# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What build-aux/demo and build-aux/check share. Both work from any directory, as root or with
# sudo, again and again; the network is only used while something is missing.

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_root=$source_root/_build

say () {
  printf '\n==> %s\n' "$*"
}

die () {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Two values of EPOCHREALTIME, whose decimal point is that of the locale
seconds_between () {
  LC_ALL=C awk -v begin="${1/,/.}" -v end="${2/,/.}" 'BEGIN { printf "%.2f", end - begin }'
}

# Runs a command and says how long it took: timed WHAT COMMAND…
# As "|| …" would keep a function from ending at its first failure, there is none here: a failure ends
# the script, unless the caller looks at the status.
timed () {
  local what=$1 begin=$EPOCHREALTIME end status outcome
  shift
  "$@"
  status=$?
  end=$EPOCHREALTIME
  case $status in
    0) outcome= ;;
    77) outcome=", skipped" ;;
    *) outcome=", FAILED" ;;
  esac
  printf -- '--- %s: %s s%s\n' "$what" "$(seconds_between "$begin" "$end")" "$outcome"
  return "$status"
}

as_root () {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "installing packages needs root or sudo: $*"
  fi
}

apt_build_dep () {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get build-dep -y --no-install-recommends "$source_root/"
}

# The build dependencies of debian/control, and nothing else, decide what is missing.
install_missing () {
  if command -v dpkg-checkbuilddeps > /dev/null \
     && (cd "$source_root" && dpkg-checkbuilddeps debian/control 2> /dev/null); then
    echo "Everything that the build needs is installed."
    return 0
  fi
  command -v apt-get > /dev/null \
    || die "this is not Debian: install what debian/control lists under Build-Depends"
  # Package lists that are missing or out of date make the first attempt fail.
  apt_build_dep && return 0
  as_root apt-get update
  apt_build_dep
}

configure () {
  if [ -e "$build_root/build.ninja" ]; then
    meson configure "$build_root" "$@"
  else
    rm -rf "$build_root"
    meson setup "$build_root" "$source_root" "$@"
  fi
}

compile () {
  ninja -C "$build_root"
}

prepare () {
  say "Installing what is missing"
  timed "packages" install_missing
  say "Building in $build_root"
  timed "configuration" configure -Ddocs=true -Dman=true
  timed "build" compile
}

# The first python3 in PATH need not be the one that has PyGObject.
system_python () {
  local python
  for python in /usr/bin/python3 python3; do
    if "$python" -c 'import gi' 2> /dev/null; then
      echo "$python"
      return 0
    fi
  done
  die "no Python has PyGObject"
}
