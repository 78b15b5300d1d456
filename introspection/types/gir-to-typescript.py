#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the types of the library for TypeScript, as GJS has it: the GIR with what the overrides add.

GLib, GObject and Gio are those of the packages @girs. What a class has in the adjustments replaces
what the GIR says of the same member.
"""

import argparse
import re
import xml.etree.ElementTree as ElementTree

from gir import CORE, FLOATS, GLIB, INTEGERS, is_moved, property_is_nullable, shown_parameters
from gir import is_introspectable as is_in_gir

PLAIN_TYPES = {
    **dict.fromkeys([*INTEGERS, *FLOATS], "number"),
    "gboolean": "boolean",
    "utf8": "string",
    "filename": "string",
    "gunichar": "string",
    "none": "void",
    "gpointer": "any",
    "gconstpointer": "any",
    "GType": "GObject.GType",
}
ENVIRONMENTS = ("environ", "environ_", "environment", "ccache_environ")
RESERVED = ("function", "default", "in", "new", "with", "arguments", "eval", "delete", "class")


def indent(lines, levels=1):
    return [" " * 4 * levels + line if line else line for line in lines]


def is_introspectable(node):
    return is_in_gir(node) and not is_moved(node)


def documentation(node, extra=()):
    """The doc comment of a node, and of its parameters and its return value."""
    doc = node.find(CORE + "doc")
    lines = (doc.text.splitlines() if doc is not None else []) + list(extra)
    lines = [line.replace("*/", "* /").rstrip() for line in lines]
    if not lines:
        return []
    if len(lines) == 1:
        return [f"/** {lines[0]} */"]
    return ["/**", *(f" * {line}".rstrip() for line in lines), " */"]


def text_of(node):
    doc = node.find(CORE + "doc")
    return " ".join(doc.text.split()) if doc is not None else ""


class Adjustments:
    """What overrides change: a file of TypeScript, whose classes are added to those of the GIR."""

    MEMBER = re.compile(r'^(static )?(?:readonly |get |set )*(\[[^\]]+\]|\w+)')

    def __init__(self, text):
        self.members = {}
        self.rest = []
        owner = None
        for line in text.splitlines():
            if match := re.match(r"class (\w+) \{$", line):
                owner = self.members.setdefault(match[1], [])
            elif line == "}" and owner is not None:
                owner = None
            elif owner is not None:
                owner.append(line[4:])
            elif not line.startswith("// SPDX"):
                self.rest.append(line)

    def names(self, owner):
        """What the GIR need not say: pairs of whether it is static, and the name."""
        if owner is None:
            matches = (re.match(r"function (\w+)", line) for line in self.rest)
            return {(True, match[1]) for match in matches if match}
        found = set()
        for line in self.members.get(owner, []):
            if not line.startswith((" ", "/", "*", "}", ")")) and (match := self.MEMBER.match(line)):
                found.add((match[1] is not None, match[2]))
        return found


class Callable:
    """A function, method or callback as GJS has it."""

    def __init__(self, writer, node):
        self.writer = writer
        self.node = node
        self.name = node.get("name")
        self.value = node.find(CORE + "return-value")
        self.shown = shown_parameters(node)

    def inputs(self):
        return [it for it in self.shown if it.get("direction") != "out"]

    def callback(self):
        """The callback of an asynchronous function, or None"""
        last = self.shown[-1] if self.shown else None
        return last if last is not None and last.get("scope") == "async" else None

    def result(self):
        """What is returned: one value, or a list of all that come out."""
        kinds = [self.writer.type_of(self.value, out=True)]
        kinds += [
            self.writer.type_of(it, out=True)
            for it in self.shown
            if it.get("direction") in ("out", "inout")
        ]
        kinds = kinds[1:] if kinds[0] == "void" and len(kinds) > 1 else kinds
        return kinds[0] if len(kinds) == 1 else f"[{', '.join(kinds)}]"

    def arguments(self, parameters):
        """What can be null at the end can be left out; not of what sets something."""
        optional = not self.name.startswith("set_") and self.node.tag != CORE + "callback"
        texts = []
        for parameter in reversed(parameters):
            kind = self.writer.type_of(parameter)
            optional = optional and parameter.get("nullable") == "1"
            name = parameter.get("name")
            name = f"{name}_" if name in RESERVED else name
            texts.append(f"{name}{'?' if optional else ''}: {kind}")
        return ", ".join(reversed(texts))

    def documentation(self):
        extra = [f"@param {it.get('name')} {text_of(it)}" for it in self.inputs() if text_of(it)]
        if self.result() != "void" and text_of(self.value):
            extra.append(f"@returns {text_of(self.value)}")
        return documentation(self.node, extra)

    def declare(self, prefix, finish=None):
        """The lines of the declaration; finish is what ends an asynchronous function."""
        name = self.name
        if self.callback() is None or finish is None:
            signature = f"{prefix}{name}({self.arguments(self.inputs())}): {self.result()};"
            return [*self.documentation(), signature]
        inputs = self.inputs()[:-1]
        whole = [self.writer.type_of(it) for it in inputs]
        names = [it.get("name") for it in inputs]
        with_callback = ", ".join(f"{name}: {kind}" for name, kind in zip(names, whole))
        source = "this" if self.node.tag == CORE + "method" else ""
        callback = f"Gio.AsyncReadyCallback{source and f'<{source}>'}"
        return [
            *self.documentation(),
            f"{prefix}{name}({self.arguments(inputs)}): Promise<{finish.result()}>;",
            f"{prefix}{name}({with_callback}, callback: {callback}): void;",
        ]


class Writer:
    """Writes the types of a namespace."""

    def __init__(self, gir, adjustments):
        self.namespace = ElementTree.parse(gir).getroot().find(CORE + "namespace")
        self.name = self.namespace.get("name")
        self.version = self.namespace.get("version")
        self.adjustments = adjustments
        self.classes = {node.get("name"): node for node in self.namespace.iterfind(CORE + "class")}

    def type_of(self, typed, out=False):
        """The type of a parameter (or, with out, of a value that comes from C)"""
        kind = self.plain_type(typed, out)
        if not out and typed.get("name") in ENVIRONMENTS:
            kind = f"Environment | {kind}"
        if typed.get("nullable") == "1" and kind != "any":
            kind = f"{kind} | null"
        return kind

    def plain_type(self, typed, out):
        array = typed.find(CORE + "array")
        if array is not None:
            item = self.named_type(array.find(CORE + "type"), out)
            if array.find(CORE + "type").get("name") == "guint8":
                return "Uint8Array"
            return f"({item})[]" if " " in item else f"{item}[]"
        return self.named_type(typed.find(CORE + "type"), out)

    def named_type(self, node, out):
        name = node.get("name")
        if name in PLAIN_TYPES:
            return PLAIN_TYPES[name]
        if name == "GLib.Bytes":
            return "Uint8Array" if out else "GLib.Bytes | Uint8Array"
        if name == "GLib.HashTable":
            value = self.named_type(node.findall(CORE + "type")[1], out)
            return f"{{[key: string]: {value}}}"
        return name

    def functions_of(self, owner, node):
        """The lines of all functions of a class, a record or the namespace."""
        lines = []
        replaced = self.adjustments.names(owner)
        found = {}
        for tag in ("constructor", "function", "method"):
            for it in node.iterfind(CORE + tag):
                if is_introspectable(it):
                    found[it.get("name")] = (tag, Callable(self, it))
        for name, (tag, function) in found.items():
            static = tag != "method"
            if (static, name) in replaced:
                continue
            prefix = "static " if static and owner is not None else ""
            prefix = prefix or ("function " if owner is None else "")
            finish = found.get(name.removesuffix("_async") + "_finish", (None, None))[1]
            lines += function.declare(prefix, finish)
            if static and self.is_inherited(owner, name):
                # TypeScript wants the static side of a class to fit that of its parent.
                lines.append(f"static {name}(...args: never): any;")
        return lines

    def is_inherited(self, owner, name):
        parent = self.classes[owner].get("parent") if owner in self.classes else None
        while parent in self.classes:
            if any(
                it.get("name") == name
                for tag in ("constructor", "function")
                for it in self.classes[parent].iterfind(CORE + tag)
            ):
                return True
            parent = self.classes[parent].get("parent")
        return False

    @staticmethod
    def spellings(name):
        snake = name.replace("-", "_")
        camel = re.sub(r"_(.)", lambda match: match[1].upper(), snake)
        return [snake] if snake == camel else [snake, camel]

    def properties_of(self, owner, node):
        """The properties, and those that its constructor takes."""
        declared, given = [], []
        replaced = self.adjustments.names(owner)
        for it in node.iterfind(CORE + "property"):
            if not is_introspectable(it):
                continue
            nullable = property_is_nullable(node, it)
            written = it.get("writable") == "1"
            settable = written and it.get("construct-only") != "1"
            for name in self.spellings(it.get("name")):
                kind = self.type_of(it, out=True) + (" | null" if nullable else "")
                taken = self.plain_type(it, False) + (" | null" if nullable else "")
                if name.lower().replace("_", "") in ("environ", "environment", "ccacheenviron"):
                    taken = f"Environment | {taken}"
                if written:
                    given.append(f"{name}: {taken};")
                if it.get("readable") == "0" or (False, name) in replaced:
                    continue
                declared += documentation(it)
                if settable and taken != kind:
                    declared += [f"get {name}(): {kind};", f"set {name}(value: {taken});"]
                else:
                    declared.append(f"{'' if settable else 'readonly '}{name}: {kind};")
        return declared, given

    def signals_of(self, node):
        lines = []
        for it in node.iterfind(GLIB + "signal"):
            function = Callable(self, it)
            arguments = ", ".join(
                ["self: this", *filter(None, [function.arguments(function.inputs())])]
            )
            lines += documentation(it)
            lines.append(
                f"connect(signal: '{it.get('name')}', "
                f"callback: ({arguments}) => {function.result()}): number;"
            )
        names = [
            f"'notify::{it.get('name')}'"
            for it in node.iterfind(CORE + "property")
            if is_introspectable(it)
        ]
        if names:
            callback = "callback: (self: this, pspec: GObject.ParamSpec) => void"
            lines.append(f"connect(signal: {' | '.join(names)}, {callback}): number;")
        if lines:
            lines.append(
                "connect(signal: string, callback: (self: this, ...args: any[]) => any): number;"
            )
        return lines

    def vfuncs_of(self, node):
        lines = []
        for it in node.iterfind(CORE + "virtual-method"):
            if is_introspectable(it):
                function = Callable(self, it)
                lines += function.documentation()
                arguments = ", ".join(
                    f"{parameter.get('name')}: {self.type_of(parameter)}"
                    for parameter in function.inputs()
                )
                lines.append(f"vfunc_{function.name}({arguments}): {function.result()};")
        return lines

    def class_of(self, node):
        name = node.get("name")
        declared, given = self.properties_of(name, node)
        parent = node.get("parent")
        interfaces = [it.get("name") for it in node.iterfind(CORE + "implements")]
        properties = f"{parent}.ConstructorProps"
        lines = [
            *documentation(node),
            f"class {name} extends {parent} {{",
            *indent(
                [
                    f"static $gtype: GObject.GType<{name}>;",
                    f"constructor(properties?: Partial<{name}.ConstructorProps>);",
                    *declared,
                    *self.functions_of(name, node),
                    *self.signals_of(node),
                    *self.vfuncs_of(node),
                    *self.adjustments.members.get(name, []),
                ]
            ),
            "}",
            f"namespace {name} {{",
            *indent([f"interface ConstructorProps extends {properties} {{", *indent(given), "}"]),
            "}",
        ]
        if interfaces:
            lines.append(f"interface {name} extends {', '.join(interfaces)} {{}}")
        return lines

    def record_of(self, node):
        name = node.get("name")
        owner = node.get(GLIB + "is-gtype-struct-for")
        if owner is not None:
            return [f"type {name} = typeof {owner};"]
        fields = []
        for it in node.iterfind(CORE + "field"):
            if is_introspectable(it) and it.get("private") != "1":
                fields += documentation(it)
                fields.append(f"{it.get('name')}: {self.type_of(it, out=True)};")
        return [
            *documentation(node),
            f"class {name} {{",
            *indent(
                [
                    f"static $gtype: GObject.GType<{name}>;",
                    *fields,
                    *self.functions_of(name, node),
                    *self.adjustments.members.get(name, []),
                ]
            ),
            "}",
        ]

    def enumeration_of(self, node):
        name = node.get("name")
        members = []
        for it in node.iterfind(CORE + "member"):
            members += documentation(it)
            member = it.get("name").upper()
            value = it.get("value")
            if node.get(GLIB + "error-domain") is None:
                members.append(f"{member} = {value},")
            else:
                members.append(f"static readonly {member}: {value};")
        if node.get(GLIB + "error-domain") is None:
            return [*documentation(node), f"enum {name} {{", *indent(members), "}"]
        functions = self.functions_of(name, node)
        constructor = "constructor(options: {message: string, code: number});"
        members = [constructor, *members, *functions, *self.adjustments.members.get(name, [])]
        return [*documentation(node), f"class {name} extends GLib.Error {{", *indent(members), "}"]

    def callback_of(self, node):
        function = Callable(self, node)
        return [
            *function.documentation(),
            f"type {node.get('name')} = "
            f"({function.arguments(function.inputs())}) => {function.result()};",
        ]

    def constant_of(self, node):
        kind = self.named_type(node.find(CORE + "type"), True)
        return [*documentation(node), f"const {node.get('name')}: {kind};"]

    def write(self):
        writers = {
            "class": self.class_of,
            "record": self.record_of,
            "enumeration": self.enumeration_of,
            "bitfield": self.enumeration_of,
            "callback": self.callback_of,
            "constant": self.constant_of,
        }
        body = []
        for node in self.namespace:
            writer = writers.get(node.tag.removeprefix(CORE))
            if writer is not None and is_introspectable(node):
                body += [*writer(node), ""]
        body += self.functions_of(None, self.namespace)
        body += ["", *self.adjustments.rest]
        module = f"gi://{self.name}?version={self.version}"
        return [
            "// SPDX-License-Identifier: Apache-2.0",
            "// Made from the GIR by gir-to-typescript.py.",
            "",
            f"declare module '{module}' {{",
            *indent(
                [
                    "import Gio from '@girs/gio-2.0';",
                    "import GLib from '@girs/glib-2.0';",
                    "import GObject from '@girs/gobject-2.0';",
                    "",
                    f"namespace {self.name} {{",
                    *indent(body),
                    "}",
                    "",
                    f"export default {self.name};",
                ]
            ),
            "}",
            "",
            f"declare module 'gi://{self.name}' {{",
            *indent([f"import {self.name} from '{module}';", "", f"export default {self.name};"]),
            "}",
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gir")
    parser.add_argument("adjustments", help="what the overrides add and change")
    parser.add_argument("output")
    arguments = parser.parse_args()
    with open(arguments.adjustments, encoding="utf-8") as stream:
        adjustments = Adjustments(stream.read())
    lines = Writer(arguments.gir, adjustments).write()
    with open(arguments.output, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
