# SPDX-License-Identifier: Apache-2.0
"""popen_pool in programs: large data, PopenWorker, Ctrl-C, the end, and what __main__ can be."""

import array
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

pytest.importorskip("cloudpickle")

from test_popen_pool import (  # noqa: E402  pylint: disable=wrong-import-position
    PATIENCE,
    add,
    fail,
    is_there,
    note_and_sleep,
    read_when_there,
    run_script,
    wait_gone,
)
from tvmsupport import popen_pool  # noqa: E402  pylint: disable=wrong-import-position

SIZES = [0, 1, 65535, 65536, 65537, 3_000_001]


@pytest.fixture(name="pool", scope="module")
def shared_pool():
    with popen_pool.PopenPoolExecutor(max_workers=2, timeout=PATIENCE) as pool:
        yield pool


def echo(*args, **kwargs):
    return args, kwargs


@pytest.mark.parametrize("size", SIZES)
def test_bytes(pool, size):
    data = os.urandom(size)
    changing = bytearray(data)
    (one, two, three), rest = pool.submit(echo, data, changing, [data], key=changing).result()
    assert type(one) is bytes and one == data
    assert type(two) is bytearray and two == changing
    assert three == [data] and rest == {"key": changing}
    two += b"more"
    # A memoryview arrives as bytes.
    assert pool.submit(echo, memoryview(data)).result() == ((data,), {})
    assert pool.submit(echo, memoryview(data)[::2]).result() == ((data[::2],), {})
    assert pool.submit(echo, {"deep": [[data]]}).result() == (({"deep": [[data]]},), {})


@pytest.mark.parametrize("size", SIZES)
def test_same_bytes_twice(pool, size):
    def extend(one, two, other, by_name):
        one += b"more"
        return one is two, one is by_name, one is other, len(two), len(other)

    data = bytearray(size)
    called = pool.submit(extend, data, data, bytearray(size), by_name=data)
    assert called.result() == (True, True, False, size + 4, size)
    one, two, other = pool.submit(lambda it: [it, it, b"=="], data).result()
    assert one is two and one == data and other == b"=="


class Image:
    """Something with data that protocol 5 takes out of the pickle."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Image, (pickle.PickleBuffer(self.data),)


@pytest.mark.parametrize("size", [100, 2_000_000])
def test_out_of_band(pool, size):
    def change(image):
        if not memoryview(image.data).readonly:
            memoryview(image.data).cast("B")[0] = 9
        return image

    data = array.array("B", bytes(size))
    back = pool.submit(change, Image(data)).result()
    assert bytes(back.data) == b"\x09" + bytes(size - 1)
    assert not memoryview(back.data).readonly
    back = pool.submit(change, Image(memoryview(data).toreadonly())).result()
    assert bytes(back.data) == bytes(size)
    many = pool.submit(echo, [Image(array.array("B", bytes([it]) * size)) for it in range(9)])
    assert [bytes(it.data)[-1] for it in many.result()[0][0]] == list(range(9))


def test_memory_is_given_back(pool):
    data = bytes(20_000_000)

    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    pool.submit(len, data).result()
    before = resident()
    for _ in range(20):
        assert pool.submit(len, data).result() == len(data)
        assert len(pool.submit(bytes, len(data)).result()) == len(data)
    assert resident() - before < 100_000_000


def test_working_directory_is_gone(tmp_path):
    done = run_script(
        tmp_path,
        """
        import os, sys
        from tvmsupport import popen_pool
        os.mkdir(sys.argv[1]), os.chdir(sys.argv[1]), os.rmdir(sys.argv[1])
        with popen_pool.PopenPoolExecutor(1) as pool:
            print(pool.submit(lambda: "here").result())
        """,
        str(tmp_path / "gone"),
    )
    assert done.stdout == "here\n", done.stderr


def test_worker():
    worker = popen_pool.PopenWorker()
    assert not worker.is_alive()
    worker.send(add, (1,), {"two": 2})
    assert worker.recv() == 3
    worker.join(0.01)
    assert worker.is_alive()
    worker.send(os.getpid)
    pid = worker.recv()
    worker.send(time.sleep, (PATIENCE,), timeout=0.1)
    with pytest.raises(TimeoutError):
        worker.recv()
    worker.send(os.getpid)
    assert worker.recv() != pid
    wait_gone(pid)
    worker.send(fail, ("text",))
    with pytest.raises(ValueError, match="text") as caught:
        worker.recv()
    assert "in fail" in str(caught.value.__cause__)
    worker.send(os._exit, (5,))
    with pytest.raises(ChildProcessError, match="“_exit” exited with status 5"):
        worker.recv()
    with pytest.raises(RuntimeError, match="nothing"):
        worker.recv()
    worker.kill()
    worker.join()
    assert not worker.is_alive()
    worker.send(add, (2,))
    assert worker.recv() == 2
    with pytest.raises(TypeError, match="pickle"):
        worker.send(add, (threading.Lock(),))


def test_worker_maximum_uses():
    worker = popen_pool.PopenWorker(maximum_uses=1)
    pids = []
    for _ in range(3):
        worker.send(os.getpid)
        pids.append(worker.recv())
    assert len(set(pids)) == 3


def test_worker_initializer():
    worker = popen_pool.PopenWorker(os.chdir, ("/dev",))
    worker.send(os.getcwd)
    assert worker.recv() == "/dev"


def test_worker_dropped():
    worker = popen_pool.PopenWorker()
    worker.send(os.getpid)
    pid = worker.recv()
    del worker
    wait_gone(pid)


def test_kill_child_processes():
    with subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE) as it:
        child = int(it.stdout.readline())
        popen_pool.kill_child_processes(it.pid)
        wait_gone(child)
        it.wait(PATIENCE)
    popen_pool.kill_child_processes(it.pid)


MAIN = """
import os, sys
from tvmsupport import popen_pool

class Own(Exception):
    pass

OFFSET = 3

def helper(number):
    return number + OFFSET

def work(number):
    if number < 0:
        raise Own(number)
    return helper(number)

with popen_pool.PopenPoolExecutor(2, timeout=60) as pool:
    print(pool.submit(work, 1).result(), pool.submit(lambda: work(2)).result())

try:
    with popen_pool.PopenPoolExecutor(2, timeout=60) as pool:
        pool.submit(work, -1).result()
except Own as error:
    print("Own", error)

"""


@pytest.mark.parametrize("kind", ["script", "-c", "stdin", "interactive", "-m"])
def test_main(tmp_path, kind):
    (tmp_path / "program.py").write_text(MAIN)
    command = {
        "script": ["program.py"],
        "-c": ["-c", MAIN],
        "stdin": ["-"],
        "interactive": ["-i", "-q"],
        "-m": ["-m", "program"],
    }[kind]
    result = subprocess.run(
        [sys.executable, *command],
        input=MAIN if kind in ("stdin", "interactive") else None,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "4 5\nOwn -1\n"), result.stderr
    if kind != "interactive":
        assert result.stderr == ""


def test_modules_of_the_program(tmp_path):
    """A worker finds what the program finds, and has nothing in its __main__ of ours."""
    (tmp_path / "inner.py").write_text("def get(): return 'from inner'\n")
    result = run_script(
        tmp_path,
        """
        import sys
        import inner
        from tvmsupport import popen_pool
        sys.path.append("relative")
        with popen_pool.PopenPoolExecutor(1) as pool:
            print(pool.submit(inner.get).result())
            names = lambda: [it for it in vars(sys.modules["__main__"]) if it[0] != "_"]
            print(pool.submit(names).result())
        """,
        cwd="/",
    )
    assert (result.stdout, result.stderr) == ("from inner\n[]\n", "")


def start_script(tmp_path, text, *args):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(text))
    return subprocess.Popen([sys.executable, script, *args], stderr=subprocess.PIPE, text=True)


PROGRAM = """
import os, pathlib, sys, time
from concurrent import futures
from tvmsupport import popen_pool

def note(path):
    pathlib.Path(path).write_text(str(os.getpid()))
    time.sleep(600)

path = sys.argv[1]
"""

WAITS = {
    "result": "popen_pool.PopenPoolExecutor(1).submit(note, path).result()",
    "exception": "popen_pool.PopenPoolExecutor(1).submit(note, path).exception()",
    "with": "with popen_pool.PopenPoolExecutor(1) as pool: pool.submit(note, path)",
    "wait": "with popen_pool.PopenPoolExecutor(1) as pool:"
    " futures.wait([pool.submit(note, path)])",
    "map": "with popen_pool.PopenPoolExecutor(1) as pool:"
    " list(pool.map_with_error_catching(note, [path]))",
    "recv": "worker = popen_pool.PopenWorker(); worker.send(note, (path,)); worker.recv()",
    "join": "worker = popen_pool.PopenWorker(); worker.send(note, (path,)); worker.join(600)",
}


@pytest.mark.parametrize("wait", sorted(WAITS))
def test_interrupt(tmp_path, wait):
    path = tmp_path / "pid"
    with start_script(tmp_path, PROGRAM + WAITS[wait] + "\n", path) as program:
        pid = read_when_there(path)
        program.send_signal(signal.SIGINT)
        errors = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == -signal.SIGINT, errors
    assert errors.strip().endswith("KeyboardInterrupt")
    wait_gone(pid)


ENDS = {
    "end": "pool = popen_pool.PopenPoolExecutor(2); kept = pool.submit(note, path)",
    "exit": "pool = popen_pool.PopenPoolExecutor(2); pool.submit(note, path)",
    "worker": "worker = popen_pool.PopenWorker(); worker.send(note, (path,))",
    "cycle": "pool = popen_pool.PopenPoolExecutor(2); pool.me = pool; pool.submit(note, path)",
}


@pytest.mark.parametrize("end", sorted(ENDS))
def test_exit_with_work_in_flight(tmp_path, end):
    path = tmp_path / "pid"
    wait = "\nwhile not os.path.exists(path) or not os.path.getsize(path): time.sleep(0.01)\n"
    text = PROGRAM + ENDS[end] + wait + ("sys.exit(3)\n" if end == "exit" else "")
    with start_script(tmp_path, text, path) as program:
        errors = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == (3 if end == "exit" else 0)
    assert errors == ""
    wait_gone(read_when_there(path))


def test_killed(tmp_path):
    path = tmp_path / "pid"
    with start_script(tmp_path, PROGRAM + WAITS["result"] + "\n", path) as program:
        pid = read_when_there(path)
        program.kill()
        program.communicate(timeout=PATIENCE)
    wait_gone(pid)


def test_fork(tmp_path):
    """A fork of a program makes pools of its own, and cannot use those that it had."""
    result = run_script(
        tmp_path,
        """
        import concurrent.futures
        import os
        import time
        from tvmsupport import popen_pool
        pool = popen_pool.PopenPoolExecutor(1)
        print(pool.submit(abs, -1).result(), flush=True)
        sleeping = pool.submit(time.sleep, 1000)
        ended = concurrent.futures.as_completed([pool.submit(abs, -5), sleeping])
        if os.fork() == 0:
            assert len(list(ended)) == 2
            for get in (pool.submit(abs, -2).result, sleeping.result):
                try:
                    get()
                except RuntimeError:
                    print("refused", flush=True)
            print(popen_pool.PopenPoolExecutor(1).submit(abs, -4).result(), flush=True)
            os._exit(0)
        os.wait()
        print(sleeping.cancel(), pool.submit(abs, -3).result())
        """,
    )
    wanted = "1\nrefused\nrefused\n4\nTrue 3\n"
    assert (result.returncode, result.stdout) == (0, wanted), result.stderr


def test_note_is_used(tmp_path):
    worker = popen_pool.PopenWorker()
    worker.send(note_and_sleep, (tmp_path / "pid",))
    pid = read_when_there(tmp_path / "pid")
    assert is_there(pid)
    worker.kill()
    wait_gone(pid)


def test_next_pool():
    """It has the nursery of the one before, and nothing that the calls of that one did."""

    def change():
        sys.modules["__changed__"] = 1
        return os.getpid(), os.getppid()

    def look():
        return os.getpid(), os.getppid(), "__changed__" in sys.modules

    with popen_pool.PopenPoolExecutor(1) as pool:
        pid, nursery = pool.submit(change).result()
    assert not is_there(pid)
    with popen_pool.PopenPoolExecutor(1, timeout=0.1) as again:
        assert again.submit(look).result()[1:] == (nursery, False)
        with pytest.raises(TimeoutError):
            again.submit(time.sleep, PATIENCE).result()
        # The first one has ended, whoever has its nursery.
        pool.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            pool.submit(look)
        assert again.submit(look).result()[1] == nursery
    with popen_pool.PopenPoolExecutor(1, preload=["wave"]) as other:
        assert other.submit(look).result()[1] != nursery
    with popen_pool.PopenPoolExecutor(1, initializer=os.getpid) as other:
        assert other.submit(look).result()[1] != nursery
    wait_gone(nursery)
