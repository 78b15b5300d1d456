# SPDX-License-Identifier: Apache-2.0
"""The futures of popen_pool, as concurrent.futures wants them."""

import concurrent.futures
import os
import sys
import threading
import time
import weakref

import pytest

pytest.importorskip("cloudpickle")

from test_popen_pool import (  # noqa: E402  pylint: disable=wrong-import-position
    PATIENCE,
    add,
    hold_until,
    note_and_sleep,
    read_when_there,
    wait_gone,
)
from tvmsupport import popen_pool  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(name="pool", scope="module")
def shared_pool():
    with popen_pool.PopenPoolExecutor(max_workers=2, timeout=PATIENCE) as pool:
        yield pool


def test_as_completed_and_wait(pool):
    futures = [pool.submit(add, number) for number in range(20)]
    done = concurrent.futures.as_completed(futures, timeout=PATIENCE)
    assert sorted(future.result() for future in done) == list(range(20))
    futures = [pool.submit(time.sleep, 0) for _ in range(3)]
    assert len(concurrent.futures.wait(futures, timeout=PATIENCE).done) == 3
    assert list(pool.map(add, range(5), range(5))) == [0, 2, 4, 6, 8]


def test_callbacks(pool):
    came = threading.Event()
    values = []

    def take(future):
        # Another call, from where the first one is completed
        values.append((future.result(), pool.submit(add, 5).result()))
        came.set()

    pool.submit(add, 4).add_done_callback(take)
    assert came.wait(PATIENCE)
    assert values == [(4, 5)]


def test_result_timeout(pool):
    future = pool.submit(time.sleep, PATIENCE)
    for limit in (0, 0.05):
        with pytest.raises(TimeoutError):
            future.result(timeout=limit)
        with pytest.raises(TimeoutError):
            future.exception(timeout=limit)
    assert not future.done()
    assert future.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()


def test_running(tmp_path):
    with popen_pool.PopenPoolExecutor(1) as single:
        first = single.submit(hold_until, str(tmp_path / "go"))
        second = single.submit(abs, -1)
        while not first.running():
            time.sleep(0.001)
        assert not second.running()
        (tmp_path / "go").touch()
        assert second.result() == 1
        assert not first.running() and not second.running()


def test_future_is_whole(pool):
    """It does without the constructor of its base, which may change."""
    names = set(vars(concurrent.futures.Future()))
    future = pool.submit(abs, -1)
    assert all(hasattr(future, name) for name in names)
    future.result()


def test_futures_have_no_lock_in_common(pool):
    """Or two threads that wait for futures of several pools might wait for each other."""
    first, second = pool.submit(add, 1), pool.submit(add, 2)
    assert first.result() == 1
    with concurrent.futures.ThreadPoolExecutor(1) as threads, first._condition:
        done = threads.submit(concurrent.futures.wait, [second])
        assert done.result(PATIENCE).done == {second}


def test_many_threads_wait_for_one(pool):
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        future = pool.submit(lambda: time.sleep(0.05) or 6)
        waiting = [threads.submit(future.result, PATIENCE) for _ in range(4)]
        assert [it.result(PATIENCE) for it in waiting] == [6] * 4


def test_cancel_kills(tmp_path):
    with popen_pool.PopenPoolExecutor(1) as pool:
        running = pool.submit(note_and_sleep, tmp_path / "pid")
        queued = pool.submit(add, 1)
        pid = read_when_there(tmp_path / "pid")
        assert queued.cancel() and queued.cancelled()
        assert running.cancel() and running.cancelled() and running.done()
        assert concurrent.futures.wait([running, queued], PATIENCE).not_done == set()
        wait_gone(pid)
        assert pool.submit(add, 1).result() == 1


def test_cancel_wakes(pool):
    future = pool.submit(time.sleep, PATIENCE)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(future.result), threads.submit(future.exception)]
        assert future.cancel()
        for thread in waiting:
            with pytest.raises(concurrent.futures.CancelledError):
                thread.result(PATIENCE)


def test_callback_that_exits(pool, caplog):
    """Nothing that a callback does ends the thread that completes the futures of all pools."""
    told = []
    for leave in (sys.exit, lambda _future: next(iter(()))):
        future = pool.submit(time.sleep, 0.05)
        future.add_done_callback(leave)
        future.add_done_callback(told.append)
        assert concurrent.futures.wait([future], PATIENCE).done
    assert concurrent.futures.wait([pool.submit(abs, -1)], PATIENCE).done
    assert len(told) == 2
    assert [record.exc_info[0] for record in caplog.records] == [SystemExit, StopIteration]


class Leaver(Exception):
    """It ends the program that reads its pickle, if that is the one that says so."""

    def __reduce__(self):
        return leave_here, (PID,)


PID = 0


def leave_here(pid):
    if os.getpid() == pid:
        sys.exit(3)
    return ValueError()


def raise_leaver(pid):
    global PID  # pylint: disable=global-statement
    PID = pid
    raise Leaver


def test_pickle_that_exits(pool):
    future = pool.submit(raise_leaver, os.getpid())
    assert concurrent.futures.wait([future], PATIENCE).done
    with pytest.raises(SystemExit):
        future.result()
    assert concurrent.futures.wait([pool.submit(abs, -1)], PATIENCE).done


class Failure(Exception):
    """Unlike those of Python it can have weak references."""


def raise_failure(text):
    raise Failure(text)


def test_errors_leave_no_cycle(pool, is_forgotten):
    future = pool.submit(raise_failure, "alone")
    try:
        future.result()
    except Failure:
        pass
    results = list(pool.map_with_error_catching(raise_failure, ["mapped"]))
    gone = [weakref.ref(future), weakref.ref(results[0].value)]
    del future, results
    assert all(is_forgotten(it) for it in gone)


class Submitting(bytearray):
    """Something that uses the pool when it goes."""

    def __init__(self, data, submit):
        super().__init__(data)
        self.submit = submit

    def __del__(self):
        self.submit()


def test_argument_submits_as_it_goes(pool):
    later = []
    data = memoryview(Submitting(bytes(1 << 20), lambda: later.append(pool.submit(add, 1))))
    future = pool.submit(len, data)
    del data
    assert future.result(PATIENCE) == 1 << 20
    # It goes with the next answer at the latest.
    while not later:
        pool.submit(abs, -1).result(PATIENCE)
    assert later[0].result(PATIENCE) == 1


class Ender:
    """Ends a pool when it is pickled."""

    def __init__(self, pool):
        self.pool = pool

    def __reduce__(self):
        self.pool.shutdown()
        return int, ()


def test_argument_ends_the_pool():
    pool = popen_pool.PopenPoolExecutor(1)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(add, Ender(pool))


def test_slow_answer(pool):
    """Who waits while another thread reads an answer gets it, too."""
    entered, release = threading.Event(), threading.Event()
    SLOW[:] = [entered, release]
    future = pool.submit(SlowAnswer)
    # Nobody waits for it in the library: the thread for all of them reads it.
    assert entered.wait(PATIENCE)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(future.result, PATIENCE) for _ in range(2)]
        with pytest.raises(TimeoutError):
            future.result(0.01)
        release.set()
        assert [it.result(PATIENCE) for it in waiting] == [7, 7]


SLOW = []


class SlowAnswer:
    """It takes long to be read where SLOW says so."""

    def __reduce__(self):
        return read_slowly, ()


def read_slowly():
    if SLOW:
        SLOW[0].set()
        SLOW[1].wait(PATIENCE)
    return 7
