#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Builds a kernel with several options, and measures each in a process of its own:
# search.py KERNEL.c OPTION…
# The kernel is a function "double kernel (void)".
import asyncio
import sys

import gi

gi.require_version("TvmSupport", "1")
from gi.repository import GLib, TvmSupport
from tvmsupport import popen_pool


# [example]
def measure(library):
    """Runs in a worker, which a kernel may take along or keep for ever."""
    import ctypes
    import time

    kernel = ctypes.CDLL(library).kernel
    kernel.restype = ctypes.c_double
    start = time.perf_counter()
    value = kernel()
    return value, time.perf_counter() - start


async def build(compiler, source, output, option):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.SHARED)
    request.add_input(source)
    request.set_output(output)
    request.set_options(["-O2", option])
    result = await asyncio.wait_for(compiler.compile_async(request), 30)
    result.check()
    return result.get_output()


async def search(source, options):
    """Returns how many options do not work."""
    compiler = TvmSupport.Compiler.new(None)
    n_failed = 0
    with TvmSupport.TempDirectory.new(None) as folder, popen_pool.PopenPoolExecutor(
        max_workers=1, timeout=1
    ) as pool:
        # All are built at the same time, and measured one by one as they come.
        builds = [
            asyncio.create_task(build(compiler, source, folder / f"{i}.so", option))
            for i, option in enumerate(options)
        ]
        for option, library in zip(options, builds):
            try:
                call = pool.submit(measure, await library)
                value, seconds = await asyncio.wrap_future(call)
            except GLib.Error as error:
                messages = [it.get_message() for it in getattr(error, "diagnostics", [])]
                print(f"{option}: {messages[0] if messages else error.message}")
                n_failed += 1
            except Exception as error:
                print(f"{option}: {error}")
                n_failed += 1
            else:
                print(f"{option}: {value:g}")
                print(f"{option}: {seconds * 1e6:.0f} µs", file=sys.stderr)
    return n_failed
# [example]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: search.py KERNEL.c OPTION…")
    sys.exit(1 if asyncio.run(search(sys.argv[1], sys.argv[2:])) > 0 else 0)
