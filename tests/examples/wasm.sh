#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that makes a WebAssembly module: wasm.sh COMMAND
set -u

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo 1..3
"$1" 2> "$folder/err"
[ $? -eq 2 ] && grep -q usage "$folder/err" && echo "ok 1 - says how it is used" || echo "not ok 1 - says how it is used"

for tool in emcc node; do
  if ! command -v $tool > /dev/null; then
    echo "ok 2 - compiles # SKIP $tool is not installed"
    echo "ok 3 - prints what is wrong # SKIP $tool is not installed"
    exit 0
  fi
done

printf '#include <emscripten.h>\nEMSCRIPTEN_KEEPALIVE int add (int a, int b) { return a + b; }\n' \
  > "$folder/add.c"
if "$1" "$folder/add.c" "$folder/add.wasm" > "$folder/out" 2>&1 \
   && grep -qF "made $folder/add.wasm" "$folder/out" \
   && node -e "WebAssembly.instantiate (require ('fs').readFileSync (process.argv[1]))
                 .then (({ instance }) => console.log (instance.exports.add (40, 2)))" \
        "$folder/add.wasm" 2>> "$folder/out" | grep -qx 42; then
  echo "ok 2 - compiles"
else
  echo "not ok 2 - compiles"
  sed 's/^/# /' "$folder/out"
fi

echo 'int f (void) { return y; }' > "$folder/bad.c"
if ! "$1" "$folder/bad.c" "$folder/bad.wasm" > "$folder/out" 2>&1 \
   && grep -q "bad.c:1:23: error: use of undeclared identifier 'y'" "$folder/out" \
   && [ ! -e "$folder/bad.wasm" ]; then
  echo "ok 3 - prints what is wrong"
else
  echo "not ok 3 - prints what is wrong"
  sed 's/^/# /' "$folder/out"
fi
