# SPDX-License-Identifier: Apache-2.0
"""What the workers of popen_pool do: they take calls until nobody has any more."""

import ctypes
import gc
import importlib
import os
import sys
import traceback

from . import _library, _pickling

_PROGRAM = b"tvmsupport-python 1.0"
_SETUP, _FORK, _END = range(3)


class _Worker:
    def __init__(self, library, channel):
        self.library = library
        self.channel = channel
        self.problem = None

    def serve(self):
        library = self.library
        error = _library.ErrorPointer()
        pointer = ctypes.byref(error)
        while call := library.worker_channel_next(self.channel, pointer):
            self.run(call)
            library.g_object_unref(call)
        if error:
            sys.exit(library.take_error(error)[2])

    def run(self, call):
        library = self.library
        try:
            payload = library.worker_call_get_payload(call)
            function, args, kwargs = _pickling.load(library, payload)
            value = function(*args, **kwargs)
            pieces = _pickling.dump_value(value)
        except SystemExit as error:
            leave(error)
        except BaseException as error:  # pylint: disable=broad-exception-caught
            self.fail(call, error)
        else:
            self.give(call, pieces)

    def give(self, call, pieces):
        library = self.library
        flush()
        *first, last = [make_bytes(library, piece) for piece in pieces]
        for piece in first:
            library.worker_call_add_bytes(call, piece)
            library.g_bytes_unref(piece)
        library.worker_call_return_bytes(call, last)
        library.g_bytes_unref(last)

    def fail(self, call, error):
        library = self.library
        text = format_traceback(error)
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ not in ("builtins", "__main__"):
            name = f"{kind.__module__}.{name}"
        extra = make_bytes(library, dump_exception(error))
        flush()
        library.worker_call_return_error(
            call, encode(name), encode(describe(error)), encode(text), extra
        )
        library.g_bytes_unref(extra)


def make_bytes(library, piece):
    """A GBytes; what is large has to stay where it is until the answer is sent."""
    if type(piece) is not bytes:
        return library.g_bytes_new_static(_pickling.get_address(piece), piece.nbytes)
    if len(piece) < _pickling.LARGE:
        return library.g_bytes_new(piece, len(piece))
    return library.g_bytes_new_static(piece, len(piece))


def encode(text):
    return text.replace("\0", "\\0").encode(errors="backslashreplace")


def describe(error):
    try:
        return str(error)
    except Exception:  # pylint: disable=broad-exception-caught
        return "(its text cannot be had)"


def format_traceback(error):
    try:
        return "".join(traceback.format_exception(hide_own_frames(error)))
    except Exception as other:  # pylint: disable=broad-exception-caught
        return f"(its traceback cannot be had: {describe(other)})"


def hide_own_frames(error):
    """The exception, whose traceback begins where the task does."""
    frames = error.__traceback__
    if frames is not None and frames.tb_next is not None:
        return error.with_traceback(frames.tb_next)
    return error


def dump_exception(error):
    """The pickle of an exception, empty if it has none that can be read again."""
    try:
        return _pickling.dump_exception(error)
    except Exception:  # pylint: disable=broad-exception-caught
        return b""


def flush():
    """What a task has printed comes before its answer."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # pylint: disable=broad-exception-caught
            # A task may have put anything there.
            pass


def leave(error):
    """What sys.exit() does, in a task: its worker ends."""
    code = error.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    flush()
    os._exit(code & 0xFF)


def preload(names):
    """Returns the exception of the first module that cannot be imported."""
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # pylint: disable=broad-exception-caught
            return error
    return None


def serve(library, channel, problem):
    if not channel:
        os._exit(1)
    if problem is not None:
        text = "".join(traceback.format_exception(problem))
        library.worker_channel_fail(
            channel, encode(type(problem).__name__), encode(describe(problem)), encode(text)
        )
        os._exit(1)
    _Worker(library, channel).serve()


def run_nursery(library, role, problem):
    nursery = library.worker_nursery_open(role, _PROGRAM, None)
    if not nursery:
        sys.exit("Cannot reach who started this nursery")
    # The collector of a worker would only copy the pages of what is here.
    gc.freeze()
    gc.enable()
    while (request := library.worker_nursery_next(nursery)) != _END:
        if request != _FORK:
            continue
        try:
            pid = os.fork()
        except OSError as error:
            library.worker_nursery_parent(nursery, -1, error.errno)
            continue
        if pid != 0:
            library.worker_nursery_parent(nursery, pid, 0)
            continue
        status = 1
        try:
            serve(library, library.worker_nursery_child(nursery, None), problem)
            status = 0
        except SystemExit as error:
            print(error, file=sys.stderr, flush=True)
        except BaseException:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
        finally:
            os._exit(status)


class _Alias:
    """Makes tvm.support what it is in the program, once a task wants something of tvm."""

    def find_spec(self, fullname, path=None, target=None):
        del path, target
        if fullname != "tvm":
            return None
        machinery = importlib.import_module("importlib.machinery")
        return machinery.ModuleSpec(fullname, self)

    def create_module(self, spec):
        del spec
        sys.meta_path.remove(self)
        importlib.import_module("tvmsupport").install_as_tvm_support()
        module = sys.modules["tvm"]
        self.spec = module.__spec__
        return module

    def exec_module(self, module):
        # The import has given it the one of the alias meanwhile.
        module.__spec__ = self.spec


def run(role, setup):
    library = _library.Library(setup["library"])
    if setup["alias"]:
        sys.meta_path.insert(0, _Alias())
    problem = preload(setup["preload"])
    if role == "--tvm-worker=nursery":
        run_nursery(library, role.encode(), problem)
    else:
        gc.enable()
        serve(library, library.worker_channel_open(role.encode(), _PROGRAM, None), problem)
