#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that maps a function: pool.sh POOL
set -u

export LC_ALL=C.UTF-8
echo 1..1
out=$("$1" 27 0 1 97 2>&1)
status=$?
if [ "$status" -eq 0 ] && [ "$(wc -l <<< "$out")" -eq 4 ] \
   && [ "$(sed -n '1p;3,4p' <<< "$out")" = $'27: 111 steps\n1: 0 steps\n97: 118 steps' ] \
   && sed -n 2p <<< "$out" | grep -q '^0: .*count_steps.*0\.5'; then
  echo "ok 1 - gives the results in order"
else
  echo "not ok 1 - gives the results in order"
  echo "# status $status"
  printf '%s\n' "$out" | sed 's/^/# /'
fi
