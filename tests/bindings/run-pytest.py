#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one file of tests with pytest, or is skipped where there is no pytest."""

import os
import sys
import tempfile

try:
    import gi  # noqa: F401
    import pytest
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

with tempfile.TemporaryDirectory(prefix="tvmsupport-pytest-") as folder:
    status = pytest.main(
        ["-q", "-p", "no:cacheprovider", "--basetemp", os.path.join(folder, "tests"), *sys.argv[1:]]
    )
    # What is left of a test must not be left of the run.
    sys.stdout.flush()
sys.exit(int(status))
