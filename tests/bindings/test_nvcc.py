# SPDX-License-Identifier: Apache-2.0
"""The module nvcc of the drop-in: names, signatures, results and exceptions of tvm.support.nvcc."""

import os
import pathlib
import shlex
import subprocess
import sys
import types

import pytest

from signatures import signature as plain_signature
from tvmsupport import nvcc

SCALE = 'extern "C" __global__ void scale (float *x) { x[threadIdx.x] *= 2; }\n'
VARIABLES = (
    "CUDA_PATH", "CUDA_HOME", "NVSHMEM_HOME",
    "TVM_CUDA_COMPILE_MODE", "TVM_CUDA_NVCC_NO_FAST_MATH", "TVM_KERNEL_DUMP",
    "TVM_KERNEL_DEBUG",
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cuda():
    """The path of the toolkit."""
    try:
        root = nvcc.find_cuda_path()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return pathlib.Path(root)


@pytest.fixture
def fake_nvcc(tmp_path, monkeypatch):
    """A toolkit whose nvcc makes a file of its own arguments, or prints what REFUSAL has."""
    script = tmp_path / "toolkit" / "bin" / "nvcc"
    script.parent.mkdir(parents=True)
    # Without an output it is asked for its version, or for a list of headers.
    script.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--version*)\n'
        '  echo "Cuda compilation tools, release 12.4, V12.4.131"; exit 0 ;; esac\n'
        'words="$*"\n'
        'while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done\n'
        '[ -z "$out" ] || printf "%s" "$words" >"$out"\n'
    )
    script.chmod(0o755)
    (tmp_path / "toolkit" / "include").mkdir()
    (tmp_path / "toolkit" / "include" / "cuda.h").write_text("")
    monkeypatch.setenv("CUDA_PATH", str(tmp_path / "toolkit"))
    return script


def words_of(*args, **kwargs):
    return shlex.split(nvcc.compile_cuda(SCALE, *args, **kwargs).decode())


def run_with_driver(tmp_path, mode, code):
    """Runs Python on a machine whose driver finds what the mode says."""
    driver = pathlib.Path(os.environ["G_TEST_BUILDDIR"]) / "fake-cuda-driver.so"
    link = tmp_path / "libcuda.so.1"
    if not link.exists():
        link.symlink_to(driver)
    path = f"{tmp_path}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    environment = {**os.environ, "LD_LIBRARY_PATH": path, "TVM_TEST_CUDA_DRIVER": mode}
    return subprocess.run(
        [sys.executable, "-c", f"from tvmsupport import nvcc\n{code}"],
        env=environment, check=True, timeout=60, universal_newlines=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )


class Target:
    """As a target of TVM: attributes, and an architecture that may be empty."""

    def __init__(self, arch=None, **attrs):
        self.arch = arch
        self.attrs = attrs


@pytest.mark.parametrize(
    "name, signature",
    [
        (
            "compile_cuda",
            "(code, target_format=None, arch=None, options=None, path_target=None, compiler='nvcc')",
        ),
        ("find_cuda_path", "()"),
        ("get_cuda_version", "(cuda_path=None)"),
        ("find_nvshmem_paths", "()"),
        ("parse_compute_version", "(compute_version)"),
        ("have_fp16", "(compute_version)"),
        ("have_int8", "(compute_version)"),
        ("have_bf16", "(compute_version)"),
        ("have_fp8", "(compute_version)"),
        ("have_fp4", "(compute_version)"),
        ("have_tensorcore", "(compute_version=None, target=None)"),
        ("have_cudagraph", "()"),
        ("callback_libdevice_path", "(arch)"),
        ("get_target_compute_version", "(target=None)"),
    ],
)
def test_signatures(name, signature):
    assert plain_signature(getattr(nvcc, name)) == signature
    assert name in nvcc.__all__


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("6.0", (6, 0)), ("9.0", (9, 0)), ("9.0.a", (9, 0)), ("90", (9, 0)), ("sm_90a", (9, 0)),
        ("sm_100", (10, 0)), ("sm_120f", (12, 0)), ("compute_103", (10, 3)),
    ],
)
def test_parse(text, numbers):
    assert nvcc.parse_compute_version(text) == numbers


def test_parse_nonsense():
    for error in (RuntimeError, ValueError):
        with pytest.raises(error, match="nonsense"):
            nvcc.parse_compute_version("nonsense")
        with pytest.raises(error):
            nvcc.have_fp16("")


def test_features():
    assert nvcc.have_fp16("5.3") and not nvcc.have_fp16("5.2")
    assert nvcc.have_int8("6.1") and not nvcc.have_int8("6.0")
    assert nvcc.have_bf16("8.0") and not nvcc.have_bf16("7.5")
    assert nvcc.have_fp8("8.9") and not nvcc.have_fp8("8.6")
    for version in ("10.0", "10.3", "11.0", "12.0", "12.1"):
        assert nvcc.have_fp4(version)
    assert not nvcc.have_fp4("9.0")


def test_tensorcore():
    assert nvcc.have_tensorcore("7.0") is True
    assert nvcc.have_tensorcore("6.1") is False
    for arch in ("sm_90a", "sm_100"):
        assert nvcc.have_tensorcore(target=Target(arch=arch)) is True
        assert nvcc.have_tensorcore(target={"kind": "cuda", "arch": arch}) is True
    assert nvcc.have_tensorcore(target=Target(arch="sm_61")) is False
    # What is named more directly counts.
    assert nvcc.have_tensorcore("6.1", Target(arch="sm_90")) is False


@pytest.mark.parametrize(
    "target",
    [
        "sm_90a", "90a", "9.0.a", {"arch": "sm_90a"}, {"kind": "cuda", "arch": "90a"},
        "cuda -arch=sm_90a", "cuda -max_num_threads=1024 -arch sm_90a", "cuda --arch=sm_90a -keys=x",
        '{"kind": "cuda", "arch": "sm_90a"}',
        Target(arch="sm_90a"), types.SimpleNamespace(attrs={"arch": "sm_90a"}),
    ],
)
def test_targets(target):
    assert nvcc.get_target_compute_version(target) == "9.0.a"


def test_target_that_is_none():
    with pytest.raises(ValueError, match="nonsense"):
        nvcc.get_target_compute_version("nonsense")
    with pytest.raises(ValueError):
        nvcc.get_target_compute_version("{nonsense")


def test_current_target(monkeypatch, fake_nvcc):
    current = types.SimpleNamespace(current=lambda: Target(arch="sm_103"))
    tvm = types.SimpleNamespace(target=types.SimpleNamespace(Target=current))
    monkeypatch.setitem(sys.modules, "tvm", tvm)
    assert nvcc.get_target_compute_version() == "10.3"
    assert nvcc.get_target_compute_version("sm_90") == "9.0"
    assert "sm_103" in " ".join(words_of())
    assert "sm_103" not in " ".join(words_of(arch="sm_90"))
    assert "sm_103" not in " ".join(words_of(options="-arch=sm_90"))


def test_driver(tmp_path):
    ask = "print (nvcc.get_target_compute_version (), nvcc.have_tensorcore ())"
    assert run_with_driver(tmp_path, "sm_90", ask).stdout == "9.0 True\n"
    assert run_with_driver(tmp_path, "sm_61", ask).stdout == "6.1 False\n"
    # A GPU that is there does not override what is named; a target that names none asks for it.
    ask = (
        "print (nvcc.have_tensorcore (target='sm_61'), nvcc.have_tensorcore ('5.0'),"
        " nvcc.get_target_compute_version ('cuda'), nvcc.get_target_compute_version ({}))"
    )
    assert run_with_driver(tmp_path, "sm_90", ask).stdout == "False False 9.0 9.0\n"

    done = run_with_driver(tmp_path, "none", "print (nvcc.have_tensorcore ())")
    assert done.stdout == "False\n"
    assert "Tensor cores are not used" in done.stderr and "CUDA_ERROR_NO_DEVICE" in done.stderr
    ask = (
        "try: nvcc.get_target_compute_version ()\n"
        "except ValueError as error: print (isinstance (error, RuntimeError), error)\n"
        "try: nvcc.compile_cuda ('')\n"
        "except RuntimeError as error: print (error)\n"
    )
    lines = run_with_driver(tmp_path, "none", ask).stdout.splitlines()
    assert lines[0].startswith("True No CUDA architecture was given and no GPU was found")
    assert "No architecture is given" in lines[1]


def test_no_toolkit(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_PATH", "/nope")
    if any(pathlib.Path(place).exists() for place in ("/usr/local/cuda", "/opt/cuda")):
        # A wrong variable does not hide the toolkit that is there.
        assert nvcc.find_cuda_path() != "/nope"
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(RuntimeError, match="CUDA_PATH “/nope” does not exist"):
            nvcc.find_cuda_path()
        assert nvcc.have_cudagraph() is False
    with pytest.raises(RuntimeError):
        nvcc.get_cuda_version("/nope")


def test_toolkit(cuda, fake_nvcc):
    assert nvcc.find_cuda_path() == str(fake_nvcc.parent.parent)
    # Of a toolkit without files that say it: from its nvcc
    assert nvcc.get_cuda_version()[:2] == (12, 4)
    assert nvcc.have_cudagraph() is True
    assert nvcc.get_cuda_version(cuda)[0] >= 10
    assert all(isinstance(part, int) for part in nvcc.get_cuda_version(cuda))


def test_libdevice(cuda, fake_nvcc, monkeypatch):
    with pytest.warns(UserWarning, match="libdevice"):
        assert nvcc.callback_libdevice_path("sm_90") == ""
    with pytest.raises(FileNotFoundError):
        nvcc.find_libdevice_path()
    monkeypatch.setenv("CUDA_PATH", str(cuda))
    path = pathlib.Path(nvcc.find_libdevice_path("sm_90"))
    assert path.is_file() and path.suffix == ".bc"
    assert nvcc.callback_libdevice_path(90) == str(path)


def test_nvshmem(monkeypatch, tmp_path):
    monkeypatch.setenv("NVSHMEM_HOME", str(tmp_path))
    (tmp_path / "include").mkdir()
    (tmp_path / "lib").mkdir()
    with pytest.raises(RuntimeError, match="NVSHMEM_HOME"):
        nvcc.find_nvshmem_paths()
    (tmp_path / "include" / "nvshmem.h").write_text("")
    (tmp_path / "lib" / "libnvshmem_device.a").write_text("")
    (tmp_path / "lib" / "libnvshmem.a").write_text("")
    found = nvcc.find_nvshmem_paths()
    assert found == (str(tmp_path / "include"), str(tmp_path / "lib"))


def test_command_line(fake_nvcc):
    # An explicit architecture needs neither a GPU nor a target.
    words = words_of("cubin", "sm_90", "-DX=1 -DY='a b'")
    assert "--cubin" in words or "-cubin" in words
    assert "-DX=1" in words and "-DY=a" in words
    given = ["-DX=1"]
    assert "-DX=1" in words_of("ptx", "9.0", given)
    assert given == ["-DX=1"]
    assert "-use_fast_math" in words_of(arch="sm_90")

    # Several, and options in their place
    assert "sm_80" in " ".join(words_of(arch=["sm_80", "sm_90"]))
    archs = ["-gencode", "arch=compute_80,code=sm_80", "-gencode", "arch=compute_90,code=sm_90"]
    words = words_of(arch=archs)
    assert words[words.index("-gencode") : words.index("-gencode") + 4] == archs


def test_no_fast_math(fake_nvcc, monkeypatch):
    monkeypatch.setenv("TVM_CUDA_NVCC_NO_FAST_MATH", "1")
    assert "-use_fast_math" not in words_of(arch="sm_90")


def test_mode(fake_nvcc, monkeypatch):
    monkeypatch.setenv("TVM_CUDA_COMPILE_MODE", "nonsense")
    with pytest.raises(ValueError, match="nonsense"):
        nvcc.compile_cuda(SCALE, arch="sm_90")
    with pytest.raises(ValueError, match="nonsense"):
        nvcc.compile_cuda(SCALE, arch="sm_90", compiler=None)
    # What the caller says counts.
    assert "-o" in words_of(arch="sm_90", compiler="nvcc")
    with pytest.raises(ValueError, match="other"):
        nvcc.compile_cuda(SCALE, arch="sm_90", compiler="other")
    monkeypatch.setenv("TVM_CUDA_COMPILE_MODE", "nvrtc")
    with pytest.raises(RuntimeError, match="NVRTC makes no fatbins"):
        nvcc.compile_cuda(SCALE, "fatbin", "sm_90")


def test_bad_requests(cuda):
    with pytest.raises(ValueError, match="exe"):
        nvcc.compile_cuda(SCALE, "exe", "sm_90")
    with pytest.raises(ValueError, match="nonsense"):
        nvcc.compile_cuda(SCALE, "ptx", "nonsense")


@pytest.mark.parametrize("compiler", ["nvcc", "nvrtc"])
def test_compile(cuda, compiler, tmp_path):
    output = tmp_path / "scale.ptx"
    made = nvcc.compile_cuda(
        SCALE, "ptx", "sm_90a", "-std=c++17 -lineinfo", path_target=output, compiler=compiler
    )
    assert isinstance(made, bytearray)
    assert b".target sm_90a" in made and b"scale" in made
    assert output.read_bytes() == made
    for arch in ("9.0", ["sm_90"]):
        assert nvcc.compile_cuda(SCALE, "cubin", arch, compiler=compiler).startswith(b"\x7fELF")


@pytest.mark.parametrize("compiler", ["nvcc", "nvrtc"])
def test_broken(cuda, compiler, tmp_path):
    output = tmp_path / "scale.ptx"
    with pytest.raises(RuntimeError, match="missing") as raised:
        nvcc.compile_cuda(
            SCALE + "__device__ int x = missing;", "ptx", "sm_90", path_target=output, compiler=compiler
        )
    text = str(raised.value)
    assert text.startswith("Compilation error:\n")
    assert SCALE not in text
    # The line that the caller wrote
    assert "(2)" in text or ":2:" in text
    assert not output.exists()


def test_default_formats(cuda, monkeypatch):
    assert b".target sm_90" in nvcc.compile_cuda(SCALE, arch="sm_90")
    fatbin = nvcc.compile_cuda(SCALE, arch=["sm_80", "sm_90"])
    assert fatbin.startswith(b"\x50\xed\x55\xba")
    monkeypatch.setenv("TVM_CUDA_COMPILE_MODE", "nvrtc")
    assert nvcc.compile_cuda(SCALE, arch="sm_90").startswith(b"\x7fELF")


def test_dump(cuda, monkeypatch, tmp_path):
    folder = tmp_path / "the dump" / "of kernels"
    monkeypatch.setenv("TVM_KERNEL_DUMP", str(folder))
    made = nvcc.compile_cuda(SCALE, "ptx", "sm_90")
    # What was asked for is made, with the numbers of the lines.
    assert b".loc" in made
    (source,) = folder.glob("*.cu")
    assert source.read_text() == SCALE
    assert source.with_suffix(".ptx").read_bytes() == made
    # Another kernel does not take its place, and what cannot be compiled is there to be looked at.
    with pytest.raises(RuntimeError, match="missing"):
        nvcc.compile_cuda(SCALE + "__device__ int x = missing;", arch="sm_90")
    assert source.read_text() == SCALE
    assert len(list(folder.glob("*.cu"))) == 2 and len(list(folder.glob("*.ptx"))) == 1


def test_debug(fake_nvcc, monkeypatch):
    assert "-G" not in words_of(arch="sm_90") and "-lineinfo" not in words_of(arch="sm_90")
    monkeypatch.setenv("TVM_KERNEL_DEBUG", "1")
    assert {"-g", "-G"} <= set(words_of(arch="sm_90"))


def test_nvrtc_options(cuda):
    # The value of an option is never left behind without it.
    made = nvcc.compile_cuda(
        SCALE, "ptx", "sm_90", ["-Xptxas", "-v", "-D", "UNUSED"], compiler="nvrtc"
    )
    assert b"scale" in made
    code = "__device__ int f (auto x) { return x; }\n" + SCALE
    assert nvcc.compile_cuda(code, "ptx", "sm_90", "-std=c++20", compiler="nvrtc")
    with pytest.raises(RuntimeError, match="-cudart"):
        nvcc.compile_cuda(SCALE, "ptx", "sm_90", ["-cudart=static"], compiler="nvrtc")


@pytest.mark.parametrize("compiler", ["nvcc", "nvrtc"])
def test_same_numbers(cuda, compiler, monkeypatch):
    code = 'extern "C" __global__ void divide (float *x) { x[0] = x[1] / x[2]; }\n'
    assert b"div.approx" in nvcc.compile_cuda(code, "ptx", "sm_90", compiler=compiler)
    monkeypatch.setenv("TVM_CUDA_NVCC_NO_FAST_MATH", "1")
    assert b"div.rn" in nvcc.compile_cuda(code, "ptx", "sm_90", compiler=compiler)


def test_one_toolkit(cuda, monkeypatch):
    """The nvcc that runs is that of the toolkit that is found, also where it is not in the PATH."""
    monkeypatch.setenv("CUDA_HOME", str(cuda))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert nvcc.find_cuda_path() == str(cuda)
    assert nvcc.have_cudagraph() is True
    assert b"scale" in nvcc.compile_cuda(SCALE, "ptx", "sm_90")


def test_small_cubin(cuda):
    """No header is put in front of the source, so that a kernel is no larger than it has to be."""
    assert len(nvcc.compile_cuda(SCALE, "cubin", "sm_90", compiler="nvrtc")) < 20000
