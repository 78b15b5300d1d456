# SPDX-License-Identifier: Apache-2.0
"""The worker protocol in Python, with nothing of the library: what docs/worker-protocol.md says.

First as data, then with real workers at the other end of a socket.
"""

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
HEADER = struct.Struct("<IBBHQQH6s")
MAX_CONTROL = 16 * 1024**2

KINDS = {
    1: "HELLO", 2: "SETUP", 3: "INIT", 4: "CALL", 5: "BEGUN", 6: "RESULT", 7: "ERROR", 8: "CANCEL",
    9: "REVOKED", 16: "FORK", 17: "FORKED", 18: "KILL", 19: "EXITED",
}
NUMBERS = {name: number for number, name in KINDS.items()}


def find(*candidates):
    found = [path for path in candidates if path.exists()]
    if not found:
        pytest.skip(f"no {candidates[0].name}")
    return found[0]


DATA = json.loads(
    find(HERE.parent / "data/protocol/frames.json", HERE / "data/protocol/frames.json").read_text(
        encoding="utf-8"
    )
)


class Broken(Exception):
    """Not a frame; says of what class the problem is."""


def decode(data, max_length):
    """Returns kind, flags, id, number of descriptors, and the payload."""
    if len(data) < HEADER.size:
        raise Broken("truncated")
    magic, version, kind, flags, number, length, n_fds, reserved = HEADER.unpack_from(data)
    if magic != 0x464D5654:
        raise Broken("magic")
    if version != 1:
        raise Broken("version")
    if kind not in KINDS:
        raise Broken("kind")
    if flags & ~7:
        raise Broken("flags")
    if reserved != bytes(6):
        raise Broken("reserved")
    if n_fds > 8:
        raise Broken("descriptors")
    name = KINDS[kind]
    if name in ("BEGUN", "CANCEL", "REVOKED", "KILL"):
        max_length = 0
    elif name not in ("INIT", "CALL", "RESULT", "ERROR"):
        max_length = MAX_CONTROL
    if length > min(max_length, 2**63 - 1):
        raise Broken("length")
    if len(data) < HEADER.size + length:
        raise Broken("truncated")
    return name, flags, number, n_fds, data[HEADER.size : HEADER.size + length]


def encode(kind, number=0, payload=b"", flags=0, n_fds=0):
    return HEADER.pack(
        0x464D5654, 1, NUMBERS[kind], flags, number, len(payload), n_fds, bytes(6)
    ) + payload


def join(*strings):
    return b"".join(text.encode() + b"\0" for text in strings)


def split(payload):
    if payload[-1:] != b"\0":
        return []
    return payload[:-1].decode().split("\0")


def get_setting(payload, name):
    for text in split(payload):
        left, equals, right = text.partition("=")
        if equals and left == name:
            return right
    return None


def split_error(payload):
    kind, message, traceback, extra = payload.split(b"\0", 3)
    return kind.decode(), message.decode(), traceback.decode(), extra


def name_of(entry):
    return entry.get("name") or entry["hex"]


@pytest.mark.parametrize("entry", DATA["frames"], ids=name_of)
def test_frame(entry):
    data = bytes.fromhex(entry["hex"])
    kind, flags, number, n_fds, payload = decode(data, 2**64)
    assert (kind, flags, str(number), n_fds, str(len(payload))) == (
        entry["kind-name"], entry["flags"], entry["id"], entry["n-fds"], entry["length"],
    )
    assert encode(kind, number, payload, flags, n_fds) == data
    if "strings" in entry:
        assert split(payload) == entry["strings"]


@pytest.mark.parametrize("entry", DATA["invalid"], ids=name_of)
def test_invalid(entry):
    with pytest.raises(Broken, match=entry["reason"]):
        decode(bytes.fromhex(entry["hex"]), int(entry.get("max-length", 1000)))


def test_settings():
    for entry in DATA["settings"]:
        assert get_setting(bytes.fromhex(entry["hex"]), entry["name"]) == entry["value"], entry


def test_errors():
    for entry in DATA["errors"]:
        payload = bytes.fromhex(entry["hex"])
        if entry["type"] is None:
            with pytest.raises(ValueError):
                split_error(payload)
        else:
            assert split_error(payload) == (
                entry["type"], entry["message"], entry["traceback"], bytes.fromhex(entry["extra"]),
            )


def variant_task(name, value, type_string):
    """A task of type (sv), in the encoding of GVariant."""
    first = name.encode() + b"\0"
    padding = bytes(-len(first) % 8)
    return first + padding + value + b"\0" + type_string.encode() + bytes([len(first)])


class Worker:
    """A worker, and the other end of its socket."""

    def __init__(self, *argv, role="fd"):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(60)
        with theirs:
            self.process = subprocess.Popen(
                ["sh", "-c", 'exec "$@" 3<&0 </dev/null', "sh", *argv,
                 f"--tvm-worker={role}"],
                stdin=theirs,
            )
        self.stream = self.socket.makefile("rwb")

    def send(self, *frame, **fields):
        self.stream.write(encode(*frame, **fields))
        self.stream.flush()

    def receive(self):
        """Returns kind, id and payload, or None at the end."""
        header = self.stream.read(HEADER.size)
        if not header:
            return None
        length = HEADER.unpack(header)[5]
        kind, flags, number, n_fds, payload = decode(header + self.stream.read(length), 2**31)
        assert (flags, n_fds) == (0, 0)
        return kind, number, payload

    def close(self):
        self.stream.close()
        self.socket.close()
        return self.process.wait(60)


@contextlib.contextmanager
def running(*argv):
    worker = Worker(*argv)
    try:
        yield worker
        assert worker.close() == 0
    finally:
        worker.process.kill()
        worker.process.wait()


def find_module_worker():
    folder = pathlib.Path(os.environ.get("TVM_SUPPORT_LIBEXECDIR", HERE.parents[1] / HERE.name))
    program = find(folder / "tvmsupport-worker", folder.parent / "worker/tvmsupport-worker")
    return program, find(pathlib.Path(os.environ["G_TEST_BUILDDIR"]) / "worker-module.so")


def test_module_worker():
    program, module = find_module_worker()
    with running(program) as worker:
        kind, number, payload = worker.receive()
        assert (kind, number) == ("HELLO", 0)
        assert get_setting(payload, "protocol") == "1"
        assert get_setting(payload, "payload") == "gvariant"
        assert get_setting(payload, "pid") == str(worker.process.pid)

        worker.send("SETUP", 0, join("max-message=1000000", "begun=frames", f"module={module}"))
        worker.send("CALL", 1, variant_task("add", struct.pack("<ii", 20, 22), "(ii)"))
        assert worker.receive() == ("BEGUN", 1, b"")
        assert worker.receive() == ("RESULT", 1, struct.pack("<i", 42) + b"\0i")

        worker.send("CALL", 2, variant_task("no_such", b"\0", "()"))
        worker.send("CALL", 3, variant_task("fail", b"why\0", "(s)"))
        assert worker.receive() == ("BEGUN", 2, b"")
        kind, number, payload = worker.receive()
        assert (kind, number) == ("ERROR", 2)
        kind, message, _, extra = split_error(payload)
        assert (kind, extra) == ("tvm-error-quark:2", b"")
        assert "no_such" in message and str(module) in message
        assert worker.receive() == ("BEGUN", 3, b"")
        assert worker.receive() == ("ERROR", 3, join("g-io-error-quark:35", "why", ""))


@pytest.mark.parametrize("entry", DATA["invalid"], ids=name_of)
def test_module_worker_ends(entry):
    """Whatever it gets that is no frame ends a worker, with an error."""
    program, _ = find_module_worker()
    worker = Worker(program)
    worker.receive()
    worker.send("SETUP", 0, join("max-message=1000"))
    worker.stream.write(bytes.fromhex(entry["hex"]))
    worker.stream.flush()
    worker.socket.shutdown(socket.SHUT_WR)
    assert worker.receive() is None
    assert worker.close() == 1


def test_no_page():
    program, _ = find_module_worker()
    worker = Worker(program)
    worker.receive()
    worker.send("SETUP", 0, join("begun=page"))
    assert worker.receive() is None
    assert worker.close() == 1


def test_python_worker():
    script = find(HERE.parents[1] / "docs/examples/worker.py", HERE / "worker.py")
    with running(sys.executable, script) as worker:
        kind, _, payload = worker.receive()
        assert (kind, get_setting(payload, "payload")) == ("HELLO", "bytes")
        worker.send("SETUP", 0, join("max-message=1010", "begun=frames", "unknown=setting"))
        worker.send("CALL", 5, b'["add", 1, 2, 3]')
        worker.send("CALL", 6, b'["upper", 6]')
        assert worker.receive() == ("BEGUN", 5, b"")
        assert worker.receive() == ("RESULT", 5, b"6")
        assert worker.receive() == ("BEGUN", 6, b"")
        kind, number, payload = worker.receive()
        assert (kind, number) == ("ERROR", 6)
        assert split_error(payload)[0] == "TypeError"
        worker.send("CALL", 7, json.dumps(["upper", 480 * "é"], ensure_ascii=False).encode())
        assert worker.receive() == ("BEGUN", 7, b"")
        assert split_error(worker.receive()[2])[:2] == ("ValueError", "the result is too long")
