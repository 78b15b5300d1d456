# SPDX-License-Identifier: Apache-2.0
"""The functions of ``tvm.support`` under the same names, on libtvmsupport.

A program that says ``from tvm.support import cc`` says ``from tvmsupport import cc`` instead. The
objects of the library itself are in ``gi.repository.TvmSupport``.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import platform
import sys
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING

try:
    import gi
except ModuleNotFoundError:
    gi = None
# Without PyGObject, the folder of our overrides still is a namespace package "gi".
if getattr(gi, "__file__", None) is None:
    raise ImportError(
        f"PyGObject is missing from {sys.executable}: "
        "install python3-gi and run the Python of the system, /usr/bin/python3"
    )

gi.require_version("TvmSupport", "1")

from gi.repository import TvmSupport  # noqa: E402  pylint: disable=wrong-import-position

if TYPE_CHECKING:
    from . import popen_pool

# pylint: disable-next=wrong-import-position
from . import _bridge, cc, clang, emcc, ndk, nvcc, rocm, tar, utils, xcode  # noqa: E402

__all__ = [
    "cc",
    "clang",
    "describe",
    "emcc",
    "install_as_tvm_support",
    "libinfo",
    "ndk",
    "nvcc",
    "popen_pool",
    "rocm",
    "tar",
    "utils",
    "xcode",
]
__version__ = TvmSupport.SUPPORT_VERSION_S


def __getattr__(name: str) -> types.ModuleType:
    # Not everybody needs cloudpickle, and it takes longer to load than all of this.
    if name == "popen_pool":
        return importlib.import_module(f"{__name__}.popen_pool")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``tvm.support`` and its modules here, and ``tvm`` itself where there is none."""

    name = "tvm.support"

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname == self.name or fullname.startswith(f"{self.name}."):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=fullname == self.name)
        return None

    def __init__(self) -> None:
        self.specs: dict[types.ModuleType, importlib.machinery.ModuleSpec | None] = {}

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = importlib.import_module(__name__ + spec.name[len(self.name) :])
        self.specs[module] = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        # The import has given it the one of the alias meanwhile.
        module.__spec__ = self.specs.pop(module)


def install_as_tvm_support() -> None:
    """Makes ``tvm.support`` this package, for code that cannot be changed.

    ``from tvm.support import cc`` and ``import tvm.support.cc`` give the modules of this package from
    then on, also what imports them inside of a ``tvm`` that is installed. Without one, a ``tvm`` is
    made that has nothing else.
    """
    if not any(isinstance(finder, _Alias) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Alias())
    for name in [name for name in sys.modules if f"{name}.".startswith("tvm.support.")]:
        del sys.modules[name]
    try:
        tvm = importlib.import_module("tvm")
    except ModuleNotFoundError as error:
        if error.name != "tvm":
            raise
        tvm = sys.modules["tvm"] = types.ModuleType("tvm", "Only tvm.support, which is tvmsupport.")
        tvm.__path__ = []
    tvm.support = sys.modules["tvm.support"] = sys.modules[__name__]


def libinfo() -> dict[str, str]:
    """Returns a dict of facts about the library: versions, features, what was found."""
    return dict(TvmSupport.libinfo())


def describe() -> None:
    """Prints what the library is, what is on this machine, and the Python environment."""
    text = _bridge.call(TvmSupport.describe)
    print(text.rstrip("\n"))
    print(f"Python: {platform.python_version()} ({sys.executable})")
    print(f"PyGObject: {'.'.join(str(part) for part in gi.version_info)}")
