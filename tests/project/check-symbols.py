#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The library exports exactly what its public headers declare, and the Debian package lists it."""

import argparse
import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"\b(tvm_\w+)\s*\(")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# G_DECLARE_*_TYPE (TvmFoo, tvm_foo, …) declares tvm_foo_get_type
DECLARED_TYPE = re.compile(r"\bG_DECLARE_\w+_TYPE\s*\(\s*\w+\s*,\s*(\w+)")


def declared_in(path):
    text = COMMENT.sub(" ", pathlib.Path(path).read_text(encoding="utf-8"))
    # What a macro expands to is declared where it is, not where it is used.
    text = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    types = {f"{name}_get_type" for name in DECLARED_TYPE.findall(text)}
    return set(FUNCTION.findall(text)) | types


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nm")
    parser.add_argument("library")
    parser.add_argument("--debian", type=pathlib.Path)
    parser.add_argument("--headers", nargs="+")
    args = parser.parse_args()

    output = subprocess.run(
        [args.nm, "-D", "--defined-only", "-P", args.library],
        check=True, stdout=subprocess.PIPE, universal_newlines=True,
    ).stdout
    exported = {line.split()[0] for line in output.splitlines()}
    declared = set().union(*(declared_in(header) for header in args.headers))

    for name in sorted(exported - declared):
        print(f"exported but not declared: {name}")
    for name in sorted(declared - exported):
        print(f"declared but not exported: {name}")
    text = args.debian.read_text(encoding="utf-8")
    listed = set(re.findall(r"^ (\w+)@", text, re.MULTILINE))
    for name in sorted(exported - listed):
        print(f"not in {args.debian}: {name}")
    for name in sorted(listed - exported):
        print(f"no longer exported, but in {args.debian}: {name}")
    return 1 if exported ^ declared or exported ^ listed else 0


if __name__ == "__main__":
    sys.exit(main())
