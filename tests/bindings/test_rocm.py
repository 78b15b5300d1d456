# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess

import pytest

from signatures import signature as plain_signature
from tvmsupport import rocm

needs_tools = pytest.mark.skipif(
    shutil.which("clang") is None or shutil.which("ld.lld") is None, reason="no clang or no lld"
)


def make_object(folder, source):
    path = folder / "a k.cl"
    path.write_text(source)
    made = folder / "a k.o"
    command = ["clang", "-x", "cl", "--target=amdgcn-amd-amdhsa", "-mcpu=gfx906", "-nogpulib"]
    subprocess.check_call(command + ["-O2", "-c", str(path), "-o", str(made)])
    return made


def test_signatures():
    assert plain_signature(rocm.find_lld) == "(required=True)"
    assert plain_signature(rocm.rocm_link) == "(in_file, out_file, lld=None)"
    assert plain_signature(rocm.parse_compute_version) == "(compute_version)"
    assert plain_signature(rocm.have_matrixcore) == "(compute_version=None)"


def test_versions():
    assert rocm.parse_compute_version("9.0") == (9, 0)
    with pytest.raises(RuntimeError):
        rocm.parse_compute_version("nine")


def test_have_matrixcore():
    assert rocm.have_matrixcore("gfx90a")
    assert rocm.have_matrixcore("11.0")
    for without in ("gfx803", "gfx900", "gfx1030", "8.0"):
        assert not rocm.have_matrixcore(without)


@needs_tools
def test_find_lld():
    found = rocm.find_lld()
    assert found[0] == shutil.which("ld.lld")
    assert len(set(found)) == len(found)


def test_find_no_lld(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ROCM_PATH", str(tmp_path))
    if rocm.find_lld(required=False):
        pytest.skip("/opt/rocm has one")
    with pytest.raises(RuntimeError, match="No ld.lld was found"):
        rocm.find_lld()


@needs_tools
def test_link(tmp_path):
    made = make_object(tmp_path, "kernel void add_one (global float *x) { x[0] += 1; }")
    output = tmp_path / "out.co"
    rocm.rocm_link(made, output)
    assert output.read_bytes()[:4] == b"\x7fELF"
    assert rocm.callback_rocm_link(made.read_bytes()) == output.read_bytes()
    with pytest.raises(FileNotFoundError):
        rocm.rocm_link(made, output, lld="no-such-lld")


@needs_tools
def test_link_error(tmp_path):
    source = "void missing (global float *x); kernel void k (global float *x) { missing (x); }"
    made = make_object(tmp_path, source)
    with pytest.raises(RuntimeError, match="(?s)^Linking error using ld.lld:.*missing"):
        rocm.rocm_link(made, tmp_path / "out.co")


def test_arch(tmp_path):
    program = tmp_path / "bin" / "rocminfo"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '  Name:  gfx90a'\necho 'Name: amdgcn-amd-amdhsa--gfx90a:xnack-'\n")
    program.chmod(0o755)
    assert rocm.get_rocm_arch(tmp_path) == "gfx90a:xnack-"
    program.write_text("#!/bin/sh\necho 'ROCk module is NOT loaded'; exit 1\n")
    with pytest.raises(RuntimeError, match="ROCk module is NOT loaded"):
        rocm.get_rocm_arch(str(tmp_path))


def test_bitcode(tmp_path):
    with pytest.raises(RuntimeError, match="ocml.bc"):
        rocm.callback_rocm_bitcode_path(tmp_path, arch="gfx90a")
    try:
        paths = rocm.callback_rocm_bitcode_path(arch="gfx90a")
    except RuntimeError as error:
        pytest.skip(str(error))
    assert sum("isa_version" in path for path in paths) == 1
    assert not any(path.endswith("daz_opt_on.bc") for path in paths)
