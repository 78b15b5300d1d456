# SPDX-License-Identifier: Apache-2.0
"""What the workers of popen_pool are."""

import ctypes
import functools
import marshal
import os
import subprocess
import sys

from gi.repository import Gio, TvmSupport

from . import _library, _pickling, _worker

LIBRARY = _library.Library()


def pointer(thing):
    """The address of an object of the library; it holds no reference."""
    return _get_pointer(thing.__gpointer__, None)


_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = ctypes.c_void_p
_get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


@functools.lru_cache(maxsize=1)
def _interpreter():
    # pylint: disable-next=protected-access
    flags = subprocess._args_from_interpreter_flags()
    return [sys.executable or "python3", *flags, os.path.abspath(_worker.__file__)]


def _absolute(path):
    """The path, which is not what it was in a working directory that was removed."""
    folder = _working_directory()
    return path if folder is None else os.path.normpath(os.path.join(folder, path))


def _environment(preload):
    setup = {
        "path": [_absolute(path) for path in sys.path if isinstance(path, str)],
        "library": os.fsdecode(LIBRARY.path()),
        "alias": sys.modules.get("tvm.support") is sys.modules[__package__],
        "preload": [preload] if isinstance(preload, str) else list(preload),
    }
    # Version 2 makes the same of what is the same.
    return [f"{_worker.VARIABLE}={marshal.dumps(setup, 2).hex()}"]


def _set_output(spec, name, handler):
    """Sends the stdout or stderr of the workers where subprocess.Popen would."""
    if handler is None:
        return
    if handler == subprocess.DEVNULL:
        getattr(spec, f"set_{name}_mode")(TvmSupport.WorkerOutput.DISCARD)
        return
    if handler == subprocess.PIPE:
        raise ValueError(f"{name}: a pipe that nobody reads would stop the workers")
    number = handler if isinstance(handler, int) else handler.fileno()
    if not isinstance(handler, int):
        handler.flush()
    stream = Gio.UnixOutputStream.new(os.dup(number), True)
    getattr(spec, f"set_{name}_stream")(stream)


def _set_outputs(spec, stdout, stderr):
    if stderr == subprocess.STDOUT:
        stderr = stdout if stdout is not None else 1
    _set_output(spec, "stdout", stdout)
    _set_output(spec, "stderr", stderr)


def _working_directory():
    """Its path, or None if it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def get_key(max_workers, preload):
    """What pools have in common that can have the same nursery one after the other."""
    environment = _environment(preload)[0]
    return max_workers, environment, _working_directory(), frozenset(os.environb.items())


def make_spec(initializer, initargs, maximum_uses, stdout, stderr, preload):
    """A TvmWorkerSpec of Python workers."""
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    if maximum_uses is not None and maximum_uses < 0:
        raise ValueError("the maximum of uses must not be negative")
    spec = TvmSupport.WorkerSpec.new_runtime(_interpreter(), TvmSupport.PayloadType.BYTES, True)
    spec.set_environment(_environment(preload))
    if initializer is not None:
        data = b"".join(bytes(it) for it in _pickling.dump_call(initializer, tuple(initargs), {}))
        spec.set_initializer(TvmSupport.Task.new_bytes(data))
    if maximum_uses is not None:
        spec.set_maximum_uses(maximum_uses)
    _set_outputs(spec, stdout, stderr)
    return spec
