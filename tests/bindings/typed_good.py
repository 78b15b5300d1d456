# SPDX-License-Identifier: Apache-2.0
"""What a type checker has to take: run by nobody, read by test_stubs.py."""

import asyncio
import pathlib

from gi.repository import Gio, GLib, TvmSupport


def compile_one(source: pathlib.Path) -> bytes:
    compiler = TvmSupport.Compiler.new(None)
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input(source)
    request.add_input_bytes("more.c", b"int more;\n", TvmSupport.Language.C)
    request.set_environ({"LANG": "C"})
    result = compiler.compile(request, Gio.Cancellable())
    result.check()
    return result.get_bytes() or b""


async def compile_awaited(source: pathlib.Path) -> int:
    compiler = TvmSupport.Compiler.new_for_command("gcc -m64")
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT)
    request.add_input(source)
    result = await asyncio.wait_for(compiler.compile_async(request), 10)
    return result.get_n_errors()


def compile_with_callback(request: TvmSupport.CompileRequest) -> None:
    compiler = TvmSupport.Compiler.new(None)

    def ready(source: TvmSupport.Compiler, result: Gio.AsyncResult) -> None:
        print(source.compile_finish(result).get_output())

    compiler.compile_async(request, None, ready)


async def run_pool(spec: TvmSupport.WorkerSpec) -> list[int]:
    indices = []
    with TvmSupport.PoolExecutor.new(spec) as pool:
        pool.set_timeout(500)
        async for result in pool.map("double", [GLib.Variant("i", i) for i in range(3)]):
            indices.append(result.get_index())
    return indices


def use_files() -> pathlib.Path:
    with TvmSupport.TempDirectory.new(None) as temp, TvmSupport.FileLock.new(temp / "lock") as lock:
        lock.acquire()
        symbols: dict[str, str] = TvmSupport.cc_get_global_symbol_section_map("libc.so.6")
        print(sorted(symbols), open(temp / "other", "w").name, temp.list())
        return temp / "child"
