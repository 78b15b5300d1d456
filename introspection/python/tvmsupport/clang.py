# SPDX-License-Identifier: Apache-2.0
"""Invokes clang.

Paths, lists of files and options may be of the types that the module cc takes.
"""

from __future__ import annotations

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors
from ._types import Options, Path, Paths

__all__ = ["create_llvm", "find_clang"]


def find_clang(required: bool = True) -> list[str]:
    """Finds the clangs of the system.

    Parameters
    ----------
    required : bool
        Whether a RuntimeError is raised if there is none.

    Returns
    -------
    valid_list : List[str]
        The paths: ``clang``, then those with a version in their name, the newest first.
    """
    try:
        return TvmSupport.clang_find_clang(bool(required))
    except GLib.Error as error:
        raise _errors.translate(error) from error


def create_llvm(
    inputs: Paths,
    output: Path | None = None,
    options: Options | None = None,
    cc: Path | None = None,
) -> str:
    """Creates LLVM text IR.

    Parameters
    ----------
    inputs : List[str]
        Names of source files, or source code. Several become one module.
    output : Optional[str]
        The file to write, too.
    options : Optional[List[str]]
        Additional options.
    cc : Optional[str]
        The clang. Without it, the first that find_clang() finds.

    Returns
    -------
    code : str
        The text.
    """
    try:
        return _bridge.call_raw(
            TvmSupport.clang_create_llvm,
            _bridge.paths(inputs),
            _bridge.path(output),
            _bridge.options(options),
            _bridge.command(cc) if cc else None,
        )
    except GLib.Error as error:
        if _errors.is_tvm_error(error, TvmSupport.Error.COMPILE_FAILED):
            raise RuntimeError(f"Compilation error:\n{error.message}") from error
        raise _errors.translate(error) from error
