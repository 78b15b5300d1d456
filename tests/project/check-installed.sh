#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What is installed can be used with the variables that the installation asks for, and no others:
#
#   check-installed.sh [--build OPTIONS] MESON BUILD PREFIX PRINT_ENVIRONMENT… -- CHECK…
#
# BUILD is installed below a temporary folder, which is then laid over PREFIX, for this script only.
# Where that is not allowed, all is used from the temporary folder.
#
# With --build, BUILD is made for PREFIX first, with these options of meson. It stays, so that the
# next time is short.
set -u

sources=$(cd "$(dirname "$0")/../.." && pwd)

bail_out () {
  sed 's/^/# /' "$tree/log"
  echo "Bail out! $*"
  exit 1
}

lay_over_prefix () {
  mount -t overlay overlay -o "lowerdir=$tree$prefix:$prefix" "$prefix"
}

# Does what the command PRINT_ENVIRONMENT… says, and runs CHECK…
check_with_advice () {
  local advice
  advice=$("${print_environment[@]}") || exit 1
  sed '/^$/d; s/^/# /' <<< "$advice"
  if [ "$prefix" = /usr ] && [ -n "$advice" ] && [ "$mode" = --mounted ]; then
    echo "Bail out! Everything is found below /usr"
    exit 1
  fi
  eval "$(sed -n 's/^  export /export /p' <<< "$advice")"
  if grep -qx '  ldconfig' <<< "$advice"; then
    # That of the machine stays as it is.
    /sbin/ldconfig -C "$tree/ld.so.cache" \
      && mount --bind "$tree/ld.so.cache" /etc/ld.so.cache || exit 1
  fi
  exec "$@"
}

build_for_prefix () {
  local options
  read -ra options <<< "$build_options"
  if [ -f "$build/build.ninja" ]; then
    "$meson" configure "$build" "${options[@]}" || return
  else
    rm -rf "$build"
    "$meson" setup "$build" "$sources" --prefix="$prefix" --buildtype=plain -Dtests=false \
      "${options[@]}" || return
  fi
  "$meson" compile -C "$build"
}

mode=outside
build_options=
case $1 in
  --mounted | --moved)
    mode=$1 tree=$2
    shift 2
    ;;
  --build)
    build_options=$2
    shift 2
    ;;
esac
meson=$1 build=$2 prefix=$3
shift 3
print_environment=()
while [ "$1" != -- ]; do
  print_environment+=("$1")
  shift
done
shift

case $mode in
  --mounted)
    lay_over_prefix || exit 1
    check_with_advice "$@"
    ;;
  --moved)
    check_with_advice "$@"
    ;;
esac

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
namespace=(unshare --mount)
if [ "$(id -u)" -ne 0 ]; then
  namespace+=(--map-root-user)
fi
may_mount=no
mkdir -p "$tree$prefix"
export tree prefix
export -f lay_over_prefix
if "${namespace[@]}" bash -c lay_over_prefix 2> /dev/null; then
  may_mount=yes
fi

if [ -n "$build_options" ]; then
  if [ "$may_mount" = no ]; then
    echo "1..0 # SKIP nothing can be laid over $prefix here"
    exit
  fi
  build_for_prefix > "$tree/log" 2>&1 || bail_out "It cannot be built for $prefix"
fi
"$meson" install -C "$build" --no-rebuild --quiet --destdir "$tree" > "$tree/log" 2>&1 \
  || bail_out "It cannot be installed"

# Nothing that was installed knows of the sources or of the build.
if grep -rlIF -e "$build" -e "$sources" "$tree$prefix" > "$tree/log"; then
  bail_out "These files have a path of the build or of the sources"
fi

environment=(env -i "HOME=$tree" "TMPDIR=${TMPDIR:-/tmp}"
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
if [ "$may_mount" = yes ]; then
  echo "# Laid over $prefix"
  "${environment[@]}" "${namespace[@]}" bash "$0" --mounted "$tree" "$meson" "$build" "$prefix" \
    "${print_environment[@]}" -- "$@"
  exit
fi

# Every place is below the folder, and the library is told where its programs are.
echo "# Nothing can be laid over $prefix here: used from $tree"
find "$tree" -name tvmsupport-1.pc -exec sed -i "s|^prefix=.*|prefix=$tree$prefix|" {} +
libexecdir=$(dirname "$(find "$tree" -name tvmsupport-supervisor)")
check=()
for argument; do
  case $argument in
    "$prefix"/*)
      if [ -e "$tree$argument" ]; then
        argument=$tree$argument
      fi
      ;;
  esac
  check+=("$argument")
done
"${environment[@]}" "TVM_SUPPORT_LIBEXECDIR=$libexecdir" \
  "TVM_SUPPORT_LOCALEDIR=$tree$prefix/share/locale" \
  bash "$0" --moved "$tree" "$meson" "$build" "$prefix" \
  "${print_environment[@]//"=$prefix/"/"=$tree$prefix/"}" -- "${check[@]}"
