#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""popen_pool against its peers, in the same run: multiprocessing.Pool, pebble, and a stand-in for a
pool of the usual design, which has a thread for each worker, pipes that block, and a timer in the
worker.

Each figure is the best of several rounds, in which everybody has a turn: this machine may have other
things to do. Usage: bench-python.py [ROUNDS [PART...]]
"""

import concurrent.futures
import ctypes
import multiprocessing
import os
import queue
import struct
import subprocess
import sys
import tempfile
import time

import cloudpickle

from tvmsupport import cc, popen_pool

try:
    import pebble
except ModuleNotFoundError:
    pebble = None

LIMIT = 20
SIZE = 100_000_000
ROWS = []


# The stand-in

WORKER = """
import os, struct, sys, threading, cloudpickle
source, target = os.fdopen(int(sys.argv[1]), "rb"), os.fdopen(int(sys.argv[2]), "wb")
while len(head := source.read(4)) == 4:
    call, limit = cloudpickle.loads(source.read(struct.unpack("<i", head)[0]))
    out = []
    def run():
        try:
            out.append((True, call[0](*call[1])))
        except Exception as error:
            out.append((False, error))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(limit)
    data = cloudpickle.dumps(out[0] if out else (False, TimeoutError()), protocol=5)
    target.write(struct.pack("<i", len(data)) + data)
    target.flush()
    if not out:
        os._exit(1)
"""


class StandIn:
    def __init__(self, workers, uses=None):
        self.uses = uses
        self.idle = queue.Queue()
        self.threads = concurrent.futures.ThreadPoolExecutor(workers)
        for _ in range(workers):
            self.idle.put(None)

    def start(self):
        here, target = os.pipe()
        source, there = os.pipe()
        child = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(here), str(there)], pass_fds=(here, there)
        )
        os.close(here)
        os.close(there)
        return [child, os.fdopen(target, "wb"), os.fdopen(source, "rb"), 0]

    def stop(self, worker):
        worker[0].kill()
        worker[0].wait()
        worker[1].close()
        worker[2].close()

    def run(self, function, args):
        worker = self.idle.get() or self.start()
        try:
            data = cloudpickle.dumps(((function, args), LIMIT), protocol=5)
            worker[1].write(struct.pack("<i", len(data)) + data)
            worker[1].flush()
            good, value = cloudpickle.loads(
                worker[2].read(struct.unpack("<i", worker[2].read(4))[0])
            )
            worker[3] += 1
            if self.uses is not None and worker[3] >= self.uses:
                self.stop(worker)
                worker = None
        finally:
            self.idle.put(worker)
        if not good:
            raise value
        return value

    def submit(self, function, *args):
        return self.threads.submit(self.run, function, args)

    def close(self):
        self.threads.shutdown()
        while not self.idle.empty():
            worker = self.idle.get()
            if worker is not None:
                self.stop(worker)


# Peers with one face: call(function, *args), many(function, items), close()


class Ours:
    name = "ours"

    def __init__(self, workers=2, uses=None):
        self.pool = popen_pool.PopenPoolExecutor(workers, LIMIT, maximum_process_uses=uses)

    def call(self, function, *args):
        return self.pool.submit(function, *args).result()

    def many(self, function, items):
        futures = [self.pool.submit(function, item) for item in items]
        return [future.result() for future in futures]

    def close(self):
        self.pool.shutdown()


class Multiprocessing:
    name = "multiprocessing"

    def __init__(self, workers=2, uses=None):
        self.pool = multiprocessing.Pool(workers, maxtasksperchild=uses)

    def call(self, function, *args):
        return self.pool.apply(function, args)

    def many(self, function, items):
        results = [self.pool.apply_async(function, (item,)) for item in items]
        return [result.get() for result in results]

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Pebble:
    name = "pebble"

    def __init__(self, workers=2, uses=0):
        self.pool = pebble.ProcessPool(workers, max_tasks=uses or 0)

    def call(self, function, *args):
        return self.pool.schedule(function, args=args, timeout=LIMIT).result()

    def many(self, function, items):
        futures = [self.pool.schedule(function, args=(it,), timeout=LIMIT) for it in items]
        return [future.result() for future in futures]

    def close(self):
        self.pool.stop()
        self.pool.join()


class Usual:
    name = "stand-in"

    def __init__(self, workers=2, uses=None):
        self.pool = StandIn(workers, uses)

    def call(self, function, *args):
        return self.pool.submit(function, *args).result()

    def many(self, function, items):
        futures = [self.pool.submit(function, item) for item in items]
        return [future.result() for future in futures]

    def close(self):
        self.pool.close()


PEERS = [Ours, Multiprocessing, Usual] + ([Pebble] if pebble is not None else [])


def same(value):
    return value


def compare(rounds, peers, work, **options):
    """The best time of each peer."""
    pools = [peer(**options) for peer in peers]
    best = {}
    for pool in pools:
        pool.call(same, 1)
    for _ in range(rounds):
        for pool in pools:
            start = time.perf_counter()
            work(pool)
            taken = time.perf_counter() - start
            best[pool.name] = min(taken, best.get(pool.name, taken))
    for pool in pools:
        pool.close()
    return best


def row(text, ours, goal, **ratios):
    """ratios: what is divided by what, and what it should be at least or at most"""
    ROWS.append((text, ours, goal, ", ".join(f"{value:.2f} {name}" for name, value in ratios.items())))


def bench_round_trip(rounds):
    def work(pool):
        for number in range(300):
            pool.call(same, number)

    best = compare(rounds, PEERS, work)
    usec = {name: value / 300 * 1e6 for name, value in best.items()}
    ratios = {f"of {name}": usec["ours"] / value for name, value in usec.items() if name != "ours"}
    row("round trip", f"{usec['ours']:.0f} µs", "≤ 0.7 pebble, ≤ 1.15 multiprocessing", **ratios)


def bench_many(rounds):
    best = compare(
        rounds, [Ours, Multiprocessing, Usual], lambda pool: pool.many(same, range(10000))
    )
    ratios = {f"times {name}": value / best["ours"] for name, value in best.items() if name != "ours"}
    text = f"{10000 / best['ours']:,.0f} /s"
    row("10,000 submits", text, "≥ 1 multiprocessing, ≥ 2 stand-in", **ratios)


def bench_uses(rounds):
    ours = compare(rounds, [Ours], lambda pool: pool.many(same, range(400)), uses=1)["ours"] / 400
    usual = compare(1, [Usual], lambda pool: pool.many(same, range(20)), uses=1)["stand-in"] / 20
    text = f"{1 / ours:,.0f} /s"
    row("maximum_process_uses=1", text, "≥ 800 /s, ≥ 10 stand-in", **{"times stand-in": usual / ours})


def bench_large(rounds):
    data = bytes(SIZE)
    peers = [Ours, Multiprocessing] + ([Pebble] if pebble is not None else [])
    best = compare(rounds, peers, lambda pool: pool.call(same, data))
    other = min(value for name, value in best.items() if name != "ours")
    text = f"{best['ours'] * 1000:.0f} ms"
    row("echo of 100 MB", text, "≥ 4 best peer", **{"times best peer": other / best["ours"]})


FIRST = """
import time
from tvmsupport import popen_pool
for _ in range(2):
    start = time.perf_counter()
    with popen_pool.PopenPoolExecutor(2, 20) as pool:
        pool.submit(abs, 1).result()
        print(time.perf_counter() - start)
"""


def bench_first(rounds):
    first, second, plain = [], [], []
    for _ in range(max(5, rounds)):
        output = subprocess.run(
            [sys.executable, "-c", FIRST], stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()
        first.append(float(output[0]))
        second.append(float(output[1]))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import cloudpickle"], check=True)
        plain.append(time.perf_counter() - start)
    row(
        "new pool to first result",
        f"{min(first) * 1000:.1f} ms",
        "≤ 1.3 import cloudpickle",
        **{"of import cloudpickle": min(first) / min(plain)},
    )
    row("the next pool", f"{min(second) * 1000:.1f} ms", "≤ 5 ms")


def hold(seconds):
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


def bench_late(rounds):
    late = []
    with popen_pool.PopenPoolExecutor(1, 0.1) as pool:
        for _ in range(4 * rounds):
            pool.submit(same, 1).result()
            start = time.perf_counter()
            try:
                pool.submit(hold, 10).result()
            except TimeoutError:
                late.append(time.perf_counter() - start - 0.1)
    late.sort()
    text = f"{late[len(late) // 2] * 1000:.1f} ms, at most {late[-1] * 1000:.1f}"
    row("timeout of a task that holds the lock: late", text, "≤ 2 ms")


SOURCE = "#include <stdio.h>\n#include <stdlib.h>\nint kernel_%d (int n) { return n + %d; }\n"


def write_sources(folder, number):
    paths = []
    for index in range(number):
        path = os.path.join(folder, f"k{index}.c")
        with open(path, "w", encoding="ascii") as file:
            file.write(SOURCE % (index, index))
        paths.append(path)
    return paths


def compile_one(path):
    cc.create_shared(path + ".so", [path], cc="gcc")


def bench_threads(rounds):
    """4 threads of sync compiles against 4 processes of them"""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_sources(folder, 16)
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            # Forks of this process would have its threads' locks, and none of its threads.
            spawn = multiprocessing.get_context("spawn")
            with concurrent.futures.ProcessPoolExecutor(4, spawn) as processes:
                best = {}
                list(processes.map(compile_one, paths))
                for name, pool in (("threads", threads), ("processes", processes)) * rounds:
                    start = time.perf_counter()
                    list(pool.map(compile_one, paths))
                    taken = time.perf_counter() - start
                    best[name] = min(taken, best.get(name, taken))
    text = f"{best['threads'] * 1000:.0f} ms"
    ratio = {"of 4 processes": best["threads"] / best["processes"]}
    row("16 compiles in 4 threads", text, "≤ 1.1 processes", **ratio)


KERNELS = {"hang": "for (;;) ;", "crash": "__builtin_trap ();", "broken": "does not compile"}


def make_kernels(folder):
    kinds = ["good"] * 60
    for kind, places in (("hang", (7, 31)), ("crash", (11, 44)), ("broken", (3, 20, 51))):
        for place in places:
            kinds[place] = kind
    paths = []
    for index, kind in enumerate(kinds):
        path = os.path.join(folder, f"kernel{index}.c")
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#include <stdlib.h>\nint kernel (int n) {{ {KERNELS.get(kind, '')}\n"
                       "int sum = 0; for (int i = 0; i < n; i++) sum += i % 7; return sum; }\n")
        paths.append(path)
    return kinds, paths


def build_kernel(path):
    output = path + ".so"
    cc.create_shared(output, [path], ["-O2"], cc="gcc")
    return output


def run_kernel(path):
    start = time.perf_counter()
    ctypes.CDLL(path).kernel(1_000_000)
    return time.perf_counter() - start


def tune(paths):
    """The loop of a tuner. Returns the time that the kernels took, and the statuses."""
    builder = popen_pool.PopenPoolExecutor(2, timeout=LIMIT)
    runner = popen_pool.PopenPoolExecutor(1, timeout=0.5)
    own, statuses = 0, []
    for built in builder.map_with_error_catching(build_kernel, paths):
        if built.status != popen_pool.StatusKind.COMPLETE:
            statuses.append("broken")
            continue
        try:
            own += runner.submit(run_kernel, built.value).result()
            statuses.append("good")
        except TimeoutError:
            statuses.append("hang")
        except ChildProcessError:
            statuses.append("crash")
    builder.shutdown()
    runner.shutdown()
    return own, statuses


def bench_tuner(rounds):
    ratios = []
    for _ in range(max(1, rounds // 3)):
        with tempfile.TemporaryDirectory() as folder:
            kinds, paths = make_kernels(folder)
            start = time.perf_counter()
            own, statuses = tune(paths)
            ours = time.perf_counter() - start
            assert statuses == kinds, statuses
            start = time.perf_counter()
            subprocess.run(
                ["xargs", "-P2", "-I{}", "gcc", "-shared", "-fPIC", "-O2", "-o", "{}.so", "{}"],
                input="\n".join(paths), text=True, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            floor = time.perf_counter() - start + 0.5 * kinds.count("hang") + own
            ratios.append((ours / floor, ours, floor))
    ratio, ours, floor = min(ratios)
    row(
        "tuner: 60 kernels built and run",
        f"{ours:.2f} s",
        "≤ 1.15 the sum",
        **{f"of {floor:.2f} s": ratio},
    )


PARTS = {
    "round-trip": bench_round_trip,
    "many": bench_many,
    "uses": bench_uses,
    "large": bench_large,
    "first": bench_first,
    "late": bench_late,
    "threads": bench_threads,
    "tuner": bench_tuner,
}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for part in sys.argv[2:] or PARTS:
        PARTS[part](rounds)
    print(f"Load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, {rounds} rounds")
    print("| What | Ours | Ratios | Goal |\n|---|---|---|---|")
    for text, ours, goal, ratios in ROWS:
        print(f"| {text} | {ours} | {ratios} | {goal} |")


if __name__ == "__main__":
    main()
