# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a function of tvm.support blocks: it ends at once, and so does the work."""

import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pytest

MODULE = pathlib.Path(os.environ["G_TEST_BUILDDIR"]) / "worker-module.so"

PROLOGUE = """
import fcntl, os, sys
from tvmsupport import cc, popen_pool, utils
folder = sys.argv[1]
def begin():
    print("begins", flush=True)
"""

STATEMENTS = {
    # A compile that waits for a pipe that nobody writes to
    "cc.create_shared": """
os.mkfifo(folder + "/never.h")
open(folder + "/endless.c", "w").write('#include "never.h"\\n')
begin()
cc.create_shared(folder + "/endless.so", [folder + "/endless.c"])
""",
    "utils.filelock": """
if os.fork() == 0:
    file = open(folder + "/lock", "w")
    fcntl.lockf(file, fcntl.LOCK_EX)
    begin()
    os.read(0, 1)
    os._exit(0)
import time
time.sleep(0.3)
utils.filelock(folder + "/lock")
""",
    "future.result": """
import time
pool = popen_pool.PopenPoolExecutor(1)
pool.submit(pow, 1, 1).result()
begin()
pool.submit(time.sleep, 1000).result()
""",
    "worker.recv": """
import time
worker = popen_pool.PopenWorker()
worker.send(time.sleep, (1000,))
begin()
worker.recv()
""",
}


def processes_of(folder):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("statement", STATEMENTS)
def test_ctrl_c(statement, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + STATEMENTS[statement], tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout.readline() == "begins\n"
        # It may not be in the function yet; what comes too early is KeyboardInterrupt as well.
        time.sleep(0.5)
        os.kill(program.pid, signal.SIGINT)
        try:
            _out, err = program.communicate(timeout=20)
        finally:
            program.kill()
    assert "KeyboardInterrupt" in err
    assert program.returncode == -signal.SIGINT, err
    deadline = time.monotonic() + 20
    while processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_of(tmp_path) == []


FORK = """
import fcntl, os, signal, sys, threading, time
import gi
gi.require_version("TvmSupport", "1")
from gi.overrides import TvmSupport as overrides
from gi.repository import TvmSupport

folder = sys.argv[1]
held, hold = os.pipe()
end, go = os.pipe()
if os.fork() == 0:
    os.close(go)
    file = open(folder + "/lock", "w")
    fcntl.lockf(file, fcntl.LOCK_EX)
    os.write(hold, b"1")
    os.read(end, 1)
    os._exit(0)
os.read(held, 1)


def fork():
    while not overrides._interrupts.calls:
        time.sleep(0.001)
    pid = os.fork()
    if pid == 0:
        # One of them has the number of what Ctrl-C is told by.
        files = [open(f"{folder}/{number}", "w+") for number in range(20)]
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt:
            print("interrupted", sum(os.fstat(it.fileno()).st_size for it in files), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(go)


threading.Thread(target=fork).start()
with TvmSupport.FileLock.new(folder + "/lock") as lock:
    lock.acquire()
    print("locked")
"""


def test_fork_meanwhile(tmp_path):
    """Another thread forks while one blocks: Ctrl-C in the fork is not told to the call."""
    ran = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path)], capture_output=True, text=True, timeout=60,
        check=False,
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("interrupted 0\nlocked\n", "", 0)


BLOCKING = """
import os, resource, signal, sys, threading, time
import gi
gi.require_version("TvmSupport", "1")
from gi.repository import TvmSupport

lock = TvmSupport.FileLock.new(sys.argv[1] + "/lock")
other = TvmSupport.FileLock.new(sys.argv[1] + "/lock")
lock.acquire()
main = threading.get_ident()

def interrupt():
    while "overrides" not in sys._current_frames()[main].f_code.co_filename:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
"""


def run_blocking(program, *args):
    return subprocess.run(
        [sys.executable, "-c", BLOCKING + program, *args], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, timeout=30, check=True,
    )


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2000, reason="not as many can be open here"
)
def test_with_many_descriptors(tmp_path):
    """There are more than select() can wait for."""
    done = run_blocking(
        """
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2000), hard))
many = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]

def interrupt_call():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.001)
    interrupt()

threading.Thread(target=interrupt_call).start()
try:
    other.acquire()
except KeyboardInterrupt:
    print("interrupted")
""",
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_handler_of_the_input_of_a_map_stays(tmp_path):
    done = run_blocking(
        """
def handle(*_args):
    print("handled")

def tasks():
    signal.signal(signal.SIGINT, handle)
    yield TvmSupport.Task.new("pid")

with TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(sys.argv[2]), 1) as pool:
    list(pool.map_tasks(tasks()))
os.kill(os.getpid(), signal.SIGINT)
""",
        tmp_path, MODULE,
    )
    assert done.stdout == "handled\n"


def test_input_of_a_map_that_blocks(tmp_path):
    done = run_blocking(
        """
def tasks():
    yield TvmSupport.Task.new("pid")
    threading.Thread(target=interrupt).start()
    other.acquire()

with TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(sys.argv[2]), 1) as pool:
    try:
        list(pool.map_tasks(tasks()))
    except KeyboardInterrupt:
        print("interrupted")
    print(pool.call("pid").unpack() > 0)
""",
        tmp_path, MODULE,
    )
    assert (done.stdout, done.stderr) == ("interrupted\nTrue\n", "")
