# SPDX-License-Identifier: Apache-2.0
"""Everything asynchronous with the event loop of asyncio."""

import asyncio
import gc
import os
import select
import threading
import weakref

import gi
import pytest

gi.require_version("TvmSupport", "1")

from gi.repository import Gio, GLib, TvmSupport  # noqa: E402


def locks(folder, count):
    return [TvmSupport.FileLock.new(folder / str(i)) for i in range(count)]


def test_many_at_once(tmp_path):
    """A thousand calls need no thousand threads."""

    async def main():
        await asyncio.gather(*(lock.acquire_async() for lock in locks(tmp_path, 1000)))

    before = threading.active_count()
    asyncio.run(main())
    assert threading.active_count() <= before + 1


def test_functions_and_methods(tmp_path, add_c):
    async def main():
        # Functions of the namespace, one of which fails, and a method
        temp = TvmSupport.TempDirectory.new(None)
        tar = tmp_path / "a.tar"
        assert await TvmSupport.tar_create_async(tar, [add_c], None)
        entries = await TvmSupport.tar_list_async(tar, None)
        with pytest.raises(GLib.Error) as caught:
            await TvmSupport.tar_list_async(tmp_path / "missing.tar", None)
        await temp.remove_async()
        return entries, caught.value

    entries, error = asyncio.run(main())
    assert [entry.get_name() for entry in entries] == ["add.c"]
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND)


def compile_endlessly(endless, tmp_path):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input(endless.source)
    request.set_output(tmp_path / "endless.o")
    return TvmSupport.Compiler.new(None).compile_async(request)


def test_wait_for_ends_what_runs(endless, tmp_path):
    async def main():
        await endless.end_by_time(compile_endlessly(endless, tmp_path))

    asyncio.run(main())
    assert endless.processes() == []


def test_cancelled_twice(endless, tmp_path, caplog):
    async def main():
        task = asyncio.create_task(compile_endlessly(endless, tmp_path))
        pipe = await asyncio.get_running_loop().run_in_executor(None, endless.wait_for_compiler)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        processes = endless.processes()
        os.close(pipe)
        return processes

    assert asyncio.run(main()) == []
    gc.collect()
    assert caplog.text == ""


def test_the_coroutine_is_closed(endless, tmp_path):
    loop = asyncio.new_event_loop()
    coroutine = compile_endlessly(endless, tmp_path)
    loop.call_soon(coroutine.send, None)
    pipe = loop.run_until_complete(loop.run_in_executor(None, endless.wait_for_compiler))
    coroutine.close()
    loop.close()
    # The other end is closed when the compiler is gone.
    poll = select.poll()
    poll.register(pipe, 0)
    assert poll.poll(60000)
    os.close(pipe)


def test_cancelled_before(tmp_path):
    cancellable = Gio.Cancellable()
    cancellable.cancel()

    async def main():
        with pytest.raises(GLib.Error) as caught:
            await TvmSupport.FileLock.new(tmp_path / "lock").acquire_async(-1, cancellable)
        return caught.value

    error = asyncio.run(main())
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


def test_from_several_threads(tmp_path):
    """Each event loop is told in its own thread."""
    done = []

    async def main(number):
        here = threading.current_thread()
        for lock in locks(tmp_path, 50):
            lock = TvmSupport.FileLock.new(f"{lock.get_path()}-{number}")
            await lock.acquire_async()
            assert threading.current_thread() is here
            lock.release()
        done.append(number)

    threads = [threading.Thread(target=lambda i=i: asyncio.run(main(i))) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == [0, 1, 2]


def test_the_loop_is_closed_meanwhile(tmp_path):
    """What ends behind the end of its event loop is dropped, and the next loop works."""
    held = TvmSupport.FileLock.new(tmp_path / "lock")
    held.acquire()
    waiting = TvmSupport.FileLock.new(tmp_path / "lock")
    loop = asyncio.new_event_loop()
    task = loop.create_task(waiting.acquire_async())
    loop.run_until_complete(asyncio.sleep(0.05))
    task._log_destroy_pending = False
    loop.close()
    held.release()

    async def main():
        lock = TvmSupport.FileLock.new(tmp_path / "other")
        await lock.acquire_async()
        lock.release()

    asyncio.run(main())


def test_wrong_arguments():
    async def main():
        with pytest.raises(TypeError):
            await TvmSupport.tar_list_async(3, None)

    asyncio.run(main())


def test_in_a_child(tmp_path):
    """The thread of the parent is not in a child that was forked."""

    async def main():
        lock = TvmSupport.FileLock.new(tmp_path / "lock")
        await lock.acquire_async()
        lock.release()

    asyncio.run(main())
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            asyncio.run(asyncio.wait_for(main(), 20))
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_nothing_of_who_awaited_stays_behind_an_error(tmp_path, is_forgotten):
    async def fail():
        lock = TvmSupport.FileLock.new(tmp_path / "lock")
        with pytest.raises(GLib.Error):
            await TvmSupport.tar_extract_async(tmp_path / "none", tmp_path)
        return weakref.ref(lock)

    async def main():
        lock = await fail()
        # The loop itself forgets what it has called.
        await asyncio.sleep(0)
        return is_forgotten(lock)

    assert asyncio.run(main())


async def cancel_what_has_ended(awaitable):
    """Cancels who awaits when the call has ended well, but before they know it."""
    task = asyncio.ensure_future(awaitable)
    loop = asyncio.get_running_loop()
    create, tell = loop.call_soon_threadsafe, threading.Event()

    def call_soon_threadsafe(*args, **kwargs):
        handle = create(*args, **kwargs)
        tell.set()
        return handle

    loop.call_soon_threadsafe = call_soon_threadsafe
    # The task begins the call, and the loop waits until it has ended.
    await asyncio.sleep(0)
    assert tell.wait(60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del loop.call_soon_threadsafe


def test_lock_is_not_held_by_who_was_cancelled(tmp_path):
    lock, other = locks(tmp_path, 1) + locks(tmp_path, 1)
    asyncio.run(cancel_what_has_ended(lock.acquire_async()))
    other.acquire(timeout_msec=0)


def test_result_is_not_lost_with_who_was_cancelled():
    module = os.path.join(os.environ["G_TEST_BUILDDIR"], "worker-module.so")

    async def main(worker):
        for number in range(2):
            worker.send(TvmSupport.Task.new("add", GLib.Variant("(ii)", (number, 1))))
        await cancel_what_has_ended(worker.recv_async())
        return [(await worker.recv_async()).get_value().unpack(), worker.recv().get_value().unpack()]

    with TvmSupport.PopenWorker.new(TvmSupport.WorkerSpec.new_module(module)) as worker:
        assert asyncio.run(main(worker)) == [1, 2]
