# SPDX-License-Identifier: Apache-2.0
"""The types that are made of the GIR: complete, and what mypy says with them."""

import ast
import importlib
import inspect
import os
import pathlib
import re
import shutil
import subprocess

import gi
import pytest
import tvmsupport

gi.require_version("TvmSupport", "1")

from gi.repository import GObject, TvmSupport  # noqa: E402

HERE = pathlib.Path(__file__).parent
INSTALLED = pathlib.Path("/usr/lib/python3/dist-packages/gi-stubs/repository/TvmSupport.pyi")
PACKAGE = pathlib.Path(tvmsupport.__file__).parent
STUBS = pathlib.Path(os.environ.get("TVM_TEST_STUBS", INSTALLED))

# GLib, Gio and GObject have no types in Debian. These make no check weaker than real ones would.
OTHERS = "from typing import Any\ndef __getattr__(name: str) -> Any: ...\n"
STAND_INS = {
    "GObject": "class Object: ...\nclass GEnum(int): ...\nclass GFlags(int): ...\n",
    "GLib": """
class Bytes: ...
class Error(RuntimeError): ...
class Variant:
    def __init__(self, kind: str, value: object) -> None: ...
""",
    "Gio": """
class AsyncResult: ...
class Cancellable: ...
class ListModel: ...
class OutputStream: ...
""",
}


@pytest.fixture(name="tree", scope="module")
def parse():
    if not STUBS.exists():
        pytest.skip(f"there is no {STUBS}")
    return ast.parse(STUBS.read_text())


def names_of(body):
    found = {it.name for it in body if isinstance(it, (ast.FunctionDef, ast.ClassDef))}
    return found | {it.target.id for it in body if isinstance(it, ast.AnnAssign)}


def public(owner):
    """The names of the methods, as the typelib has them"""
    return {it.get_name() for it in owner.__info__.get_methods() if not it.is_deprecated()}


def test_nothing_is_missing(tree):
    names = names_of(tree.body)
    classes = {it.name: it for it in tree.body if isinstance(it, ast.ClassDef)}
    missing = []
    for name in dir(TvmSupport):
        value = getattr(TvmSupport, name)
        if name.startswith("_") or name.endswith("Class") or inspect.ismodule(value):
            continue
        if name not in names and not name.endswith("Private"):
            missing.append(name)
        elif inspect.isclass(value) and hasattr(value, "__info__") and name in classes:
            there = names_of(classes[name].body)
            if issubclass(value, (GObject.GEnum, GObject.GFlags)):
                wanted = {it.get_name().upper() for it in value.__info__.get_values()}
            else:
                wanted = public(value)
            missing += [f"{name}.{it}" for it in wanted - there - {f"{it}_" for it in there}]
    assert [it for it in missing if it.rstrip("_") not in names] == []


def check(tmp_path, name):
    """What mypy says of a file: pairs of a line and a message"""
    if shutil.which("mypy") is None:
        pytest.skip("there is no mypy")
    repository = tmp_path / "gi" / "repository"
    repository.mkdir(parents=True)
    (tmp_path / "gi" / "__init__.pyi").write_text(OTHERS)
    (repository / "__init__.pyi").write_text("")
    for other, text in STAND_INS.items():
        (repository / f"{other}.pyi").write_text(f"{OTHERS}{text}")
    shutil.copy(STUBS, repository)
    done = subprocess.run(
        ["mypy", "--strict", "--no-error-summary", "--cache-dir", tmp_path / "cache",
         "--follow-imports", "silent", "--python-version", "3.11", HERE / name],
        env={**os.environ, "MYPYPATH": f"{tmp_path}:{PACKAGE.parent}", "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    print(done.stdout)
    found = re.findall(r"^(\S+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    return {(pathlib.Path(file).name, int(line)) for file, line, _message in found}


def test_what_is_right_is_taken(tree, tmp_path):
    del tree
    assert check(tmp_path, "typed_good.py") == set()


@pytest.mark.parametrize("name", ["typed_bad.py", "typed_dropin.py"])
def test_what_is_wrong_is_found(tree, tmp_path, name):
    del tree
    lines = (HERE / name).read_text().splitlines()
    wanted = {(name, i) for i, text in enumerate(lines, 1) if text.endswith("# refused")}
    assert check(tmp_path, name) == wanted


PUBLIC = ("cc", "clang", "emcc", "ndk", "nvcc", "popen_pool", "rocm", "tar", "utils", "xcode")


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_has_types(name):
    module = importlib.import_module(f"tvmsupport.{name}")
    for text in module.__all__:
        thing = getattr(module, text)
        functions = [(text, thing)]
        if inspect.isclass(thing):
            functions = [it for it in vars(thing).items() if inspect.isfunction(it[1])]
        for title, function in functions:
            if not inspect.isfunction(function) or title.startswith("_") and title != "__init__":
                continue
            parameters = dict(inspect.signature(function).parameters)
            parameters.pop("self", None)
            assert "return" in function.__annotations__, title
            assert parameters.keys() <= function.__annotations__.keys(), title
