# SPDX-License-Identifier: Apache-2.0
"""What Python has beside what the typelib says: bytes, errors that say more."""

import asyncio
import os
import pathlib

import gi
import pytest

gi.require_version("TvmSupport", "1")

from gi.repository import GLib, GObject, TvmSupport  # noqa: E402

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


def test_properties_take_what_methods_do(tmp_path):
    request = TvmSupport.CompileRequest(
        kind=TvmSupport.CompileKind.OBJECT,
        output=tmp_path / "a.o",
        working_directory=os.fsencode(tmp_path),
        environ={"ONE": tmp_path, b"TWO": "2"},
    )
    assert request.props.output == str(tmp_path / "a.o")
    assert request.props.working_directory == str(tmp_path)
    assert request.props.environ == [f"ONE={tmp_path}", "TWO=2"]
    request.props.output = tmp_path / "b.o"
    request.set_property("environ", {"THREE": "3"})
    assert request.props.output == str(tmp_path / "b.o")
    assert request.get_property("environ") == ["THREE=3"]
    with pytest.raises(TypeError):
        request.props.environ = {"FOUR": 4}
    with pytest.raises(AttributeError):
        request.props.nothing = 5
    assert [it.name for it in request.props] == [it.name for it in type(request).props]

    task = TvmSupport.Task(stdin=bytearray(b"in"))
    assert task.props.stdin == task.get_property("stdin") == b"in"
    task.set_properties(stdin=b"more", working_directory=tmp_path)
    assert task.get_properties("stdin", "working-directory") == (b"more", str(tmp_path))


def test_properties_do_not_end_at_a_nul():
    for value in ("a\0b", b"a\0b"):
        with pytest.raises(ValueError, match="null byte"):
            TvmSupport.CompileRequest(output=value)
        with pytest.raises(ValueError, match="null byte"):
            TvmSupport.CompileRequest(options=["-c", value])


def test_properties_of_a_subclass():
    class Own(TvmSupport.Compiler):
        flag = GObject.Property(type=str)

    own = Own(command="gcc", flag="on")
    assert (own.props.command, own.props.flag, own.flag) == ("gcc", "on", "on")


def test_a_text_is_no_list_of_texts(tmp_path):
    with pytest.raises(TypeError, match="objects: Expected a list"):
        TvmSupport.Compiler.new(None).create_shared(tmp_path / "a.so", tmp_path / "a.c")
    with pytest.raises(TypeError, match="files: Expected a list"):
        TvmSupport.tar_create(tmp_path / "a.tar", files="a.c", options=None)


def test_an_error_without_a_result_says_so(tmp_path):
    compiler = TvmSupport.Compiler.new(None)
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input(tmp_path / "missing.c")
    request.set_output(tmp_path / "missing.o")
    with pytest.raises(GLib.Error) as of_compile:
        TvmSupport.Compiler.new_for_command("no-such-compiler").compile(request)
    with pytest.raises(GLib.Error) as of_create:
        compiler.create_shared(tmp_path / "missing.so", [tmp_path / "missing.c"])
    for caught in (of_compile, of_create):
        assert (caught.value.result, caught.value.diagnostics) == (None, [])
