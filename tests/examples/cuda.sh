#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that compiles a kernel: cuda.sh COMMAND
set -u

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo 1..3
"$1" 2> "$folder/err"
[ $? -eq 2 ] && grep -q usage "$folder/err" && echo "ok 1 - says how it is used" || echo "not ok 1 - says how it is used"

if ! command -v nvcc > /dev/null && [ ! -x /usr/local/cuda/bin/nvcc ]; then
  echo "ok 2 - compiles # SKIP nvcc is not installed"
  echo "ok 3 - prints what is wrong # SKIP nvcc is not installed"
  exit 0
fi

echo '__global__ void k (int *x) { x[0] = 1; }' > "$folder/k.cu"
if "$1" "$folder/k.cu" sm_90a "$folder/k.cubin" > "$folder/out" 2>&1 \
   && grep -qF "made $folder/k.cubin" "$folder/out" && [ -s "$folder/k.cubin" ]; then
  echo "ok 2 - compiles"
else
  echo "not ok 2 - compiles"
  sed 's/^/# /' "$folder/out"
fi

echo '__global__ void k (int *x) { x[0] = y; }' > "$folder/bad.cu"
if ! "$1" "$folder/bad.cu" 9.0 "$folder/bad.cubin" > "$folder/out" 2>&1 \
   && grep -q 'bad.cu:1: error: identifier "y" is undefined' "$folder/out" \
   && [ ! -e "$folder/bad.cubin" ]; then
  echo "ok 3 - prints what is wrong"
else
  echo "not ok 3 - prints what is wrong"
  sed 's/^/# /' "$folder/out"
fi
