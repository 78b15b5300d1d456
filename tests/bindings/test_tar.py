# SPDX-License-Identifier: Apache-2.0
"""The module tar of the drop-in."""

import os
import pathlib
import tarfile

import pytest

from signatures import signature as plain_signature
from tvmsupport import tar, utils


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / name for name in ("a.o", "-rf", "--checkpoint-action=exec=false")]
    for path in paths:
        path.write_text(path.name)
    return paths


def test_signatures():
    assert plain_signature(tar.tar) == "(output, files)"
    assert plain_signature(tar.untar) == "(tar_file, directory)"
    assert (
        plain_signature(tar.normalize_file_list_by_unpacking_tars) == "(temp, file_list)"
    )
    assert tar.tar.output_format == "tar"


def test_there_and_back(files, tmp_path):
    archive = tmp_path / "files.tar"
    assert tar.tar(str(archive), [str(file) for file in files]) is None
    with tarfile.open(archive) as opened:
        assert sorted(opened.getnames()) == sorted(file.name for file in files)
    (tmp_path / "out").mkdir()
    assert tar.untar(archive, tmp_path / "out") is None
    for file in files:
        assert (tmp_path / "out" / file.name).read_text() == file.name


def test_same_bytes_each_time(files, tmp_path):
    tar.tar(tmp_path / "one.tar", files)
    for file in files:
        os.utime(file, (1, 1))
    tar.tar(tmp_path / "two.tar", files)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_duplicates(files, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.o").write_text("another")
    with pytest.raises(ValueError, match="duplicate file name a.o"):
        tar.tar(tmp_path / "x.tar", [files[0], tmp_path / "sub" / "a.o"])
    assert not (tmp_path / "x.tar").exists()


def test_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        tar.tar(tmp_path / "x.tar", [tmp_path / "nowhere"])
    with pytest.raises(RuntimeError):
        tar.untar(tmp_path / "nowhere.tar", tmp_path)
    (tmp_path / "text.tar").write_text("this is no archive")
    with pytest.raises(RuntimeError):
        tar.untar(tmp_path / "text.tar", tmp_path)


def test_an_escape(tmp_path):
    (tmp_path / "x").write_text("x")
    with tarfile.open(tmp_path / "evil.tar", "w") as evil:
        evil.add(tmp_path / "x", arcname="../escaped")
    (tmp_path / "out").mkdir()
    with pytest.raises(RuntimeError):
        tar.untar(tmp_path / "evil.tar", tmp_path / "out")
    assert not (tmp_path / "escaped").exists()


def test_normalize(files, tmp_path):
    tar.tar(tmp_path / "files.tar", files)
    with utils.tempdir() as temp:
        (tmp_path / "first.o").write_text("no archive")
        given = [str(tmp_path / "first.o"), tmp_path / "files.tar", "-lm"]
        before = list(given)
        for _ in range(2):
            got = tar.normalize_file_list_by_unpacking_tars(temp, given)
            assert given == before
            assert got[0] == str(tmp_path / "first.o")
            assert got[-1] == "-lm"
            unpacked = [pathlib.Path(path) for path in got[1:-1]]
            assert sorted(path.name for path in unpacked) == sorted(file.name for file in files)
            assert all(path.read_text() == path.name for path in unpacked)
            assert all(temp.path in path.parents for path in unpacked)
    assert not unpacked[0].exists()
