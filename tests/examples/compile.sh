#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that compiles a file, in whichever language: compile.sh [--needs CHECK] COMMAND…
# It is skipped where the command line CHECK fails.
set -u

if [ "$1" = --needs ]; then
  if ! bash -c "$2" > /dev/null 2>&1; then
    echo "1..0 # SKIP $2 fails"
    exit
  fi
  shift 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0

report () {
  local status=$1
  shift
  number=$((number + 1))
  if [ "$status" -eq 0 ]; then
    echo "ok $number - $*"
  else
    echo "not ok $number - $*"
    sed 's/^/# /' "$folder/out" "$folder/err"
  fi
}

run () {
  "$@" > "$folder/out" 2> "$folder/err"
}

echo 1..4
source=$folder/'a file.c'
output=$folder/libadd.so

echo 'int add (int a, int b) { return a + b; }' > "$source"
run "$@" "$source" "$output" && [ -f "$output" ] && grep -qF "made $output" "$folder/out"
report $? "compiles"

printf 'int f (void)\n{\n  return missing;\n}\n' > "$source"
run "$@" "$source" "$folder/broken.so"
[ $? -eq 1 ] && [ ! -e "$folder/broken.so" ] && grep -q ':3:.*missing' "$folder/err"
report $? "prints what is wrong with a file"

run "$@" "$folder/nowhere.c" "$folder/nowhere.so"
[ $? -eq 1 ] && grep -q 'nowhere.c' "$folder/err"
report $? "names a file that is missing"

run "$@"
[ $? -eq 2 ] && grep -q 'usage' "$folder/err"
report $? "says how it is used"
