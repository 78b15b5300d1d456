# SPDX-License-Identifier: Apache-2.0
"""What C cannot do for Python: os.PathLike, dict, bytes, contexts, await, Ctrl-C, telling errors.

Every function of the namespace and every method of its classes is covered, also those that are
added later. Only defaults of arguments are listed, at the end.
"""

import asyncio
import collections
import contextlib
import functools
import inspect
import os
import pathlib
import select
import signal
import socket
import threading

from gi.module import get_introspection_module
from gi.repository import Gio, GLib, GObject

try:
    from gi.events import GLibEventLoop as _GLibEventLoop
except ImportError:
    _GLibEventLoop = None

TvmSupport = get_introspection_module("TvmSupport")

__all__ = []


def _plain(value):
    if isinstance(value, GObject.Object):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return [f"{os.fsdecode(name)}={os.fsdecode(text)}" for name, text in value.items()]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _wrap_bytes(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return GLib.Bytes.new(bytes(value))
    return value


def _is_bytes(type_info):
    return (
        type_info.get_tag_as_string() == "interface"
        and type_info.get_interface().get_name() == "Bytes"
    )


def _with_bytes(function, info):
    """Makes bytes of what is a GLib.Bytes in C, both ways."""
    offset = int(info.is_method())
    places = {
        argument.get_name(): index + offset
        for index, argument in enumerate(info.get_arguments())
        if _is_bytes(argument.get_type())
    }
    returns_bytes = _is_bytes(info.get_return_type())
    if not places and not returns_bytes:
        return function

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        args = list(args)
        for name, index in places.items():
            if index < len(args):
                args[index] = _wrap_bytes(args[index])
            elif name in kwargs:
                kwargs[name] = _wrap_bytes(kwargs[name])
        result = function(*args, **kwargs)
        return result.get_data() if returns_bytes and result is not None else result

    return wrapper


def _is_list(type_info):
    return type_info.get_tag_as_string() == "array" and type_info.get_param_type(
        0
    ).get_tag_as_string() in ("filename", "utf8")


def _with_lists(function, info):
    """Refuses a text where a list of texts goes; PyGObject would make a list of its letters."""
    offset = int(info.is_method())
    places = {
        argument.get_name(): index + offset
        for index, argument in enumerate(info.get_arguments())
        if _is_list(argument.get_type())
    }
    if not places:
        return function

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        for name, index in places.items():
            value = args[index] if index < len(args) else kwargs.get(name)
            if isinstance(value, (str, bytes)):
                raise TypeError(f"argument {name}: Expected a list, but got {type(value).__name__}")
        return function(*args, **kwargs)

    return wrapper


def _with_python_types(function):
    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        return function(
            *(_plain(arg) for arg in args), **{key: _plain(arg) for key, arg in kwargs.items()}
        )

    return wrapper


def _add_result(error, result):
    """Puts what came of it into an error: .result, and .diagnostics of a compile."""
    error.result = result
    if hasattr(result, "get_diagnostics"):
        error.diagnostics = list(result.get_diagnostics())


def _with_result_in_errors(owner):
    """An error of check() has the result that was checked."""
    function = owner.check

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(self):
        try:
            return function(self)
        except GLib.Error as error:
            _add_result(error, self)
            raise

    owner.check = wrapper


class _Finished:
    """The results of the jobs of a compiler, for the error of a call that has no result to give."""

    def __init__(self, compiler):
        self.compiler = compiler
        self.results = []

    def __enter__(self):
        self.handler = self.compiler.connect(
            "job-finished", lambda _compiler, _request, result: self.results.append(result)
        )

    def __exit__(self, _kind, error, _traceback):
        self.compiler.disconnect(self.handler)
        if not isinstance(error, GLib.Error):
            return
        error.result = None
        error.diagnostics = []
        for result in self.results:
            try:
                result.check()
            except GLib.Error as other:
                if other.message == error.message:
                    _add_result(error, result)
                    return


def _with_finished_in_errors(name):
    """An error of a method that makes and checks a result itself has it, too."""
    function = getattr(TvmSupport.Compiler, name)

    async def following(self, awaitable):
        with _Finished(self):
            return await awaitable

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(self, *args, **kwargs):
        if name.endswith("_async"):
            value = function(self, *args, **kwargs)
            return following(self, value) if inspect.isawaitable(value) else value
        with _Finished(self):
            return function(self, *args, **kwargs)

    setattr(TvmSupport.Compiler, name, wrapper)


class _Call:
    """A blocking call: its cancellable, whether Ctrl-C came, and whether C calls Python now"""

    def __init__(self, cancellable):
        self.cancellable = cancellable
        self.came = False
        self.in_python = False


class _Interrupts:
    """Lets Ctrl-C end what blocks in C.

    Python runs signal handlers in the main thread and between its own instructions. But it writes
    to a socket at once; a thread that waits for it cancels the calls, and then KeyboardInterrupt is
    raised. Where Ctrl-C is somebody else's already, it stays so.
    """

    def __init__(self):
        self.reader = self.writer = None
        self.reset()
        os.register_at_fork(after_in_child=self.leave)

    def reset(self):
        self.lock = threading.Lock()
        # The first one is that of the program, every other is in what C called for the one before.
        self.calls = []

    def leave(self):
        """In a fork: the calls are not its own, if another thread was in one, nor is the socket."""
        if self.calls:
            self.give_back()
        if self.writer is not None:
            self.reader.close()
            self.writer.close()
        self.reader = self.writer = None
        self.reset()

    def is_ours(self):
        return signal.getsignal(signal.SIGINT) == self.handle

    def begin(self, call):
        """Lets Ctrl-C cancel a call, if that is possible."""
        if threading.current_thread() is not threading.main_thread():
            return
        if self.calls:
            if self.is_ours():
                self.calls.append(call)
            return
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler and not self.is_ours():
            return
        if self.writer is None:
            self.start()
        # What came for the call before must not cancel this one.
        self.take()
        self.calls.append(call)
        signal.signal(signal.SIGINT, self.handle)
        other = signal.set_wakeup_fd(self.writer.fileno(), warn_on_full_buffer=False)
        if other not in (-1, self.writer.fileno()):
            signal.set_wakeup_fd(other)
            self.calls.pop()
            self.give_back()

    def end(self, call):
        """Returns whether Ctrl-C came during the call."""
        if not self.calls or self.calls[-1] is not call:
            return False
        self.calls.pop()
        if not self.calls:
            self.give_back()
        return call.came

    def give_back(self):
        """Leaves Ctrl-C as it was before the first call, unless somebody has taken it meanwhile."""
        if self.is_ours():
            signal.signal(signal.SIGINT, signal.default_int_handler)
        other = signal.set_wakeup_fd(-1)
        if other not in (-1, self.writer.fileno()):
            signal.set_wakeup_fd(other)

    def handle(self, _number, _frame):
        # PyGObject is Python too while it makes an exception of the error; it must not have another.
        for call in self.calls:
            call.came = True
        if not self.calls or self.calls[-1].in_python:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def python(self):
        """What C calls while it blocks"""
        if threading.current_thread() is not threading.main_thread() or not self.calls:
            yield
            return
        call = self.calls[-1]
        call.in_python = True
        try:
            yield
        finally:
            call.in_python = False

    def start(self):
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        self.reader, self.writer = reader, writer
        threading.Thread(target=self.watch, name="tvmsupport-signals", daemon=True).start()

    def take(self):
        """Returns the calls that are to be cancelled."""
        with self.lock:
            try:
                numbers = self.reader.recv(512)
            except BlockingIOError:
                return []
            if signal.SIGINT not in numbers or not self.is_ours():
                return []
            calls = list(self.calls)
            for call in calls:
                call.came = True
            return calls

    def watch(self):
        # Unlike select(), it takes a descriptor of any number.
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        while True:
            poll.poll()
            for call in self.take():
                call.cancellable.cancel()


_interrupts = _Interrupts()


def _with_interrupts(function, index, undo):
    """Makes KeyboardInterrupt of Ctrl-C in a blocking call, once nothing of it is left.

    index: where the cancellable stands among the arguments
    undo: what makes a call undone that ended well while Ctrl-C came, or None
    """

    @functools.wraps(function, assigned=("__name__", "__doc__"), updated=())
    def wrapper(*args, **kwargs):
        cancellable = args[index] if len(args) > index else kwargs.pop("cancellable", None)
        cancellable = cancellable or Gio.Cancellable()
        if len(args) > index:
            args = (*args[:index], cancellable, *args[index + 1 :])
        else:
            kwargs["cancellable"] = cancellable
        call = _Call(cancellable)
        is_done = False
        try:
            _interrupts.begin(call)
            value = function(*args, **kwargs)
            is_done = True
            return value
        finally:
            if _interrupts.end(call):
                if is_done and undo is not None:
                    undo(args[0], value)
                raise KeyboardInterrupt from None

    return wrapper


class _Context:
    """The thread in which what is awaited begins and ends, with a main context of its own.

    An event loop of asyncio knows nothing of GLib. So callbacks come here, and the loop of whoever
    awaits is told.
    """

    def __init__(self):
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self):
        self.lock = threading.Lock()
        self.context = None

    def start(self):
        context = GLib.MainContext.new()

        def run():
            context.push_thread_default()
            GLib.MainLoop.new(context, False).run()

        threading.Thread(target=run, name="tvmsupport-asyncio", daemon=True).start()
        return context

    def invoke(self, function):
        with self.lock:
            if self.context is None:
                self.context = self.start()
        self.context.invoke_full(GLib.PRIORITY_DEFAULT, function)


_context = _Context()


def _tell(loop, waiting, set_outcome, outcome):
    def tell():
        for future in waiting:
            if not future.done():
                getattr(future, set_outcome)(outcome)

    # Nobody waits any more in a loop that is closed.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(tell)


def _runs_glib(loop):
    """Whether callbacks that come to this thread are called by the event loop that runs in it."""
    if _GLibEventLoop is None or not isinstance(loop, _GLibEventLoop):
        return False
    return GLib.MainContext.ref_thread_default().is_owner()


async def _await(begin, finish, cancellable, undo):
    """Calls begin (callback) and returns what finish (result) does.

    undo (value) is called if that ended well, but who awaits was cancelled and does not know it.

    The event loop of PyGObject 3.50 and later runs GLib itself, and needs no other thread. What
    PyGObject makes of a function without a callback there is not used: asyncio.gather() and others
    take it for a future, which it is not enough of one for.
    """
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    waiting = [future]

    def ready(_source, result, *_user_data):
        try:
            _tell(loop, waiting, "set_result", finish(result))
        except BaseException as error:  # pylint: disable=broad-except
            _tell(loop, waiting, "set_exception", error)

    def run(*_user_data):
        try:
            begin(ready)
        except BaseException as error:  # pylint: disable=broad-except
            _tell(loop, waiting, "set_exception", error)
        return GLib.SOURCE_REMOVE

    if _runs_glib(loop):
        run()
    else:
        _context.invoke(run)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellable.cancel()
        # Nothing that was started is alive any more once this returns, whoever else cancels it.
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        if future.exception() is None and undo is not None:
            undo(future.result())
        raise
    except GeneratorExit:
        # The loop was closed, or the coroutine; nothing can be awaited.
        cancellable.cancel()
        raise
    finally:
        # The traceback of an error has these frames and those of all who await. Were the error in
        # them, too, then what they hold would stay until the collector comes.
        waiting.clear()
        del future


def _with_await(function, finish, index, is_method, undo):
    """Makes foo_async() without a callback awaitable, in any event loop of asyncio.

    index: where the cancellable stands among the arguments
    undo: what makes a call undone that ended well, but was cancelled then, or None
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
            lambda ready: function(*arguments, cancellable=cancellable, callback=ready, **kwargs),
            functools.partial(finish, arguments[0]) if is_method else finish,
            cancellable,
            functools.partial(undo, arguments[0]) if undo is not None else None,
        )

    return wrapper


def _put_back(worker, result):
    worker.__dict__.setdefault("_tvm_put_back", collections.deque()).append(result)


# What a call has done that ended well, but did not come to who was cancelled; what others return
# just goes.
_UNDO = {"acquire": lambda lock, _value: lock.release(), "recv": _put_back}


def _adjust(owner, name, info):
    """Returns what replaces the function of that name in a class or in the namespace."""
    function = _with_lists(_with_bytes(getattr(owner, name), info), info)
    is_async = name.endswith("_async")
    finish = getattr(owner, name[: -len("async")] + "finish", None) if is_async else None
    names = [argument.get_name() for argument in info.get_arguments()]
    index = names.index("cancellable") + int(info.is_method()) if "cancellable" in names else None
    undo = _UNDO.get(name.removesuffix("_async"))
    if finish is not None:
        if owner is TvmSupport:
            finish = _with_bytes(finish, finish)
        return _with_await(function, finish, index, info.is_method(), undo)
    if hasattr(owner, f"{name}_async"):
        function = _with_interrupts(function, index, undo)
    return _with_python_types(function)


def _to_text(value):
    if isinstance(value, bytes):
        value = os.fsdecode(value)
    if isinstance(value, str) and "\0" in value:
        raise ValueError("embedded null byte")
    return value


def _to_property(owner, name, value):
    """What a property is set to"""
    pspec = owner.find_property(name)
    if pspec is not None and pspec.value_type == GLib.Bytes.__gtype__:
        return _wrap_bytes(value)
    value = _plain(value)
    # PyGObject would make a text of how bytes are written in Python, and end it at a NUL.
    if isinstance(value, list):
        return [_to_text(item) for item in value]
    return _to_text(value)


def _from_property(value):
    return value.get_data() if isinstance(value, GLib.Bytes) else value


class _Properties:
    """The .props of an object, with the types of Python."""

    def __init__(self, owner, props):
        self.__dict__["_owner"] = owner
        self.__dict__["_props"] = props

    def __getattr__(self, name):
        return _from_property(getattr(self._props, name))

    def __setattr__(self, name, value):
        setattr(self._props, name, _to_property(self._owner, name, value))

    def __dir__(self):
        return dir(self._props)

    def __iter__(self):
        return iter(self._props)

    def __len__(self):
        return len(self._props)


class _PropertiesOf:
    """What .props is, in a class and in its objects"""

    def __init__(self, original):
        self.original = original

    def __get__(self, thing, owner=None):
        if thing is None:
            return self.original.__get__(None, owner)
        return _Properties(type(thing), self.original.__get__(thing, owner))


def _set_properties(self, **values):
    with self.freeze_notify():
        for name, value in values.items():
            self.set_property(name, value)


def _adjust_properties(owner):
    """A property takes and gives what a method does, however it is set."""
    init, get_property, set_property = owner.__init__, owner.get_property, owner.set_property

    @functools.wraps(init, assigned=("__name__", "__doc__"), updated=())
    def wrapped_init(self, *args, **kwargs):
        owner = type(self)
        init(self, *args, **{key: _to_property(owner, key, it) for key, it in kwargs.items()})

    owner.__init__ = wrapped_init
    owner.get_property = lambda self, name: _from_property(get_property(self, name))
    owner.set_property = lambda self, name, value: set_property(
        self, name, _to_property(type(self), name, value)
    )
    owner.get_properties = lambda self, *names: tuple(self.get_property(it) for it in names)
    owner.set_properties = _set_properties
    owner.props = _PropertiesOf(inspect.getattr_static(owner, "props"))


def _adjust_class(owner):
    if owner.__gtype__.parent == GObject.Object.__gtype__:
        _adjust_properties(owner)
    # From the longest name to the shortest, so that another form is found as it was in C.
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


class _Input:
    """An iterable of tasks, as the pool asks for them.

    What the iterable raises ends the input; the map raises it behind the results of the tasks that
    came before it.
    """

    def __init__(self, tasks):
        self.tasks = iter(tasks, None) if callable(tasks) else iter(tasks)
        self.error = None

    def __call__(self, *_user_data):
        try:
            with _interrupts.python():
                task = next(self.tasks, self)
            # In C, and in a function that is the input, None is the end.
            if task is self:
                return None
            if not isinstance(task, TvmSupport.Task):
                raise TypeError(f"tasks: Expected TvmSupport.Task, but got {type(task).__name__}")
            return task
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error
            return None


def _add_maps(owner):
    map_items = owner.map
    map_tasks = owner.map_tasks

    @functools.wraps(map_tasks, assigned=("__name__", "__doc__"), updated=())
    def wrapped_map_tasks(self, tasks, flags=TvmSupport.MapFlags.NONE):
        source = _Input(tasks)
        iterator = map_tasks(self, source, None, flags)
        iterator._tvm_input = source
        return iterator

    @functools.wraps(map_items, assigned=("__name__", "__doc__"), updated=())
    def wrapped_map(self, function, items, flags=TvmSupport.MapFlags.NONE):
        if isinstance(items, (list, tuple)):
            return map_items(self, function, items, flags)
        return self.map_tasks((TvmSupport.Task.new(function, item) for item in items), flags)

    owner.map = wrapped_map
    owner.map_tasks = wrapped_map_tasks


def _add_calls(owner):
    """An error of a call has the result of its task, unless a callback is to get it."""
    call = owner.call
    call_async = owner.call_async

    def value_of(result):
        result.check()
        return result.get_value()

    async def following(awaitable):
        return value_of(await awaitable)

    @functools.wraps(call, assigned=("__name__", "__doc__"), updated=())
    def wrapped_call(self, function, args=None, cancellable=None):
        return value_of(self.submit(TvmSupport.Task.new(function, args), cancellable))

    @functools.wraps(call_async, assigned=("__name__", "__doc__"), updated=())
    def wrapped_call_async(self, function, args=None, cancellable=None, *ready, **named):
        if ready[:1] not in ((), (None,)) or named.get("callback") is not None:
            return call_async(self, function, args, cancellable, *ready, **named)
        return following(self.submit_async(TvmSupport.Task.new(function, args), cancellable))

    owner.call = wrapped_call
    owner.call_async = wrapped_call_async


def _add_receiving(owner):
    """A result that did not come to who was cancelled comes to the next one."""
    recv, recv_async = owner.recv, owner.recv_async

    async def following(self, cancellable):
        left = self.__dict__.get("_tvm_put_back")
        return left.popleft() if left else await recv_async(self, cancellable)

    @functools.wraps(recv, assigned=("__name__", "__doc__"), updated=())
    def wrapped_recv(self, cancellable=None):
        left = self.__dict__.get("_tvm_put_back")
        return left.popleft() if left else recv(self, cancellable)

    @functools.wraps(recv_async, assigned=("__name__", "__doc__"), updated=())
    def wrapped_recv_async(self, cancellable=None, *ready, **named):
        if ready[:1] not in ((), (None,)) or named.get("callback") is not None:
            return recv_async(self, cancellable, *ready, **named)
        return following(self, cancellable)

    owner.recv = wrapped_recv
    owner.recv_async = wrapped_recv_async


def _add_iteration(owner):
    def checked(self, result, end):
        if result is not None:
            return result
        source = getattr(self, "_tvm_input", None)
        if source is not None and source.error is not None:
            error, source.error = source.error, None
            try:
                raise error
            finally:
                # The traceback has this frame.
                del error
        raise end

    async def following(self):
        try:
            result = await self.next_async()
        except asyncio.CancelledError:
            # As a generator it has ended then; the iterator itself may live on for long in a cycle.
            self.close()
            raise
        return checked(self, result, StopAsyncIteration)

    owner.__iter__ = lambda self: self
    owner.__next__ = lambda self: checked(self, self.next(), StopIteration)
    owner.__aiter__ = lambda self: self
    owner.__anext__ = following


def _add_pool_context(owner):
    """Leaves as concurrent.futures does; after an exception nobody waits for what is queued."""

    def leave(self, kind, *_exception):
        mode = TvmSupport.ShutdownMode
        self.shutdown(mode.DRAIN if kind is None else mode.CANCEL)

    owner.__enter__ = lambda self: self
    owner.__exit__ = leave


def _leave_worker(worker):
    worker.kill()
    worker.join()


def _new_pool(spec, max_workers=0):
    return _pool_new(spec, max_workers)


_adjust_namespace()

_with_defaults(TvmSupport.CompileRequest, "add_input", language=TvmSupport.Language.AUTO)
_with_defaults(TvmSupport.CompileRequest, "add_input_bytes", language=TvmSupport.Language.AUTO)
_with_defaults(TvmSupport.FileLock, "acquire", timeout_msec=-1)
_with_defaults(TvmSupport.FileLock, "acquire_async", timeout_msec=-1)
_with_defaults(TvmSupport.PoolExecutor, "shutdown", mode=TvmSupport.ShutdownMode.DRAIN)
_with_defaults(TvmSupport.PoolExecutor, "shutdown_async", mode=TvmSupport.ShutdownMode.DRAIN)
_with_defaults(TvmSupport.PopenWorker, "join", timeout_msec=-1)
_with_defaults(TvmSupport.PopenWorker, "join_async", timeout_msec=-1)
for _name in ("compile", "create_shared", "create_executable", "create_staticlib"):
    _with_finished_in_errors(_name)
    _with_finished_in_errors(f"{_name}_async")
for _class in (TvmSupport.CompileResult, TvmSupport.MapResult, TvmSupport.TaskResult):
    if hasattr(_class, "check"):
        _with_result_in_errors(_class)
_with_list_of_requests("compile_all")
_with_list_of_requests("compile_all_async")

_add_context(TvmSupport.FileLock, lambda self: self.release())
_add_context(TvmSupport.MapIterator, lambda self: self.close())
_add_context(TvmSupport.PopenWorker, _leave_worker)
_add_pool_context(TvmSupport.PoolExecutor)
_add_iteration(TvmSupport.MapIterator)
_add_receiving(TvmSupport.PopenWorker)
_add_maps(TvmSupport.PoolExecutor)
_add_calls(TvmSupport.PoolExecutor)
_pool_new = TvmSupport.PoolExecutor.new
TvmSupport.PoolExecutor.new = staticmethod(_new_pool)
_add_context(TvmSupport.TempDirectory, lambda self: self.remove() and None)
TvmSupport.TempDirectory.__fspath__ = lambda self: self.get_path()
TvmSupport.TempDirectory.__truediv__ = lambda self, other: pathlib.Path(self.get_path()) / other
