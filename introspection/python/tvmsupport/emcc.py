# SPDX-License-Identifier: Apache-2.0
"""Invokes emscripten.

Paths, lists of files and options may be of the types that the module cc takes.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
from collections.abc import Iterable

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors, cc as _cc
from ._types import Options, Path, Paths, compiles_to

__all__ = ["create_tvmjs_wasm", "find_wasm_lib"]

_RUNTIME = ("wasm_runtime.bc", "tvmjs_support.bc", "webgpu_runtime.bc")


def _find_beside_tvm(name: str) -> list[str]:
    """Looks in the source tree that an installed ``tvm`` was built from; does not import it."""
    try:
        spec = importlib.util.find_spec("tvm")
    except (ImportError, ValueError):
        return []
    if spec is None or spec.origin is None:
        return []
    root = pathlib.Path(os.path.realpath(spec.origin)).parent.parent.parent
    places = [root / "web" / "dist" / "wasm" / name, root / "web" / "dist" / name]
    return [str(place) for place in places if place.is_file()]


def find_wasm_lib(name: Path, optional: bool = False) -> list[str] | None:
    """Finds a file of TVM's web runtime.

    It is looked for in the folders that TVM_LIBRARY_PATH lists, then in ``web/dist/wasm`` and
    ``web/dist`` of the source tree that TVM_HOME names, and then of that of the package ``tvm``.

    Parameters
    ----------
    name : str
        The name of the file, such as ``wasm_runtime.bc``.
    optional : bool
        Whether to return None if there is none, in the place of raising an error.

    Returns
    -------
    found : Optional[List[str]]
        The files of that name, best first.
    """
    name = _bridge.path(name)
    problem = None
    try:
        found = TvmSupport.emcc_find_wasm_lib(name)
    except GLib.Error as error:
        found, problem = [], error
    found += [path for path in _find_beside_tvm(name) if path not in found]
    if found:
        return found
    if optional or problem is None:
        return None
    raise _errors.translate(problem) from problem


def _find_runtime(given: Iterable[str]) -> list[str]:
    names = {os.path.basename(path) for path in given}
    missing = [name for name in _RUNTIME if name not in names]
    return [file for name in missing for file in (find_wasm_lib(name) or ())[:1]]


@compiles_to("wasm")
def create_tvmjs_wasm(
    output: Path,
    objects: Paths,
    options: Options | None = None,
    cc: Path | None = "emcc",
    libs: Paths | None = None,
    *,
    runtime: Paths | None = None,
) -> None:
    """Creates a WebAssembly module that tvmjs can load.

    Parameters
    ----------
    output : str
        The module.
    objects : List[str]
        Object files, bitcode, source files, libraries or tars of objects.
    options : List[str]
        Additional options of emcc; they come last and win. A symbol that neither the inputs nor
        tvmjs define is an error unless ``-sERROR_ON_UNDEFINED_SYMBOLS=0`` is among them.
    cc : Optional[str]
        The command of emcc.
    libs : Optional[List[str]]
        Libraries, which are linked in front of the objects.
    runtime : Optional[List[str]]
        The files of TVM's web runtime; an empty list for none. Without it those that are neither
        among the objects nor among the libraries are found, see :func:`find_wasm_lib`.
    """
    # pylint: disable=protected-access
    objects = _bridge.paths(objects)
    libs = _bridge.paths(libs or [])
    runtime = _find_runtime(objects + libs) if runtime is None else _bridge.paths(runtime)
    command = None if cc in (None, "emcc") else _bridge.command(cc)
    try:
        compiler = TvmSupport.Compiler.new_emcc(command)
        request = TvmSupport.CompileRequest.new_tvmjs(
            objects, _bridge.options(options), libs, runtime
        )
    except GLib.Error as error:
        raise _errors.translate(error) from error
    request.set_output(_bridge.path(output))
    _cc._run(compiler, request, "Compilation error")


create_tvmjs_wasm.object_format = "bc"  # type: ignore[attr-defined]
