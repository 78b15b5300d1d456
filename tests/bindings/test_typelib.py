# SPDX-License-Identifier: Apache-2.0
"""The library through PyGObject, as it is and with what the overrides add."""

import asyncio
import os
import pathlib
import threading

import gi
import pytest

gi.require_version("TvmSupport", "1")
from gi.repository import Gio, GLib, TvmSupport  # noqa: E402


def request_for(source, output, kind=TvmSupport.CompileKind.SHARED):
    request = TvmSupport.CompileRequest.new(kind)
    request.add_input(source, TvmSupport.Language.AUTO)
    request.set_output(output)
    return request


def with_main_loop(start):
    """Runs start(callback) in the default main loop; returns what its callback got."""
    loop = GLib.MainLoop()
    got = []

    def done(source, result):
        got.append((source, result))
        loop.quit()

    start(done)
    loop.run()
    return got[0]


def test_compiles_with_a_callback(add_c, tmp_path):
    output = tmp_path / "libadd.so"
    compiler = TvmSupport.Compiler.new(None)
    source, result = with_main_loop(
        lambda done: compiler.compile_async(request_for(add_c, output), None, done)
    )
    assert source == compiler
    compiled = compiler.compile_finish(result)
    assert compiled.get_successful()
    assert compiled.check()
    assert compiled.get_output() == str(output)
    assert output.exists()


def test_compiles_with_await(add_c, tmp_path):
    output = tmp_path / "libadd.so"
    result = asyncio.run(TvmSupport.Compiler.new(None).compile_async(request_for(add_c, output)))
    assert result.get_successful()
    assert output.exists()


def test_reads_a_diagnostic(tmp_path):
    source = tmp_path / "broken.c"
    source.write_text("int f (void)\n{\n  return missing;\n}\n")
    request = request_for(source, tmp_path / "broken.o", TvmSupport.CompileKind.OBJECT)
    result = asyncio.run(TvmSupport.Compiler.new(None).compile_async(request))

    assert not result.get_successful()
    assert result.get_n_errors() == 1
    diagnostic = result.get_diagnostics()[0]
    assert diagnostic.get_severity() == TvmSupport.DiagnosticSeverity.ERROR
    assert diagnostic.get_file() == str(source)
    assert diagnostic.get_line() == 3
    assert "missing" in diagnostic.get_message()

    with pytest.raises(GLib.Error) as error:
        result.check()
    assert error.value.matches(TvmSupport.error_quark(), TvmSupport.Error.COMPILE_FAILED)
    assert isinstance(error.value, RuntimeError)


def test_cancels_a_running_compile(endless, tmp_path):
    compiler = TvmSupport.Compiler.new(None)
    cancellable = Gio.Cancellable()
    pipes = []

    def cancel_it():
        pipes.append(endless.wait_for_compiler())
        cancellable.cancel()

    canceller = threading.Thread(target=cancel_it)
    request = request_for(endless.source, tmp_path / "x.o", TvmSupport.CompileKind.OBJECT)

    def start(done):
        compiler.compile_async(request, cancellable, done)
        canceller.start()

    _, result = with_main_loop(start)
    canceller.join()
    with pytest.raises(GLib.Error) as error:
        compiler.compile_finish(result)
    assert error.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)

    with pytest.raises(BrokenPipeError):
        os.write(pipes[0], b"\n")
    os.close(pipes[0])
    assert endless.processes() == []
    assert not (tmp_path / "x.o").exists()


def test_cancels_what_is_awaited(endless, tmp_path):
    request = request_for(endless.source, tmp_path / "x.o", TvmSupport.CompileKind.OBJECT)

    async def main():
        task = asyncio.ensure_future(TvmSupport.Compiler.new(None).compile_async(request))
        pipe = await asyncio.get_running_loop().run_in_executor(None, endless.wait_for_compiler)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert endless.processes() == []
        os.close(pipe)

    asyncio.run(main())


def test_many_at_a_time(tmp_path):
    requests = Gio.ListStore.new(TvmSupport.CompileRequest)
    for number in range(4):
        source = tmp_path / f"source-{number}.c"
        source.write_text(f"int number_{number} = {number};\n")
        requests.append(
            request_for(source, source.with_suffix(".o"), TvmSupport.CompileKind.OBJECT)
        )
    results = asyncio.run(TvmSupport.Compiler.new(None).compile_all_async(requests))
    assert [result.get_successful() for result in results] == [True] * 4
    assert [pathlib.Path(result.get_output()).name for result in results] == [
        f"source-{number}.o" for number in range(4)
    ]


def test_a_list_of_requests(tmp_path):
    requests = []
    for name in ("one", "two"):
        source = tmp_path / f"{name}.c"
        source.write_text(f"int {name};\n")
        requests.append(
            request_for(source, source.with_suffix(".o"), TvmSupport.CompileKind.OBJECT)
        )
    compiler = TvmSupport.Compiler.new(None)
    outputs = [str(tmp_path / "one.o"), str(tmp_path / "two.o")]
    results = asyncio.run(compiler.compile_all_async(requests))
    assert [result.get_output() for result in results] == outputs
    results = compiler.compile_all(requests)
    assert [result.get_output() for result in results] == outputs


def test_arguments_left_out(tmp_path):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input(tmp_path / "one.c")
    request.add_input(tmp_path / "two.c", language=TvmSupport.Language.C)
    request.add_input_bytes("three.c", b"int three;\n")
    assert request.dup_inputs()[:2] == [str(tmp_path / "one.c"), str(tmp_path / "two.c")]

    lock = TvmSupport.FileLock.new(tmp_path / "lock")
    assert lock.acquire()
    other = TvmSupport.FileLock.new(tmp_path / "lock")
    with pytest.raises(GLib.Error) as error:
        other.acquire(timeout_msec=0)
    assert error.value.matches(TvmSupport.error_quark(), TvmSupport.Error.TIMED_OUT)
    lock.release()
    asyncio.run(other.acquire_async())
    assert other.get_held()
    other.release()


def test_a_missing_compiler(add_c, tmp_path):
    compiler = TvmSupport.Compiler.new_for_command("no-such-compiler-anywhere")
    with pytest.raises(GLib.Error) as error:
        compiler.compile(request_for(add_c, tmp_path / "x.so"))
    assert error.value.matches(TvmSupport.error_quark(), TvmSupport.Error.NOT_FOUND)
    assert "no-such-compiler-anywhere" in error.value.message


def test_input_from_memory(tmp_path):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input_bytes(
        "memory.c", GLib.Bytes.new(b"int in_memory;\n"), TvmSupport.Language.AUTO
    )
    request.set_output(tmp_path / "memory.o")
    result = TvmSupport.Compiler.new(None).compile(request)
    assert result.get_successful(), result.get_log_text()
    assert TvmSupport.cc_get_global_symbol_section_map(tmp_path / "memory.o") == {"in_memory": "B"}


def test_environment_as_dict(tmp_path):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.set_environ({"CPATH": tmp_path})
    assert request.dup_environ() == [f"CPATH={tmp_path}"]


def test_a_subclass_changes_the_command_line(add_c, tmp_path):
    class Defining(TvmSupport.Compiler):
        def do_build_argv(self, toolchain, request):
            assert request.get_output()
            argv = TvmSupport.Compiler.do_build_argv(self, toolchain, request)
            return argv + ["-Dadd=plus"]

    request = request_for(add_c, tmp_path / "plus.o", TvmSupport.CompileKind.OBJECT)
    result = Defining().compile(request)
    assert result.get_successful(), result.get_log_text()
    assert "plus" in TvmSupport.cc_get_global_symbol_section_map(tmp_path / "plus.o")


def test_an_error_of_a_subclass_is_kept(add_c, tmp_path):
    class Refusing(TvmSupport.Compiler):
        def do_build_argv(self, toolchain, request):
            raise GLib.Error.new_literal(TvmSupport.error_quark(), "no", 7)

    request = request_for(add_c, tmp_path / "x.o", TvmSupport.CompileKind.OBJECT)
    result = Refusing().compile(request)
    assert not result.get_successful()
    with pytest.raises(GLib.Error) as error:
        result.check()
    assert error.value.matches(TvmSupport.error_quark(), 7)


def test_context_managers(tmp_path):
    with TvmSupport.TempDirectory.new(None) as folder:
        assert os.path.isdir(folder)
        assert folder / "x" == pathlib.Path(folder.get_path(), "x")
        path = folder.get_path()
    assert not os.path.exists(path)

    with TvmSupport.FileLock.new(tmp_path / "lock") as lock:
        lock.acquire(-1)
        assert lock.get_held()
    assert not lock.get_held()


def test_facts():
    facts = TvmSupport.libinfo()
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in facts.items())
    assert "GLib" in TvmSupport.describe()
