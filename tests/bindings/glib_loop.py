# SPDX-License-Identifier: Apache-2.0
"""The event loop of PyGObject 3.50 and later; with an older one, a stand-in that runs GLib, too."""

import asyncio
import selectors
import sys
import time
import types

from gi.repository import GLib


class _Selector(selectors.DefaultSelector):
    def __init__(self, context):
        super().__init__()
        self.context = context

    def select(self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            while self.context.iteration(False):
                pass
            events = super().select(0.001)
            if events or (end is not None and time.monotonic() >= end):
                return events


class _StandIn(asyncio.SelectorEventLoop):
    def __init__(self, context):
        super().__init__(_Selector(context))
        self._context = context

    def run_until_complete(self, future):
        assert self._context.acquire()
        try:
            return super().run_until_complete(future)
        finally:
            self._context.release()


try:
    from gi.events import GLibEventLoop
except ImportError:
    GLibEventLoop = _StandIn
    sys.modules["gi.events"] = types.ModuleType("gi.events")
    sys.modules["gi.events"].GLibEventLoop = GLibEventLoop


def run(coroutine, context=None):
    """As asyncio.run()."""
    loop = GLibEventLoop(context or GLib.MainContext.default())
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
