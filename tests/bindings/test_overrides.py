# SPDX-License-Identifier: Apache-2.0
"""What Python has beside what the typelib says: bytes, errors that say more."""

import asyncio
import pathlib

import gi
import pytest

gi.require_version("TvmSupport", "1")

from gi.repository import GLib, TvmSupport  # noqa: E402

BROKEN = b"int f (void) { return g; }\n"


def request_for(source, kind=TvmSupport.CompileKind.OBJECT):
    request = TvmSupport.CompileRequest.new(kind)
    request.add_input_bytes("memory.c", source)
    return request


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_go_in_and_come_out(kind):
    request = request_for(kind(b"int in_memory;\n"))
    result = TvmSupport.Compiler.new(None).compile(request)
    assert isinstance(result.get_bytes(), bytes)
    assert result.get_bytes().startswith(b"\x7fELF")
    assert result.get_log() is None or isinstance(result.get_log(), bytes)


def test_bytes_by_name():
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input_bytes(name="memory.c", bytes=b"int in_memory;\n")
    assert asyncio.run(TvmSupport.Compiler.new(None).compile_async(request)).get_successful()


def test_a_glib_bytes_still_goes_in():
    assert request_for(GLib.Bytes.new(b"int i;\n")) is not None


def test_an_error_of_a_check_has_the_result():
    result = TvmSupport.Compiler.new(None).compile(request_for(BROKEN))
    with pytest.raises(GLib.Error) as caught:
        result.check()
    assert caught.value.result is result
    errors = [it for it in caught.value.diagnostics if "undeclared" in it.get_message()]
    assert [it.get_line() for it in errors] == [1]


def test_an_error_of_a_one_shot_has_the_result(tmp_path):
    source = tmp_path / "broken.c"
    source.write_bytes(BROKEN)
    arguments = (tmp_path / "broken.so", [source], None, None, None)
    compiler = TvmSupport.Compiler.new(None)
    with pytest.raises(GLib.Error) as blocking:
        compiler.create_shared(*arguments)
    with pytest.raises(GLib.Error) as awaited:
        asyncio.run(compiler.create_shared_async(*arguments))
    for caught in (blocking, awaited):
        assert not caught.value.result.get_successful()
        assert caught.value.diagnostics
        assert "undeclared" in caught.value.result.get_log_text()


def test_the_exceptions_of_tvm_support_have_it(tmp_path):
    from tvmsupport import cc

    source = tmp_path / "broken.c"
    source.write_bytes(BROKEN)
    with pytest.raises(RuntimeError) as caught:
        cc.create_shared(tmp_path / "broken.so", [source])
    assert not caught.value.result.get_successful()
    assert caught.value.diagnostics[0].get_file().endswith("broken.c")


def test_paths_everywhere(tmp_path):
    """A path is a str, bytes or an os.PathLike, also among others in a list."""
    source = tmp_path / "add.c"
    source.write_text("int add (int a, int b) { return a + b; }\n")
    library = tmp_path / "libadd.so"
    TvmSupport.Compiler.new(None).create_shared(library, [pathlib.PurePath(source)], ["-O1"])
    assert TvmSupport.cc_get_global_symbol_section_map(library) == {"add": "T"}
    with TvmSupport.TempDirectory.new(None) as temp:
        assert (temp / "child").parent == pathlib.Path(temp)
