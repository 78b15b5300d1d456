#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that builds and loads a library: build-library.sh LOADER COMMAND…
set -u

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
loader=$1
shift

echo 1..1
cat > "$folder/describe.c" << 'EOF'
#include <string.h>
char *tvm_describe (void *cancellable, void **error) { return strdup (WHAT); }
EOF
echo 'int number;' > "$folder/number.c"

if "$@" "$folder/libdescribed.so" "$loader" '-DWHAT="it is loaded\n"' -O1 -- \
     "$folder/describe.c" "$folder/number.c" > "$folder/out" 2>&1 \
   && grep -q '^2 sources, 2 symbols, ' "$folder/out" \
   && grep -q '^it is loaded$' "$folder/out"; then
  echo "ok 1 - builds, lists and loads"
else
  echo "not ok 1 - builds, lists and loads"
  sed 's/^/# /' "$folder/out"
fi
