#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a file of tests with pytest and says in TAP how each test went.

Without pytest or PyGObject everything is skipped, visibly.
"""

import os
import sys
import tempfile

try:
    import gi  # noqa: F401
    import pytest
except ImportError as error:
    print(f"1..0 # SKIP {error}")
    sys.exit(0)


class Tap:
    """Prints one line per test."""

    def __init__(self, stream):
        self.stream = stream
        self.count = 0

    def write(self, line):
        """Writes a line of TAP."""
        print(line, file=self.stream, flush=True)

    def pytest_runtest_logreport(self, report):
        """Takes the outcome of a test, or that of its preparation if that is all there is."""
        if report.when != "call" and report.passed:
            return
        self.count += 1
        line = f"{self.count} - {report.nodeid.split('::', 1)[-1]}"
        if report.skipped:
            reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else ""
            self.write(f"ok {line} # SKIP {reason}")
        elif report.passed:
            self.write(f"ok {line}")
        else:
            self.write(f"not ok {line}")
            for text in str(report.longreprtext).splitlines():
                self.write(f"# {text}")

    def pytest_collectreport(self, report):
        """A file that cannot be read as tests is a failure too."""
        if report.failed:
            self.count += 1
            self.write(f"not ok {self.count} - {report.nodeid}")
            for text in str(report.longrepr).splitlines():
                self.write(f"# {text}")


with tempfile.TemporaryDirectory(prefix="pytest-of-tvmsupport-") as folder:
    # What pytest and the tests print goes elsewhere, so that nothing gets between the TAP.
    tap = Tap(os.fdopen(os.dup(1), "w"))
    os.dup2(2, 1)
    status = pytest.main(
        [
            "-p", "no:cacheprovider", "-q", "--no-header", "-W", "ignore::DeprecationWarning",
            "--basetemp", os.path.join(folder, "tests"), *sys.argv[1:],
        ],
        plugins=[tap],
    )
    tap.write(f"1..{tap.count}")
sys.exit(int(status))
