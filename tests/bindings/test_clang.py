# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil

import pytest

from signatures import signature as plain_signature
from tvmsupport import clang

needs_clang = pytest.mark.skipif(shutil.which("clang") is None, reason="no clang")


def test_signatures():
    assert plain_signature(clang.find_clang) == "(required=True)"
    assert (
        plain_signature(clang.create_llvm)
        == "(inputs, output=None, options=None, cc=None)"
    )


@needs_clang
def test_find_clang():
    assert clang.find_clang()[0] == shutil.which("clang")


def test_find_no_clang(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clang.find_clang(required=False) == []
    with pytest.raises(RuntimeError, match="No clang was found"):
        clang.find_clang()


@needs_clang
def test_code_with_a_dot():
    code = clang.create_llvm("float f(float x){return x*1.5f;}", options="-O1 -Wall")
    assert "@_Z1ff(" in code


@needs_clang
def test_many(tmp_path):
    source = tmp_path / "a b.c"
    source.write_text("int one (void) { return 1; }")
    output = tmp_path / "out.ll"
    inputs = [source, "int two () { return 2; }"]
    code = clang.create_llvm(inputs, output=output, cc=pathlib.Path(shutil.which("clang")))
    assert "@one" in code and "@_Z3twov" in code
    assert output.read_text() == code
    assert inputs == [source, "int two () { return 2; }"]


@needs_clang
def test_broken(tmp_path):
    output = tmp_path / "out.ll"
    with pytest.raises(RuntimeError, match="(?s)^Compilation error:.*input0.cc:1:14.*missing"):
        clang.create_llvm(["int x = 1 + (missing);"], output=output)
    assert not output.exists()
    with pytest.raises(FileNotFoundError):
        clang.create_llvm(["missing.cc"])
    with pytest.raises(ValueError):
        clang.create_llvm([])
