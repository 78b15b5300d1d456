# SPDX-License-Identifier: Apache-2.0
"""Python functions in processes of their own, with time limits.

The names are those of ``tvm.contrib.popen_pool``. What is called may be any function, also a lambda,
a closure or one of ``__main__``; it travels by cloudpickle. A call that crashes, hangs or holds the
interpreter's lock harms its own process and nothing else.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import enum
import itertools
import math
import os
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any, NamedTuple, TypeAlias

from gi.repository import TvmSupport

from . import _bridge, _calls, _setup
from ._types import P, T

__all__ = [
    "MapResult",
    "PopenPoolExecutor",
    "PopenWorker",
    "RemoteError",
    "StatusKind",
    "kill_child_processes",
]

RemoteError = _calls.RemoteError

# None, a descriptor, or what has one; what subprocess.Popen takes
Output: TypeAlias = int | IO[Any] | None


def kill_child_processes(pid: int) -> None:
    """Kills all descendants of a process, but not the process itself.

    Parameters
    ----------
    pid : int
        The process.
    """
    if pid > 0:
        TvmSupport.kill_child_processes(pid)


class StatusKind(enum.IntEnum):
    """What became of a call."""

    RUNNING = 0
    COMPLETE = 1
    EXCEPTION = 2
    TIMEOUT = 3


class MapResult(NamedTuple):
    """A result of :meth:`PopenPoolExecutor.map_with_error_catching`.

    Parameters
    ----------
    status : StatusKind
        What became of the call.
    value : Any
        What the function returned, or the exception.
    """

    status: StatusKind
    value: Any


def _milliseconds(seconds: float | None) -> int:
    if seconds is None:
        return -1
    if math.isinf(seconds):
        return -1
    return max(1, math.ceil(seconds * 1000))


class PopenWorker:
    """A process that runs one call after the other.

    Parameters
    ----------
    initializer : callable, optional
        What each new process calls first. What it raises, the calls raise.
    initargs : tuple
        The arguments of the initializer.
    maximum_uses : int, optional
        After so many calls the process is replaced.
    stdout, stderr : None, int or file
        Where the output of the process goes, as for :class:`subprocess.Popen`; no pipe.
    preload : str or iterable of str
        Modules that are imported once, before the process is forked.
    """

    def __init__(
        self,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maximum_uses: int | None = None,
        stdout: Output = None,
        stderr: Output = None,
        *,
        preload: str | Iterable[str] = (),
    ) -> None:
        spec = _setup.make_spec(initializer, initargs, maximum_uses, stdout, stderr, preload)
        self._worker = TvmSupport.PopenWorker.new(spec)
        # Not in __del__(), where an interpreter that ends has no modules any more
        weakref.finalize(self, self._worker.kill)
        self._sent: collections.deque[tuple[Callable[..., object], float | None]]
        self._sent = collections.deque()

    def kill(self) -> None:
        """Kills the process and all that it started; the next :meth:`send` starts another one."""
        self._worker.kill()
        self._sent.clear()

    def join(self, timeout: float | None = None) -> None:
        """Waits until the process has ended, but not longer than the timeout, in seconds.

        It returns in either case; :meth:`is_alive` says which one it is.
        """
        with contextlib.suppress(TimeoutError):
            _bridge.call(self._worker.join, _milliseconds(timeout))

    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self._worker.is_alive()

    def send(
        self,
        fn: Callable[..., object],
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Sends a call ``fn(*args, **kwargs)`` to the process.

        Parameters
        ----------
        fn : callable
            The function.
        args, kwargs
            Its arguments.
        timeout : float, optional
            How many seconds it may take.
        """
        _calls.send(self._worker, fn, tuple(args), kwargs or {}, _milliseconds(timeout))
        self._sent.append((fn, timeout))

    def recv(self) -> Any:
        """Returns the result of the last :meth:`send`.

        Raises
        ------
        ChildProcessError
            The process ended.
        TimeoutError
            The call took too long.
        Exception
            What the function raised.
        """
        if not self._sent:
            raise RuntimeError("There is nothing to receive, as nothing was sent")
        return _calls.receive(self._worker, *self._sent.popleft())


class PopenPoolExecutor(concurrent.futures.Executor):
    """A pool of processes.

    Parameters
    ----------
    max_workers : int, optional
        How many processes; if it is None, as many as there are processors.
    timeout : float, optional
        How many seconds each call may take.
    initializer, initargs, stdout, stderr, preload
        As of :class:`PopenWorker`.
    maximum_process_uses : int, optional
        After so many calls a process is replaced.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        timeout: float | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maximum_process_uses: int | None = None,
        stdout: Output = None,
        stderr: Output = None,
        *,
        preload: str | Iterable[str] = (),
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._max_workers = max_workers or os.cpu_count() or 1
        own = (initializer, maximum_process_uses, stdout, stderr)
        key, pool = None, None
        if own == (None,) * len(own):
            key = _setup.get_key(self._max_workers, preload)
            pool = _calls.take_parked(key)
        if pool is None:
            spec = _setup.make_spec(
                initializer, initargs, maximum_process_uses, stdout, stderr, preload
            )
            pool = TvmSupport.PoolExecutor.new(spec, self._max_workers)
        pool.set_timeout(_milliseconds(timeout))
        self._pool = _calls.Pool(pool, timeout, key)

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Starts a call ``fn(*args, **kwargs)`` when a process is free.

        Returns
        -------
        future : concurrent.futures.Future
            Its :meth:`~concurrent.futures.Future.cancel` also ends a call that runs.
        """
        return self._pool.submit(fn, args, kwargs)

    def map_with_error_catching(
        self, func: Callable[[Any], object], iterator: Iterable[Any]
    ) -> Iterator[MapResult]:
        """Calls a function with each item, and gives a :class:`MapResult` for each, in their order.

        The items are taken when they are needed: a few more than there are processes. What the
        iterable raises comes behind the results of the items before it.

        Parameters
        ----------
        func : callable
            The function.
        iterator : iterable
            The items.
        """
        items = _Items(iterator)
        waiting: collections.deque[concurrent.futures.Future[Any]] = collections.deque()
        try:
            ahead = itertools.islice(items, 4 * self._max_workers + 64)
            waiting.extend(self.submit(func, item) for item in ahead)
            while waiting:
                yield _catch(waiting.popleft())
                waiting.extend(self.submit(func, item) for item in itertools.islice(items, 1))
            if items.error is not None:
                try:
                    raise items.error
                finally:
                    # The traceback of the error leads to the items.
                    items.error = None
        finally:
            for future in waiting:
                future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the pool; it takes no more calls.

        Parameters
        ----------
        wait : bool
            Whether to wait until all calls have ended and no process is left.
        cancel_futures : bool
            Whether calls that have not ended are cancelled, also those that run.
        """
        self._pool.shutdown(wait, cancel_futures)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> bool:
        # Nobody waits for the rest after Ctrl-C.
        interrupted = kind is not None and not issubclass(kind, Exception)
        self.shutdown(wait=True, cancel_futures=interrupted)
        return False


class _Items:
    """An iterable that ends where it would raise an exception, and keeps it."""

    def __init__(self, iterable: Iterable[Any]) -> None:
        self.error: Exception | None = None
        self._iterator = iter(iterable)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.error is not None:
            raise StopIteration
        try:
            return next(self._iterator)
        except StopIteration:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.error = error
            raise StopIteration from error


def _catch(future: concurrent.futures.Future[Any]) -> MapResult:
    try:
        error = future.exception()
    except concurrent.futures.CancelledError as cancelled:
        error = cancelled
    if error is None:
        return MapResult(StatusKind.COMPLETE, future.result())
    if not isinstance(error, Exception):
        try:
            raise error
        finally:
            # The traceback has this frame.
            del error
    is_late = isinstance(error, _calls.TimeLimitError)
    return MapResult(StatusKind.TIMEOUT if is_late else StatusKind.EXCEPTION, error)
