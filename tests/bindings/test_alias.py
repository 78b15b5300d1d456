# SPDX-License-Identifier: Apache-2.0
"""tvmsupport under the name of tvm.support, with and without a tvm beside it."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import tvmsupport

tvmsupport.install_as_tvm_support()

from tvm.support import cc
import tvm.support.utils as other
import tvm.support
from tvm.support.popen_pool import PopenPoolExecutor
import tvmsupport.popen_pool

assert tvm.support is tvmsupport
assert cc is tvmsupport.cc and other is tvmsupport.utils
assert PopenPoolExecutor is tvmsupport.popen_pool.PopenPoolExecutor
assert tvmsupport.popen_pool.__spec__.name == "tvmsupport.popen_pool"

def is_same():
    import tvm.support.cc
    from tvm.support import utils
    import tvmsupport
    assert utils is tvmsupport.utils and tvm.support.cc is tvmsupport.cc
    return getattr(tvm, "VALUE", None), tvm.__spec__ is not None and tvm.__spec__.name

here = getattr(tvm, "VALUE", None), tvm.__spec__ is not None and tvm.__spec__.name
with PopenPoolExecutor(1) as pool:
    assert pool.submit(pow, 2, 5).result() == 32
    assert pool.submit(is_same).result() == here
    assert pool.submit(lambda: cc.__name__).result() == "tvmsupport.cc"
tvmsupport.install_as_tvm_support()
print(getattr(tvm, "VALUE", None), getattr(tvm, "used", cc) is cc)
"""


def run(environ=None):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_without_a_tvm():
    assert run() == "None True\n"


def test_with_a_tvm(tmp_path):
    """What tvm itself imports of its support comes from here, too."""
    support = tmp_path / "tvm" / "support"
    support.mkdir(parents=True)
    (tmp_path / "tvm" / "__init__.py").write_text("from .support import cc as used\nVALUE = 7\n")
    (support / "__init__.py").write_text("raise RuntimeError('the other one')\n")
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(tmp_path)])
    assert run({"PYTHONPATH": path}) == "7 True\n"


def test_with_a_tvm_that_is_broken(tmp_path):
    """An error of tvm itself is not taken for its absence."""
    (tmp_path / "tvm.py").write_text("import no_such_module_of_tvm\n")
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(tmp_path)])
    with pytest.raises(AssertionError, match="no_such_module_of_tvm"):
        run({"PYTHONPATH": path})
