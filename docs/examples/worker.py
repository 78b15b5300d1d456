#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A worker with nothing of the library: what docs/worker-protocol.md says is all that it takes.

A task is a JSON list, the name of a function and its arguments; the result is JSON, too. For a pool
it is a runtime of bytes that cannot fork: argv is ["python3", "worker.py"].
"""
# [example]
import json
import mmap
import os
import socket
import struct
import sys
import traceback

HEADER = struct.Struct("<IBBHQQH6s")
MAGIC, VERSION = 0x464D5654, 1
HELLO, SETUP, INIT, CALL, BEGUN, RESULT, ERROR, CANCEL = range(1, 9)

FUNCTIONS = {"add": lambda *numbers: sum(numbers), "upper": str.upper, "pid": os.getpid}


def strings(*texts):
    return b"".join(text.encode(errors="surrogateescape") + b"\0" for text in texts)


def receive(stream, size):
    data = stream.read(size)
    if len(data) < size:
        sys.exit()  # nobody needs this worker any more
    return data


def send(stream, kind, number, payload=b""):
    sys.stdout.flush()
    stream.write(HEADER.pack(MAGIC, VERSION, kind, 0, number, len(payload), 0, bytes(6)) + payload)
    stream.flush()


def run(payload, limit):
    name, *arguments = json.loads(payload)
    result = json.dumps(FUNCTIONS[name](*arguments)).encode()
    if len(result) > limit:
        raise ValueError("the result is too long")
    return result


def serve(stream):
    limit, page = 2**31, None
    send(stream, HELLO, 0, strings("protocol=1", "program=worker.py 1.0", f"pid={os.getpid()}",
                                   "payload=bytes"))
    while True:
        header = HEADER.unpack(receive(stream, HEADER.size))
        magic, version, kind, flags, number, length, n_fds, reserved = header
        if (magic, version, n_fds, reserved) != (MAGIC, VERSION, 0, bytes(6)) or length > limit:
            sys.exit("worker.py: this is no frame")
        payload = receive(stream, length)
        if kind == SETUP:
            settings = dict(text.split("=", 1) for text in os.fsdecode(payload).split("\0")[:-1])
            limit = int(settings.get("max-message", limit))
            if settings.get("begun") == "page":
                page = memoryview(mmap.mmap(4, 4096)).cast("Q")
                os.close(4)
        elif kind in (INIT, CALL):
            if page:
                page[0] = number
            else:
                send(stream, BEGUN, number)
            try:
                send(stream, RESULT, number, run(payload, limit))
            except Exception as error:
                send(stream, ERROR, number, strings(type(error).__name__, str(error),
                                                    traceback.format_exc()))


if sys.argv[-1] == "--tvm-worker=fd":
    os.set_inheritable(3, False)
    serve(socket.socket(fileno=3).makefile("rwb"))
sys.exit("worker.py: a worker is started by a pool")
