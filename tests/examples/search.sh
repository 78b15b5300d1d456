#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that tries settings in workers of GJS: search.sh COMMAND…
set -u

export LC_ALL=C.UTF-8
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0

# report STATUS WHAT
report () {
  number=$((number + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $number - $2"
  else
    echo "not ok $number - $2"
    sed 's/^/# /' "$folder/out" "$folder/err"
  fi
}

echo 1..3
"$@" 10 hang 5 zero crash 101 > "$folder/out" 2> "$folder/err"
status=$?
[ "$status" -eq 1 ] && grep -qx '10: 10 values, the last is 3' "$folder/out" \
  && grep -q '^hang: “measure” .*1.000 seconds' "$folder/out" \
  && grep -qx 'zero: “zero” is no number of iterations' "$folder/out" \
  && grep -q '^crash: .*measure.* status 3$' "$folder/out" \
  && grep -qx '101: 101 values, the last is 10' "$folder/out"
report $? "says what became of each setting"

grep -q '^measure@measure:' "$folder/err"
report $? "says where a function failed"

"$@" 7 > "$folder/out" 2> "$folder/err"
report $? "succeeds when all do"
