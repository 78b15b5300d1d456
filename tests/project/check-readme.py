#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The examples that README.md shows are those that run as tests.

After a line `<!-- example FILE -->` stands a block with what FILE of docs/examples has below its
line `[example]`.
"""

import pathlib
import re
import sys

SHOWN = re.compile(r"^<!-- example ([\w.-]+) -->\n+```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^<!-- example ([\w.-]+) -->$", re.MULTILINE)


def example(path):
    text = path.read_text(encoding="utf-8")
    return re.split(r"^.*\[example\].*\n", text, maxsplit=1, flags=re.MULTILINE)[-1]


def main():
    root = pathlib.Path(sys.argv[1])
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = dict(SHOWN.findall(readme))
    status = 0
    for name in NAMED.findall(readme):
        if shown.get(name) != example(root / "docs/examples" / name):
            print(f"README.md does not show docs/examples/{name} as it is")
            status = 1
    if not shown:
        print("README.md shows no example")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
