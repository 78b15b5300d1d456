# SPDX-License-Identifier: Apache-2.0
"""The functions of ``tvm.support`` under the same names, on libtvmsupport.

A program that says ``from tvm.support import cc`` says ``from tvmsupport import cc`` instead. The
objects of the library itself are in ``gi.repository.TvmSupport``.
"""

import importlib
import platform
import sys

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

# pylint: disable-next=wrong-import-position
from . import _bridge, cc, clang, emcc, ndk, nvcc, rocm, tar, utils, xcode  # noqa: E402

__all__ = [
    "cc",
    "clang",
    "describe",
    "emcc",
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


def __getattr__(name):
    # Not everybody needs cloudpickle, and it takes longer to load than all of this.
    if name == "popen_pool":
        return importlib.import_module(f"{__name__}.popen_pool")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def libinfo():
    """Returns a dict of facts about the library: versions, features, what was found."""
    return dict(TvmSupport.libinfo())


def describe():
    """Prints what the library is, what is on this machine, and the Python environment."""
    text = _bridge.call(TvmSupport.describe)
    print(text.rstrip("\n"))
    print(f"Python: {platform.python_version()} ({sys.executable})")
    print(f"PyGObject: {'.'.join(str(part) for part in gi.version_info)}")
