#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the types of gi.repository.TvmSupport: the GIR as Python has it, with what the overrides add.

What a class has in the adjustments replaces what the GIR says of the same member.
"""

import argparse
import ast
import keyword
import pathlib
import xml.etree.ElementTree as ElementTree

from gir import CORE, FLOATS, GLIB, INTEGERS, is_introspectable, property_is_nullable
from gir import shown_parameters

PLAIN_TYPES = {
    **dict.fromkeys([*INTEGERS, "GLib.Quark"], "int"),
    **dict.fromkeys(FLOATS, "float"),
    "gboolean": "bool",
    "utf8": "str",
    "filename": "str",
    "gunichar": "str",
    "none": "None",
    "gpointer": "Any",
    "gconstpointer": "Any",
    "GType": "Any",
    "GLib.Bytes": "_RawBytes",
    "GLib.HashTable": "dict[str, str]",
}
# What the overrides take beside what they give
INPUT_TYPES = {"filename": "_Path", "GLib.Bytes": "_Bytes", "GLib.HashTable": "Mapping[str, str]"}
# What _with_defaults() of the overrides gives a default
DEFAULTS = {
    ("CompileRequest", "add_input"): ("language",),
    ("CompileRequest", "add_input_bytes"): ("language",),
    ("FileLock", "acquire"): ("timeout_msec",),
    ("FileLock", "acquire_async"): ("timeout_msec",),
    ("PoolExecutor", "shutdown"): ("mode",),
    ("PoolExecutor", "shutdown_async"): ("mode",),
    ("PopenWorker", "join"): ("timeout_msec",),
    ("PopenWorker", "join_async"): ("timeout_msec",),
    ("PoolExecutor", "new"): ("max_workers",),
}
HEADER = '''# SPDX-License-Identifier: Apache-2.0
# Made of the GIR by introspection/types/gir-to-python.py

import os
import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, TypeVar, overload

from gi.repository import Gio, GLib, GObject

_Self = TypeVar("_Self")
_Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
_Bytes = bytes | bytearray | memoryview | GLib.Bytes
_Callback = Callable[..., None]
# Where a class has a member of that name
_List = list
_RawBytes = bytes
'''


def safe(name):
    return f"{name}_" if keyword.iskeyword(name) else name


def type_of(node, is_input=False):
    """The type of a parameter, a return value, a property or an element."""
    array = node.find(CORE + "array")
    if array is not None:
        element = type_of(array, is_input)
        if array.find(CORE + "type").get("name") == "guint8":
            text = "_Bytes" if is_input else "_RawBytes"
        elif not is_input:
            text = f"_List[{element}]"
        elif "environ" in (node.get("name") or ""):
            text = f"Mapping[str, str] | Sequence[{element}]"
        else:
            text = f"Sequence[{element}]"
    else:
        name = node.find(CORE + "type").get("name")
        text = PLAIN_TYPES.get(name, name)
        text = INPUT_TYPES.get(name, text) if is_input else text
    return f"{text} | None" if node.get("nullable") == "1" else text


class Function:
    """A function or a method as Python has it."""

    def __init__(self, node, owner, siblings, has_parent=False):
        self.node = node
        self.has_parent = has_parent
        self.name = node.get("name")
        self.owner = owner
        self.kind = node.tag[len(CORE) :]
        self.value = node.find(CORE + "return-value")
        self.siblings = siblings
        self.shown = shown_parameters(node)

    def result(self):
        kinds = [type_of(self.value)]
        kinds += [type_of(it) for it in self.shown if it.get("direction") in ("out", "inout")]
        kinds = kinds[1:] if kinds[0] == "None" and len(kinds) > 1 else kinds
        return kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]"

    def arguments(self, parameters):
        """What can be null at the end, or has a default of the overrides, can be left out."""
        defaults = DEFAULTS.get((self.owner, self.name), ())
        optional = True
        texts = []
        for parameter in reversed(parameters):
            name = parameter.get("name")
            optional = optional and (parameter.get("nullable") == "1" or name in defaults)
            kind = "Callable[..., Any]" if parameter.get("scope") else type_of(parameter, True)
            texts.append(f"{safe(name)}: {kind}{' = ...' if optional else ''}")
        return texts[::-1]

    def signature(self, arguments, result):
        first = {"method": ["self"], "constructor": ["cls"]}.get(self.kind, [])
        return f"def {safe(self.name)}({', '.join(first + arguments)}) -> {result}: ..."

    def lines(self):
        decorators = {"constructor": ["@classmethod"], "function": ["@staticmethod"]}
        decorator = decorators.get(self.kind, []) if self.owner is not None else []
        inputs = [it for it in self.shown if it.get("direction") != "out"]
        finish = self.siblings.get(self.name[: -len("async")] + "finish")
        if not self.name.endswith("_async") or finish is None:
            result = self.owner if self.kind == "constructor" else self.result()
            # A constructor may differ from that of the parent.
            differs = self.kind == "constructor" and self.name == "new" and self.has_parent
            mark = "  # type: ignore[override]" if differs else ""
            return [*decorator, self.signature(self.arguments(inputs), result) + mark]

        inputs = [it for it in inputs if it.get("scope") != "async"]
        result = Function(finish, self.owner, {}).result()
        given = [text.removesuffix(" = ...") for text in self.arguments(inputs)]
        return [
            "@overload",
            *decorator,
            self.signature(self.arguments(inputs), f"Awaitable[{result}]"),
            "@overload",
            *decorator,
            self.signature([*given, "callback: _Callback", "user_data: Any = ..."], "None"),
        ]


def write_enumeration(node):
    base = "GEnum" if node.tag == CORE + "enumeration" else "GFlags"
    name = node.get("name")
    members = [it.get("name").upper() for it in node.iterfind(CORE + "member")]
    return [
        f"class {name}(GObject.{base}):",
        *(f"    {safe(member)}: ClassVar[{name}]" for member in members),
        "    value_name: str",
        "    value_nick: str",
        "",
    ]


def write_properties(node):
    """GObject's constructor, and .props"""
    properties = [it for it in node.iterfind(CORE + "property") if is_introspectable(it)]
    if not properties:
        return []
    names = [(it, safe(it.get("name").replace("-", "_"))) for it in properties]
    none = {name: " | None" if property_is_nullable(node, it) else "" for it, name in names}
    settable = [
        f"{name}: {type_of(it, True)}{none[name]} = ..."
        for it, name in names
        if it.get("writable") == "1"
    ]
    props = [f"    {name}: {type_of(it)}{none[name]}" for it, name in names]
    parent = node.get("parent")
    base = f"({parent}._Props)" if parent and "." not in parent else ""
    init = ["*", *settable, "**properties: Any"] if settable else ["**properties: Any"]
    return [
        f"class _Props{base}:",
        *props,
        "@property",
        "def props(self) -> _Props: ...",
        f"def __init__(self, {', '.join(init)}) -> None: ...",
    ]


def write_class(node, added):
    name = node.get("name")
    parent = node.get("parent")
    functions = [
        it
        for kind in ("constructor", "method", "function")
        for it in node.iterfind(CORE + kind)
        if is_introspectable(it) and it.get("name") not in added.names
    ]
    siblings = {it.get("name"): it for it in node.iter() if it.get("name")}
    lines = write_properties(node) if node.tag == CORE + "class" else []
    for function in functions:
        lines += Function(function, name, siblings, "." not in (parent or ".")).lines()
    lines += added.lines
    bases = f"({parent})" if parent else ""
    return [f"class {name}{bases}:", *(f"    {line}" for line in lines or ["..."]), ""]


class Added:
    """What the overrides add to a class"""

    def __init__(self, node=None):
        body = node.body if node is not None else []
        self.names = {it.name for it in body if isinstance(it, ast.FunctionDef)}
        self.lines = [line for it in body for line in ast.unparse(it).splitlines()]


def write(gir, adjustments):
    namespace = ElementTree.parse(gir).getroot().find(CORE + "namespace")
    added = {it.name: Added(it) for it in ast.parse(adjustments.read_text()).body}
    functions = [it for it in namespace.iterfind(CORE + "function") if is_introspectable(it)]
    siblings = {it.get("name"): it for it in functions}
    lines = []
    for node in namespace:
        kind = node.tag[len(CORE) :] if node.tag.startswith(CORE) else ""
        name = node.get("name")
        if not is_introspectable(node) or node.get(GLIB + "is-gtype-struct-for"):
            continue
        if kind == "constant":
            lines += [f"{name}: {type_of(node)}", ""]
        elif kind in ("enumeration", "bitfield"):
            lines += write_enumeration(node)
        elif kind in ("class", "record"):
            lines += write_class(node, added.get(name, Added()))
    for node in functions:
        lines += [*Function(node, None, siblings).lines(), ""]
    return HEADER + "\n" + "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gir", type=pathlib.Path)
    parser.add_argument("adjustments", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    text = write(arguments.gir, arguments.adjustments)
    ast.parse(text)
    arguments.output.write_text(text)


if __name__ == "__main__":
    main()
