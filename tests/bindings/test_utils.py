# SPDX-License-Identifier: Apache-2.0
"""The module utils of the drop-in."""

import datetime
import fcntl
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import textwrap
import threading

import pytest

from signatures import signature as plain_signature
from tvmsupport import utils
from tvmsupport.utils import TempDirectory


def run_python(program, *args, check=True):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *args],
        check=check, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "function, signature",
    [
        (utils.tempdir, "(custom_path=None, keep_for_debug=None)"),
        (utils.TempDirectory, "(custom_path=None, keep_for_debug=None)"),
        (utils.TempDirectory.set_keep_for_debug, "(set_to=True)"),
        (utils.TempDirectory.relpath, "(self, name)"),
        (utils.TempDirectory.remove, "(self)"),
        (utils.FileLock, "(path)"),
        (utils.FileLock.release, "(self)"),
        (utils.filelock, "(path)"),
        (utils.is_source_path, "(path)"),
        (utils.which, "(exec_name)"),
    ],
)
def test_signatures(function, signature):
    assert plain_signature(function) == signature


def test_a_directory_comes_and_goes():
    temp = utils.tempdir()
    path = temp.temp_dir
    assert temp.path == pathlib.Path(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    assert temp.relpath("x") == os.path.join(path, "x")
    assert temp / "x" == pathlib.Path(path, "x")
    (temp / "x").write_text("x")
    assert temp.listdir() == ["x"]
    assert os.fspath(temp) == path
    assert path in TempDirectory.TEMPDIRS
    temp.remove()
    assert not os.path.exists(path)
    assert path not in TempDirectory.TEMPDIRS
    temp.remove()
    for use in (lambda: temp.path, lambda: temp.relpath("x"), temp.listdir, lambda: temp / "x"):
        with pytest.raises(RuntimeError):
            use()


def test_goes_with_the_context_and_with_the_object():
    with utils.tempdir() as temp:
        path = temp.temp_dir
        assert os.path.isdir(path)
    assert not os.path.exists(path)

    temp = utils.tempdir()
    path = temp.temp_dir
    del temp
    assert not os.path.exists(path)
    assert path not in TempDirectory.TEMPDIRS


def test_custom_path(tmp_path):
    custom = tmp_path / "custom"
    with utils.tempdir(str(custom)) as temp:
        assert temp.path == custom
        with pytest.raises(FileExistsError):
            utils.tempdir(custom)
        assert custom.is_dir()
    assert not custom.exists()
    with pytest.raises(FileNotFoundError):
        utils.tempdir(tmp_path / "no" / "parent")


def test_a_name_that_leads_out():
    with utils.tempdir() as temp:
        for name in ("../x", "a/../../x"):
            with pytest.raises(ValueError):
                temp.relpath(name)


def test_keep_for_debug(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = """
        from tvmsupport.utils import TempDirectory, tempdir
        kept = []
        with TempDirectory.set_keep_for_debug():
            kept += [tempdir(), tempdir()]
            with TempDirectory.set_keep_for_debug(False):
                print(tempdir().temp_dir)
        kept.append(tempdir(keep_for_debug=True))
        gone = tempdir()
        for it in kept + [gone]:
            print(it.temp_dir)
        kept[0].remove()
    """
    lines = run_python(program).stdout.split()
    gone, kept = [lines[0], lines[4]], lines[1:4]
    assert [os.path.basename(path) for path in kept] == ["00000", "00001", "00002"]
    assert all(os.path.isdir(path) for path in kept)
    assert not any(os.path.exists(path) for path in gone)
    session = os.path.basename(os.path.dirname(kept[0]))
    assert datetime.datetime.strptime(session.split("___")[0], "%Y-%m-%dT%H-%M-%S")
    for path in kept:
        shutil.rmtree(path)


def test_keep_for_debug_of_the_library(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = """
        from gi.repository import TvmSupport
        from tvmsupport.utils import TempDirectory, tempdir
        TvmSupport.TempDirectory.set_keep_for_debug(True)
        print(tempdir().temp_dir)
        print(tempdir(keep_for_debug=False).temp_dir)
        with TempDirectory.set_keep_for_debug(False):
            print(tempdir().temp_dir)
    """
    kept, *gone = run_python(program).stdout.split()
    assert os.path.isdir(kept)
    assert os.path.basename(kept) == "00000"
    assert not any(os.path.exists(path) or "tvm-debug-mode" in path for path in gone)
    shutil.rmtree(os.path.dirname(kept))


def test_keep_for_debug_of_one_thread_only():
    def make():
        with utils.tempdir() as temp:
            made.append(temp.temp_dir)

    made = []
    with TempDirectory.set_keep_for_debug():
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
    assert not os.path.exists(made[0])


def test_at_exit(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = """
        from tvmsupport.utils import DirectoryCreatedPastAtExit, TempDirectory, tempdir
        temp = tempdir()
        open(temp / "file", "w").close()
        TempDirectory.remove_tempdirs()
        TempDirectory.remove_tempdirs()
        try:
            tempdir()
        except DirectoryCreatedPastAtExit:
            print("refused")
        temp.remove()
    """
    assert run_python(program).stdout == "refused\n"
    run_python("from tvmsupport.utils import tempdir; it = tempdir()")
    run_python("import tvmsupport.utils, sys; tvmsupport.utils.tempdir(); sys.exit(3)", check=False)
    assert [path.name for path in tmp_path.iterdir() if path.name != "tvm-debug-mode-tempdirs"] == []


def test_a_forked_child_removes_nothing():
    with utils.tempdir() as temp:
        program = """
            import os
            from tvmsupport.utils import tempdir
            temp = tempdir()
            if os.fork() == 0:
                del temp
                raise SystemExit
            os.wait()
            print(os.path.isdir(temp.temp_dir))
        """
        assert run_python(program).stdout == "True\n"
        assert os.path.isdir(temp.temp_dir)


def test_file_lock(tmp_path):
    path = tmp_path / "lock"
    path.write_text("not truncated")
    lock = utils.filelock(str(path))
    with open(path, "a", encoding="utf-8") as other:
        with pytest.raises(BlockingIOError):
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert path.read_text() == "not truncated"
    lock.release()
    lock.release()
    with utils.FileLock(path), open(path, "a", encoding="utf-8") as other:
        with pytest.raises(BlockingIOError):
            fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_file_lock_between_threads(tmp_path):
    path = tmp_path / "lock"
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count():
        for _ in range(25):
            lock = utils.FileLock(path)
            counter.write_text(str(int(counter.read_text()) + 1))
            lock.release()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "100"


def test_is_source_path(tmp_path):
    (tmp_path / "noext").write_text("")
    assert utils.is_source_path(str(tmp_path / "noext"))
    assert utils.is_source_path("a/b.c")
    assert not utils.is_source_path("int x;\nfloat y;")
    assert not utils.is_source_path("float f(){return 1.0f;}")
    assert not utils.is_source_path("nothing here")
    assert utils.is_source_path(pathlib.Path("a/b.cu"))


def test_which(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "program"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(program.parent))
    with pytest.raises(RuntimeError, match="^Cannot find executable program$"):
        utils.which("program")
    program.chmod(0o755)
    assert utils.which("program") == str(program)

    # The working directory is no place to look for programs.
    monkeypatch.chdir(program.parent)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError):
        utils.which("program")


def test_says_that_pygobject_is_missing():
    # -S leaves out the folder where PyGObject is, -E what PYTHONPATH adds.
    package = pathlib.Path(utils.__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-E", "-S", "-c", "import sys; sys.path.insert(0, sys.argv[1]); "
         "import tvmsupport", os.fspath(package)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60,
    )
    if (package / "gi" / "__init__.py").exists():
        pytest.skip("PyGObject is installed beside the package")
    assert result.returncode != 0
    assert "ImportError: PyGObject is missing from" in result.stderr
    assert "/usr/bin/python3" in result.stderr
