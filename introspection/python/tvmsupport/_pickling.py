# SPDX-License-Identifier: Apache-2.0
"""What a call and a result are on their way between a pool and its workers.

A payload that begins with 0x80 is a pickle. Else its first byte is one of these:

CALL: the length of the pickle of a function (u32), that pickle, the pickle of (args, kwargs). The
function is one that may be used again: a worker keeps it.

BUFFERS: 7 zero bytes, the number of buffers (u64), the size and the kind of each (2 u64), the size of
what comes next (u64), that, which is one of the above, and the buffers, each at a multiple of 16.
Large bytes and what protocol 5 calls out-of-band data go there, and so are not copied into a pickle.
One that is the same object as an earlier one has the number of that instead of a size, and no bytes.
"""

import copyreg
import ctypes
import functools
import io
import pickle
import struct
import sys
import types

import cloudpickle

CALL, BUFFERS = 0x01, 0x02
PROTOCOL = 5

# Smaller ones are better off in the pickle.
LARGE = 64 * 1024
# Large pages make a copy into new memory several times faster.
_HUGE_PAGE = 2 * 1024 * 1024
_MADV_HUGEPAGE = 14

_BYTES, _BYTEARRAY, _WRITABLE, _READABLE, _SAME = range(5)
_ATOMS = frozenset((int, float, complex, bool, str, bytes, type(None)))
_KINDS = frozenset((types.FunctionType, types.BuiltinFunctionType, type))
_KEPT = 64
_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<Q")
_BUFFER = struct.Struct("<QQ")
_ALIGN = 16


class _Function:
    """A function whose pickle stays the same as long as nothing that it uses has changed."""

    def __init__(self, function, names):
        self.code = getattr(function, "__code__", None)
        self.defaults = getattr(function, "__defaults__", None)
        self.annotations = getattr(function, "__annotations__", None)
        # It is needed on the way to a worker, by a name that is as good there.
        self.names = names
        self.pickle = cloudpickle.dumps(function, PROTOCOL)

    def is_current(self, function):
        if self.names is None:
            return _is_found(function)
        if (
            function.__code__ is not self.code
            or function.__defaults__ is not self.defaults
            or function.__annotations__ is not self.annotations
            or function.__kwdefaults__
            or function.__dict__
        ):
            return False
        variables = function.__globals__
        return all(variables.get(name, self) is value for name, value in self.names)


def _is_found(function):
    """Whether the function is what its module has under its name."""
    module = sys.modules.get(function.__module__)
    return getattr(module, function.__qualname__, None) is function


def _is_elsewhere(thing):
    """Whether a function or class has a name by which a worker finds it, too."""
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or module == "__main__" or not isinstance(name, str):
        return False
    package = module.partition(".")[0]
    # The module must be one that can be imported.
    spec = getattr(sys.modules.get(module), "__spec__", None)
    if spec is None or any(part.partition(".")[0] == package for part in _registered):
        return False
    return "." not in name and _is_found(thing)


def _is_constant(value):
    if type(value) in _ATOMS or isinstance(value, types.ModuleType):
        return True
    kinds = (type, types.FunctionType, types.BuiltinFunctionType)
    return isinstance(value, kinds) and _is_elsewhere(value)


def _names(code):
    """The global names that a function may use; None if it may change them."""
    import dis  # pylint: disable=import-outside-toplevel

    names = set(code.co_names)
    if names & {"globals", "vars", "eval", "exec", "__dict__"}:
        return None
    if any(line.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for line in dis.get_instructions(code)):
        return None
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = _names(constant)
            if inner is None:
                return None
            names |= inner
    return names


def _examine(function):
    """A _Function, or None if the function cannot be kept."""
    if _is_elsewhere(function):
        return _Function(function, None)
    if not isinstance(function, types.FunctionType) or function.__closure__ is not None:
        return None
    values = (*(function.__defaults__ or ()), *function.__annotations__.values())
    if function.__kwdefaults__ or function.__dict__ or not all(map(_is_constant, values)):
        return None
    names = _names(function.__code__)
    if names is None:
        return None
    variables = function.__globals__
    used = [(name, variables[name]) for name in sorted(names) if name in variables]
    if not all(_is_constant(value) for _, value in used):
        return None
    return _Function(function, used)


_functions = {}


# The modules whose functions are pickled by value; their public list is a copy each time.
_by_value = getattr(cloudpickle.cloudpickle, "_PICKLE_BY_VALUE_MODULES", None)
_registered = set()


def _get_function(function):
    """The pickle of a function, or None if it cannot be kept."""
    global _registered  # pylint: disable=global-statement
    if type(function) not in _KINDS:
        return None
    by_value = cloudpickle.list_registry_pickle_by_value() if _by_value is None else _by_value
    if by_value != _registered:
        _functions.clear()
        _registered = set(by_value)
    known = _functions.get(function)
    if known is not None and known.is_current(function):
        return known.pickle
    known = _examine(function)
    _functions.pop(function, None)
    if known is None:
        return None
    if len(_functions) >= _KEPT:
        _functions.clear()
    _functions[function] = known
    return known.pickle


def _is_plain(values):
    """Whether a pickle of C is all that the values need."""
    for value in values:
        if type(value) not in _ATOMS or (type(value) is bytes and len(value) >= LARGE):
            return False
    return True


class _Pickling:
    """A pickle, and what is to travel beside it."""

    def __init__(self):
        self.views = []
        # The size and the kind of each
        self.table = []
        # Of what wrap() made, by what it was before
        self.wrapped = {}
        # By the PickleBuffer: the kind, and the number once it is in the table
        self.kinds = {}
        self.numbers = {}

    def wrap(self, value, depth=1):
        """The value, or a copy of a container, with large bytes to travel beside the pickle."""
        kind = type(value)
        if kind in (bytes, bytearray, memoryview):
            return self.wrap_bytes(value)
        if depth == 0 or kind not in (tuple, list, dict) or len(value) > 64:
            return value
        if kind is dict:
            wrapped = {key: self.wrap(item, depth - 1) for key, item in value.items()}
            same = all(wrapped[key] is item for key, item in value.items())
        else:
            wrapped = [self.wrap(item, depth - 1) for item in value]
            same = all(new is item for new, item in zip(wrapped, value))
        return value if same else kind(wrapped)

    def wrap_bytes(self, value):
        view = memoryview(value)
        if view.nbytes < LARGE or not view.c_contiguous:
            return value
        buffer = self.wrapped.get(id(value))
        if buffer is None:
            buffer = self.wrapped[id(value)] = pickle.PickleBuffer(value)
            # A memoryview arrives as bytes, as it does with cloudpickle.
            self.kinds[id(buffer)] = _BYTEARRAY if type(value) is bytearray else _BYTES
        return buffer

    def add(self, buffer):
        """Returns whether a buffer is to be in the pickle itself."""
        if id(buffer) in self.numbers:
            self.table.append((self.numbers[id(buffer)], _SAME))
            return False
        view = buffer.raw()
        if view.nbytes < LARGE:
            return True
        kind = self.kinds.get(id(buffer))
        if kind is not None:
            self.numbers[id(buffer)] = len(self.table)
        else:
            kind = _READABLE if view.readonly else _WRITABLE
        self.table.append((view.nbytes, kind))
        self.views.append(view)
        return False

    def dump(self, value):
        with io.BytesIO() as file:
            cloudpickle.CloudPickler(file, PROTOCOL, buffer_callback=self.add).dump(value)
            return file.getvalue()

    def join(self, head):
        """The pieces of a payload: bytes, and views of what is not to be copied."""
        if not self.views:
            return [head]
        table = b"".join(_BUFFER.pack(*entry) for entry in self.table)
        numbers = _BUFFER.pack(BUFFERS, len(self.table)), table, _NUMBER.pack(len(head))
        pieces = [b"".join((*numbers, head))]
        pieces[0] += bytes(-len(pieces[0]) % _ALIGN)
        for view in self.views:
            pieces.append(view)
            if view.nbytes % _ALIGN:
                pieces.append(bytes(-view.nbytes % _ALIGN))
        return pieces


def dump_call(function, args, kwargs):
    """The pieces of the payload of a call."""
    known = _get_function(function)
    if known is not None and _is_plain(args) and _is_plain(kwargs.values()):
        rest = pickle.dumps((args, kwargs), PROTOCOL)
        return [b"\x01" + _LENGTH.pack(len(known)) + known + rest]
    pickling = _Pickling()
    if known is None:
        return pickling.join(pickling.dump((function, pickling.wrap(args), pickling.wrap(kwargs))))
    rest = pickling.dump((pickling.wrap(args), pickling.wrap(kwargs)))
    return pickling.join(b"\x01" + _LENGTH.pack(len(known)) + known + rest)


def dump_value(value):
    """The pieces of the payload of a result."""
    if _is_plain((value,)):
        return [pickle.dumps(value, PROTOCOL)]
    pickling = _Pickling()
    return pickling.join(pickling.dump(pickling.wrap(value)))


class _ExceptionPickler(cloudpickle.CloudPickler):
    """Pickles exceptions so that they are made without their constructors."""

    def reducer_override(self, obj):
        kind = type(obj)
        if kind.__reduce__ in (BaseException.__reduce__, OSError.__reduce__):
            # Of these an OSError has those that it was given.
            names = ("args", "errno", "strerror", "filename", "filename2")
            fields = {name: getattr(obj, name, None) for name in names}
            state = {name: value for name, value in fields.items() if value is not None}, vars(obj)
            return copyreg.__newobj__, (kind, *obj.args), state, None, None, restore_exception
        return super().reducer_override(obj)


def restore_exception(error, state):
    """Gives a new exception what it had, also where the class refuses that, as if it is frozen."""
    fields, attributes = state
    for name, value in fields.items():
        object.__setattr__(error, name, value)
    vars(error).update(attributes)


def dump_exception(error):
    """The pickle of an exception; fails if it cannot be read again."""
    data = cloudpickle.dumps(error, PROTOCOL)
    try:
        pickle.loads(data)
    except Exception:  # pylint: disable=broad-exception-caught
        # Many have a constructor that does not take what Exception.__reduce__() gives it.
        with io.BytesIO() as file:
            _ExceptionPickler(file, PROTOCOL).dump(error)
            data = file.getvalue()
        pickle.loads(data)
    return data


class _View(ctypes.Structure):
    """A Py_buffer."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_View)]


def get_address(view):
    """Where the bytes of a memoryview are, which may be read only."""
    buffer = _View()
    _get_buffer(view, ctypes.byref(buffer), 0)
    address = buffer.buf
    _release_buffer(ctypes.byref(buffer))
    return address


_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.restype = ctypes.py_object
_new_bytes.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t]
_new_bytearray = ctypes.pythonapi.PyByteArray_FromStringAndSize
_new_bytearray.restype = ctypes.py_object
_new_bytearray.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t]
_libc = ctypes.CDLL(None)
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
_libc.memcpy.restype = ctypes.c_void_p


def _fill(target, address, size):
    start = -(-target // _HUGE_PAGE) * _HUGE_PAGE
    end = (target + size) // _HUGE_PAGE * _HUGE_PAGE
    if end > start:
        _libc.madvise(start, end - start, _MADV_HUGEPAGE)
    _libc.memcpy(target, address, size)


def _copy_bytes(address, size):
    """What ctypes.string_at() does, several times faster, and without the interpreter's lock."""
    copy = _new_bytes(None, size)
    # Nobody else has it yet.
    _fill(id(copy) + bytes.__basicsize__ - 1, address, size)
    return copy


def _copy_bytearray(address, size):
    copy = _new_bytearray(None, size)
    _fill(ctypes.addressof(ctypes.c_char.from_buffer(copy)), address, size)
    return copy


class _Owner:
    """Keeps the memory of a GBytes."""

    def __init__(self, library, pointer):
        self.library = library
        self.pointer = library.g_bytes_ref(pointer)

    def __del__(self):
        self.library.g_bytes_unref(self.pointer)


def _take_buffer(owner, address, size, kind):
    if kind == _BYTES:
        return _copy_bytes(address, size)
    if kind == _BYTEARRAY:
        return _copy_bytearray(address, size)
    memory = (ctypes.c_char * size).from_address(address)
    memory.owner = owner()
    view = memoryview(memory).cast("B")
    return view.toreadonly() if kind == _READABLE else view


_loaded = {}


def _load_head(data):
    if data[0] != CALL:
        return pickle.loads(data)
    end = 5 + _LENGTH.unpack_from(data, 1)[0]
    text = data[5:end]
    function = _loaded.get(text)
    if function is None:
        if len(_loaded) >= _KEPT:
            _loaded.clear()
        function = _loaded[text] = pickle.loads(text)
    return (function, *pickle.loads(data[end:]))


def load(library, pointer):
    """What is in the payload that a GBytes is: the value of a result, or function, args, kwargs."""
    address, size = library.view(pointer)
    if size < LARGE or ctypes.string_at(address, 1)[0] != BUFFERS:
        return _load_head(ctypes.string_at(address, size))
    number = _NUMBER.unpack(ctypes.string_at(address + 8, 8))[0]
    table = ctypes.string_at(address + 16, number * 16)
    position = 16 + number * 16
    length = _NUMBER.unpack(ctypes.string_at(address + position, 8))[0]
    head = ctypes.string_at(address + position + 8, length)
    position += 8 + length
    owner = functools.lru_cache(maxsize=None)(lambda: _Owner(library, pointer))
    buffers = []
    for size, kind in _BUFFER.iter_unpack(table):
        if kind == _SAME:
            buffers.append(buffers[size])
            continue
        position += -position % _ALIGN
        buffers.append(_take_buffer(owner, address + position, size, kind))
        position += size
    if head[0] != CALL:
        return pickle.loads(head, buffers=buffers)
    end = 5 + _LENGTH.unpack_from(head, 1)[0]
    return (pickle.loads(head[5:end]), *pickle.loads(head[end:], buffers=buffers))
