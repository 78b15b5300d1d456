#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Builds a shared library, lists its symbols, and has LOADER load it:
# build-library.py OUTPUT LOADER OPTION… -- SOURCE…
import subprocess
import sys

import gi

gi.require_version("TvmSupport", "1")
from gi.repository import TvmSupport

output, loader, *rest = sys.argv[1:]
split = rest.index("--")
options, sources = rest[:split], rest[split + 1 :]

# [example]
result = TvmSupport.Compiler.new(None).create_shared(output, sources, options)
symbols = TvmSupport.cc_get_global_symbol_section_map(output)
print(f"{len(sources)} sources, {len(symbols)} symbols, {result.get_elapsed() / 1e6:.2f} s")
subprocess.run([loader, output], check=True)
