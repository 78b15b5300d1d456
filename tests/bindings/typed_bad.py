# SPDX-License-Identifier: Apache-2.0
"""What a type checker has to refuse, each line that ends with a mark: read by test_stubs.py."""

from gi.repository import TvmSupport

compiler = TvmSupport.Compiler.new(3)  # refused
compiler.compile("source.c")  # refused
request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.NONSENSE)  # refused
request.add_input()  # refused
request.add_input("a.c", TvmSupport.Language.C, 1)  # refused
number: int = compiler.compile(request).get_output()  # refused
compiler.no_such_method()  # refused
TvmSupport.no_such_function()  # refused
text: str = TvmSupport.Compiler.new(None).compile_async(request)  # refused
lock = TvmSupport.FileLock.new("lock")
lock.acquire("1")  # refused
for index in TvmSupport.PoolExecutor.new(None).map("f", []):  # refused
    print(index.get_index() + "")  # refused
