#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Records what the compilers and linkers of this machine print, one file for each command, beside this
# script. Run it by hand; the tests only read the records. Needs gcc-12, g++-12, clang-14, lld-14,
# mold, binutils with gold, and nvcc 13.
set -u

data=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$data/src" "$work/src"
cd "$work" || exit 1
LC_ALL=C.UTF-8
export LC_ALL

# record NAME COMMAND...
record() {
  name=$1
  shift
  "$@" >"$data/$name.txt" 2>&1 </dev/null
}

for source in syntax fixit included macro redefined warnings noheader tabs latin1 toomany; do
  record gcc-$source gcc-12 -Wall -Wextra -c src/$source.c -o out
  record gcc-json-$source gcc-12 -fdiagnostics-format=json -Wall -Wextra -c src/$source.c -o out
  record clang-$source clang-14 -fdiagnostics-parseable-fixits \
    -fdiagnostics-print-source-range-info -Wall -Wextra -c src/$source.c -o out
  record clang-plain-$source clang-14 -fno-caret-diagnostics -Wall -Wextra -c src/$source.c -o out
done
for source in template multiline; do
  record gcc-$source g++-12 -c src/$source.cpp -o out
  record gcc-json-$source g++-12 -fdiagnostics-format=json -c src/$source.cpp -o out
  record clang-$source clang++-14 -c src/$source.cpp -o out
done
# So that no excerpt depends on the headers of the machine that runs the tests
sed -i 's,/usr/include/,/build/include/,g' "$data/gcc-json-template.txt"
record gcc-color gcc-12 -fdiagnostics-color=always -c src/redefined.c -o out
record gcc-fixits gcc-12 -fdiagnostics-parseable-fixits -c src/fixit.c -o out
record gcc-werror gcc-12 -Werror -Wall -c src/warnings.c -o out
record gcc-json-werror gcc-12 -fdiagnostics-format=json -Werror -Wall -c src/warnings.c -o out
record clang-werror clang-14 -Werror -Wall -c src/warnings.c -o out
record gcc-json-analyzer gcc-12 -fdiagnostics-format=json -fanalyzer -c src/analyzer.c -o out
record gcc-space gcc-12 -c 'src/with space.c' -o out
record gcc-unicode gcc-12 -c 'src/unicode-ä.c' -o out
record gcc-json-unicode gcc-12 -fdiagnostics-format=json -c 'src/unicode-ä.c' -o out
record clang-space clang-14 -c 'src/with space.c' -o out
cp src/redefined.c "$(printf 'caf\351.c')"
record gcc-latin1-name gcc-12 -c "$(printf 'caf\351.c')" -o out
record gcc-json-latin1-name gcc-12 -fdiagnostics-format=json -c "$(printf 'caf\351.c')" -o out
record gcc-json-three gcc-12 -fdiagnostics-format=json src/multi-a.c src/multi-b.c src/redefined.c
record gcc-json-asm gcc-12 -fdiagnostics-format=json -c src/inline-asm.c -o out
record gcc-json-option gcc-12 -fdiagnostics-format=json -march=nonesuch -c src/multi-a.c -o out
record gcc-json-max-errors gcc-12 -fdiagnostics-format=json -fmax-errors=2 -c src/toomany.c -o out
record gcc-max-errors gcc-12 -fmax-errors=2 -c src/toomany.c -o out
record clang-max-errors clang-14 -ferror-limit=2 -c src/toomany.c -o out
record gcc-opt-info gcc-12 -fopt-info -O2 -c src/undefined.c -o out
record clang-remark clang-14 -Rpass=inline -O2 -c src/undefined.c -o out

record as gcc-12 -c src/asm.s -o out
record as-inline gcc-12 -c src/inline-asm.c -o out
record as-output gcc-12 -c src/multi-a.c -o /nonexistent/out.o
record clang-asm clang-14 -c src/asm.s -o out
record clang-inline-asm clang-14 -c src/inline-asm.c -o out

record driver-gcc-option g++-12 -fbogus -c src/syntax.c
record driver-gcc-none gcc-12
record driver-gcc-missing gcc-12 -c nofile.c
record driver-clang-option clang-14 -fbogus -c src/syntax.c
record driver-clang-missing clang-14 nofile.c
record driver-clang-warning clang-14 -Wbogus -c src/multi-a.c -o out
record driver-clang-output clang-14 -c src/multi-a.c -o /nonexistent/out.o
(ulimit -t 1
 record killed g++-12 -fconstexpr-ops-limit=100000000000 -fconstexpr-loop-limit=1000000000 \
   -c src/endless.cpp -o out)
(ulimit -s 100
 python3 -c "print('int x = ' + '(' * 200000 + '1' + ')' * 200000 + ';')" >deep.c
 record crash gcc-12 -c deep.c -o out)

gcc-12 -c src/undefined.c -o undefined.o
gcc-12 -g -ffile-prefix-map="$work"=/build -c src/undefined.c -o undefined-g.o
g++-12 -c src/undefined.cpp -o undefined-cpp.o
gcc-12 -fno-pic -c src/undefined.c -o nopic.o
gcc-12 -c src/multi-a.c -o multi-a.o
gcc-12 -c src/multi-b.c -o multi-b.o
gcc-12 -g -ffile-prefix-map="$work"=/build -c src/multi-a.c -o multi-a-g.o
gcc-12 -g -ffile-prefix-map="$work"=/build -c src/multi-b.c -o multi-b-g.o
echo junk >junk.o
for linker in bfd gold lld mold; do
  case $linker in
    mold) cc=clang-14 ;;
    *) cc=gcc-12 ;;
  esac
  link() {
    name=$1
    shift
    record "$linker-$name" $cc -fuse-ld=$linker "$@"
  }
  link undefined undefined.o -o out
  link undefined-g undefined-g.o -o out
  link undefined-cpp undefined-cpp.o -o out
  link multiple multi-a.o multi-b.o -o out
  link multiple-g multi-a-g.o multi-b-g.o -o out
  link library multi-a.o -lno_such_library -o out
  link main multi-b.o -o out
  link option multi-a.o -Wl,--bogus -o out
  link nopic -shared nopic.o -o out
  link junk multi-a.o junk.o -o out
  link output multi-a.o -o /nonexistent/out
done
gcc-12 -flto -c src/multi-a.c -o lto-a.o
gcc-12 -flto -c src/lto.c -o lto-b.o
record lto gcc-12 -flto lto-a.o lto-b.o -o out
record lto-json gcc-12 -flto -fdiagnostics-format=json lto-a.o lto-b.o -o out
record ar ar rcs /nonexistent/out.a src/syntax.c
record llvm-ar llvm-ar-14 rcs out.a none.o

record nvcc-errors nvcc --cubin -arch=sm_90 src/cuda-errors.cu -o out
record nvcc-noheader nvcc --cubin -arch=sm_90 src/cuda-noheader.cu -o out
record nvcc-catastrophic nvcc --cubin -arch=sm_90 src/cuda-catastrophic.cu -o out
record nvcc-ptxas nvcc --cubin -arch=sm_90 src/cuda-ptxas.cu -o out
record nvcc-asm nvcc --cubin -arch=sm_90 src/cuda-asm.cu -o out
sed -i 's,/tmp/tmpxft[^ ,]*,/build/tmpxft.ptx,' "$data/nvcc-asm.txt"
record nvcc-shared nvcc --cubin -arch=sm_90 -Xptxas -v src/cuda-shared.cu -o out
record nvcc-arch nvcc --cubin -arch=sm_70 src/cuda-errors.cu -o out
record nvcc-option nvcc --bogus src/cuda-errors.cu
record nvcc-redefined nvcc --cubin -arch=sm_90 -arch=sm_80 src/cuda-noheader.cu -o out
nvcc -arch=sm_90 -dc src/cuda-link.cu -o link.o
record nvcc-link nvcc -arch=sm_90 link.o -o out
