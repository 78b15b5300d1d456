#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes frames.json, which the tests of each language read; see docs/worker-protocol.md.

By hand from what the document says, and with no code of the library.
"""

import json
import pathlib
import struct

MAGIC = 0x464D5654
HEADER = struct.Struct("<IBBHQQH6s")

KINDS = {
    "HELLO": 1, "SETUP": 2, "INIT": 3, "CALL": 4, "BEGUN": 5, "RESULT": 6, "ERROR": 7,
    "CANCEL": 8, "REVOKED": 9, "FORK": 16, "FORKED": 17, "KILL": 18, "EXITED": 19,
}


def header(kind, *, magic=MAGIC, version=1, flags=0, number=0, length=0, n_fds=0, reserved=bytes(6)):
    return HEADER.pack(magic, version, kind, flags, number, length, n_fds, reserved)


def strings(*texts):
    return b"".join(text.encode() + b"\0" for text in texts)


def variant_task(name, value, type_string):
    """A variant of type (sv): its second member starts at a multiple of 8, and its last byte says
    where the first one ends."""
    first = name.encode() + b"\0"
    padded = first + bytes(-len(first) % 8)
    return padded + value + b"\0" + type_string.encode() + bytes([len(first)])


def variant(value, type_string):
    return value + b"\0" + type_string.encode()


ADD = variant_task("add", struct.pack("<ii", 1, 2), "(ii)")
SUM = variant(struct.pack("<i", 3), "i")
FAILURE = strings("g-io-error-quark:35", "the matrix is “empty”", "")


def frame(name, kind, payload=b"", *, flags=0, number=0, n_fds=0, **meaning):
    raw = header(KINDS[kind], flags=flags, number=number, length=len(payload), n_fds=n_fds) + payload
    return {
        "name": name, "hex": raw.hex(), "kind": KINDS[kind], "kind-name": kind, "flags": flags,
        "id": str(number), "length": str(len(payload)), "n-fds": n_fds, **meaning,
    }


def setting_frame(name, kind, *settings, **others):
    return frame(name, kind, strings(*settings), strings=list(settings), **others)


FRAMES = [
    setting_frame("hello", "HELLO", "protocol=1", "program=tvmsupport-worker 1.0.0", "pid=4711",
                  "payload=gvariant"),
    setting_frame("hello with a setting of the future", "HELLO", "protocol=1", "colour=blue",
                  "payload=bytes"),
    setting_frame("setup", "SETUP", "max-message=2147483648", "begun=page",
                  "module=/usr/lib/modules/kernels.so"),
    setting_frame("setup of two modules", "SETUP", "module=/a.so", "module=/b=c.so"),
    frame("setup of nothing", "SETUP", strings=[]),
    frame("initializer", "INIT", ADD, number=1),
    frame("call", "CALL", ADD, number=2),
    frame("call that may be cancelled", "CALL", ADD, number=3, flags=1),
    frame("call of a command", "CALL", strings("--argc=1", "--envc=1", "--", "/bin/ls", "ls",
                                               "LC_ALL=C.UTF-8"),
          number=4, n_fds=2,
          strings=["--argc=1", "--envc=1", "--", "/bin/ls", "ls", "LC_ALL=C.UTF-8"]),
    frame("call of a command with stdin", "CALL", strings("--argc=1", "--envc=0", "--", "/bin/cat",
                                                          "cat"),
          number=5, flags=2, n_fds=3,
          strings=["--argc=1", "--envc=0", "--", "/bin/cat", "cat"]),
    frame("call without a payload", "CALL", number=6),
    frame("call with the highest id", "CALL", ADD, number=2**64 - 1),
    frame("begun", "BEGUN", number=2),
    frame("result", "RESULT", SUM, number=2),
    frame("result of nothing", "RESULT", number=6),
    frame("result of a worker that holds too much", "RESULT", SUM, number=7, flags=4),
    frame("error", "ERROR", FAILURE, number=3),
    frame("error of the worker", "ERROR",
          strings("tvm-error-quark:2", "Cannot load the module “/a.so”: there is none", "")),
    frame("cancel", "CANCEL", number=3),
    frame("revoked", "REVOKED", number=4),
    setting_frame("fork", "FORK", "--rlimit=9=1073741824", "--chdir=/tmp", number=7, n_fds=4),
    setting_frame("fork of nothing special", "FORK", number=8, n_fds=4),
    setting_frame("fork of a program", "FORK", "--stdio", "--argc=3", "--envc=2", "--",
                  "/usr/bin/ssh", "ssh", "host", "worker", "PATH=/usr/bin", "EMPTY=",
                  number=9, n_fds=4),
    setting_frame("forked", "FORKED", "pid=4712", number=7),
    setting_frame("not forked", "FORKED", "error=11", "stage=0", "reason=two threads", number=8),
    frame("kill", "KILL", number=7),
    setting_frame("exited", "EXITED", "status=9", "user-usec=1500", "system-usec=300",
                  "max-rss-bytes=2097152", number=7),
]


def invalid(name, reason, raw, max_length=None):
    described = {"name": name, "reason": reason, "hex": raw.hex()}
    if max_length is not None:
        described["max-length"] = str(max_length)
    return described


CALL = KINDS["CALL"]
INVALID = [
    invalid("zeros", "magic", bytes(32)),
    invalid("text", "magic", b"ssh: connect to host nowhere por"),
    invalid("magic of the other byte order", "magic", header(CALL, magic=0x54564D46, number=1)),
    invalid("version 0", "version", header(CALL, version=0, number=1)),
    invalid("version 2", "version", header(CALL, version=2, number=1)),
    *[invalid(f"kind {kind}", "kind", header(kind, number=1))
      for kind in (0, 10, 15, 20, 128, 255)],
    *[invalid(f"flag {flag}", "flags", header(CALL, flags=flag, number=1))
      for flag in (8, 0x80, 0x100, 0x8000)],
    *[invalid(f"reserved byte {place}", "reserved",
              header(CALL, number=1, reserved=bytes(place) + b"\1" + bytes(5 - place)))
      for place in (0, 5)],
    invalid("nine descriptors", "descriptors", header(CALL, number=1, n_fds=9)),
    invalid("65535 descriptors", "descriptors", header(CALL, number=1, n_fds=65535)),
    invalid("a call of one byte too much", "length", header(CALL, number=1, length=1001), 1000),
    invalid("a call of all there is", "length", header(CALL, number=1, length=2**64 - 1), 1000),
    invalid("a call of 2^63 bytes", "length", header(CALL, number=1, length=2**63), 2**64 - 1),
    invalid("a hello of more than 16 MiB", "length", header(1, length=16 * 1024**2 + 1), 2**31),
    *[invalid(f"a {name} with a payload", "length", header(KINDS[name], number=1, length=1), 1000)
      for name in ("BEGUN", "CANCEL", "REVOKED", "KILL")],
    invalid("half a header", "truncated", header(CALL, number=1)[:16]),
    invalid("one byte", "truncated", header(CALL, number=1)[:1]),
    invalid("a header whose payload does not come", "truncated",
            header(CALL, number=1, length=len(ADD))),
    invalid("a payload without its last byte", "truncated",
            header(CALL, number=1, length=len(ADD)) + ADD[:-1]),
]


def setting(raw, name, value):
    return {"hex": raw.hex(), "name": name, "value": value}


SETTINGS = [
    setting(strings("a=1", "b=2"), "b", "2"),
    setting(strings("a=1", "b=2"), "c", None),
    setting(strings("a=1", "a=2"), "a", "1"),
    setting(strings("ab=1", "a=2"), "a", "2"),
    setting(strings("a=b=c"), "a", "b=c"),
    setting(strings("a="), "a", ""),
    setting(strings("a", "=1"), "a", None),
    setting(strings("", "a=1"), "a", "1"),
    setting(strings("pfad=/tür"), "pfad", "/tür"),
    setting(b"", "a", None),
    setting(b"a=1", "a", None),
    setting(b"a=1\0b=2", "a", None),
]

# As g_variant_print() and g_variant_parse() have it; without a text: not in normal form
VARIANTS = [
    {"type": "(sv)", "hex": ADD.hex(), "text": "('add', <(1, 2)>)"},
    {"type": "(sv)", "hex": variant_task("echo", "ä".encode() + b"\0", "s").hex(),
     "text": "('echo', <'ä'>)"},
    {"type": "(sv)", "hex": variant_task("seventh", b"\0", "()").hex(), "text": "('seventh', <()>)"},
    {"type": "(sv)", "hex": variant_task("as", b"a\0bc\0\2\5", "as").hex(),
     "text": "('as', <['a', 'bc']>)"},
    {"type": "v", "hex": SUM.hex(), "text": "<3>"},
    {"type": "v", "hex": variant(b"", "ay").hex(), "text": "<@ay []>"},
    {"type": "v", "hex": variant(struct.pack("<Q", 5), "t").hex(), "text": "<uint64 5>"},
    {"type": "(sv)", "hex": "", "text": None},
    {"type": "(sv)", "hex": ADD[:-1].hex(), "text": None},
    {"type": "(sv)", "hex": (ADD[:-1] + b"\3").hex(), "text": None},
    {"type": "(sv)", "hex": (ADD[:4] + b"\1" + ADD[5:]).hex(), "text": None},
    {"type": "(sv)", "hex": (ADD[:-3] + b"i(" + ADD[-1:]).hex(), "text": None},
    {"type": "(sv)", "hex": variant_task("echo", b"\xff\0", "s").hex(), "text": None},
    {"type": "v", "hex": b"\3\0\0\0i".hex(), "text": None},
]


def error(kind, message, traceback, extra=b""):
    return {
        "hex": (strings(kind, message, traceback) + extra).hex(),
        "type": kind, "message": message, "traceback": traceback, "extra": extra.hex(),
    }


ERRORS = [
    error("g-io-error-quark:35", "the matrix is “empty”", ""),
    error("ValueError", "3 is not even", "Traceback (most recent call last):\n  …\n", b"\x80\x04N."),
    error("", "", ""),
    error("errno:2:1", "No such file or directory", ""),
    # Not three strings
    {"hex": "", "type": None},
    {"hex": strings("ValueError", "3 is not even").hex(), "type": None},
    {"hex": (strings("ValueError", "3 is not even") + b"no end").hex(), "type": None},
]


# Where the numbers of the status page are, and the outbox
PAGE = [
    {"name": "begun", "offset": 0, "size": 8},
    {"name": "produced", "offset": 8, "size": 8},
    {"name": "busy-nsec", "offset": 16, "size": 8},
    {"name": "revoked", "offset": 64, "size": 8},
    {"name": "consumed", "offset": 72, "size": 8},
    {"name": "outbox", "offset": 4096, "size": 16384},
]


def main():
    everything = {
        "frames": FRAMES, "invalid": INVALID, "settings": SETTINGS, "variants": VARIANTS,
        "errors": ERRORS, "page": PAGE,
    }
    parts = []
    for name, entries in everything.items():
        lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in entries)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    path = pathlib.Path(__file__).with_name("frames.json")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
