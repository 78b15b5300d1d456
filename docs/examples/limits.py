#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Compiles with options, a time limit, a lock, and a way to cancel: limits.py SOURCE OUTPUT
import asyncio
import signal
import sys

import gi

gi.require_version("TvmSupport", "1")
from gi.repository import Gio, GLib, TvmSupport


async def compile_file(source, output):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.SHARED)
    request.add_input(source)
    request.set_output(output)
    request.set_options(["-O2", "-Wall"])
    request.set_timeout(60 * 1000)

    # Ctrl-C kills the compiler and everything behind it.
    cancellable = Gio.Cancellable()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, cancellable.cancel)

    # Whoever else makes this output waits until this program is done.
    with TvmSupport.FileLock.new(f"{output}.lock") as lock:
        await lock.acquire_async(cancellable=cancellable)
        result = await TvmSupport.Compiler.new(None).compile_async(request, cancellable)

    for diagnostic in result.get_diagnostics():
        print(diagnostic.format(), file=sys.stderr)
    if result.get_timed_out():
        print("gave up after a minute", file=sys.stderr)
    if result.get_successful():
        print(f"made {result.get_output()}")
    return 0 if result.get_successful() else 1


if len(sys.argv) != 3:
    print("usage: limits.py SOURCE OUTPUT", file=sys.stderr)
    sys.exit(2)
try:
    sys.exit(asyncio.run(compile_file(*sys.argv[1:])))
except GLib.Error as error:
    # After a cancel, this is G_IO_ERROR_CANCELLED.
    sys.exit(error.message)
