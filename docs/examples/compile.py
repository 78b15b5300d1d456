#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Compiles a source file into a shared library: compile.py SOURCE OUTPUT
import asyncio
import sys

import gi

gi.require_version("TvmSupport", "1")
from gi.repository import GLib, TvmSupport


async def compile_file(source, output):
    request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.SHARED)
    request.add_input(source)
    request.set_output(output)
    request.set_timeout(60 * 1000)

    result = await TvmSupport.Compiler.new(None).compile_async(request)
    for diagnostic in result.get_diagnostics():
        print(diagnostic.format(), file=sys.stderr)
    if result.get_successful():
        print(f"made {result.get_output()}")
    return 0 if result.get_successful() else 1


if len(sys.argv) != 3:
    print("usage: compile.py SOURCE OUTPUT", file=sys.stderr)
    sys.exit(2)
try:
    sys.exit(asyncio.run(compile_file(*sys.argv[1:])))
except GLib.Error as error:
    sys.exit(error.message)
