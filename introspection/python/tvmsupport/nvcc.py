# SPDX-License-Identifier: Apache-2.0
"""Invokes nvcc and NVRTC, and says what GPUs can do.

Paths and options may be of the types that the module cc takes. An architecture may be written in any
of the ways in which NVIDIA writes it: ``9.0``, ``9.0.a``, ``90a``, ``sm_90a``, ``compute_90``. A
target may also be a dict, a command line such as ``cuda -arch=sm_90``, or an object that has it as
``arch`` or among its ``attrs``.
"""

from __future__ import annotations

import collections.abc
import hashlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors
from ._types import Options, Path, T

__all__ = [
    "callback_libdevice_path",
    "compile_cuda",
    "find_cuda_path",
    "find_libdevice_path",
    "find_nvshmem_paths",
    "get_cuda_version",
    "get_target_compute_version",
    "have_bf16",
    "have_cudagraph",
    "have_fp16",
    "have_fp4",
    "have_fp8",
    "have_int8",
    "have_tensorcore",
    "parse_compute_version",
]

_FAILURES = (TvmSupport.Error.COMPILE_FAILED, TvmSupport.Error.CRASHED)


class _Unchosen(str):
    """The default of a parameter, which counts for less than the environment does."""

    __slots__ = ()


_NVCC = _Unchosen("nvcc")


def _plain(function: Callable[..., T], *args: Any) -> T:
    """Calls a function that does not block."""
    try:
        return function(*args)
    except GLib.Error as error:
        raise _errors.translate(error) from error


def _arch_of_text(text: str) -> str | None:
    """The architecture in the text of a target: JSON, a command line, or nothing but the name."""
    if text.lstrip().startswith("{"):
        return _arch_of(json.loads(text))
    kind, *words = text.split()
    if not words and kind != "cuda":
        return kind
    for i, word in enumerate(words):
        name, equals, value = word.lstrip("-").partition("=")
        if name == "arch" and word.startswith("-"):
            return value if equals else "".join(words[i + 1 : i + 2])
    return None


def _arch_of(target: Any) -> str | None:
    """The architecture that a target names, or None."""
    if isinstance(target, str):
        return _arch_of_text(target) if target.strip() else None
    if isinstance(target, collections.abc.Mapping):
        return target.get("arch")
    arch = getattr(target, "arch", None)
    if arch:
        return str(arch)
    attrs = getattr(target, "attrs", None)
    # A map of TVM is not registered as a Mapping.
    return str(attrs["arch"]) if attrs is not None and "arch" in attrs else None


def _current_target() -> Any:
    """The target of the ``with`` statement that the caller is in, if the program uses TVM."""
    tvm = sys.modules.get("tvm")
    target = getattr(getattr(tvm, "target", None), "Target", None)
    return target.current() if target is not None else None


def _find_arch(target: Any) -> str | None:
    return _arch_of(target if target is not None else _current_target())


def _uses_nvcc(compiler: str | None) -> bool:
    return (compiler or os.environ.get("TVM_CUDA_COMPILE_MODE") or "nvcc") == "nvcc"


def _default_format(code: str, arch: str | None, words: list[str]) -> str:
    """PTX, as ever; a fatbin of several architectures. What uses NVSHMEM is linked, to a cubin."""
    if "#include <nvshmem.h>" in code or "#include <nvshmemx.h>" in code:
        return "cubin"
    is_code = ("-gencode", "--generate-code")
    several = (arch and "," in arch) or sum(word.startswith(is_code) for word in words) > 1
    return "fatbin" if several else "ptx"


def _dump_stem(folder: str, *parts: object) -> str:
    """The path of the dump of a kernel, without a suffix. Another kernel has another one."""
    digest = hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(folder, f"tvm_kernels-{digest[:16]}")


def _dump(path: str, data: bytes) -> None:
    """Keeps what was compiled, or what was made of it, for a profiler or a person."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def compile_cuda(
    code: str,
    target_format: str | None = None,
    arch: str | Iterable[str] | None = None,
    options: Options | None = None,
    path_target: Path | None = None,
    compiler: str | None = _NVCC,
) -> bytearray:
    """Compiles CUDA code with nvcc or NVRTC.

    Parameters
    ----------
    code : str
        The code. Line 1 of an error is its line 1.
    target_format : str
        ``ptx``, ``cubin`` or ``fatbin``; without it PTX with nvcc, or a fatbin for several
        architectures, and a cubin with NVRTC.
    arch : str or list of str
        The architecture, or several for a fatbin, or options of nvcc that name them. Without it,
        that of the current target, or else of the GPU of this machine.
    options : str or list of str
        Additional options.
    path_target : str, optional
        The file to write, too.
    compiler : str, optional
        ``nvcc`` or ``nvrtc``. Without it, what the environment variable TVM_CUDA_COMPILE_MODE says,
        and nvcc if it is not set.

    Returns
    -------
    res_binary : bytearray
        What was made.

    Notes
    -----
    If the environment variable TVM_KERNEL_DUMP names a folder, what nvcc makes has the numbers of
    the lines, and the folder gets it and its source. Each kernel has a name of its own, such as
    ``tvm_kernels-0123456789abcdef.cu``. TVM_KERNEL_DEBUG=1 makes nvcc compile for a debugger.
    """
    words = _bridge.options(options) or []
    if arch is not None and not isinstance(arch, str):
        archs = _bridge.paths(arch)
        if any(word.startswith("-") for word in archs):
            words, arch = archs + words, None
        else:
            arch = ",".join(archs)
    elif arch is None:
        arch = _find_arch(None) if not _names_arch(words) else None
    if isinstance(compiler, _Unchosen):
        compiler = None
    dump = None
    if _uses_nvcc(compiler):
        folder = os.environ.get("TVM_KERNEL_DUMP")
        target_format = target_format or _default_format(code, arch, words)
        if os.environ.get("TVM_KERNEL_DEBUG") == "1":
            words = ["-g", "-G", *words]
        if folder:
            words = ["-lineinfo", *words]
            dump = _dump_stem(folder, code, arch, words)
            _dump(f"{dump}.cu", code.encode())
    try:
        made = _bridge.call_raw(
            TvmSupport.nvcc_compile_cuda,
            code,
            target_format,
            arch or None,
            words,
            _bridge.path(path_target),
            compiler,
        )
    except GLib.Error as error:
        if any(_errors.is_tvm_error(error, code) for code in _FAILURES):
            raise RuntimeError(f"Compilation error:\n{error.message}") from error
        raise _errors.translate(error) from error
    if dump:
        _dump(f"{dump}.{target_format}", made)
    return bytearray(made)


def _names_arch(words: Iterable[str]) -> bool:
    prefixes = ("-arch", "--gpu-architecture", "-gencode", "--generate-code")
    return any(word.startswith(prefixes) for word in words)


def find_cuda_path() -> str:
    """Returns the path of the CUDA toolkit."""
    return _plain(TvmSupport.nvcc_find_cuda_path)


def get_cuda_version(cuda_path: Path | None = None) -> tuple[int, ...]:
    """Returns the version of the CUDA toolkit as a tuple of numbers."""
    version = _bridge.call(TvmSupport.nvcc_get_cuda_version, _bridge.path(cuda_path))
    return tuple(int(part) for part in version.split("."))


def find_nvshmem_paths() -> tuple[str, str]:
    """Returns the path of the headers of NVSHMEM and that of its libraries."""
    _, include_path, library_path = _plain(TvmSupport.nvcc_find_nvshmem_paths)
    return include_path, library_path


def find_libdevice_path(arch: int | str | None = None) -> str:
    """Returns the path of the bitcode library of the device.

    Parameters
    ----------
    arch : int or str, optional
        The architecture.
    """
    return _plain(TvmSupport.nvcc_find_libdevice_path, None if arch is None else str(arch))


def callback_libdevice_path(arch: int | str | None) -> str:
    """Returns what find_libdevice_path() does, or an empty string and a warning if there is none."""
    try:
        return find_libdevice_path(arch)
    except RuntimeError as error:
        warnings.warn(str(error), stacklevel=2)
        return ""


def get_target_compute_version(target: Any = None) -> str:
    """Returns the compute capability to compile for, such as ``9.0`` or ``9.0.a``.

    Parameters
    ----------
    target : Target, dict or str, optional
        The target. If it names no architecture, and neither does the current target of TVM when
        there is no target, the GPU of this machine is asked.
    """
    try:
        return _bridge.call(TvmSupport.nvcc_get_target_compute_version, _find_arch(target))
    except FileNotFoundError as error:
        raise _errors.ArgumentError(
            f"No CUDA architecture was given and no GPU was found: {error}"
        ) from error


def parse_compute_version(compute_version: str) -> tuple[int, int]:
    """Returns the major and the minor number of a compute capability."""
    _, major, minor = _plain(TvmSupport.nvcc_parse_compute_version, compute_version)
    return major, minor


def have_fp16(compute_version: str) -> bool:
    """Whether GPUs of this compute capability compute with 16-bit floating-point numbers."""
    return _plain(TvmSupport.nvcc_have_fp16, compute_version)


def have_int8(compute_version: str) -> bool:
    """Whether GPUs of this compute capability have dot products of 8-bit integers."""
    return _plain(TvmSupport.nvcc_have_int8, compute_version)


def have_bf16(compute_version: str) -> bool:
    """Whether GPUs of this compute capability compute with bfloat16 numbers."""
    return _plain(TvmSupport.nvcc_have_bf16, compute_version)


def have_fp8(compute_version: str) -> bool:
    """Whether GPUs of this compute capability compute with 8-bit floating-point numbers."""
    return _plain(TvmSupport.nvcc_have_fp8, compute_version)


def have_fp4(compute_version: str) -> bool:
    """Whether GPUs of this compute capability compute with 4-bit floating-point numbers."""
    return _plain(TvmSupport.nvcc_have_fp4, compute_version)


def have_tensorcore(compute_version: str | None = None, target: Any = None) -> bool:
    """Whether GPUs have tensor cores.

    What is named counts, whatever GPU this machine has. If nothing is and there is no GPU, the
    answer is False, with a warning.

    Parameters
    ----------
    compute_version : str, optional
        The compute capability.
    target : Target, dict or str, optional
        The target, which counts if there is no compute_version.
    """
    if compute_version is None:
        arch = _find_arch(target)
        try:
            compute_version = _bridge.call(TvmSupport.nvcc_get_target_compute_version, arch)
        except FileNotFoundError as error:
            warnings.warn(f"Tensor cores are not used: {error}", stacklevel=2)
            return False
    return _plain(TvmSupport.nvcc_have_tensorcore, compute_version, None)


def have_cudagraph() -> bool:
    """Whether the CUDA toolkit has CUDA graphs; without a toolkit it has none."""
    return _bridge.call(TvmSupport.nvcc_have_cudagraph)
