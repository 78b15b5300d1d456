# SPDX-License-Identifier: Apache-2.0
"""Invokes Xcode's compilers.

Paths, lists of files and options may be of the types that the module cc takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors
from ._types import Options, Path, Paths, T, compiles_to

__all__ = ["compile_coreml", "compile_metal", "create_dylib", "xcrun"]

_FAILURES = (
    TvmSupport.Error.COMPILE_FAILED,
    TvmSupport.Error.LINK_FAILED,
    TvmSupport.Error.CRASHED,
)


def _call(what: str, function: Callable[..., T], *args: Any) -> T:
    try:
        return _bridge.call_raw(function, *args)
    except GLib.Error as error:
        if any(_errors.is_tvm_error(error, code) for code in _FAILURES):
            raise RuntimeError(f"{what}:\n{error.message}") from error
        raise _errors.translate(error) from error


def xcrun(cmd: Paths) -> str:
    """Runs xcrun and returns its output.

    Parameters
    ----------
    cmd : List[str]
        The arguments.

    Returns
    -------
    output : str
        What it wrote to its standard output, without white space around it. If it fails, a
        RuntimeError has what it said.
    """
    return _bridge.call(TvmSupport.xcode_xcrun, _bridge.paths(cmd))


@compiles_to("dylib")
def create_dylib(
    output: Path,
    objects: Paths,
    arch: str,
    sdk: str = "macosx",
    min_os_version: str | None = None,
    *,
    options: Options | None = None,
) -> None:
    """Creates a dynamic library.

    Parameters
    ----------
    output : str
        The library.
    objects : List[str]
        Object files, source files, libraries or tars of objects.
    arch : str
        The architecture.
    sdk : str
        The SDK: ``macosx``, ``iphoneos`` or ``iphonesimulator``.
    min_os_version : Optional[str]
        The oldest version of the system that is to load it.
    options : Optional[List[str]]
        Additional options.
    """
    _call(
        "Compilation error",
        TvmSupport.xcode_create_dylib,
        _bridge.path(output),
        _bridge.paths(objects),
        arch,
        sdk,
        min_os_version,
        _bridge.options(options),
    )


def compile_metal(
    code: str | bytes | bytearray,
    path_target: Path | None = None,
    sdk: str = "macosx",
    min_os_version: str | None = None,
) -> bytearray:
    """Compiles Metal.

    Parameters
    ----------
    code : str
        The source.
    path_target : Optional[str]
        The file to write, too.
    sdk : str
        The SDK.
    min_os_version : Optional[str]
        The oldest version of the system that is to load it.

    Returns
    -------
    metallib : bytearray
        The library. If it cannot be made, a RuntimeError says why.
    """
    if isinstance(code, (bytes, bytearray)):
        code = code.decode()
    library = _call(
        "Compilation error",
        TvmSupport.xcode_compile_metal,
        code,
        _bridge.path(path_target),
        sdk,
        min_os_version,
        None,
    )
    return bytearray(library)


def compile_coreml(model: Any, model_name: str = "main", out_dir: Path = ".") -> str:
    """Compiles a Core ML model and returns the path of the compiled model.

    Parameters
    ----------
    model : Union[str, coremltools.models.MLModel]
        A model of coremltools, which is saved in out_dir, or the path of one that was saved.
    model_name : str
        The name of what is made.
    out_dir : str
        The folder for it.
    """
    out_dir = _bridge.path(out_dir)
    if isinstance(model, (str, bytes, os.PathLike)):
        path = _bridge.path(model)
    else:
        # The runtime reads the names of the inputs and outputs from the description.
        names = {"inputs": list(model.input_description), "outputs": list(model.output_description)}
        model.short_description = json.dumps(names)
        path = os.path.join(out_dir, model_name + ".mlmodel")
        model.save(path)
    return _call("Compile failed", TvmSupport.xcode_compile_coreml, path, model_name, out_dir)
