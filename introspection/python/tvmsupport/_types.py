# SPDX-License-Identifier: Apache-2.0
"""What the functions of this package take and are, for type checkers."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import ParamSpec, Protocol, TypeAlias, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
# A single one is a list of one.
Paths: TypeAlias = Path | Iterable[Path]
# One string is split as a shell splits it.
Options: TypeAlias = str | bytes | Iterable[Path]
Environment: TypeAlias = Mapping[str, Path]
GetTargetTriple: TypeAlias = Callable[[], str | None]


class CompileFunction(Protocol[P, T_co]):
    """A function with the attributes that ``export_library`` of TVM looks for."""

    output_format: str
    get_target_triple: GetTargetTriple | None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...


def compiles_to(
    output_format: str, get_target_triple: GetTargetTriple | None = None
) -> Callable[[Callable[P, T]], CompileFunction[P, T]]:
    """Gives a function those attributes; the second only if there is one."""

    def adorn(function: Callable[P, T]) -> CompileFunction[P, T]:
        compile_function = cast("CompileFunction[P, T]", function)
        compile_function.output_format = output_format
        if get_target_triple is not None:
            compile_function.get_target_triple = get_target_triple
        return compile_function

    return adorn
