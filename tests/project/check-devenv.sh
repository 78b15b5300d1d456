#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What was built can be used from `meson devenv` as if it were installed:
# check-devenv.sh SOURCE_ROOT [VALAC]
set -eu
examples=$1/docs/examples
valac=${2:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Quotes that are not ASCII show that the locale of the user is in use.
export LC_ALL=C.UTF-8
printf 'int f (void) { return missing; }\n' > broken.c

check () {
  if "$1" broken.c broken.so 2> log; then
    echo "$1 has compiled what is broken"
    exit 1
  fi
  if grep -q '?missing?' log || ! grep -q missing log; then
    cat log
    exit 1
  fi
}

read -ra cflags <<< "$(pkg-config --cflags tvmsupport-1)"
read -ra libs <<< "$(pkg-config --libs tvmsupport-1)"
cc "${cflags[@]}" -o from-c "$examples/compile.c" "${libs[@]}"
check ./from-c

if [ -n "$valac" ]; then
  "$valac" --pkg tvmsupport-1 -X -w -o from-vala "$examples/compile.vala"
  check ./from-vala
fi
