# SPDX-License-Identifier: Apache-2.0
"""Temporary directories, locks between processes, and small helpers."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import os
import pathlib
import threading
import types
import weakref
from collections.abc import Iterator
from typing import Any

from gi.repository import GLib, TvmSupport

from . import _bridge, _errors
from ._types import Path

__all__ = [
    "DirectoryCreatedPastAtExit",
    "FileLock",
    "TempDirectory",
    "filelock",
    "is_source_path",
    "tempdir",
    "which",
]


class DirectoryCreatedPastAtExit(Exception):
    """Raised when a TempDirectory is created after the atexit hook ran."""


def _native_directory(custom_path: Path | None, keep: bool) -> TvmSupport.TempDirectory:
    path = _bridge.path(custom_path) if custom_path else None
    TvmSupport.TempDirectory.push_keep_for_debug(keep)
    try:
        return TvmSupport.TempDirectory.new(path)
    except GLib.Error as error:
        if _errors.is_tvm_error(error, TvmSupport.Error.CREATED_PAST_EXIT):
            raise DirectoryCreatedPastAtExit() from error
        raise _errors.translate(error) from error
    finally:
        TvmSupport.TempDirectory.pop_keep_for_debug()


class TempDirectory:
    """A temporary directory, removed when the object goes, at exit, or by remove().

    It is a context manager and an os.PathLike, and ``directory / "name"`` is a pathlib.Path in it.

    Parameters
    ----------
    custom_path : Optional[str]
        Where to create it, instead of a fresh name. It must not exist.
    keep_for_debug : Optional[bool]
        Whether it stays. None leaves it to set_keep_for_debug.
    """

    # The default of keep_for_debug where set_keep_for_debug is not in force
    _KEEP_FOR_DEBUG = False
    _keep_for_debug_here: contextvars.ContextVar[bool | None] = contextvars.ContextVar(
        "keep_for_debug", default=None
    )

    # The paths of those that will be removed; None once the process ends
    TEMPDIRS: set[str] | None = set()
    _alive: weakref.WeakSet[TempDirectory] = weakref.WeakSet()
    _lock = threading.RLock()

    @classmethod
    def remove_tempdirs(cls) -> None:
        """Removes every directory; the hook at exit. None can be created afterwards."""
        with cls._lock:
            alive = list(cls._alive)
            cls.TEMPDIRS = None
            cls._alive = weakref.WeakSet()
        for directory in alive:
            directory._forget()

    @classmethod
    @contextlib.contextmanager
    def set_keep_for_debug(cls, set_to: bool = True) -> Iterator[None]:
        """Keeps the directories that are made within the context, past the end of the program.

        It holds for the thread or the task that enters it, and not for others beside it.
        """
        token = cls._keep_for_debug_here.set(set_to)
        try:
            yield
        finally:
            cls._keep_for_debug_here.reset(token)

    def __init__(self, custom_path: Path | None = None, keep_for_debug: bool | None = None) -> None:
        self.native: TvmSupport.TempDirectory | None = None
        # None once it is removed, which no caller has to think of
        self.temp_dir: str | Any = None
        self._pid = os.getpid()
        if TempDirectory.TEMPDIRS is None:
            raise DirectoryCreatedPastAtExit()
        if keep_for_debug is None:
            keep_for_debug = self._keep_for_debug_here.get()
        if keep_for_debug is None:
            keep_for_debug = (
                self._KEEP_FOR_DEBUG or TvmSupport.TempDirectory.get_keep_for_debug()
            )

        self._created_with_keep_for_debug = bool(keep_for_debug)
        native = _native_directory(custom_path, self._created_with_keep_for_debug)
        self.temp_dir = native.get_path()
        if not self._created_with_keep_for_debug:
            with self._lock:
                if TempDirectory.TEMPDIRS is None:
                    raise DirectoryCreatedPastAtExit()
                TempDirectory.TEMPDIRS.add(self.temp_dir)
                TempDirectory._alive.add(self)
        self.native = native

    def _forget(self) -> None:
        """Removes the directory as far as possible, quietly; for the end of the process."""
        native, self.native, self.temp_dir = self.native, None, None
        if native is not None and self._pid == os.getpid():
            with contextlib.suppress(GLib.Error):
                native.remove()

    def __del__(self) -> None:
        # The directory itself goes with the native object.
        paths = TempDirectory.TEMPDIRS
        if paths is not None and self.temp_dir is not None:
            paths.discard(self.temp_dir)

    def remove(self) -> None:
        """Removes the directory, unless it is kept for debugging; twice is once."""
        native, self.native = self.native, None
        if native is None:
            return
        with self._lock:
            if TempDirectory.TEMPDIRS is not None:
                TempDirectory.TEMPDIRS.discard(self.temp_dir)
            TempDirectory._alive.discard(self)
        self.temp_dir = None
        if not self._created_with_keep_for_debug:
            _bridge.call(native.remove)

    def _existing(self) -> TvmSupport.TempDirectory:
        if self.native is None:
            raise RuntimeError("the temporary directory has been removed")
        return self.native

    @property
    def path(self) -> pathlib.Path:
        """The pathlib.Path of the directory."""
        self._existing()
        return pathlib.Path(self.temp_dir)

    def __fspath__(self) -> str:
        self._existing()
        return self.temp_dir

    def __truediv__(self, other: str | os.PathLike[str]) -> pathlib.Path:
        return self.path / other

    def __enter__(self) -> TempDirectory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.temp_dir!r})"

    def relpath(self, name: Path) -> str:
        """The path of something in the directory.

        Parameters
        ----------
        name : str
            Its name, relative to the directory and not leading out of it.

        Returns
        -------
        path : str
            The path.
        """
        try:
            return self._existing().build_path(_bridge.path(name))
        except GLib.Error as error:
            raise _errors.translate(error) from error

    def listdir(self) -> list[str]:
        """The names in the directory, sorted."""
        try:
            return list(self._existing().list())
        except GLib.Error as error:
            raise _errors.translate(error) from error


atexit.register(TempDirectory.remove_tempdirs)


def tempdir(custom_path: Path | None = None, keep_for_debug: bool | None = None) -> TempDirectory:
    """Creates a temporary directory that goes at exit; the parameters are of TempDirectory."""
    return TempDirectory(custom_path=custom_path, keep_for_debug=keep_for_debug)


class FileLock:
    """A lock on a file. Blocks until nobody else holds it: no other process, thread or object.

    Parameters
    ----------
    path : str
        The path of the lock file.
    """

    def __init__(self, path: Path) -> None:
        self._native = TvmSupport.FileLock.new(_bridge.path(path))
        _bridge.call(self._native.acquire, -1)

    def release(self) -> None:
        """Releases the lock; twice is once."""
        self._native.release()

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.release()


def filelock(path: Path) -> FileLock:
    """Creates a lock on a path; blocks until it is held.

    Parameters
    ----------
    path : str
        The path of the lock file.

    Returns
    -------
    lock : FileLock
        The lock.
    """
    return FileLock(path)


def is_source_path(path: Path) -> bool:
    """Whether a string is the path of source code, rather than the code itself.

    Parameters
    ----------
    path : str
        A path or source code.
    """
    text = os.fsdecode(path)
    return "\0" not in text and TvmSupport.is_source_path(text)


def which(exec_name: Path) -> str:
    """Returns the path of a program.

    Looks in the folders of ``PATH`` and then in ``/bin``; in the working directory only where the
    name has a slash.
    """
    name = _bridge.path(exec_name)
    if os.path.dirname(name):
        candidates = [name]
    else:
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep) + ["/bin"]
        candidates = [os.path.join(folder, name) for folder in folders if folder]
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    raise RuntimeError(f"Cannot find executable {name}")
