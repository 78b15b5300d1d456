#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""po/POTFILES.in lists exactly the sources that have strings to translate."""

import pathlib
import re
import sys

MARKED = re.compile(r"(?<![\w\"])(?:(?:_|N_|C_|ngettext)\s?\(|g_dngettext\s?\(\w+,)\s*\"")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def main():
    root = pathlib.Path(sys.argv[1])
    lines = (root / "po/POTFILES.in").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    marked = {
        str(path.relative_to(root))
        for path in (root / "tvmsupport").rglob("*.[ch]")
        if MARKED.search(COMMENT.sub("", path.read_text(encoding="utf-8")))
    }
    for name in sorted(marked - listed):
        print(f"not in po/POTFILES.in: {name}")
    for name in sorted(listed - marked):
        print(f"in po/POTFILES.in without anything to translate: {name}")
    if lines != sorted(lines, key=lambda line: (not line.startswith("#"), line)):
        print("po/POTFILES.in is not sorted")
        return 1
    return 1 if marked ^ listed else 0


if __name__ == "__main__":
    sys.exit(main())
