# SPDX-License-Identifier: Apache-2.0
"""Everything asynchronous with an event loop that runs GLib itself, in its own thread."""

import asyncio
import sys
import threading

import gi
import pytest

gi.require_version("TvmSupport", "1")
assert "gi.overrides.TvmSupport" not in sys.modules, "The event loop comes too late"

import glib_loop  # noqa: E402  pylint: disable=wrong-import-position
from gi.repository import Gio, GLib, TvmSupport  # noqa: E402


def names_of_threads():
    return {thread.name for thread in threading.enumerate()}


def make_request(source, output):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input(source)
    request.set_output(output)
    return request


def test_at_once(tmp_path, add_c):
    """Without a thread for it, and so that asyncio can gather it."""

    async def main():
        compiler = TvmSupport.Compiler.new(None)
        requests = [make_request(add_c, tmp_path / f"{i}.o") for i in range(4)]
        results = await asyncio.gather(*map(compiler.compile_async, requests))
        assert "tvmsupport-asyncio" not in names_of_threads()
        return results

    assert all(result.check() for result in glib_loop.run(main()))


def test_pool():
    """Bytes are bytes, maps are iterated, and a time limit of asyncio ends the task."""
    pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_command(), 2)

    async def main():
        task = TvmSupport.Task.new_command(["echo", "one"])
        assert (await pool.submit_async(task)).get_stdout() == b"one\n"
        tasks = [TvmSupport.Task.new_command(["echo", str(i)]) for i in range(3)]
        outputs = [it.get_task_result().get_stdout() async for it in pool.map_tasks(tasks)]
        assert outputs == [b"0\n", b"1\n", b"2\n"]
        with pytest.raises(asyncio.TimeoutError):
            endless = pool.submit_async(TvmSupport.Task.new_command(["sleep", "1000"]))
            await asyncio.wait_for(endless, 0.1)
        assert pool.get_n_running() == 0
        await pool.shutdown_async()

    glib_loop.run(main())


def test_wait_for_ends_what_runs(endless, tmp_path):
    request = make_request(endless.source, tmp_path / "endless.o")

    async def main():
        await endless.end_by_time(TvmSupport.Compiler.new(None).compile_async(request))

    glib_loop.run(main())
    assert endless.processes() == []


def test_errors(tmp_path):
    cancellable = Gio.Cancellable()
    cancellable.cancel()

    async def main():
        with pytest.raises(TypeError):
            await TvmSupport.tar_list_async(3, None)
        with pytest.raises(GLib.Error) as caught:
            await TvmSupport.FileLock.new(tmp_path / "lock").acquire_async(-1, cancellable)
        return caught.value

    error = glib_loop.run(main())
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


def test_context_of_another_thread(tmp_path):
    """Callbacks would go to a context that nobody runs; then the thread is there for them."""

    async def main():
        lock = TvmSupport.FileLock.new(tmp_path / "lock")
        await asyncio.wait_for(lock.acquire_async(), 20)
        lock.release()
        return True

    results = []
    thread = threading.Thread(
        target=lambda: results.append(glib_loop.run(main(), GLib.MainContext.new()))
    )
    thread.start()
    thread.join()
    assert results == [True]
