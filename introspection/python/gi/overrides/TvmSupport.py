# SPDX-License-Identifier: Apache-2.0
"""What C cannot do for Python: paths as os.PathLike, environments as dict, contexts, await.

Every function of the namespace and every method of its classes is covered, also those that are
added later. Only defaults of arguments are listed, at the end.
"""

import asyncio
import concurrent.futures
import functools
import inspect
import os
import pathlib
import threading

from gi.module import get_introspection_module
from gi.repository import Gio, GObject

TvmSupport = get_introspection_module("TvmSupport")

__all__ = []


def _plain(value):
    if isinstance(value, GObject.Object):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return [f"{name}={text}" for name, text in value.items()]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _with_python_types(function):
    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        return function(
            *(_plain(arg) for arg in args), **{key: _plain(arg) for key, arg in kwargs.items()}
        )

    return wrapper


def _start(function):
    future = concurrent.futures.Future()

    def run():
        try:
            future.set_result(function())
        except BaseException as error:  # pylint: disable=broad-except
            future.set_exception(error)

    threading.Thread(target=run, name="tvmsupport", daemon=True).start()
    return asyncio.wrap_future(future)


async def _await(function, cancellable):
    future = _start(function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellable.cancel()
        # Nothing that was started is alive any more once this returns.
        await asyncio.wait([future])
        future.exception()
        raise


def _with_await(function, blocking, index):
    """Makes foo_async() without a callback a coroutine, in any event loop of asyncio.

    index: where the cancellable stands among the arguments
    """

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        args = [_plain(arg) for arg in args]
        kwargs = {key: _plain(arg) for key, arg in kwargs.items()}
        callback = args[index + 1] if len(args) > index + 1 else kwargs.get("callback")
        if callback is not None:
            return function(*args, **kwargs)
        cancellable = args[index] if len(args) > index else kwargs.pop("cancellable", None)
        kwargs.pop("callback", None)
        kwargs.pop("user_data", None)
        cancellable = cancellable or Gio.Cancellable()
        arguments = args[:index]
        return _await(
            lambda: blocking(*arguments, cancellable=cancellable, **kwargs), cancellable
        )

    return wrapper


def _adjust(owner, name, info):
    """Returns what replaces the function of that name in a class or in the namespace."""
    function = getattr(owner, name)
    blocking = getattr(owner, name[: -len("_async")], None) if name.endswith("_async") else None
    if blocking is None:
        return _with_python_types(function)
    names = [argument.get_name() for argument in info.get_arguments()]
    return _with_await(function, blocking, names.index("cancellable") + int(info.is_method()))


def _adjust_class(owner):
    # From the longest name to the shortest, so that a blocking form is found as it was in C.
    for info in sorted(owner.__info__.get_methods(), key=lambda it: -len(it.get_name())):
        name = info.get_name()
        if name.startswith("_"):
            continue
        function = _adjust(owner, name, info)
        setattr(owner, name, function if info.is_method() else staticmethod(function))


def _adjust_namespace():
    infos = {}
    for name in dir(TvmSupport):
        if name.startswith("_"):
            continue
        value = getattr(TvmSupport, name)
        if inspect.isclass(value) and issubclass(value, GObject.Object):
            _adjust_class(value)
        elif type(value).__name__ == "FunctionInfo":
            infos[name] = value
    for name, info in infos.items():
        globals()[name] = _adjust(TvmSupport, name, info)
        __all__.append(name)


def _add_context(owner, leave):
    owner.__enter__ = lambda self: self
    owner.__exit__ = lambda self, *exception: leave(self)


def _with_defaults(owner, name, **defaults):
    """Gives arguments that have no default in C the value that nearly everybody passes."""
    function = getattr(owner, name)
    info = next(it for it in owner.__info__.get_methods() if it.get_name() == name)
    names = [argument.get_name() for argument in info.get_arguments()]

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(self, *args, **kwargs):
        given = names[: len(args)]
        missing = {key: value for key, value in defaults.items() if key not in given}
        return function(self, *args, **{**missing, **kwargs})

    setattr(owner, name, wrapper)


def _with_list_of_requests(name):
    function = getattr(TvmSupport.Compiler, name)

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(self, requests, *args, **kwargs):
        if not isinstance(requests, Gio.ListModel):
            store = Gio.ListStore.new(TvmSupport.CompileRequest)
            for request in requests:
                store.append(request)
            requests = store
        return function(self, requests, *args, **kwargs)

    setattr(TvmSupport.Compiler, name, wrapper)


_adjust_namespace()

_with_defaults(TvmSupport.CompileRequest, "add_input", language=TvmSupport.Language.AUTO)
_with_defaults(TvmSupport.CompileRequest, "add_input_bytes", language=TvmSupport.Language.AUTO)
_with_defaults(TvmSupport.FileLock, "acquire", timeout_msec=-1)
_with_defaults(TvmSupport.FileLock, "acquire_async", timeout_msec=-1)
_with_list_of_requests("compile_all")
_with_list_of_requests("compile_all_async")

_add_context(TvmSupport.FileLock, lambda self: self.release())
_add_context(TvmSupport.TempDirectory, lambda self: self.remove() and None)
TvmSupport.TempDirectory.__fspath__ = lambda self: self.get_path()
TvmSupport.TempDirectory.__truediv__ = lambda self, other: pathlib.Path(self.get_path()) / other
