#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A worker and its nursery, made of TvmWorkerChannel and TvmWorkerNursery; see test_worker.py."""

import os
import sys
import traceback

import gi

gi.require_version("TvmSupport", "1")
from gi.repository import GLib, TvmSupport

MODULES = []


def work(call, channel):
    name, _, argument = call.get_payload().decode().partition(" ")
    if name == "upper":
        return argument.upper()
    if name == "settings":
        return " ".join(channel.dup_settings())
    if name == "modules":
        return " ".join(MODULES)
    if name == "wait":
        while not call.get_cancellable().is_cancelled():
            GLib.usleep(1000)
        return "cancelled"
    raise KeyError(name)


def serve(channel):
    while (call := channel.next()) is not None:
        try:
            call.return_bytes(work(call, channel).encode())
        except KeyError as error:
            call.return_error(type(error).__name__, str(error), traceback.format_exc(),
                              b"extra")


def main():
    role = sys.argv[-1]
    if role != "--tvm-worker=nursery":
        serve(TvmSupport.WorkerChannel.open(role, "channel-worker.py 1.0"))
        return

    nursery = TvmSupport.WorkerNursery.open(role, "channel-worker.py 1.0")
    while (request := nursery.next()) != TvmSupport.WorkerRequest.END:
        if request == TvmSupport.WorkerRequest.SETUP:
            MODULES[:] = nursery.dup_settings()
        elif (pid := os.fork()) == 0:
            serve(nursery.child())
            os._exit(0)
        else:
            nursery.parent(pid, 0)


main()
