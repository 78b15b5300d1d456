# SPDX-License-Identifier: Apache-2.0
"""Invokes the compiler of the Android NDK, which the environment variable TVM_NDK_CC names.

The variable is read at each call. Paths, lists of files and options may be of the types that the
module cc takes.
"""

from __future__ import annotations

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors, cc
from ._types import Options, Path, Paths, compiles_to

__all__ = ["create_shared", "create_staticlib", "get_global_symbol_section_map"]


def _compiler() -> TvmSupport.Compiler:
    try:
        return TvmSupport.Compiler.new_ndk()
    except GLib.Error as error:
        raise _errors.translate(error) from error


def _get_target_triple() -> str | None:
    """Returns the target triple of the compiler, or None if TVM_NDK_CC names none."""
    try:
        command = TvmSupport.Compiler.new_ndk().get_command()
    except GLib.Error:
        return None
    return cc.get_target_by_dump_machine(command)()


@compiles_to("so", _get_target_triple)
def create_shared(output: Path, objects: Paths, options: Options | None = None) -> None:
    """Creates a shared library.

    Parameters
    ----------
    output : str
        The shared library.
    objects : List[str]
        Object files, source files, libraries or tars of objects.
    options : List[str]
        Additional options; they never replace those that make a shared library.
    """
    compiler = _compiler()
    command = compiler.get_command()
    words = (_bridge.options(options) or []) + (compiler.dup_options() or [])
    cc.create_shared(output, objects, words, cc=command)


def create_staticlib(output: Path, inputs: Paths) -> None:
    """Creates a static library with the archiver that is beside the compiler.

    Parameters
    ----------
    output : str
        The static library.
    inputs : List[str]
        Object files, source files, or tars of them.
    """
    # pylint: disable=protected-access
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.STATIC)
    cc._add_inputs(request, inputs)
    request.set_output(_bridge.path(output))
    cc._run(_compiler(), request, "AR error")


def get_global_symbol_section_map(path: Path, *, nm: Path | None = None) -> dict[str, str]:
    """Returns a dict of the global symbols that a binary defines to the letters that nm shows.

    Parameters
    ----------
    path : str
        An object file, a library or a program.
    nm : Optional[str]
        The nm to ask; without it, the one that is beside the compiler.
    """
    if nm is None:
        toolchain = _bridge.call(_compiler().load_toolchain)
        try:
            nm = toolchain.find_tool("nm")
        except GLib.Error as error:
            raise _errors.translate(error) from error
    return cc.get_global_symbol_section_map(path, nm=nm)
