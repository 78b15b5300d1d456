# SPDX-License-Identifier: Apache-2.0
"""The functions of the library that are called for every task, without PyGObject.

A worker must not take the time that it takes to load PyGObject, and a pool calls these with the
interpreter's lock held: PyGObject gives it up in each call, and what completes thousands of tasks
would get it back thousands of times.
"""

import ctypes

_POINTER = ctypes.c_void_p
_TEXT = ctypes.c_char_p
_SIZE = ctypes.c_size_t


class Error(ctypes.Structure):
    """A GError."""

    _fields_ = [("domain", ctypes.c_uint32), ("code", ctypes.c_int), ("message", _TEXT)]


ErrorPointer = ctypes.POINTER(Error)
_ERROR = ctypes.POINTER(ErrorPointer)

# What blocks, or may work for long, is called without the lock.
_BLOCKING = {
    "tvm_completion_queue_take": (_POINTER, _POINTER, ctypes.c_uint64, ctypes.c_int64, _ERROR),
    "tvm_completion_queue_wait": (ctypes.c_int, _POINTER, ctypes.c_int64),
    "tvm_worker_call_return_bytes": (None, _POINTER, _POINTER),
    "tvm_worker_channel_next": (_POINTER, _POINTER, _ERROR),
    "tvm_worker_nursery_next": (ctypes.c_int, _POINTER),
}

_SHORT = {
    "g_bytes_get_data": (_POINTER, _POINTER, ctypes.POINTER(_SIZE)),
    "g_bytes_get_size": (_SIZE, _POINTER),
    "g_bytes_new": (_POINTER, _TEXT, _SIZE),
    "g_bytes_new_static": (_POINTER, _POINTER, _SIZE),
    "g_bytes_new_with_free_func": (_POINTER, _POINTER, _SIZE, _POINTER, _POINTER),
    "g_bytes_ref": (_POINTER, _POINTER),
    "g_bytes_unref": (None, _POINTER),
    "g_error_free": (None, ErrorPointer),
    "g_object_unref": (None, _POINTER),
    "g_quark_to_string": (_TEXT, ctypes.c_uint32),
    "tvm_completion_queue_cancel": (None, _POINTER, ctypes.c_uint64),
    "tvm_completion_queue_is_running": (ctypes.c_int, _POINTER, ctypes.c_uint64),
    "tvm_completion_queue_new": (_POINTER,),
    "tvm_completion_queue_pop": (_POINTER, _POINTER, ctypes.POINTER(ctypes.c_uint64), _ERROR),
    "tvm_completion_queue_submit": (ctypes.c_uint64, _POINTER, _POINTER, _POINTER),
    "tvm_completion_queue_submit_bytes": (
        ctypes.c_uint64, _POINTER, _POINTER, _TEXT, _SIZE, _TEXT
    ),
    "tvm_popen_worker_send": (ctypes.c_int, _POINTER, _POINTER, _ERROR),
    "tvm_task_add_bytes": (None, _POINTER, _POINTER),
    "tvm_task_new_bytes": (_POINTER, _POINTER),
    "tvm_task_result_get_bytes": (_POINTER, _POINTER),
    "tvm_task_result_get_error": (ErrorPointer, _POINTER),
    "tvm_task_result_get_remote_type": (_TEXT, _POINTER),
    "tvm_task_result_get_status": (ctypes.c_int, _POINTER),
    "tvm_task_result_get_traceback": (_TEXT, _POINTER),
    "tvm_task_set_description": (None, _POINTER, _TEXT),
    "tvm_task_set_timeout": (None, _POINTER, ctypes.c_int64),
    "tvm_worker_call_add_bytes": (None, _POINTER, _POINTER),
    "tvm_worker_call_get_payload": (_POINTER, _POINTER),
    "tvm_worker_call_return_error": (None, _POINTER, _TEXT, _TEXT, _TEXT, _POINTER),
    "tvm_worker_channel_fail": (None, _POINTER, _TEXT, _TEXT, _TEXT),
    "tvm_worker_channel_open": (_POINTER, _TEXT, _TEXT, _ERROR),
    "tvm_worker_nursery_child": (_POINTER, _POINTER, _ERROR),
    "tvm_worker_nursery_open": (_POINTER, _TEXT, _TEXT, _ERROR),
    "tvm_worker_nursery_parent": (None, _POINTER, ctypes.c_int, ctypes.c_int),
}


class _Address(ctypes.Structure):
    """What dladdr() fills."""

    _fields_ = [("path", _TEXT), ("base", _POINTER), ("name", _TEXT), ("symbol", _POINTER)]


class Library:
    """The library at a path, or as the dynamic linker finds it; its functions are attributes."""

    def __init__(self, path="libtvmsupport-1.so.0"):
        self._load(ctypes.CDLL(path), _BLOCKING)
        self._load(ctypes.PyDLL(path), _SHORT)
        # Marks with an atomic increment that the bytes are not used any more, on any thread.
        self.count = ctypes.cast(ctypes.PyDLL(path).g_atomic_int_inc, _POINTER)

    def _load(self, library, functions):
        for name, (result, *arguments) in functions.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
            setattr(self, name.removeprefix("tvm_"), function)

    def path(self):
        """Where the library is that was loaded."""
        address = _Address()
        dladdr = ctypes.CDLL(None).dladdr
        dladdr.argtypes = [_POINTER, ctypes.POINTER(_Address)]
        dladdr(ctypes.cast(self.task_new_bytes, _POINTER), ctypes.byref(address))
        return address.path

    def take_error(self, error):
        """The domain, the code and the message of a pointer to a GError, which is freed."""
        contents = error.contents
        domain = self.g_quark_to_string(contents.domain).decode()
        taken = domain, contents.code, contents.message.decode(errors="replace")
        self.g_error_free(error)
        return taken

    def view(self, pointer):
        """The address and the size of a GBytes."""
        return self.g_bytes_get_data(pointer, None) or 0, self.g_bytes_get_size(pointer)
