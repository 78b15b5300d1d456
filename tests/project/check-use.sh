#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every language, the command and the workers are there for whoever has this environment:
# check-use.sh SOURCES PYTHON LIBRARY_FOLDER [PART…]
#
# SOURCES is only for the examples. PARTs that may be missing: vala, man, completion, nls.
set -u

examples=$1/docs/examples
modules=$1/introspection/python/tvmsupport
python=$2
library_folder=$3
shift 3
parts=" $* "
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
number=0
failed=0

# Quotes that are not ASCII show that the locale of the user is in use.
export LC_ALL=C.UTF-8

# Runs a check: try WHAT [--needs COMMAND_LINE] COMMAND…
try () {
  local what=$1 status
  shift
  number=$((number + 1))
  if [ "$1" = --needs ]; then
    if ! bash -c "$2" > /dev/null 2>&1; then
      echo "ok $number - $what # SKIP $2 fails"
      return
    fi
    shift 2
  fi
  "$@" > out 2>&1
  status=$?
  if [ "$status" -eq 0 ]; then
    echo "ok $number - $what"
  else
    failed=1
    echo "not ok $number - $what"
    echo "# status $status"
    sed 's/^/# /' out
  fi
}

# The same for what is not always built: try_part PART WHAT [--needs COMMAND_LINE] COMMAND…
try_part () {
  local part=$1
  shift
  case $parts in
    *" $part "*)
      try "$@"
      ;;
    *)
      number=$((number + 1))
      echo "ok $number - $1 # SKIP it was made without: $part"
      ;;
  esac
}

# The example that compiles a file: a good one, and one whose message has quotes
compiles () {
  "$@" good.c ./good.so && [ -f good.so ] || return 1
  rm good.so
  if "$@" broken.c ./broken.so 2> log; then
    echo "it has compiled what is broken"
    return 1
  fi
  cat log
  grep -q missing log && ! grep -qF '?missing?' log
}

builds_in_c () {
  local cflags libs used
  read -ra cflags <<< "$(pkg-config --cflags tvmsupport-1)"
  read -ra libs <<< "$(pkg-config --libs tvmsupport-1)"
  cc "${cflags[@]}" -o "$1" "$examples/$1.c" "${libs[@]}" || return
  used=$(ldd "./$1" | sed -n 's/^.*=> \(.*libtvmsupport-1.so.0\) .*$/\1/p')
  echo "It uses $used"
  [ "$used" -ef "$library_folder/libtvmsupport-1.so.0" ]
}

uses_c () {
  builds_in_c compile && compiles ./compile
}

uses_c_pool () {
  builds_in_c pool && [ "$(./pool 27 1)" = $'27: 111 steps\n1: 0 steps' ]
}

uses_vala () {
  valac --pkg tvmsupport-1 -X -w -o "$1" "${@:2}" "$examples/$1.vala"
}

uses_vala_compile () {
  uses_vala compile && compiles ./compile
}

uses_vala_pool () {
  uses_vala kernels --pkg gmodule-2.0 && ./kernels lock kernel.c > log \
    && [ "$(cat log)" = "kernel.c: 1.5" ]
}

# Each module that is in the sources
imports_all () {
  local path names=()
  for path in "$modules"/*.py; do
    names+=("tvmsupport.$(basename "$path" .py)")
  done
  "$python" -c 'import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)' "${names[@]}"
}

# The functions of a library that was just made, in a worker
runs_a_module () {
  "$python" - << 'END'
import gi
gi.require_version("TvmSupport", "1")
from gi.repository import GLib, TvmSupport
from tvmsupport import cc

cc.create_shared("module.so", ["module.c"])
spec = TvmSupport.WorkerSpec.new_module("module.so")
pool = TvmSupport.PoolExecutor.new(spec, 1)
assert pool.call("same", GLib.Variant("i", 3), None).unpack() == 3
END
}

# The languages' own workers
runs_python_functions () {
  "$python" - << 'END'
from tvmsupport.popen_pool import PopenPoolExecutor

with PopenPoolExecutor(max_workers=1) as pool:
    assert pool.submit(lambda a, b: a + b, 1, 2).result() == 3
END
}

runs_gjs_functions () {
  cat > pool.js << 'END'
import TvmSupport from 'gi://TvmSupport?version=1';

const pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_gjs(), 1);
if (pool.call((a, b) => a + b, [1, 2]) !== 3)
    throw new Error('no sum');
END
  gjs -m pool.js
}

uses_command () {
  [[ $(tvmsupport --version) == *" $(pkg-config --modversion tvmsupport-1)"* ]] || return
  tvmsupport cc --kind=shared -o good.so good.c && [ -f good.so ] || return
  [ "$(tvmsupport map --no-progress echo ::: one)" = one ]
}

finds_manual () {
  local page
  page=$(man -w tvmsupport) && echo "$page" && [ -s "$page" ]
}

finds_completion () {
  bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader tvmsupport
           complete -p tvmsupport'
}

speaks_german () {
  LANGUAGE=de tvmsupport --help | grep -q '^Aufruf'
}

cat > module.c << 'END'
void *g_variant_ref (void *);
void *same (void *args, void *cancellable, void *error);
void *same (void *args, void *cancellable, void *error) { return g_variant_ref (args); }
END
echo 'int good (void) { return 1; }' > good.c
echo 'int broken (void) { return missing; }' > broken.c
echo 'double kernel (void) { return 1.5; }' > kernel.c

echo 1..18
try "pkg-config" pkg-config --exists tvmsupport-1
try "C" uses_c
try "C: a pool" uses_c_pool
try "the command" uses_command
try_part man "the manual page" --needs 'man --version' finds_manual
try_part completion "the completion" --needs 'test -f /usr/share/bash-completion/bash_completion' \
  finds_completion
try_part nls "translations" speaks_german
try "Python: gi" compiles "$python" "$examples/compile.py"
try "Python: the package" imports_all
try "Python: a pool of a module" runs_a_module
try "Python: a pool of functions" --needs "$python -c 'import cloudpickle'" runs_python_functions
try "GJS" --needs 'gjs --version' compiles gjs -m "$examples/compile.js"
try "GJS: a pool of functions" --needs 'gjs --version' runs_gjs_functions
try "Lua" --needs 'lua5.1 -e "require(\"lgi\")"' compiles lua5.1 "$examples/compile.lua"
try "Perl" --needs 'perl -MGlib::Object::Introspection -e 1' compiles perl "$examples/compile.pl"
try "Ruby" --needs 'ruby -rgio2 -rgobject-introspection -e 1' compiles ruby "$examples/compile.rb"
try_part vala "Vala" uses_vala_compile
try_part vala "Vala: a pool" uses_vala_pool
[ "$failed" -eq 0 ]
