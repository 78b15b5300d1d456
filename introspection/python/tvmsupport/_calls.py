# SPDX-License-Identifier: Apache-2.0
"""Calls of Python functions in workers: futures, and what becomes of a result."""

import atexit
import concurrent.futures
import contextlib
import ctypes
import logging
import math
import os
import pickle
import threading
import time
import weakref

from gi.repository import GLib, TvmSupport

from . import _errors, _library, _pickling
from ._setup import LIBRARY, pointer

_COMPLETE = int(TvmSupport.StatusKind.COMPLETE)
_TVM = GLib.quark_to_string(TvmSupport.error_quark())
_GIO = "g-io-error-quark"
_CANCELLED, _CLOSED = 19, 18
_FAILED = int(TvmSupport.Error.TASK_FAILED)
_TIMED_OUT = int(TvmSupport.Error.TIMED_OUT)
_DIED = int(TvmSupport.Error.WORKER_DIED)
_LOGGER = logging.getLogger("concurrent.futures")
# How long a wait may miss a signal that came just before it
_SLICE = 100
# How many seconds the nursery of a pool that has ended waits for the next one
_PARKED_FOR = 10


class RemoteError(RuntimeError):
    """An exception of a worker that could not come here itself; it has its type and its text."""


class RemoteTraceback(Exception):
    """Where an exception was raised in a worker: the cause of the exception."""

    def __str__(self):
        return f'\n"""\n{self.args[0]}"""'


class _Cancelled(concurrent.futures.CancelledError):
    """A call was cancelled; a CancelledError of the call itself is another one."""


class TimeLimitError(TimeoutError):
    """The time of a call was over; a TimeoutError of the call itself is another one."""


def name_of(function):
    try:
        name = getattr(function, "__qualname__", None)
    except Exception:  # pylint: disable=broad-exception-caught
        name = None
    return name if isinstance(name, str) else type(function).__qualname__


class _Pinned:
    """What a GBytes uses without a copy stays here until the library is done with it.

    There is no lock, as something with a __del__ that submits a call may go at any time, also in
    here. The dictionary is changed by what cannot be interrupted.
    """

    def __init__(self):
        self.held = {}

    def make(self, piece):
        address = _pickling.get_address(memoryview(piece))
        size = memoryview(piece).nbytes
        freed = ctypes.c_int(0)
        self.sweep()
        self.held[id(freed)] = freed, piece
        return LIBRARY.g_bytes_new_with_free_func(
            address, size, LIBRARY.count, ctypes.addressof(freed)
        )

    def sweep(self):
        for key in list(self.held):
            freed, _piece = self.held.get(key, (None, None))
            if freed is not None and freed.value:
                self.held.pop(key, None)


_pinned = _Pinned()


def _make_bytes(piece):
    if type(piece) is bytes and len(piece) < _pickling.LARGE:
        return LIBRARY.g_bytes_new(piece, len(piece))
    return _pinned.make(piece)


def _describe(function):
    return name_of(function).replace("\0", "").encode(errors="replace")


def make_task(function, pieces):
    """A TvmTask, to be given back with g_object_unref(), of what dump_call() gave."""
    first, *rest = pieces
    data = _make_bytes(first)
    task = LIBRARY.task_new_bytes(data)
    LIBRARY.g_bytes_unref(data)
    for piece in rest:
        data = _make_bytes(piece)
        LIBRARY.task_add_bytes(task, data)
        LIBRARY.g_bytes_unref(data)
    LIBRARY.task_set_description(task, _describe(function))
    return task


def make_exception(function, timeout, error, result):
    """The exception of a call.

    error: the domain, the code and the message
    result: the TvmTaskResult, or None
    """
    domain, code, message = error
    name = name_of(function)
    if domain == _GIO and code == _CANCELLED:
        return _Cancelled()
    if domain != _TVM:
        return RuntimeError(message)
    if code == _TIMED_OUT:
        limit = "" if timeout is None else f" within {timeout:g} s"
        return TimeLimitError(f"{name}() did not end{limit}")
    if code == _DIED:
        return _make_start_exception(message, result)
    if code != _FAILED or result is None:
        return RuntimeError(message)
    return _make_remote_exception(message, result)


def _make_start_exception(message, result):
    """A worker died; or its initializer failed, whose exception it is then, as with tvm.support."""
    exception = _load_exception(result) if result is not None else None
    if exception is None:
        exception = ChildProcessError(message)
    else:
        # What add_note() does, also where the class does not take attributes
        vars(exception).setdefault("__notes__", []).append(message)
    return _add_traceback(exception, result)


def _make_remote_exception(message, result):
    exception = _load_exception(result)
    if exception is None:
        kind = LIBRARY.task_result_get_remote_type(result)
        kind = kind.decode(errors="replace") if kind else "Exception"
        exception = RemoteError(f"{kind}: {message}" if message else kind)
    return _add_traceback(exception, result)


def _load_exception(result):
    """The exception of a TvmTaskResult; None if it could not be pickled, or cannot be read here."""
    data = LIBRARY.task_result_get_bytes(result)
    address, size = LIBRARY.view(data) if data else (None, 0)
    if size == 0:
        return None
    try:
        exception = pickle.loads(ctypes.string_at(address, size))
    except Exception:  # pylint: disable=broad-exception-caught
        return None
    except BaseException as error:  # pylint: disable=broad-exception-caught
        return error
    return exception if isinstance(exception, BaseException) else None


def _add_traceback(exception, result):
    text = LIBRARY.task_result_get_traceback(result) if result is not None else None
    if text:
        cause = RemoteTraceback(text.decode(errors="replace"))
        # Whatever the class says to that
        with contextlib.suppress(Exception):
            object.__setattr__(exception, "__cause__", cause)
    return exception


def read_result(function, timeout, result):
    """The value of a TvmTaskResult, or an exception, and which of the two it is."""
    try:
        if LIBRARY.task_result_get_status(result) == _COMPLETE:
            return _pickling.load(LIBRARY, LIBRARY.task_result_get_bytes(result)), False
        error = LIBRARY.task_result_get_error(result).contents
        domain = LIBRARY.g_quark_to_string(error.domain).decode()
        known = domain, error.code, error.message.decode(errors="replace")
        return make_exception(function, timeout, known, result), True
    except BaseException as failure:  # pylint: disable=broad-exception-caught
        return failure, True


class CallFuture(concurrent.futures.Future):
    """The future of a call in a worker.

    Most never need a condition: who waits for a result does so in the library. To make it, with what
    belongs to it, takes a good part of a small call, most of that in the garbage collector. One for
    all would not do: concurrent.futures.wait() takes those of its futures in the order of their
    addresses, and with one that comes more than once in it two threads can wait for each other.
    """

    # Who has it gives a future its condition, or completes it without one.
    _lock = threading.RLock()

    def __init__(self, pool, function):  # pylint: disable=super-init-not-called
        # What Future.__init__() does but for the condition
        self._own_condition = None
        self._state = "PENDING"
        self._result = None
        self._exception = None
        self._waiters = []
        self._done_callbacks = []
        self._pool = pool
        self._function = function
        self._queue = None
        self._id = 0
        # Somebody has its outcome, and is about to complete it.
        self._is_taken = False

    @property
    def _condition(self):
        if self._own_condition is None:
            condition = threading.Condition()
            with CallFuture._lock:
                if self._own_condition is None:
                    self._own_condition = condition
        return self._own_condition

    def done(self):
        return self._state != "PENDING"

    def cancel(self):
        """Cancels the call; one that runs is ended. Returns False if it has ended before."""
        with self._condition:
            if self._state != "PENDING":
                return self._state != "FINISHED"
            self._state = "CANCELLED"
            self._condition.notify_all()
        if self._id:
            LIBRARY.completion_queue_cancel(self._queue.pointer, self._id)
        self.set_running_or_notify_cancel()
        self._invoke_callbacks()
        return True

    def running(self):
        """Whether a worker is at work on it now."""
        queue = self._queue
        if self._state != "PENDING" or queue is None:
            return False
        return bool(LIBRARY.completion_queue_is_running(queue.pointer, self._id))

    def result(self, timeout=None):
        try:
            timeout = self._await(timeout)
            if self._state == "FINISHED" and self._exception is None:
                return self._result
            return super().result(timeout)
        finally:
            # An exception has this frame, which is not to have the exception in turn.
            self = None  # pylint: disable=self-cls-assignment

    def exception(self, timeout=None):
        return super().exception(self._await(timeout))

    def _invoke_callbacks(self):
        for callback in self._done_callbacks:
            try:
                callback(self)
            except BaseException as error:  # pylint: disable=broad-exception-caught
                is_main = threading.current_thread() is threading.main_thread()
                if is_main and not isinstance(error, Exception):
                    raise
                # Also a sys.exit() is not to end the thread that all other futures need.
                _LOGGER.exception("exception calling callback for %r", self)

    def _await(self, timeout):
        """Waits where it is fastest. Returns what is left of the timeout."""
        if self._state != "PENDING" or self._queue is None:
            return timeout
        end = None if timeout is None else time.monotonic() + timeout
        try:
            self._queue.await_future(self, end)
            if self._state == "PENDING":
                left = None if end is None else max(0, end - time.monotonic())
                with self._condition:
                    if self._state == "PENDING":
                        self._condition.wait(left)
        except BaseException:
            # Ctrl-C, in all likelihood: nobody waits for the call any more.
            self.cancel()
            raise
        return None if end is None else max(0, end - time.monotonic())

    def settle(self):
        """Waits until it is done."""
        self._await(None)

    def complete(self, value, is_exception):
        self._pool = None
        try:
            if is_exception and isinstance(value, _Cancelled):
                self.cancel()
            elif not self._complete_alone(value, is_exception):
                (self.set_exception if is_exception else self.set_result)(value)
        except concurrent.futures.InvalidStateError:
            # It was cancelled.
            pass
        self._function = None

    def _complete_alone(self, value, is_exception):
        """Completes it if nobody is to be told. Returns whether it did."""
        with CallFuture._lock:
            if self._own_condition is not None:
                return False
            if is_exception:
                self._exception = value
            else:
                self._result = value
            self._state = "FINISHED"
            return True

    def disown(self):
        """In a fork: nobody completes it here, and who waits for it is told."""
        # They are of the program that goes on elsewhere; threads of it may have held these.
        self._own_condition = None
        self._done_callbacks.clear()
        for waiter in self._waiters:
            waiter.lock, waiter.event = threading.Lock(), threading.Event()
        if self.done():
            return
        # There may be waiters although the condition is no more.
        error = RuntimeError("The call belongs to the process that this one was forked from")
        with self._condition:
            self.complete(error, True)


class _Queue:
    """The calls of all pools that are in flight, and the thread that completes their futures."""

    def __init__(self):
        self.pointer = LIBRARY.completion_queue_new()
        self.futures = {}
        # The numbers of those that a thread waits for in the library
        self.awaited = {}
        threading.Thread(target=self.work, name="tvmsupport-results", daemon=True).start()

    def submit(self, pool, future, pieces):
        future._queue = self
        first = pieces[0]
        if len(pieces) == 1 and len(first) < _pickling.LARGE:
            number = LIBRARY.completion_queue_submit_bytes(
                self.pointer, pool, first, len(first), _describe(future._function)
            )
        else:
            task = make_task(future._function, pieces)
            number = LIBRARY.completion_queue_submit(self.pointer, pool, task)
            LIBRARY.g_object_unref(task)
        future._id = number
        # The outcome may have been here before.
        outcome = self.futures.setdefault(number, future)
        if outcome is not future:
            self.finish(future, outcome)

    def work(self):
        wait, pop = LIBRARY.completion_queue_wait, LIBRARY.completion_queue_pop
        number = ctypes.c_uint64()
        number_out = ctypes.byref(number)
        while True:
            wait(self.pointer, -1)
            error = _library.ErrorPointer()
            while (result := pop(self.pointer, number_out, ctypes.byref(error))) or error:
                self.settle(number.value, result, error)
                if error:
                    error = _library.ErrorPointer()
            _pinned.sweep()

    def settle(self, number, result, error):
        """Takes the result, or the error, if there is no result."""
        outcome = result, error
        future = self.futures.setdefault(number, outcome)
        if future is not outcome:
            self.finish(future, outcome)

    def finish(self, future, outcome):
        future._is_taken = True
        result, error = outcome
        function, timeout = future._function, future._pool.timeout
        if result:
            value, is_exception = read_result(function, timeout, result)
            LIBRARY.g_object_unref(result)
        else:
            known = LIBRARY.take_error(error)
            value, is_exception = make_exception(function, timeout, known, None), True
        _pinned.sweep()
        del self.futures[future._id]
        future.complete(value, is_exception)

    def disown(self):
        """In a fork"""
        for future in list(self.futures.values()):
            if isinstance(future, CallFuture):
                future.disown()

    def await_future(self, future, end):
        """Waits for one future in the library, which is the shortest way, as long as it can."""
        take, number, mine = LIBRARY.completion_queue_take, future._id, object()
        if self.awaited.setdefault(number, mine) is not mine:
            return
        try:
            error = _library.ErrorPointer()
            while not future._is_taken:
                limit = _SLICE
                if end is not None:
                    limit = min(limit, math.ceil((end - time.monotonic()) * 1000))
                    if limit <= 0:
                        break
                result = take(self.pointer, number, limit, ctypes.byref(error))
                if result or error:
                    self.settle(number, result, error)
        finally:
            del self.awaited[number]


class _Parked:
    """A pool that has ended, but for its nursery, which the next one of the same kind takes over."""

    def __init__(self, key, pool):
        self.key = key
        self.pool = pool
        self.timer = threading.Timer(_PARKED_FOR, _process.drop_parked, [self])
        self.timer.daemon = True
        self.timer.start()

    def end(self):
        self.timer.cancel()
        try:
            self.pool.shutdown(TvmSupport.ShutdownMode.CANCEL)
        except GLib.Error:
            # Of a fork of the process that made it
            pass


class _Process:
    """What this process has, and what a fork of it must not use."""

    def __init__(self):
        self.queue = None
        self.reset()
        os.register_at_fork(after_in_child=self.reset)
        atexit.register(self.end)

    def reset(self):
        CallFuture._lock = threading.RLock()
        # What has a __del__ may come here in the middle of it.
        self.lock = threading.RLock()
        queue, self.queue = self.queue, None
        if queue is not None:
            queue.disown()
        self.pools = weakref.WeakSet()
        self.parked = None

    def get_queue(self):
        if self.queue is None:
            with self.lock:
                self.queue = self.queue or _Queue()
        return self.queue

    def find_futures(self, pool):
        futures = list(self.queue.futures.values()) if self.queue is not None else ()
        return [it for it in futures if isinstance(it, CallFuture) and it._pool is pool]

    def take_parked(self, key):
        with self.lock:
            parked = self.parked
            if parked is None or parked.key != key:
                return None
            self.parked = None
        parked.timer.cancel()
        return parked.pool

    def park(self, key, pool):
        parked = _Parked(key, pool)
        with self.lock:
            before, self.parked = self.parked, parked
        if before is not None:
            before.end()

    def drop_parked(self, parked):
        with self.lock:
            if self.parked is not parked:
                return
            self.parked = None
        parked.end()

    def end(self):
        """Nothing outlives the interpreter."""
        parked, self.parked = self.parked, None
        if parked is not None:
            parked.end()
        for pool in list(self.pools):
            pool.kill()


_process = _Process()
take_parked = _process.take_parked


class Pool:
    """A TvmPoolExecutor of Python workers."""

    def __init__(self, pool, timeout, key):
        self.pool = pool
        self.pointer = pointer(pool)
        self.timeout = timeout
        self.key = key
        # To the next one
        self.given = False
        self.ended = False
        _process.pools.add(self)

    def submit(self, function, args, kwargs):
        self.check()
        future = CallFuture(self, function)
        try:
            pieces = _pickling.dump_call(function, args, kwargs)
        except Exception as error:  # pylint: disable=broad-exception-caught
            future.complete(error, True)
            return future
        # What was pickled may have had its say.
        self.check()
        _process.get_queue().submit(self.pointer, future, pieces)
        return future

    def check(self):
        if self.ended:
            raise RuntimeError("cannot schedule new futures after shutdown")

    def kill(self):
        """Cancels all calls; no process is left."""
        self.ended = True
        if self.given:
            return
        try:
            self.pool.shutdown(TvmSupport.ShutdownMode.CANCEL)
        except GLib.Error:
            # Of a fork of the process that made it
            pass

    def shutdown(self, wait, cancel):
        self.ended = True
        pending = _process.find_futures(self)
        if cancel:
            for future in pending:
                future.cancel()
        if not wait:
            return
        try:
            for future in pending:
                future.settle()
            self.end()
        except BaseException:
            self.kill()
            raise

    def end(self):
        """Returns when no worker is left."""
        with _process.lock:
            key, self.key = self.key, None
            given = self.given
            self.given = given or key is not None
        if key is not None:
            self.pool.recycle()
            _process.park(key, self.pool)
        elif not given:
            self.pool.shutdown(TvmSupport.ShutdownMode.DRAIN)


def send(worker, function, args, kwargs, timeout):
    """Sends a call to a TvmPopenWorker; the timeout is in milliseconds."""
    task = make_task(function, _pickling.dump_call(function, args, kwargs))
    error = _library.ErrorPointer()
    LIBRARY.task_set_timeout(task, timeout)
    sent = LIBRARY.popen_worker_send(pointer(worker), task, ctypes.byref(error))
    LIBRARY.g_object_unref(task)
    if not sent:
        raise RuntimeError(LIBRARY.take_error(error)[2])


def receive(worker, function, timeout):
    """The value of what a TvmPopenWorker was sent; raises what went wrong."""
    try:
        result = worker.recv()
    except GLib.Error as error:
        raise _errors.translate(error) from error
    value, is_exception = read_result(function, timeout, pointer(result))
    _pinned.sweep()
    if not is_exception:
        return value
    try:
        raise value
    finally:
        # The traceback has this frame.
        del value
