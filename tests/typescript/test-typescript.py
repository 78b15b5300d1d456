#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the types for TypeScript: usage: test-typescript.py TYPES GIR [TSC]"""

import pathlib
import re
import subprocess
import sys
import traceback
import xml.etree.ElementTree as ElementTree

CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "docs" / "examples"
OF_JAVASCRIPT = "--allowJs --checkJs --noImplicitAny false --useUnknownInCatchVariables false".split()
OPTIONS = "--noEmit --strict --pretty false --target es2022 --lib es2022 --module es2022".split()


def compile_types(tsc, types, *names, options=()):
    """Returns the errors: pairs of a file name and a line."""
    files = [HERE / "girs.d.ts", types, *(HERE / name for name in names)]
    process = subprocess.run(
        [tsc, *OPTIONS, *options, *files], stdout=subprocess.PIPE, text=True, timeout=100, check=False
    )
    found = re.findall(r"^(\S+)\((\d+),\d+\): error .*$", process.stdout, re.MULTILINE)
    assert bool(found) == (process.returncode != 0), process.stdout
    return {(pathlib.Path(path).name, int(line)) for path, line in found}, process.stdout


def test_accepts_what_is_right(tsc, types, _gir):
    errors, output = compile_types(tsc, types, "good.ts")
    assert not errors, output


def test_accepts_the_examples(tsc, types, _gir):
    examples = sorted(EXAMPLES.glob("**/*.js"))
    assert EXAMPLES / "kernel-editor" / "main.js" in examples
    errors, output = compile_types(tsc, types, "gjs.d.ts", *examples, options=OF_JAVASCRIPT)
    assert not errors, output


def test_finds_what_is_wrong(tsc, types, _gir):
    lines = (HERE / "bad.ts").read_text().splitlines()
    planted = {("bad.ts", i) for i, line in enumerate(lines, 1) if line.endswith("// error")}
    errors, output = compile_types(tsc, types, "bad.ts")
    assert len(planted) > 20 and errors == planted, f"{sorted(errors ^ planted)}\n{output}"


def names_of(node):
    """What has to be declared for a node, each as a regular expression"""
    for tag, pattern in (
        ("constructor", r"static {}\("),
        ("function", r"(static|function) {}\("),
        ("method", r"{}[(<]"),
        ("virtual-method", r"vfunc_{}\("),
        ("property", r"(get |readonly )?{}[:(]"),
    ):
        for it in node.iterfind(CORE + tag):
            readable = tag != "property" or it.get("readable") != "0"
            if it.get("introspectable") != "0" and it.get("moved-to") is None and readable:
                yield pattern.format(it.get("name").replace("-", "_"))
    for it in node.iterfind(CORE + "member"):
        yield rf"(static readonly )?{it.get('name').upper()}( =|:)"
    for it in node.iterfind(GLIB + "signal"):
        yield rf"connect\(signal: '{it.get('name')}'"


def test_declares_everything(_tsc, types, gir):
    namespace = ElementTree.parse(gir).getroot().find(CORE + "namespace")
    text = types.read_text()
    missing = []
    for node in [namespace, *namespace]:
        name = node.get("name")
        kind = node.tag.removeprefix(CORE)
        if node.get("introspectable") == "0" or kind in ("function", "function-macro", "docsection"):
            continue
        if node is namespace:
            block = text
        else:
            start = rf"^ +(class|type|enum|const) {name}\b"
            match = re.search(start + r"[^\n]*(\n(?:.*\n)*? {8}\}$)?", text, re.MULTILINE)
            block = match[0] if match else ""
            if match is None:
                missing.append(name)
        for pattern in names_of(node):
            if not re.search(r"^ +" + pattern, block, re.MULTILINE):
                missing.append(f"{name}: {pattern}")
    assert not missing, missing


def main():
    types, gir = map(pathlib.Path, sys.argv[1:3])
    tsc = sys.argv[3] if len(sys.argv) > 3 else None
    tests = [
        test_accepts_what_is_right,
        test_accepts_the_examples,
        test_finds_what_is_wrong,
        test_declares_everything,
    ]
    failed = False
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        name = test.__name__.removeprefix("test_").replace("_", " ")
        if tsc is None and test is not test_declares_everything:
            print(f"ok {number} - {name} # SKIP no tsc: install node-typescript")
            continue
        try:
            test(tsc, types, gir)
            print(f"ok {number} - {name}")
        except Exception:  # pylint: disable=broad-except
            failed = True
            print(f"not ok {number} - {name}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
    sys.exit(failed)


main()
