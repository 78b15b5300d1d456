# SPDX-License-Identifier: Apache-2.0
"""Blocking calls that Ctrl-C ends.

Python runs signal handlers in the main thread and only between its own instructions: while the main
thread is inside a C function, Ctrl-C has to wait. Here the C function runs in a helper thread and the
main thread waits in Python. Whatever exception ends that wait also cancels the work, and is raised
once nothing of the work is left.
"""

from __future__ import annotations

import concurrent.futures
import os
import shlex
import threading
from collections.abc import Callable
from typing import Any, overload

from gi.repository import Gio, GLib

from . import _errors
from ._types import Environment, Options, Path, Paths, T


def start(
    function: Callable[..., T], *args: Any
) -> tuple[concurrent.futures.Future[T], Gio.Cancellable]:
    """Calls ``function(*args, cancellable)`` in a thread; returns its future and the cancellable.

    The future can be awaited through :func:`asyncio.wrap_future`.
    """
    cancellable = Gio.Cancellable()
    future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run(future: concurrent.futures.Future[T]) -> None:
        try:
            future.set_result(function(*args, cancellable))
        except BaseException as error:  # pylint: disable=broad-except
            future.set_exception(error)
        finally:
            # The traceback of the error has this frame.
            del future

    threading.Thread(target=run, args=(future,), name="tvmsupport", daemon=True).start()
    return future, cancellable


def call_raw(function: Callable[..., T], *args: Any) -> T:
    """Returns ``function(*args, cancellable)``; errors of the library stay as they are."""
    if threading.current_thread() is not threading.main_thread():
        # Signals never arrive here.
        return function(*args, Gio.Cancellable())

    future, cancellable = start(function, *args)
    try:
        concurrent.futures.wait([future])
    except BaseException:
        cancellable.cancel()
        concurrent.futures.wait([future])
        raise
    try:
        return future.result()
    finally:
        # The traceback of an error has this frame and those of all callers. Were the error in it,
        # too, then what they hold, such as a lock, would stay until the collector comes.
        del future


def call(function: Callable[..., T], *args: Any) -> T:
    """Like :func:`call_raw`, with the exceptions of tvm.support."""
    try:
        return call_raw(function, *args)
    except GLib.Error as error:
        raise _errors.translate(error) from error


@overload
def path(value: Path) -> str: ...


@overload
def path(value: None) -> None: ...


@overload
def path(value: Path | None) -> str | None: ...


def path(value: Path | None) -> str | None:
    """A path that is a str, bytes or os.PathLike, as str; None stays None."""
    if value is None:
        return None
    text = os.fsdecode(value)
    if "\0" in text:
        raise ValueError("embedded null byte")
    return text


def paths(value: Paths) -> list[str]:
    """A list of paths from an iterable of them, or from a single one."""
    if isinstance(value, (str, bytes, os.PathLike)):
        value = [value]
    return [path(item) for item in value]


def options(value: Options | None) -> list[str] | None:
    """A list of options from an iterable of them, or from one string, split as a shell does."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        return shlex.split(path(value))
    return paths(value)


def command(value: Path | None) -> str | None:
    """A command line: a str is one already, a path-like object is the path of a program."""
    if isinstance(value, os.PathLike):
        return shlex.quote(path(value))
    return path(value)


def environ(value: Environment | None) -> list[str] | None:
    """A list of NAME=VALUE from a dict; None stays None."""
    if value is None:
        return None
    return [f"{path(name)}={path(text)}" for name, text in value.items()]
