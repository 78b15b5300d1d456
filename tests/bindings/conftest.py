# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share."""

import asyncio
import gc
import os
import pathlib
import shutil
import subprocess
import threading
import time

import pytest

CLEARED = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "MAKEFLAGS", "CCACHE_DIR")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def add_c(tmp_path):
    source = tmp_path / "add.c"
    source.write_text("int add (int a, int b) { return a + b; }\n")
    return source


@pytest.fixture
def endless(tmp_path):
    """A source file whose compile does not end before somebody closes the pipe that it reads."""
    return Endless(tmp_path)


@pytest.fixture
def is_forgotten():
    """Says whether what a weak reference refers to goes without the garbage collector."""

    def wait(reference):
        # The thread that has brought an error may hold it for a moment more.
        end = time.monotonic() + 60
        while reference() is not None and time.monotonic() < end:
            time.sleep(0.001)
        return reference() is None

    gc.collect()
    gc.disable()
    yield wait
    gc.enable()


class Endless:
    def __init__(self, folder):
        self.folder = folder
        self.source = folder / "endless.c"
        self.fifo = folder / "endless.h"
        os.mkfifo(self.fifo)
        self.source.write_text(f'#include "{self.fifo}"\n')

    def wait_for_compiler(self):
        """Returns a descriptor for writing, once the compiler has opened the pipe."""
        opened = []
        thread = threading.Thread(target=lambda: opened.append(os.open(self.fifo, os.O_WRONLY)))
        thread.start()
        thread.join(60)
        if thread.is_alive():
            os.close(os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK))
            thread.join()
            raise TimeoutError("no compiler has opened the pipe")
        return opened[0]

    async def end_by_time(self, compiles):
        """Awaits a compile of it until asyncio gives up, and not before the compiler runs."""
        task = asyncio.ensure_future(asyncio.wait_for(compiles, 0.3))
        pipe = await asyncio.get_running_loop().run_in_executor(None, self.wait_for_compiler)
        with pytest.raises(asyncio.TimeoutError):
            await task
        os.close(pipe)

    def processes(self):
        """The command lines of processes that have to do with this compile."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if os.fsencode(self.source) in command:
                    found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        return found


def needs(program):
    """Skips the test if a program is not there, and says so."""
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")


def output_of(*command):
    return subprocess.run(
        [os.fspath(part) for part in command],
        check=True, stdout=subprocess.PIPE, universal_newlines=True,
    ).stdout
