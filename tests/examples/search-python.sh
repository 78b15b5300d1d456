#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the example that builds and measures a kernel in Python: search-python.sh COMMAND…
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

cat > "$folder/a kernel.c" <<'END'
double kernel (void)
{
#if KIND == 1
  for (;;) ;
#elif KIND == 2
  __builtin_trap ();
#elif KIND == 3
  return nothing;
#endif
  return KIND;
}
END

if ! /usr/bin/python3 -c 'import gi, cloudpickle' 2> "$folder/err"; then
  echo "1..0 # SKIP no PyGObject or no cloudpickle"
  exit 0
fi

echo 1..2
"$@" "$folder/a kernel.c" -DKIND=0 -DKIND=1 -DKIND=2 -DKIND=3 -DKIND=4 > "$folder/out" 2> "$folder/err"
status=$?
[ "$status" -eq 1 ] && grep -qx -e '-DKIND=0: 0' "$folder/out" \
  && grep -qx -e '-DKIND=1: measure() did not end within 1 s' "$folder/out" \
  && grep -q -e '-DKIND=2: The worker of “measure” was ended by signal' "$folder/out" \
  && grep -q -e '-DKIND=3: .*nothing.* undeclared' "$folder/out" \
  && grep -qx -e '-DKIND=4: 4' "$folder/out"
report $? "says what became of each option"

"$@" "$folder/a kernel.c" -DKIND=7 > "$folder/out" 2> "$folder/err"
report $? "succeeds when all do"
