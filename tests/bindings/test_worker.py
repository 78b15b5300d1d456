# SPDX-License-Identifier: Apache-2.0
"""Workers in Python, through the introspected classes."""

import contextlib
import os
import socket
import sys

from test_protocol import HERE, Worker, encode, get_setting, join, running, split_error

ARGV = [sys.executable, HERE / "channel-worker.py"]


def test_calls():
    with running(*ARGV) as worker:
        kind, _, payload = worker.receive()
        assert (kind, get_setting(payload, "payload")) == ("HELLO", "bytes")
        assert get_setting(payload, "program") == "channel-worker.py 1.0"
        worker.send("SETUP", 0, join("max-message=1000", "other=x"))
        worker.send("CALL", 1, b"upper case")
        worker.send("CALL", 2, b"settings")
        assert worker.receive() == ("BEGUN", 1, b"")
        assert worker.receive() == ("RESULT", 1, b"CASE")
        assert worker.receive() == ("BEGUN", 2, b"")
        assert worker.receive() == ("RESULT", 2, b"max-message=1000 other=x")
        worker.send("CALL", 3, b"nothing")
        assert worker.receive() == ("BEGUN", 3, b"")
        kind, number, payload = worker.receive()
        assert (kind, number) == ("ERROR", 3)
        kind, message, traceback, extra = split_error(payload)
        assert (kind, message, extra) == ("KeyError", "'nothing'", b"extra")
        assert "in work" in traceback


def test_cancel():
    with running(*ARGV) as worker:
        worker.receive()
        worker.send("SETUP")
        worker.send("CALL", 1, b"wait", flags=1)
        worker.send("CALL", 2, b"upper x")
        assert worker.receive() == ("BEGUN", 1, b"")
        worker.send("CANCEL", 1)
        assert worker.receive() == ("RESULT", 1, b"cancelled")
        assert worker.receive() == ("BEGUN", 2, b"")
        assert worker.receive() == ("RESULT", 2, b"X")


class Forked(Worker):
    """A worker that a nursery forks."""

    def __init__(self, nursery, number):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(60)
        self.stream = self.socket.makefile("rwb")
        page = os.memfd_create("page")
        os.ftruncate(page, 20480)
        socket.send_fds(nursery.socket, [encode("FORK", number, n_fds=4)],
                        [theirs.fileno(), page, 2, 2])
        theirs.close()
        os.close(page)

    def close(self):
        self.stream.close()
        self.socket.close()


def test_nursery():
    with contextlib.closing(Worker(*ARGV, role="nursery")) as nursery:
        kind, _, payload = nursery.receive()
        assert (kind, get_setting(payload, "payload")) == ("HELLO", "bytes")
        nursery.send("SETUP", 0, join("module=numbers", "module=letters"))
        workers = {number: Forked(nursery, number) for number in (1, 2)}
        for number, worker in workers.items():
            kind, answered, payload = nursery.receive()
            assert (kind, answered) == ("FORKED", number)
            pid = get_setting(payload, "pid")
            kind, _, payload = worker.receive()
            assert (kind, get_setting(payload, "pid")) == ("HELLO", pid)
            worker.send("SETUP", 0, join("begun=page"))
        for worker in workers.values():
            worker.send("CALL", 9, b"modules")
            assert worker.receive() == ("RESULT", 9, b"module=numbers module=letters")
        for number, worker in workers.items():
            worker.close()
            kind, ended, payload = nursery.receive()
            assert (kind, ended, get_setting(payload, "status")) == ("EXITED", number, "0")
    assert nursery.process.wait(60) == 0
