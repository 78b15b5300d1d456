# SPDX-License-Identifier: Apache-2.0
"""Pools and workers through PyGObject, as they are and with what the overrides add."""

import asyncio
import itertools
import os
import pathlib
import subprocess
import sys
import textwrap
import weakref

import gi
import pytest

gi.require_version("TvmSupport", "1")
from gi.repository import Gio, GLib, TvmSupport  # noqa: E402

MODULE = pathlib.Path(os.environ["G_TEST_BUILDDIR"]) / "worker-module.so"


def ints(*values):
    return GLib.Variant("(" + "i" * len(values) + ")", values)


@pytest.fixture
def pool():
    """A pool, which is ended behind the test; its workers are gone then."""
    with TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(MODULE), 2) as executor:
        yield executor


@pytest.fixture
def worker():
    with TvmSupport.PopenWorker.new(TvmSupport.WorkerSpec.new_module(MODULE)) as one:
        yield one


def test_calls(pool):
    assert pool.call("add", ints(1, 2)).unpack() == 3
    assert pool.call("echo").unpack() == ()


def test_calls_with_await(pool):
    async def call_many():
        calls = (pool.call_async("add", ints(i, i)) for i in range(20))
        return [value.unpack() for value in await asyncio.gather(*calls)]

    assert asyncio.run(call_many()) == [2 * i for i in range(20)]


def test_submits(pool):
    task = TvmSupport.Task.new("fail", GLib.Variant("(s)", ("no luck",)))
    result = pool.submit(task)
    assert result.get_status() == TvmSupport.StatusKind.EXCEPTION
    assert "no luck" in result.get_error().message
    with pytest.raises(GLib.Error) as error:
        result.check()
    assert error.value.matches(TvmSupport.error_quark(), TvmSupport.Error.TASK_FAILED)


def test_errors_of_calls_have_the_result(pool):
    async def call():
        await pool.call_async("fail", GLib.Variant("(s)", ("no luck",)))

    for fail in (
        lambda: pool.call("fail", GLib.Variant("(s)", ("no luck",))),
        lambda: asyncio.run(call()),
    ):
        with pytest.raises(GLib.Error, match="no luck") as error:
            fail()
        assert error.value.matches(TvmSupport.error_quark(), TvmSupport.Error.TASK_FAILED)
        assert error.value.result.get_status() == TvmSupport.StatusKind.EXCEPTION
        assert error.value.result.get_worker_pid() > 0


def test_calls_with_a_callback(pool):
    loop = GLib.MainLoop()
    values = []

    def ready(source, result, *data):
        values.append((source.call_finish(result).unpack(), *data))
        if len(values) == 3:
            loop.quit()

    pool.call_async("add", ints(1, 2), None, ready, "data")
    pool.call_async("add", ints(1, 2), None, ready)
    pool.call_async("add", args=ints(1, 2), callback=ready)
    loop.run()
    assert sorted(values) == [(3,), (3,), (3, "data")]


def test_kills_at_the_time_limit(pool):
    task = TvmSupport.Task.new("spin_blocked")
    task.set_timeout(20)
    result = pool.submit(task)
    assert result.get_status() == TvmSupport.StatusKind.TIMEOUT
    assert result.get_error().code == TvmSupport.Error.TIMED_OUT


def test_cancels(pool):
    async def cancel():
        running = asyncio.ensure_future(pool.call_async("spin"))
        while pool.get_n_running() == 0:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel())
    assert pool.call("add", ints(1, 1)).unpack() == 2


BLOCKING = {
    "call": "pool.call('spin')",
    "submit": "pool.submit(TvmSupport.Task.new('spin'))",
    "shutdown": "pool.submit_async(TvmSupport.Task.new('spin'), None, print); pool.shutdown()",
    "next": "next(pool.map('spin', [GLib.Variant('()', ())]))",
    "next, endless input": "list(pool.map_tasks(lambda: TvmSupport.Task.new('spin')))",
    "next, input that blocks": "list(pool.map_tasks(iter(busy, None)))",
    "recv": "worker.send(TvmSupport.Task.new('spin')); worker.recv()",
    "join": "worker.send(TvmSupport.Task.new('spin')); worker.join()",
    "recv, own cancellable": "worker.send(TvmSupport.Task.new('spin')); worker.recv(own)",
}


@pytest.mark.parametrize("statement", BLOCKING.values(), ids=BLOCKING.keys())
def test_ctrl_c(statement):
    program = textwrap.dedent(
        f"""
        import os, pathlib, signal, sys, threading, time
        import gi
        gi.require_version("TvmSupport", "1")
        from gi.repository import Gio, GLib, TvmSupport

        spec = TvmSupport.WorkerSpec.new_module(sys.argv[1])
        pool = TvmSupport.PoolExecutor.new(spec, 1)
        worker = TvmSupport.PopenWorker.new(spec)
        own = Gio.Cancellable()

        def interrupt():
            # What spins has used up some time of a processor.
            ticks = os.sysconf("SC_CLK_TCK")
            while True:
                for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
                    try:
                        parts = stat.read_text().rpartition(")")[2].split()
                        environ = (stat.parent / "environ").read_bytes()
                    except OSError:
                        continue
                    if os.environb[b"MARK"] in environ and int(stat.parent.name) != os.getpid():
                        if int(parts[11]) + int(parts[12]) > ticks // 20:
                            os.kill(os.getpid(), signal.SIGINT)
                            return
                time.sleep(0.01)

        def busy():
            pool.submit_async(TvmSupport.Task.new("spin"), None, print)
            time.sleep(100)

        pool.call("echo")
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            {statement}
        except KeyboardInterrupt:
            print("interrupted")
        worker.kill()
        worker.join()
        pool.shutdown(TvmSupport.ShutdownMode.CANCEL)
        """
    )
    environ = dict(os.environ, MARK=f"mark-{os.getpid()}-{id(statement)}")
    output = subprocess.run(
        [sys.executable, "-c", program, MODULE], env=environ, stdout=subprocess.PIPE, check=True,
        timeout=60, universal_newlines=True,
    ).stdout
    assert output == "interrupted\n"


def test_ctrl_c_of_others():
    """Whoever handles SIGINT himself has no call cancelled."""
    program = textwrap.dedent(
        """
        import os, signal, sys, threading
        import gi
        gi.require_version("TvmSupport", "1")
        from gi.repository import TvmSupport

        came = []
        signal.signal(signal.SIGINT, lambda *_args: came.append(True))
        pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(sys.argv[1]), 1)
        pool.call("echo")
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        task = TvmSupport.Task.new("spin")
        task.set_timeout(500)
        assert pool.submit(task).get_status() == TvmSupport.StatusKind.TIMEOUT
        pool.shutdown()
        print(came)
        """
    )
    output = subprocess.check_output(
        [sys.executable, "-c", program, MODULE], timeout=60, universal_newlines=True
    )
    assert output == "[True]\n"


def test_maps(pool):
    items = [ints(i, 1) for i in range(100)]
    results = list(pool.map("add", items))
    assert [result.get_index() for result in results] == list(range(100))
    assert [result.get_value().unpack() for result in results] == list(range(1, 101))

    unordered = pool.map("add", items, TvmSupport.MapFlags.UNORDERED)
    assert {result.get_value().unpack() for result in unordered} == set(range(1, 101))


def test_maps_what_never_ends(pool):
    drawn = itertools.count()
    with pool.map("echo", (ints(i) for i in drawn)) as iterator:
        iterator.set_look_ahead(3)
        for result in itertools.islice(iterator, 10):
            assert result.get_value().unpack() == (result.get_index(),)
    assert next(drawn) <= 13
    assert list(iterator) == []


def test_maps_tasks(pool):
    tasks = [
        TvmSupport.Task.new("add", ints(1, 2)),
        TvmSupport.Task.new("crash"),
        TvmSupport.Task.new("no_such_function"),
        TvmSupport.Task.new_command(["true"]),
        TvmSupport.Task.new("add", ints(3, 4)),
    ]
    results = list(pool.map_tasks(tasks))
    assert [result.get_error() is None for result in results] == [True, False, False, False, True]
    assert results[1].get_error().code == TvmSupport.Error.WORKER_DIED
    assert results[4].get_value().unpack() == 7

    left = tasks[:1]
    results = list(pool.map_tasks(lambda: left.pop() if left else None))
    assert [result.get_value().unpack() for result in results] == [3]


def test_map_raises_what_its_input_raises(pool):
    def tasks():
        yield TvmSupport.Task.new("add", ints(1, 2))
        raise KeyError("no more")

    iterator = pool.map_tasks(tasks())
    assert next(iterator).get_value().unpack() == 3
    with pytest.raises(KeyError):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


def test_maps_with_await(pool):
    async def collect():
        return [
            result.get_value().unpack()
            async for result in pool.map("add", (ints(i, i) for i in range(30)))
        ]

    assert asyncio.run(collect()) == [2 * i for i in range(30)]


def test_a_map_that_is_awaited_ends_with_who_awaits(pool):
    iterators = []

    async def iterate():
        iterators.append(pool.map("spin", [GLib.Variant("()", ())] * 9))
        async for _result in iterators[0]:
            pass

    async def cancel():
        iterating = asyncio.ensure_future(iterate())
        while pool.get_n_running() == 0:
            await asyncio.sleep(0.001)
        iterating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await iterating

    asyncio.run(cancel())
    assert pool.call("add", ints(1, 1)).unpack() == 2


def test_ends_with_its_block():
    with TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(MODULE)) as pool:
        pid = pool.call("pid").unpack()
    assert not pathlib.Path(f"/proc/{pid}").exists()
    with pytest.raises(GLib.Error) as error:
        pool.call("pid")
    assert error.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CLOSED)

    with pytest.raises(KeyError):
        with TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(MODULE)) as pool:
            pool.submit_async(TvmSupport.Task.new("spin"), None, lambda *_: None)
            raise KeyError


def test_runs_commands(tmp_path):
    (tmp_path / "name").write_text("text")
    with TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_command(), 1) as pool:
        task = TvmSupport.Task.new_command(["sh", "-c", "cat name; echo $WHO >&2; exit 3"])
        task.set_working_directory(tmp_path)
        task.set_environment({"WHO": "me"})
        result = pool.submit(task)
    assert result.get_exit_status() == 3
    assert result.get_stdout() == b"text"
    assert result.get_stderr() == b"me\n"
    with pytest.raises(RuntimeError, match="me"):
        result.check()


def test_worker(worker):
    assert not worker.is_alive()
    for i in range(3):
        worker.send(TvmSupport.Task.new("add", ints(i, 1)))
    assert [worker.recv().get_value().unpack() for i in range(3)] == [1, 2, 3]
    pid = worker.get_pid()
    assert worker.props.alive and pathlib.Path(f"/proc/{pid}").exists()
    with pytest.raises(GLib.Error) as error:
        worker.recv()
    assert error.value.matches(TvmSupport.error_quark(), TvmSupport.Error.INVALID_ARGUMENT)

    worker.send(TvmSupport.Task.new("crash"))
    assert worker.recv().get_status() == TvmSupport.StatusKind.EXCEPTION
    worker.send(TvmSupport.Task.new("pid"))
    assert asyncio.run(worker.recv_async()).get_value().unpack() != pid

    worker.kill()
    assert worker.join()
    assert not worker.is_alive()


def test_worker_is_gone_behind_its_block():
    with TvmSupport.PopenWorker.new(TvmSupport.WorkerSpec.new_module(MODULE)) as worker:
        worker.send(TvmSupport.Task.new("pid"))
        pid = worker.recv().get_value().unpack()
        worker.send(TvmSupport.Task.new("spin_blocked"))
    assert not pathlib.Path(f"/proc/{pid}").exists()


def test_nothing_of_the_caller_stays_behind_an_error_of_the_input(pool, is_forgotten):
    class Thing:
        pass

    def tasks():
        yield TvmSupport.Task.new("pid")
        raise ValueError

    def fail():
        thing = Thing()
        with pytest.raises(ValueError):
            list(pool.map_tasks(tasks()))
        return weakref.ref(thing)

    assert is_forgotten(fail())


@pytest.mark.parametrize("thing", [None, "pid", object()], ids=["none", "text", "object"])
def test_input_of_what_is_no_task(pool, thing):
    """It does not just end there, as if there were no more."""
    results = pool.map_tasks([TvmSupport.Task.new("pid"), thing, TvmSupport.Task.new("pid")])
    next(results).check()
    with pytest.raises(TypeError, match="Expected TvmSupport.Task"):
        next(results)
