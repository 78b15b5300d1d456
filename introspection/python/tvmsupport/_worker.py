# SPDX-License-Identifier: Apache-2.0
"""The program of the workers of popen_pool, and of their nursery.

It is started by its path, so that it need not import the package, which takes PyGObject with it.
What it needs to know is in the environment, as hexadecimal digits of what marshal makes of it: "path",
what sys.path is to be; "library", the path of libtvmsupport; "alias", whether tvm.support is the
package; "preload", the names of the modules to import before the first fork. JSON would take longer to
load than this program.
"""

import gc
import marshal
import os
import sys
import types

VARIABLE = "TVM_SUPPORT_PYTHON_WORKER"


def main():
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        sys.exit("A worker is started by a pool")
    # Nothing of what is loaded is garbage.
    gc.disable()
    setup = marshal.loads(bytes.fromhex(text))
    sys.path[:] = setup["path"]

    # The modules of the package, without what is in its __init__.py
    package = types.ModuleType("tvmsupport")
    package.__path__ = [os.path.dirname(__file__)]
    sys.modules["tvmsupport"] = package
    from tvmsupport import _worker_loop  # pylint: disable=import-outside-toplevel

    # A task may import the whole of it.
    del sys.modules["tvmsupport"]
    # What a task pickles as a part of __main__ is nothing of this file.
    role = sys.argv.pop()
    for name in [name for name in globals() if not name.startswith("__")]:
        del globals()[name]
    _worker_loop.run(role, setup)


if __name__ == "__main__":
    main()
