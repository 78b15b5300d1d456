#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Copies the guides, with each line `{{example FILE}}` replaced by that example.

"""

import argparse
import pathlib
import re
import sys

LANGUAGES = {
    ".c": "c",
    ".js": "js",
    ".lua": "lua",
    ".pl": "perl",
    ".py": "python",
    ".rb": "ruby",
    ".sh": "sh",
    ".vala": "vala",
}
DIRECTIVE = re.compile(r"^\{\{example ([\w./-]+)\}\}$", re.MULTILINE)


def example(directory, name):
    path = directory / name
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "SPDX-License-Identifier" not in line]
    return f"```{LANGUAGES[path.suffix]}\n" + "\n".join(lines).strip() + "\n```"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("guides", type=pathlib.Path, nargs="+")
    args = parser.parse_args()

    args.output.mkdir(parents=True, exist_ok=True)
    for guide in args.guides:
        text = guide.read_text(encoding="utf-8")
        text = DIRECTIVE.sub(lambda match: example(args.examples, match.group(1)), text)
        (args.output / guide.name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
