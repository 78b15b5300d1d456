# SPDX-License-Identifier: Apache-2.0
"""From the errors of the library to the exceptions that the functions of tvm.support raise.

Where tvm.support answered with a RuntimeError for want of anything better, the exceptions here say
more and still are RuntimeErrors, so that ``except RuntimeError`` keeps working.
"""

import errno

from gi.repository import Gio, GLib, TvmSupport


# What cannot go to another process
_LOCAL: dict[str, object] = {"result": None, "diagnostics": []}


class _Local:
    """What the library gave to the exception stays behind when that goes to another process."""

    def __reduce__(self) -> tuple[object, ...]:
        state = {name: _LOCAL.get(name, value) for name, value in vars(self).items()}
        if getattr(self, "errno", None) is not None:
            state["errno"] = self.errno  # type: ignore[attr-defined]
        return type(self), self.args, state  # type: ignore[attr-defined]


class Failure(_Local, RuntimeError):
    """Something could not be done; the text says why."""


class LimitError(_Local, TimeoutError):
    """It took longer than it may."""


class MissingError(_Local, FileNotFoundError, RuntimeError):
    """A tool or a file that is needed is not there."""


class AlreadyThereError(_Local, FileExistsError, RuntimeError):
    """Something that was to be made is there already."""


class NoPermissionError(_Local, PermissionError, RuntimeError):
    """The file system forbids it."""


class ADirectoryError(_Local, IsADirectoryError, RuntimeError):
    """A directory stands where a file is needed."""


class NotADirectory(_Local, NotADirectoryError, RuntimeError):
    """A file stands where a directory is needed."""


class ArgumentError(_Local, ValueError, RuntimeError):
    """What was asked for cannot be done as asked."""


_TVM = {
    TvmSupport.Error.NOT_FOUND: (MissingError, errno.ENOENT),
    TvmSupport.Error.INVALID_ARGUMENT: (ArgumentError, None),
    TvmSupport.Error.TIMED_OUT: (LimitError, errno.ETIMEDOUT),
}

_IO = {
    Gio.IOErrorEnum.NOT_FOUND: (MissingError, errno.ENOENT),
    Gio.IOErrorEnum.EXISTS: (AlreadyThereError, errno.EEXIST),
    Gio.IOErrorEnum.PERMISSION_DENIED: (NoPermissionError, errno.EACCES),
    Gio.IOErrorEnum.IS_DIRECTORY: (ADirectoryError, errno.EISDIR),
    Gio.IOErrorEnum.NOT_DIRECTORY: (NotADirectory, errno.ENOTDIR),
    Gio.IOErrorEnum.INVALID_ARGUMENT: (ArgumentError, None),
    Gio.IOErrorEnum.TIMED_OUT: (LimitError, errno.ETIMEDOUT),
}


def is_tvm_error(error: GLib.Error, code: TvmSupport.Error) -> bool:
    """Whether the GLib.Error is of the domain of the library and has this code."""
    return error.matches(TvmSupport.error_quark(), code)


def translate(error: GLib.Error) -> Exception:
    """The exception to raise for a GLib.Error, with its .result and .diagnostics if it has them."""
    table = {
        GLib.quark_to_string(TvmSupport.error_quark()): _TVM,
        GLib.quark_to_string(Gio.io_error_quark()): _IO,
    }.get(error.domain, {})
    kind, number = table.get(error.code, (Failure, None))
    exception = kind(error.message)
    if number is not None:
        exception.errno = number
    for name in ("result", "diagnostics"):
        if hasattr(error, name):
            setattr(exception, name, getattr(error, name))
    return exception
