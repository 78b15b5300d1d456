#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that compiles kernels and runs them: kernels.sh KERNELS
set -u

export LC_ALL=C.UTF-8
kernels=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
number=0

# report STATUS WHAT
report () {
  number=$((number + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $number - $2"
  else
    echo "not ok $number - $2"
    sed 's/^/# /' out err
  fi
}

echo 'double kernel (void) { return 1.5; }' > good.c
echo 'double kernel (void) { return 2.5; }' > better.c
echo 'double kernel (void) { return missing; }' > broken.c
echo 'double kernel (void) { volatile int i = 1; while (i); return 0; }' > endless.c
echo 'double kernel (void) { __builtin_trap (); }' > crash.c
echo 'double other (void) { return 0; }' > other.c

echo 1..4
mkdir temp
TMPDIR=$folder/temp "$kernels" lock good.c broken.c endless.c crash.c other.c better.c > out 2> err
status=$?
grep -q '^broken.c:1:.*missing' out && grep -qx 'good.c: 1.5' out \
  && grep -qx 'broken.c: does not compile' out && grep -qx 'endless.c: does not end' out \
  && grep -q '^crash.c: crashed: ' out && grep -q '^other.c: .*kernel' out \
  && grep -qx 'better.c: 2.5' out && [ "$status" -eq 1 ]
report $? "says what failed and why"

[ "$(grep -c ': compiled in ' err)" -eq 6 ]
report $? "says what was compiled"

[ -z "$(ls temp)" ]
report $? "leaves nothing"

"$kernels" lock good.c > out 2> err
report $? "succeeds when all do"
