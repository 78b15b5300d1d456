# SPDX-License-Identifier: Apache-2.0
"""Functions for GPUs of AMD.

Paths may be of the types that the module cc takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors, utils
from ._types import Path, T

__all__ = [
    "callback_rocm_bitcode_path",
    "callback_rocm_link",
    "find_lld",
    "find_rocm_path",
    "get_rocm_arch",
    "have_matrixcore",
    "parse_compute_version",
    "rocm_link",
]


def _call(function: Callable[..., T], *args: Any) -> T:
    try:
        return function(*args)
    except GLib.Error as error:
        raise _errors.translate(error) from error


def find_lld(required: bool = True) -> list[str]:
    """Finds ld.lld in the system.

    Parameters
    ----------
    required : bool
        Whether a RuntimeError is raised if there is none.

    Returns
    -------
    valid_list : List[str]
        The paths: ``ld.lld``, then those with a version in their name, the newest first, then
        ROCm's own.
    """
    return _call(TvmSupport.rocm_find_lld, bool(required))


def rocm_link(in_file: Path, out_file: Path, lld: Path | None = None) -> None:
    """Links a relocatable ELF object to a shared ELF object using lld.

    Parameters
    ----------
    in_file : str
        The object.
    out_file : str
        The file to make.
    lld : Optional[str]
        The linker. Without it, the first that find_lld() finds.
    """
    try:
        _bridge.call_raw(
            TvmSupport.rocm_link, _bridge.path(in_file), _bridge.path(out_file), _bridge.path(lld)
        )
    except GLib.Error as error:
        if _errors.is_tvm_error(error, TvmSupport.Error.LINK_FAILED):
            raise RuntimeError(f"Linking error using ld.lld:\n{error.message}") from error
        raise _errors.translate(error) from error


def callback_rocm_link(obj_bin: bytes | bytearray | memoryview) -> bytearray:
    """Links the bytes of an object and returns those of what it becomes."""
    temp = utils.tempdir()
    in_file, out_file = temp.relpath("rocm_kernel.o"), temp.relpath("rocm_kernel.co")
    with open(in_file, "wb") as file:
        file.write(bytes(obj_bin))
    rocm_link(in_file, out_file)
    with open(out_file, "rb") as file:
        return bytearray(file.read())


def callback_rocm_bitcode_path(
    rocdl_dir: Path | None = None, arch: str | None = None
) -> list[str]:
    """Finds the files of ROCm's device library to link with.

    Parameters
    ----------
    rocdl_dir : Optional[str]
        The folder of the library. Without it, it is looked for.
    arch : Optional[str]
        The architecture. Without it, that of the GPU of this machine.

    Returns
    -------
    paths : List[str]
        Exactly one of each pair of settings, and what knows the architecture.
    """
    return _call(
        TvmSupport.rocm_find_bitcode_paths, arch or get_rocm_arch(None), _bridge.path(rocdl_dir)
    )


def parse_compute_version(compute_version: str) -> tuple[int, int]:
    """Divides the version of a GPU, such as "6.0", into (major, minor)."""
    _, major, minor = _call(TvmSupport.rocm_parse_compute_version, compute_version)
    return major, minor


def have_matrixcore(compute_version: str | None = None) -> bool:
    """Returns whether a GPU has matrix cores.

    Parameters
    ----------
    compute_version : Optional[str]
        The name of an architecture, such as "gfx90a", or a version, such as "9.4". Without it, the
        GPU of this machine is asked.
    """
    return _call(TvmSupport.rocm_have_matrixcore, compute_version)


def find_rocm_path() -> str:
    """Returns the folder of ROCm; if there is none, a RuntimeError names every place."""
    return _call(TvmSupport.rocm_find_path)


def get_rocm_arch(rocm_path: Path | None = "/opt/rocm") -> str:
    """Returns the architecture of the first GPU, as "gfx90a:sramecc+:xnack-".

    Parameters
    ----------
    rocm_path : Optional[str]
        The folder of ROCm. If there is none, the rocminfo in the PATH is run. A RuntimeError says
        why no GPU is known; no architecture is guessed.
    """
    path = _bridge.path(rocm_path)
    if path is not None and not os.path.exists(path):
        path = None
    return _bridge.call(TvmSupport.rocm_get_arch, path)
