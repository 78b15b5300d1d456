# SPDX-License-Identifier: Apache-2.0
"""The modules of tvm.support as a type checker sees them: read by test_stubs.py.

Each line that ends with a mark has to be refused, and no other one.
"""

import concurrent.futures
import pathlib

import tvmsupport
from tvmsupport import cc, clang, emcc, ndk, nvcc, popen_pool, rocm, tar, utils, xcode


def build(source: pathlib.Path) -> str:
    temp = utils.tempdir()
    library = temp.relpath("kernel.so")
    cc.create_shared(library, [source], options=["-O2"], ccache_env={"CCACHE_DIR": temp / "ccache"})
    cc.create_shared(temp / "kernel.so", source, "-O2 -g", cwd=temp)
    cc.create_staticlib(b"kernel.a", source, ar="gcc-ar")
    cross = cc.cross_compiler("aarch64-linux-gnu-gcc", output_format="so")
    cross(library, [source], cwd="/tmp")
    triple: str | None = cross.get_target_triple() if cross.get_target_triple else None
    symbols: dict[str, str] = cc.get_global_symbol_section_map(library)
    cc.create_shared(library)  # refused
    cc.create_shared(library, 3)  # refused
    cc.create_shared(library, [source], optoins=[])  # refused
    number: int = cc.create_shared.output_format  # refused
    print(triple, symbols, cc.create_shared.output_format, number, cc.get_cc())
    return temp.temp_dir + "/other"


def find() -> list[str]:
    emcc.create_tvmjs_wasm("kernel.wasm", ["kernel.bc"], libs=[])
    ndk.create_shared("kernel.so", ["kernel.o"])
    xcode.create_dylib("kernel.dylib", ["kernel.o"], "arm64")
    ptx: bytearray = nvcc.compile_cuda("__global__ void f() {}", "ptx", arch=["sm_80", "sm_90"])
    major, minor = nvcc.parse_compute_version("9.0")
    version: str = nvcc.get_cuda_version()  # refused
    nvcc.have_fp16(9.0)  # refused
    tar.tar("kernels.tar", ["kernel.o"])
    files: list[str] = tar.normalize_file_list_by_unpacking_tars(utils.tempdir(), ["kernels.tar"])
    with utils.filelock("lock"), utils.TempDirectory.set_keep_for_debug():
        rocm.rocm_link(files[0], "kernel.co")
    tvmsupport.describe()
    print(ptx, major + minor, version, tar.tar.output_format)
    print(clang.create_llvm("int f;").splitlines())
    return clang.find_clang() + rocm.find_lld(required=False)


def add(one: int, two: int = 0) -> int:
    return one + two


def run() -> int:
    with popen_pool.PopenPoolExecutor(2, timeout=1.5, preload=["json"]) as pool:
        future: concurrent.futures.Future[int] = pool.submit(add, 1, two=2)
        pool.submit(add, "1")  # refused
        text: str = pool.submit(add, 1).result()  # refused
        for result in pool.map_with_error_catching(add, range(3)):
            if result.status == popen_pool.StatusKind.COMPLETE:
                print(result.value, text)
            result.stauts  # refused
        print(*concurrent.futures.as_completed([future]))
    worker = popen_pool.PopenWorker(maximum_uses=1)
    worker.send(add, (1, 2), timeout="1")  # refused
    tvmsupport.popen_pool.kill_child_processes(1)
    return future.result()
