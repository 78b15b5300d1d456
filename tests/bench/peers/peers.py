#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the process pools of Python need for what bench-pool measures of ours.

    peers.py PEER MEASURE [ARGUMENT]

Prints "NAME VALUE" lines. Ends with the status 77 if the peer is not installed, or has no such
thing.
"""

import os
import resource
import signal
import statistics
import sys
import threading
import time

MISSING = 77


class NotThere(Exception):
    pass


# What the workers run

def echo(value):
    return value


def nap(seconds):
    time.sleep(seconds)


def crash():
    os.kill(os.getpid(), signal.SIGKILL)


def spin_blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        pass


def get_pid():
    return os.getpid()


# The peers: each with submit(function, arguments) -> a function that waits for the value

class Executor:
    """concurrent.futures, and what has its interface"""

    def __init__(self, workers=1, **options):
        from concurrent.futures import ProcessPoolExecutor
        self.pool = ProcessPoolExecutor(workers, **options)

    def submit(self, function, *arguments):
        return self.pool.submit(function, *arguments).result

    def map(self, function, items):
        return self.pool.map(function, items, chunksize=1)

    def close(self):
        self.pool.shutdown()


class Loky(Executor):
    def __init__(self, workers=1, **options):
        try:
            from joblib.externals.loky import ProcessPoolExecutor
        except ImportError as error:
            raise NotThere from error
        if options:
            raise NotThere
        self.pool = ProcessPoolExecutor(workers)


class Multiprocessing:
    def __init__(self, workers=1, max_tasks_per_child=None):
        import multiprocessing
        self.pool = multiprocessing.Pool(workers, maxtasksperchild=max_tasks_per_child)

    def submit(self, function, *arguments):
        return self.pool.apply_async(function, arguments).get

    def map(self, function, items):
        return self.pool.map(function, items, chunksize=1)

    def close(self):
        self.pool.terminate()


class Pebble:
    def __init__(self, workers=1, max_tasks_per_child=0):
        try:
            import pebble
        except ImportError as error:
            raise NotThere from error
        self.pool = pebble.ProcessPool(workers, max_tasks=max_tasks_per_child or 0)

    def submit(self, function, *arguments, timeout=10):
        return self.pool.schedule(function, args=arguments, timeout=timeout).result

    def map(self, function, items):
        return self.pool.map(function, items, timeout=10).result()

    def close(self):
        self.pool.stop()
        self.pool.join()


PEERS = {
    "concurrent.futures": Executor,
    "loky": Loky,
    "multiprocessing": Multiprocessing,
    "pebble": Pebble,
}


def warm(pool, n=200):
    for i in range(n):
        pool.submit(echo, i)()


# Some peers leave processes behind, and these must not hold the pipe that the numbers go to.
OUTPUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(name, value):
    print(name, value, file=OUTPUT, flush=True)


# What is measured

def roundtrip(peer, apart=None):
    pool = peer(1)
    warm(pool)
    if apart:
        os.sched_setaffinity(pool.submit(get_pid)(), {1})
        os.sched_setaffinity(0, {0})
    times = []
    for i in range(2000):
        begin = time.perf_counter()
        pool.submit(echo, i)()
        times.append(time.perf_counter() - begin)
    say("usec", statistics.median(times) * 1e6)
    pool.close()


def submit(peer, n="100000"):
    pool = peer(2)
    warm(pool)
    begin = time.perf_counter()
    waits = [pool.submit(echo, i) for i in range(int(n))]
    for wait in waits:
        wait()
    say("rate", int(n) / (time.perf_counter() - begin))
    pool.close()


def map_items(peer, n="100000"):
    pool = peer(2)
    warm(pool)
    begin = time.perf_counter()
    for _ in pool.map(echo, range(int(n))):
        pass
    say("rate", int(n) / (time.perf_counter() - begin))
    pool.close()


def get_status(name):
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(name)


def echo_bytes(peer, size="1000000"):
    size = int(size)
    pool = peer(1)
    warm(pool, 10)
    base = get_status("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")
    payload = b"x" * size
    times = []
    for _ in range(5 if size > 10000000 else 100):
        begin = time.perf_counter()
        value = pool.submit(echo, payload)()
        times.append(time.perf_counter() - begin)
        assert len(value) == size
        del value
    say("msec", statistics.median(times) * 1e3)
    say("payloads", (get_status("VmHWM") - base) / size)
    pool.close()


def uses(peer, n="300"):
    pool = peer(2, max_tasks_per_child=1)
    begin = time.perf_counter()
    waits = [pool.submit(echo, i) for i in range(int(n))]
    for wait in waits:
        wait()
    say("rate", int(n) / (time.perf_counter() - begin))
    pool.close()


def deadline(peer, what="nap"):
    if peer is not Pebble:
        raise NotThere
    pool = peer(1)
    warm(pool, 10)
    late = []
    for _ in range(5):
        begin = time.perf_counter()
        try:
            if what == "nap":
                pool.submit(nap, 3600, timeout=0.2)()
            else:
                pool.submit(spin_blocked, timeout=0.2)()
        except TimeoutError:
            pass
        late.append(time.perf_counter() - begin - 0.2)
        warm(pool, 1)
    say("msec", statistics.median(late) * 1e3)
    say("max", max(late) * 1e3)
    pool.close()


def crash_seen(peer):
    """Ten tasks wait behind one that crashes: how many of them are lost?"""
    pool = peer(2)
    warm(pool, 10)
    begin = time.perf_counter()
    first = pool.submit(crash)
    others = []
    lost = 0
    for _ in range(10):
        try:
            others.append(pool.submit(nap, 0.01))
        except Exception:
            lost += 1
    seen = []

    def watch():
        try:
            first()
        except Exception:
            seen.append(time.perf_counter() - begin)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    for wait in others:
        try:
            wait()
        except Exception:
            lost += 1
    thread.join(2)
    if seen:
        say("msec", seen[0] * 1e3)
    say("lost", lost)
    os._exit(0)


def first_result(peer):
    import concurrent.futures.process  # noqa: F401: what is imported anyway is not counted
    import multiprocessing.pool  # noqa: F401
    begin = time.perf_counter()
    pool = peer(1)
    pool.submit(echo, 1)()
    say("msec", (time.perf_counter() - begin) * 1e3)
    pool.close()


def idle(peer):
    pool = peer(1)
    warm(pool)
    pid = pool.submit(get_pid)()
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Private_Dirty:"):
                say("mb", int(line.split()[1]) * 1024 / 1e6)
    pool.close()


MEASURES = {
    "roundtrip": roundtrip,
    "submit": submit,
    "map": map_items,
    "echo": echo_bytes,
    "uses": uses,
    "deadline": deadline,
    "crash": crash_seen,
    "first": first_result,
    "idle": idle,
}


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        MEASURES[sys.argv[2]](PEERS[sys.argv[1]], *sys.argv[3:])
    except (NotThere, TypeError):
        return MISSING
    return 0


if __name__ == "__main__":
    sys.exit(main())
