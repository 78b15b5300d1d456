# SPDX-License-Identifier: Apache-2.0
"""Invokes the C and C++ compilers of the system.

Wherever one of these functions takes a path, it takes a str, bytes or an os.PathLike; wherever it
takes a list of files, it also takes a single one; wherever it takes a list of options, it also
takes one string, which is split as a shell splits it. Lists of the caller are never changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors
from ._types import CompileFunction, Environment, GetTargetTriple, Options, Path, Paths, compiles_to

__all__ = [
    "create_executable",
    "create_shared",
    "create_staticlib",
    "cross_compiler",
    "get_cc",
    "get_global_symbol_section_map",
    "get_target_by_dump_machine",
]

# A tool that ran and failed; every other error is about why none ran.
_FAILURES = (
    TvmSupport.Error.COMPILE_FAILED,
    TvmSupport.Error.LINK_FAILED,
    TvmSupport.Error.CRASHED,
)


def get_cc() -> str | None:
    """Returns the default C and C++ compiler, or None if there is none.

    ``CXX`` and ``CC`` come first and may hold a command with arguments and a wrapper, such as
    ``ccache g++ -m64``.
    """
    return TvmSupport.cc_get_cc()


def _compiler(cc: Path | None) -> TvmSupport.Compiler:
    if cc:
        return TvmSupport.Compiler.new_for_command(_bridge.command(cc))
    return TvmSupport.Compiler.new(None)


def _add_inputs(request: TvmSupport.CompileRequest, files: Paths) -> None:
    for file in _bridge.paths(files):
        request.add_input(file, TvmSupport.Language.AUTO)


def _failure(result: TvmSupport.CompileResult, what: str) -> _errors.Failure:
    failure = _errors.Failure(
        f"{what}:\n{result.get_log_text()}\nCommand line: {result.dup_command_line()}"
    )
    failure.result = result
    failure.diagnostics = list(result.get_diagnostics())
    return failure


def _run(compiler: TvmSupport.Compiler, request: TvmSupport.CompileRequest, what: str) -> None:
    """Makes what the request says; a failure has the words and the whole log that it always had."""
    result = _bridge.call(compiler.compile, request)
    if result.get_successful():
        return
    try:
        result.check()
    except GLib.Error as error:
        if not any(_errors.is_tvm_error(error, code) for code in _FAILURES):
            raise _errors.translate(error) from error
    raise _failure(result, what)


def _is_option(word: str, cwd: Path | None) -> bool:
    """Whether one of the objects is an option for the linker, such as ``-lm``, and no file."""
    return word.startswith("-") and not os.path.exists(os.path.join(_bridge.path(cwd) or "", word))


def _create(
    kind: TvmSupport.CompileKind,
    output: Path,
    objects: Paths,
    options: Options | None,
    cc: Path | None,
    cwd: Path | None,
    ccache_env: Environment | None,
) -> None:
    if ccache_env is not None and shutil.which("ccache") is None:
        raise ValueError("ccache not found")
    request = TvmSupport.CompileRequest.new(kind)
    files = _bridge.paths(objects)
    words = [file for file in files if _is_option(file, cwd)]
    _add_inputs(request, [file for file in files if not _is_option(file, cwd)])
    request.set_output(_bridge.path(output))
    request.set_options(words + (_bridge.options(options) or []))
    request.set_working_directory(_bridge.path(cwd))
    request.set_ccache_environ(_bridge.environ(ccache_env))
    _run(_compiler(cc), request, "Compilation error")


def _target_triple(compiler: Path) -> str | None:
    try:
        return _bridge.call_raw(TvmSupport.cc_get_target_triple, _bridge.command(compiler))
    except GLib.Error as error:
        if _errors.is_tvm_error(error, TvmSupport.Error.NOT_FOUND):
            raise _errors.translate(error) from error
        return None


def _default_target_triple() -> str | None:
    """Returns the target triple of the default compiler, as it is at the time of the call."""
    compiler = get_cc()
    return _target_triple(compiler) if compiler else None


@compiles_to("so", _default_target_triple)
def create_shared(
    output: Path,
    objects: Paths,
    options: Options | None = None,
    cc: Path | None = None,
    cwd: Path | None = None,
    ccache_env: Environment | None = None,
) -> None:
    """Creates a shared library.

    Parameters
    ----------
    output : str
        The shared library.
    objects : List[str]
        Object files, source files, libraries or tars of objects.
    options : List[str]
        Additional options.
    cc : Optional[str]
        The compiler command.
    cwd : Optional[str]
        The working directory.
    ccache_env : Optional[Dict[str, str]]
        Environment variables for ccache. None means that ccache is not used.
    """
    kind = TvmSupport.CompileKind.SHARED
    _create(kind, output, objects, options, cc, cwd, ccache_env)


def create_executable(
    output: Path,
    objects: Paths,
    options: Options | None = None,
    cc: Path | None = None,
    cwd: Path | None = None,
    ccache_env: Environment | None = None,
) -> None:
    """Creates a program, whatever the name of the output; the parameters are of create_shared."""
    kind = TvmSupport.CompileKind.EXECUTABLE
    _create(kind, output, objects, options, cc, cwd, ccache_env)


def create_staticlib(output: Path, inputs: Paths, ar: Path | None = None) -> None:
    """Creates a static library, with the same bytes each time.

    Parameters
    ----------
    output : str
        The static library.
    inputs : List[str]
        Object files, or tars of them.
    ar : Optional[str]
        The archiver command.
    """
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.STATIC)
    _add_inputs(request, inputs)
    request.set_output(_bridge.path(output))
    request.set_archiver(_bridge.command(ar))
    _run(_compiler(None), request, "AR error")


def get_global_symbol_section_map(path: Path, *, nm: Path | None = None) -> dict[str, str]:
    """Returns a dict of the global symbols that a binary defines to the letters that nm shows.

    Parameters
    ----------
    path : str
        An object file, a library or a program.
    nm : Optional[str]
        The nm to ask. Without it, ELF files are read in process.
    """
    return dict(
        _bridge.call(
            TvmSupport.cc_get_global_symbol_section_map, _bridge.path(path), _bridge.path(nm)
        )
    )


def get_target_by_dump_machine(compiler: Path | None) -> GetTargetTriple:
    """Returns a function that returns the target triple of the compiler.

    That function returns None if there is no compiler to ask, or if it does not tell, as nvcc.
    """

    def get_target_triple() -> str | None:
        """Returns the target triple, or None."""
        return _target_triple(compiler) if compiler else None

    return get_target_triple


def cross_compiler(
    compile_func: Path | Callable[..., None],
    options: Options | None = None,
    output_format: str | None = None,
    get_target_triple: GetTargetTriple | None = None,
    add_files: Paths | None = None,
) -> CompileFunction[..., None]:
    """Makes a compile function from a command or from another compile function.

    Parameters
    ----------
    compile_func : Union[str, Callable[[str, str, Optional[str]], None]]
        The function that compiles, or the command of a compiler.
    options : Optional[List[str]]
        Options for every compile.
    output_format : Optional[str]
        The format of the output.
    get_target_triple : Optional[Callable]
        A function that returns the target triple.
    add_files : Optional[List[str]]
        Objects, sources and libraries for every compile.

    Returns
    -------
    fcompile : Callable[[str, str, Optional[str]], None]
        A function that can be passed to export_library.
    """
    base_options = tuple(_bridge.options(options) or ())
    base_files = tuple(_bridge.paths(add_files or ()))
    base_kwargs: dict[str, Any] = {}

    if not callable(compile_func):
        command = _bridge.command(compile_func)
        base_kwargs = {"cc": command}
        get_target_triple = get_target_triple or get_target_by_dump_machine(command)
        compile_func = create_shared

    compiles = compile_func

    @compiles_to(output_format or getattr(compile_func, "output_format", None) or "so")
    def fcompile(
        outputs: Path, objects: Paths, options: Options | None = None, **kwargs: Any
    ) -> None:
        """Compiles; takes what create_shared takes."""
        compiles(
            outputs,
            _bridge.paths(objects) + list(base_files),
            options=list(base_options) + (_bridge.options(options) or []),
            **{**base_kwargs, **kwargs},
        )

    fcompile.get_target_triple = get_target_triple or getattr(
        compile_func, "get_target_triple", None
    )
    return fcompile
