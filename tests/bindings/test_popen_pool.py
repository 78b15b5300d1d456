# SPDX-License-Identifier: Apache-2.0
"""popen_pool: Python functions in workers."""

import concurrent.futures
import dataclasses
import errno
import functools
import gc
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

pytest.importorskip("cloudpickle")

from tvmsupport import popen_pool  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 60


def add(one, two=0):
    return one + two


def fail(text):
    raise ValueError(text)


def hold_until(path):
    while not os.path.exists(path):
        time.sleep(0.001)


def is_there(pid):
    """Whether a process lives that is not a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_gone(pid):
    end = time.monotonic() + PATIENCE
    while is_there(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def note_and_sleep(path):
    path.write_text(str(os.getpid()))
    time.sleep(PATIENCE)


def read_when_there(path):
    end = time.monotonic() + PATIENCE
    while not path.exists() or not path.read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    return int(path.read_text())


def run_script(tmp_path, text, *args, **options):
    """Runs a program as a user would have written it."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, script, *args],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )


@pytest.fixture(name="pool", scope="module")
def shared_pool():
    with popen_pool.PopenPoolExecutor(max_workers=2, timeout=PATIENCE) as pool:
        yield pool


def test_submit(pool):
    future = pool.submit(add, 1, two=2)
    assert isinstance(future, concurrent.futures.Future)
    assert future.result() == 3
    assert future.done() and not future.cancelled() and future.exception() is None
    assert not future.cancel()


def test_callables(pool):
    number = 5

    class Local:
        def __init__(self, value):
            self.value = value

        def get(self):
            return self.value + number

    assert pool.submit(lambda one: one + number, 1).result() == 6
    assert pool.submit(Local(2).get).result() == 7
    assert pool.submit(functools.partial(add, 4), 5).result() == 9
    assert pool.submit(str.upper, "a").result() == "A"
    assert pool.submit(int, "12").result() == 12
    made = pool.submit(Local, 3).result()
    assert isinstance(made, Local) and made.get() == 8


def test_function_that_changes(pool):
    """A function is not remembered longer than it is the same."""
    space = {"number": 1}
    exec("def get(): return number", space)  # pylint: disable=exec-used
    space["get"].__module__ = "__main__"
    assert pool.submit(space["get"]).result() == 1
    space["number"] = 2
    assert pool.submit(space["get"]).result() == 2
    exec("def changed(n=3): return n", space)  # pylint: disable=exec-used
    space["get"].__code__ = space["changed"].__code__
    space["get"].__defaults__ = (4,)
    assert pool.submit(space["get"]).result() == 4
    # The tuple before may be at the same place.
    for number in range(5, 20):
        space["get"].__defaults__ = tuple([number])
        if number % 2 == 0:
            assert pool.submit(space["get"]).result() == number
    exec("def get(*, n=0): return n", space)  # pylint: disable=exec-used
    space["get"].__module__ = "__main__"
    space["get"].__kwdefaults__ = {}
    with pytest.raises(TypeError):
        pool.submit(space["get"]).result()
    space["get"].__kwdefaults__ = {"n": 20}
    assert pool.submit(space["get"]).result() == 20


def test_globals_of_a_call_do_not_stay(pool):
    space = {"__name__": "__main__", "number": 1}
    exec("def count():\n global number\n number += 1\n return number", space)
    assert [pool.submit(space["count"]).result() for _ in range(6)] == [2] * 6


def test_exception(pool):
    future = pool.submit(fail, "what went wrong")
    with pytest.raises(ValueError, match="what went wrong") as caught:
        future.result()
    assert "in fail" in str(caught.value.__cause__)
    assert "_worker_loop" not in str(caught.value.__cause__)
    assert isinstance(future.exception(), ValueError)


def test_exception_of_a_class_of_main(pool):
    class OwnError(Exception):
        def __init__(self, code, text):
            super().__init__(code, text)
            self.code = code

    def raise_own():
        raise OwnError(3, "own")

    with pytest.raises(OwnError) as caught:
        pool.submit(raise_own).result()
    assert caught.value.code == 3


def test_exceptions_that_mean_something_here(pool):
    """They are those of the call all the same."""

    def throw(kind):
        raise kind("of the call")

    for kind in (concurrent.futures.CancelledError, TimeoutError, KeyboardInterrupt):
        future = pool.submit(throw, kind)
        with pytest.raises(kind, match="of the call") as caught:
            future.result()
        assert not future.cancelled()
        assert "in throw" in str(caught.value.__cause__)


def test_exception_with_a_chain(pool):
    def chain():
        try:
            fail("first")
        except ValueError as error:
            raise KeyError("second") from error

    with pytest.raises(KeyError) as caught:
        pool.submit(chain).result()
    assert "first" in str(caught.value.__cause__) and "second" in str(caught.value.__cause__)


def test_exception_with_a_constructor_of_its_own(pool):
    class TextError(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one}-{two}")
            self.two = two

    class GoneError(OSError):
        def __init__(self, path):
            super().__init__(errno.ENOENT, "gone", path)

    def fail_with(kind, *args):
        raise kind(*args)

    with pytest.raises(TextError, match="left-right") as caught:
        pool.submit(fail_with, TextError, "left", "right").result()
    assert caught.value.two == "right"
    assert "TextError" in str(caught.value.__cause__)
    with pytest.raises(GoneError) as caught:
        pool.submit(fail_with, GoneError, "/there").result()
    assert str(caught.value) == str(GoneError("/there"))


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Closed(Exception):
    """It takes no attribute, nor a cause."""

    @property
    def __cause__(self):
        raise RuntimeError("No cause")

    def __setattr__(self, name, value):
        raise RuntimeError(name)


def raise_it(error):
    raise error


def test_exception_that_refuses_changes(pool):
    with pytest.raises(Frozen) as caught:
        pool.submit(lambda: raise_it(Frozen(5))).result()
    assert caught.value == Frozen(5) and "in raise_it" in str(caught.value.__cause__)
    # What it is, is found out by the thread that all futures need.
    future = pool.submit(lambda: raise_it(Closed("no")))
    assert concurrent.futures.wait([future], PATIENCE).done
    with pytest.raises(Closed, match="no"):
        future.result()
    with popen_pool.PopenPoolExecutor(1, initializer=lambda: raise_it(Frozen(6))) as other:
        error = other.submit(add, 1).exception(PATIENCE)
        assert error == Frozen(6) and "could not be initialized" in error.__notes__[0]
    assert pool.submit(add, 1).result(PATIENCE) == 1


def test_exception_that_cannot_travel(pool):
    def raise_lock():
        raise ValueError(threading.Lock())

    with pytest.raises(popen_pool.RemoteError, match="ValueError: .*lock") as caught:
        pool.submit(raise_lock).result()
    assert "raise_lock" in str(caught.value.__cause__)


def test_large_argument_is_free_again(pool):
    large = bytearray(1 << 20)
    assert pool.submit(len, large).result() == 1 << 20
    # That needs memory which nobody has a view of.
    large.clear()


def test_argument_that_cannot_travel(pool):
    future = pool.submit(add, threading.Lock())
    with pytest.raises(TypeError, match="pickle"):
        future.result()
    assert pool.submit(add, 1).result() == 1


def test_result_that_cannot_travel(pool):
    pid = pool.submit(os.getpid).result()
    with pytest.raises(TypeError, match="pickle"):
        pool.submit(threading.Lock).result()
    assert is_there(pid)


def test_value_that_cannot_be_read(pool):
    class Trap:
        def __reduce__(self):
            return fail, ("while it was read",)

    with pytest.raises(ValueError, match="while it was read"):
        pool.submit(add, Trap()).result()
    with pytest.raises(ValueError, match="while it was read"):
        pool.submit(Trap).result()


def test_exit(pool):
    with pytest.raises(ChildProcessError, match="status 3"):
        pool.submit(os._exit, 3).result()
    with pytest.raises(ChildProcessError, match="status 4"):
        pool.submit(sys.exit, 4).result()
    with pytest.raises(ChildProcessError, match="status 0"):
        pool.submit(sys.exit).result()
    assert pool.submit(add, 1).result() == 1


class Unwilling:
    """Something to print to that does nothing of it."""

    def write(self, text):
        raise RuntimeError(text)

    flush = None


def test_broken_stream(pool):
    def replace():
        sys.stdout = Unwilling()
        return "replaced"

    assert pool.submit(replace).result() == "replaced"
    assert pool.submit(add, 1).result() == 1


def test_closed_descriptors(capfd):
    with popen_pool.PopenPoolExecutor(1, maximum_process_uses=10) as pool:
        with pytest.raises(ChildProcessError, match="status 1"):
            pool.submit(os.closerange, 3, 1000).result()
        assert pool.submit(add, 1).result() == 1
    assert "Bad file descriptor" in capfd.readouterr().err


def crash():
    import ctypes  # pylint: disable=import-outside-toplevel

    ctypes.string_at(1)


def test_crash(pool):
    with pytest.raises(ChildProcessError, match="“crash” was ended by signal 11"):
        pool.submit(crash).result()
    with pytest.raises(ChildProcessError, match="signal 9"):
        pool.submit(lambda: os.kill(os.getpid(), signal.SIGKILL)).result()
    assert pool.submit(add, 1).result() == 1


def hold_the_lock():
    import ctypes  # pylint: disable=import-outside-toplevel

    ctypes.PyDLL(None).sleep(PATIENCE)


@pytest.mark.parametrize("function", [hold_the_lock, functools.partial(time.sleep, PATIENCE)])
def test_timeout(function):
    with popen_pool.PopenPoolExecutor(max_workers=1, timeout=1) as pool:
        pid = pool.submit(os.getpid).result()
        with pytest.raises(TimeoutError):
            pool.submit(function).result()
        assert pool.submit(os.getpid).result() != pid
        wait_gone(pid)


def test_output_does_not_disturb(pool):
    def write():
        os.write(1, b"")
        print("", end="")
        return 7

    assert pool.submit(write).result() == 7


def print_both():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"raw\n")


def test_handlers(tmp_path):
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as out_file, err.open("w") as err_file:
        with popen_pool.PopenPoolExecutor(1, stdout=out_file, stderr=err_file.fileno()) as pool:
            pool.submit(print_both).result()
    assert sorted(out.read_text().split("\n")) == ["", "raw", "to stdout"]
    assert err.read_text() == "to stderr\n"

    with out.open("w") as out_file:
        worker = popen_pool.PopenWorker(stdout=out_file, stderr=subprocess.STDOUT)
        worker.send(print_both)
        worker.recv()
        worker.kill()
    assert "to stderr" in out.read_text() and "to stdout" in out.read_text()

    with popen_pool.PopenPoolExecutor(1, stdout=subprocess.DEVNULL) as pool:
        assert pool.submit(os.readlink, "/proc/self/fd/1").result() == os.devnull
    with pytest.raises(ValueError):
        popen_pool.PopenWorker(stdout=subprocess.PIPE)


def test_handlers_inherited(tmp_path):
    result = run_script(
        tmp_path,
        """
        from tvmsupport import popen_pool
        with popen_pool.PopenPoolExecutor(1) as pool:
            pool.submit(print, "from a worker").result()
        """,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "from a worker\n", "")


def test_worker_is_dropped_at_the_end(tmp_path):
    result = run_script(
        tmp_path,
        """
        import time
        from tvmsupport import popen_pool
        worker = popen_pool.PopenWorker()
        worker.send(time.sleep, (1000,))
        """,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_initializer():
    def prepare(one, two):
        sys.modules["__prepared__"] = one + two

    def get():
        return sys.modules["__prepared__"]

    with popen_pool.PopenPoolExecutor(
        1, initializer=prepare, initargs=(1, 2), maximum_process_uses=1
    ) as pool:
        assert [pool.submit(get).result() for _ in range(3)] == [3] * 3


def test_initializer_that_fails():
    with popen_pool.PopenPoolExecutor(1, initializer=fail, initargs=("not today",)) as pool:
        with pytest.raises(ValueError, match="^not today$") as caught:
            pool.submit(add, 1).result()
    reason = "A worker could not be initialized: not today; gave up after 3 attempts"
    assert caught.value.__notes__ == [reason]
    assert "in fail\n" in str(caught.value.__cause__)
    assert "ValueError: not today" in str(caught.value.__cause__)


def test_initializer_whose_exception_cannot_be_pickled():
    def fail_with_lock():
        raise ValueError("not today", threading.Lock())

    with popen_pool.PopenPoolExecutor(1, initializer=fail_with_lock) as pool:
        with pytest.raises(ChildProcessError, match="could not be initialized: .*not today") as caught:
            pool.submit(add, 1).result()
    assert "in fail_with_lock\n" in str(caught.value.__cause__)


def test_shutdown_during_the_initializer(tmp_path):
    begun = tmp_path / "begun"
    os.mkfifo(begun)

    def wait():
        begun.write_text(str(os.getpid()))
        time.sleep(1000)

    with popen_pool.PopenPoolExecutor(1, initializer=wait) as pool:
        future = pool.submit(add, 1)
        pid = int(begun.read_text())
        assert future.cancel()
    assert not is_there(pid)


@pytest.mark.parametrize("names", ["colorsys", ["colorsys"]])
def test_preload(names):
    with popen_pool.PopenPoolExecutor(1, preload=names) as pool:
        assert pool.submit(lambda: "colorsys" in sys.modules).result()


def test_preload_that_fails():
    with popen_pool.PopenPoolExecutor(1, preload=["no_such_module"]) as pool:
        with pytest.raises(ChildProcessError, match="no_such_module") as caught:
            pool.submit(add, 1).result()
    assert "ModuleNotFoundError" in str(caught.value.__cause__)


def test_maximum_process_uses():
    with popen_pool.PopenPoolExecutor(1, maximum_process_uses=2) as pool:
        pids = [pool.submit(os.getpid).result() for _ in range(6)]
    assert len(set(pids)) == 3
    assert pids[0] == pids[1] and pids[2] == pids[3] and pids[4] == pids[5]


def test_map_with_error_catching():
    def work(number):
        if number == 1:
            raise KeyError(number)
        if number == 2:
            time.sleep(PATIENCE)
        if number == 3:
            raise TimeoutError("of its own")
        if number == 4:
            os._exit(1)
        return number * 10

    kind = popen_pool.StatusKind
    with popen_pool.PopenPoolExecutor(2, timeout=1) as pool:
        results = list(pool.map_with_error_catching(work, range(6)))
    assert [it.status for it in results] == [
        kind.COMPLETE, kind.EXCEPTION, kind.TIMEOUT, kind.EXCEPTION, kind.EXCEPTION, kind.COMPLETE,
    ]  # fmt: skip
    assert [results[0].value, results[5].value] == [0, 50]
    assert isinstance(results[1].value, KeyError)
    assert isinstance(results[2].value, TimeoutError)
    assert isinstance(results[4].value, ChildProcessError)
    made = popen_pool.MapResult(kind.COMPLETE, 5)
    assert (made.status, made.value) == (1, 5)
    assert [int(it) for it in kind] == [0, 1, 2, 3]


def test_map_is_lazy(pool):
    def numbers():
        number = 0
        while True:
            yield number
            number += 1

    results = pool.map_with_error_catching(add, numbers())
    assert [next(results).value for _ in range(200)] == list(range(200))
    results.close()


def test_map_of_what_fails(pool):
    """What the iterable raises comes behind the results of what came before it."""

    def numbers():
        yield 1
        yield 2
        raise KeyError("three")

    results = []
    with pytest.raises(KeyError, match="three"):
        for result in pool.map_with_error_catching(add, numbers()):
            results.append(result.value)
    assert results == [1, 2]


def test_wrong_arguments():
    with pytest.raises(TypeError, match="initializer must be a callable"):
        popen_pool.PopenPoolExecutor(1, initializer=3)
    with pytest.raises(ValueError, match="uses"):
        popen_pool.PopenPoolExecutor(1, maximum_process_uses=-1)
    with pytest.raises(ValueError, match="max_workers"):
        popen_pool.PopenPoolExecutor(-1)


def test_shutdown():
    pool = popen_pool.PopenPoolExecutor(2)
    futures = [pool.submit(os.getpid) for _ in range(50)]
    pool.shutdown(wait=True)
    assert all(future.done() for future in futures)
    assert not any(is_there(future.result()) for future in futures)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(add, 1)


def test_shutdown_without_wait():
    pool = popen_pool.PopenPoolExecutor(2)
    futures = [pool.submit(add, number) for number in range(50)]
    pool.shutdown(wait=False)
    with pytest.raises(RuntimeError):
        pool.submit(add, 1)
    assert [future.result(PATIENCE) for future in futures] == list(range(50))

    pool = popen_pool.PopenPoolExecutor(1)
    future = pool.submit(time.sleep, PATIENCE)
    pool.shutdown(wait=True, cancel_futures=True)
    assert future.cancelled()


def test_dropped_without_shutdown():
    pool = popen_pool.PopenPoolExecutor(1)
    pid = pool.submit(os.getpid).result()
    del pool
    gc.collect()
    wait_gone(pid)
    # What was submitted is run.
    assert popen_pool.PopenPoolExecutor(1).submit(add, 4).result() == 4


def test_dropped_in_a_cycle():
    class Holder:
        pass

    holder = Holder()
    holder.self = holder
    holder.pool = popen_pool.PopenPoolExecutor(1)
    holder.future = holder.pool.submit(os.getpid)
    pid = holder.future.result()
    del holder
    gc.collect()
    wait_gone(pid)


def test_pool_of_pools(pool):
    def inner(number):
        from tvmsupport import popen_pool as again  # pylint: disable=import-outside-toplevel

        with again.PopenPoolExecutor(2) as own:
            return sum(own.map(lambda it: it + number, range(5)))

    assert [pool.submit(inner, number).result() for number in (1, 2)] == [15, 20]


def test_pools_in_threads():
    def work(number):
        with popen_pool.PopenPoolExecutor(1) as pool:
            return [pool.submit(add, number, it).result() for it in range(20)]

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        results = list(threads.map(work, range(4)))
    assert results == [[number + it for it in range(20)] for number in range(4)]


def test_threads_share_a_pool(pool):
    def work(number):
        return [pool.submit(add, number, it).result() for it in range(100)]

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        results = list(threads.map(work, range(4)))
    assert results == [[number + it for it in range(100)] for number in range(4)]


def test_many(pool):
    futures = [pool.submit(add, number) for number in range(5000)]
    assert [future.result() for future in futures] == list(range(5000))


def test_nothing_of_the_caller_stays_behind_an_error(is_forgotten):
    class Thing:
        pass

    def items():
        yield 1
        raise ValueError

    def receive():
        worker = popen_pool.PopenWorker()
        worker.send(int, ("one",))
        worker.recv()

    def map_items():
        with popen_pool.PopenPoolExecutor(1) as pool:
            list(pool.map_with_error_catching(int, items()))

    def fail(function):
        thing = Thing()
        with pytest.raises(ValueError):
            function()
        return weakref.ref(thing)

    assert is_forgotten(fail(receive))
    assert is_forgotten(fail(map_items))
