# SPDX-License-Identifier: Apache-2.0
"""The module ndk of the drop-in: names, signatures, attributes and exceptions of tvm.support.ndk."""

import subprocess

import pytest

from conftest import needs, output_of
from signatures import signature as plain_signature

from tvmsupport import cc, ndk

TARGET = ["clang", "--target=aarch64-linux-android21", "-nostdlib", "-fuse-ld=lld"]


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("TVM_NDK_CC", raising=False)


@pytest.fixture
def android(tmp_path, monkeypatch):
    """Names a compiler for Android, with an empty libm in the place of the one of the NDK."""
    for program in ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-readelf"):
        needs(program)
    stub = tmp_path / "stub.c"
    stub.write_text("void tvm_stub (void) {}\n")
    library = tmp_path / "libm.so"
    subprocess.run(
        [*TARGET, "-shared", "-fPIC", "-Wl,-soname,libm.so", "-o", library, stub], check=True
    )
    monkeypatch.setenv("TVM_NDK_CC", " ".join([*TARGET, f"-L{tmp_path}"]))


@pytest.mark.parametrize(
    "name, signature",
    [
        ("create_shared", "(output, objects, options=None)"),
        ("create_staticlib", "(output, inputs)"),
        ("get_global_symbol_section_map", "(path, *, nm=None)"),
    ],
)
def test_signatures(name, signature):
    assert plain_signature(getattr(ndk, name)) == signature


def test_unset(add_c, tmp_path):
    assert ndk.create_shared.output_format == "so"
    assert ndk.create_shared.get_target_triple() is None
    for call in (
        lambda: ndk.create_shared(tmp_path / "a.so", [add_c]),
        lambda: ndk.create_staticlib(tmp_path / "a.a", [add_c]),
        lambda: ndk.get_global_symbol_section_map(add_c),
    ):
        with pytest.raises(RuntimeError, match="TVM_NDK_CC"):
            call()


def test_create_shared(android, add_c, tmp_path):
    output = tmp_path / "libadd.so"
    options = ["-O2", "-Wl,-soname,libadd.so"]

    ndk.create_shared(output, [add_c], options=options)

    assert options == ["-O2", "-Wl,-soname,libadd.so"]
    text = output_of("llvm-readelf", "-h", "-d", output)
    assert "AArch64" in text and "DYN" in text
    assert "[libm.so]" in text and "[libadd.so]" in text
    assert ndk.get_global_symbol_section_map(output)["add"] == "T"
    assert "android" in ndk.create_shared.get_target_triple()


def test_cross_compiler(android, add_c, tmp_path):
    """As programs that export a library use it"""
    fcompile = cc.cross_compiler(ndk.create_shared, options=["-O1"])
    fcompile(tmp_path / "libadd.so", [add_c])
    assert fcompile.output_format == "so"
    assert "android" in fcompile.get_target_triple()


def test_create_staticlib(android, add_c, tmp_path):
    output = tmp_path / "libadd.a"
    ndk.create_staticlib(output, [add_c])
    assert ndk.get_global_symbol_section_map(output)["add"] == "T"


def test_failures(android, tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("int f (void) { return nothing; }\n")
    with pytest.raises(RuntimeError, match="Compilation error:(.|\n)*nothing(.|\n)*Command line:"):
        ndk.create_shared(tmp_path / "a.so", [bad])
    with pytest.raises(RuntimeError, match="AR error:(.|\n)*nothing"):
        ndk.create_staticlib(tmp_path / "a.a", [bad])
