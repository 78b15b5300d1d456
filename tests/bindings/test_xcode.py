# SPDX-License-Identifier: Apache-2.0
"""Outside of macOS there is no Xcode: xcrun and what it finds are scripts, but for clang."""

import os
import pathlib
import shutil
import subprocess

import pytest

from signatures import signature as plain_signature
from tvmsupport import xcode

XCRUN = """#!/bin/sh
here=$(dirname "$0")
[ "$1" != -sdk ] || shift 2
case $1 in
  -find) [ "$2" != clang ] || { echo "$here/tools/clang"; exit; } ;;
  --show-sdk-path) echo "$here/MacOSX11.0.sdk"; exit ;;
  metal)
    for word; do [ "${word%.metal}" = "$word" ] || source=$word; done
    ! grep -q broken "$source" || { echo "$source:1:1: error: broken" >&2; exit 1; }
    for word; do last=$word; done
    exec cp "$source" "$last" ;;
  metallib) exec cp "$2" "$4" ;;
  coremlcompiler)
    ! grep -q broken "$3" || { echo "coremlc: error: broken" >&2; exit 1; }
    base=$(basename "$3")
    mkdir "$4/${base%.*}.mlmodelc" && exec cp "$3" "$4/${base%.*}.mlmodelc/net" ;;
esac
echo "xcrun: error: unable to find utility \\"$2\\"" >&2
exit 72
"""

CLANG = """#!/bin/sh
PATH=$PATH:/usr/lib/llvm-14/bin exec clang --target=arm64-apple-darwin -fuse-ld=lld "$@"
"""

LIBRARY = """--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ arm64-macos ]
    symbols: [ dyld_stub_binder ]
...
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    for name, text in (("xcrun", XCRUN), ("tools/clang", CLANG)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    library = tmp_path / "MacOSX11.0.sdk" / "usr" / "lib" / "libSystem.tbd"
    library.parent.mkdir(parents=True)
    library.write_text(LIBRARY)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_signatures():
    assert plain_signature(xcode.xcrun) == "(cmd)"
    assert (
        plain_signature(xcode.create_dylib)
        == "(output, objects, arch, sdk='macosx', min_os_version=None, *, options=None)"
    )
    assert (
        plain_signature(xcode.compile_metal)
        == "(code, path_target=None, sdk='macosx', min_os_version=None)"
    )
    assert (
        plain_signature(xcode.compile_coreml) == "(model, model_name='main', out_dir='.')"
    )
    assert xcode.create_dylib.output_format == "dylib"


def test_xcrun(tools):
    assert xcode.xcrun(["-sdk", "macosx", "-find", "clang"]) == str(tools / "tools" / "clang")
    with pytest.raises(RuntimeError, match='unable to find utility "metal"'):
        xcode.xcrun(["-sdk", "macosx", "-find", "metal"])


def test_no_xcrun(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="xcrun"):
        xcode.xcrun([])


@pytest.mark.skipif(shutil.which("ld.lld") is None, reason="no lld")
@pytest.mark.skipif(shutil.which("clang") is None, reason="no clang")
def test_create_dylib(tools):
    source = tools / "a b.c"
    source.write_text("int three (void) { return VALUE; }")
    output = tools / "lib.dylib"
    xcode.create_dylib(output, source, "arm64", options="-DVALUE=3 -O1")
    shown = subprocess.check_output(["llvm-nm", "-gU", str(output)], text=True)
    assert "T _three" in shown
    with pytest.raises(RuntimeError, match="(?s)^Compilation error:.*VALUE"):
        xcode.create_dylib(output, [source], "arm64")
    with pytest.raises(ValueError, match="beos"):
        xcode.create_dylib(output, [source], "arm64", sdk="beos")


def test_compile_metal(tools):
    target = tools / "my lib.metallib"
    assert xcode.compile_metal("kernel", path_target=target) == bytearray(b"kernel")
    assert target.read_bytes() == b"kernel"
    with pytest.raises(RuntimeError, match="(?s)^Compilation error:.*my_lib.metal:1:1: error"):
        xcode.compile_metal("broken")


class Model:
    """What coremltools has of a model."""

    input_description = ["x"]
    output_description = ["y"]
    short_description = ""

    def save(self, path):
        pathlib.Path(path).write_text(self.short_description)


def test_compile_coreml(tools):
    made = xcode.compile_coreml(Model(), "net", out_dir=tools)
    assert made == str(tools / "net.mlmodelc")
    text = pathlib.Path(made, "net").read_text()
    assert text == '{"inputs": ["x"], "outputs": ["y"]}'
    assert xcode.compile_coreml(tools / "net.mlmodel", "again", tools).endswith("again.mlmodelc")
    (tools / "bad.mlmodel").write_text("broken")
    with pytest.raises(RuntimeError, match="(?s)^Compile failed:.*coremlc: error: broken"):
        xcode.compile_coreml(tools / "bad.mlmodel", out_dir=tools)
