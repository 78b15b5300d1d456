#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header is in the umbrella, is guarded, and includes what it needs by its full name."""

import argparse
import pathlib
import re
import sys

INCLUDE = re.compile(r"^#include\s*([<\"])([^>\"]+)[>\"]", re.MULTILINE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--umbrella", type=pathlib.Path, nargs="+", required=True)
    args = parser.parse_args()

    umbrella, *headers = args.umbrella
    source = args.source.resolve()
    included = {name for _, name in INCLUDE.findall(umbrella.read_text(encoding="utf-8"))}
    problems = []
    for header in headers:
        name = str(header.resolve().relative_to(source))
        text = header.read_text(encoding="utf-8")
        if name not in included:
            problems.append(f"{name}: not in {umbrella.name}")
        if "#pragma once" not in text:
            problems.append(f"{name}: no #pragma once")
        if "TVM_SUPPORT_INSIDE" not in text:
            problems.append(f"{name}: can be included directly")
        if "G_BEGIN_DECLS" not in text and "TVM_SUPPORT_AVAILABLE_IN" in text.replace(
            "define TVM_SUPPORT_AVAILABLE_IN", ""
        ):
            problems.append(f"{name}: no G_BEGIN_DECLS")
        for quote, other in INCLUDE.findall(text):
            if quote == '"':
                problems.append(f"{name}: includes {other} in quotes")
            elif other.startswith("tvm-") or other == "tvmsupport/tvmsupport.h":
                problems.append(f"{name}: includes {other}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
