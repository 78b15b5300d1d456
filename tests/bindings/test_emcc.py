# SPDX-License-Identifier: Apache-2.0
"""The module emcc of the drop-in: names, signatures, attributes, exceptions of tvm.support.emcc."""

import pathlib
import subprocess
import sys

import pytest

from conftest import needs, output_of
from signatures import signature as plain_signature

from tvmsupport import emcc

NAMES = ("wasm_runtime.bc", "tvmjs_support.bc", "webgpu_runtime.bc")
LOADER = """
const module = new WebAssembly.Module (require ('fs').readFileSync (process.argv[1]));
const imports = {};
for (const entry of WebAssembly.Module.imports (module))
  imports[entry.module] = { ...imports[entry.module], [entry.name]: () => 5 };
const { exports } = new WebAssembly.Instance (module, imports);
exports._initialize ();
console.log (exports.f ());
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    monkeypatch.delenv("TVM_HOME", raising=False)
    monkeypatch.delenv("TVM_LIBRARY_PATH", raising=False)


def make_object(path, name, text):
    source = path.parent / f"{name}.c"
    source.write_text(f"#include <emscripten.h>\n{text}\n")
    subprocess.run(["emcc", "-c", "-o", path, source], check=True)
    return path


@pytest.fixture
def module(tmp_path):
    """An object whose function needs one of each part of the runtime."""
    needs("emcc")
    needs("node")
    return make_object(
        tmp_path / "f.o",
        "f",
        "EMSCRIPTEN_KEEPALIVE int f (void) { extern int a (void), b (void), c (void);"
        " return a () + b () + c (); }",
    )


def make_runtime(folder):
    folder.mkdir(parents=True)
    for name, function, value in zip(NAMES, "abc", (10, 20, 12)):
        make_object(folder / name, function, f"int {function} (void) {{ return {value}; }}")


def run(path):
    return int(output_of("node", "-e", LOADER, path))


@pytest.mark.parametrize(
    "name, signature",
    [
        (
            "create_tvmjs_wasm",
            "(output, objects, options=None, cc='emcc', libs=None, *, runtime=None)",
        ),
        ("find_wasm_lib", "(name, optional=False)"),
    ],
)
def test_signatures(name, signature):
    assert plain_signature(getattr(emcc, name)) == signature


def test_attributes():
    assert emcc.create_tvmjs_wasm.object_format == "bc"
    assert emcc.create_tvmjs_wasm.output_format == "wasm"


def test_find_wasm_lib(tmp_path, monkeypatch):
    assert emcc.find_wasm_lib("x.bc", optional=True) is None
    with pytest.raises(RuntimeError, match="x.bc(.|\n)*TVM_HOME is not set"):
        emcc.find_wasm_lib("x.bc")

    # A tree that a package tvm was installed from, the tree that TVM_HOME names, a folder
    tree = tmp_path / "tree"
    package = tree / "python" / "tvm" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("raise ImportError ('this is never imported')\n")
    folders = [tmp_path / "a", tmp_path / "home" / "web" / "dist", tree / "web" / "dist"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "x.bc").write_text("")
    monkeypatch.setenv("TVM_LIBRARY_PATH", str(folders[0]))
    monkeypatch.setenv("TVM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "path", [str(tree / "python"), *sys.path])
    assert emcc.find_wasm_lib("x.bc") == [str(folder / "x.bc") for folder in folders]
    assert "tvm" not in sys.modules


def test_found(module, tmp_path, monkeypatch):
    make_runtime(tmp_path / "home" / "web" / "dist" / "wasm")
    monkeypatch.setenv("TVM_HOME", str(tmp_path / "home"))
    objects = [module]
    options = ["-O1"]
    output = tmp_path / "f.wasm"
    emcc.create_tvmjs_wasm(output, objects, options=options)
    assert run(output) == 42
    assert objects == [module] and options == ["-O1"]

    # As programs of TVM call it: one object, a str, an option string, a library
    other = make_object(tmp_path / "webgpu_runtime.bc", "c", "int c (void) { return 13; }")
    emcc.create_tvmjs_wasm(
        str(output), str(module), "-s INITIAL_MEMORY=32MB -O2", cc="emcc", libs=[str(other)]
    )
    assert run(output) == 43


def test_given(module, tmp_path):
    folder = tmp_path / "runtime"
    make_runtime(folder)
    output = tmp_path / "f.wasm"
    emcc.create_tvmjs_wasm(output, [module], runtime=[folder / name for name in NAMES])
    assert run(output) == 42


def test_failures(module, tmp_path):
    output = tmp_path / "f.wasm"
    output.write_text("old")
    with pytest.raises(RuntimeError, match="wasm_runtime.bc(.|\n)*TVM_HOME"):
        emcc.create_tvmjs_wasm(output, [module])
    with pytest.raises(
        RuntimeError, match="Compilation error:(.|\n)*undefined symbol: a(.|\n)*Command line:"
    ):
        emcc.create_tvmjs_wasm(output, [module], runtime=[])
    with pytest.raises(FileNotFoundError, match="missing.bc"):
        emcc.create_tvmjs_wasm(output, [module], libs=[tmp_path / "missing.bc"], runtime=[])
    with pytest.raises(FileNotFoundError, match="no-emcc"):
        command = pathlib.Path("/nonexistent/no-emcc")
        emcc.create_tvmjs_wasm(output, [module], cc=command, runtime=[])
    with pytest.raises(ValueError):
        emcc.create_tvmjs_wasm(output, [], runtime=[])
    assert output.read_text() == "old"

    emcc.create_tvmjs_wasm(
        output, [module], options=["-sERROR_ON_UNDEFINED_SYMBOLS=0"], runtime=[]
    )
    assert run(output) == 15
