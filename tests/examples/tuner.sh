#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that tunes a kernel: tuner.sh TUNER
set -u

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tuner=$1
number=0
# Every process of a run has it in its environment.
export TUNER_TEST=$folder LC_ALL=C.UTF-8

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
  "$tuner" "$@" > "$folder/out" 2> "$folder/err"
}

nothing_runs () {
  local file
  for file in /proc/[0-9]*/environ; do
    if [ "$file" != "/proc/$$/environ" ] && grep -qzxsF "TUNER_TEST=$folder" "$file"; then
      return 1
    fi
  done
}

# lost NAME REASON
lost () {
  grep -qE "^ +$1 +.*$2" "$folder/out"
}

echo 1..6
run --size 64 --timeout 3 --output "$folder/kept" --svg "$folder/chart.svg"
report $? "ends well"

grep -qx '12 lost:' "$folder/out" && grep -q '^All of them do so on purpose' "$folder/out" \
  && [ "$(grep -cE '^ *[0-9]+  [a-z]+-.* [0-9]+\.[0-9]+ ' "$folder/out")" -eq 48 ] \
  && [ "$(find "$folder/kept" -name '*.c' | wc -l)" -eq 60 ]
report $? "ranks all others"

lost broken-name "line 4: .*undeclared" && lost broken-header "No such file" \
  && lost broken-link "multiply_fast" && lost crash-abort SIGABRT && lost crash-memory SIGSEGV \
  && lost hang-stubborn "more than 3 s" && lost wrong-tail "wrong result"
report $? "says why each loser lost"

python3 - "$folder/chart.svg" 2> "$folder/err" << 'END'
import sys, xml.dom.minidom
chart = xml.dom.minidom.parse(sys.argv[1])
assert len(chart.getElementsByTagName("rect")) == 1 + 48
assert len(chart.getElementsByTagName("text")) == 1 + 2 * 48 + 2 * 12
END
report $? "draws a chart"

run --candidates 3 --size 33
[ $? -eq 2 ] && grep -q '^tuner: .*multiple of 32' "$folder/err"
report $? "says what is wrong with an option"

nothing_runs
report $? "leaves nothing running"
