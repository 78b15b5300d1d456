# SPDX-License-Identifier: Apache-2.0
"""Packs and unpacks tar archives, in process."""

from __future__ import annotations

import itertools
import os

from gi.repository import TvmSupport

from . import _bridge, utils
from ._types import Path, Paths, compiles_to

__all__ = ["normalize_file_list_by_unpacking_tars", "tar", "untar"]


@compiles_to("tar")
def tar(output: Path, files: Paths) -> None:
    """Creates an archive that has all files in its root.

    Two files of the same name raise a ValueError.

    Parameters
    ----------
    output : str
        The archive.
    files : List[str]
        The files.
    """
    files = _bridge.paths(files)
    seen = set()
    for file in files:
        name = os.path.basename(file)
        if name in seen:
            raise ValueError(f"duplicate file name {name}")
        seen.add(name)
    _bridge.call(TvmSupport.tar_create, _bridge.path(output), files, None)


def untar(tar_file: Path, directory: Path) -> None:
    """Unpacks an archive into a directory.

    Parameters
    ----------
    tar_file : str
        The archive.
    directory : str
        The directory.
    """
    _bridge.call(TvmSupport.tar_extract, _bridge.path(tar_file), _bridge.path(directory), None)


def _is_to_look_at(path: str) -> bool:
    # What is not there, such as the -lm that goes to a linker later on, stays in the list.
    return path.endswith(".tar") or os.path.exists(path)


def normalize_file_list_by_unpacking_tars(
    temp: utils.TempDirectory | TvmSupport.TempDirectory, file_list: Paths
) -> list[str]:
    """Returns the list with each archive replaced by the files in it.

    Parameters
    ----------
    temp : tvmsupport.utils.TempDirectory
        What the archives are unpacked into.
    file_list : List[str]
        Files, some of which may be archives.

    Returns
    -------
    ret_list : List[str]
        Files, none of which is an archive.
    """
    ret_list: list[str] = []
    for to_look_at, paths in itertools.groupby(_bridge.paths(file_list), _is_to_look_at):
        if to_look_at:
            native = getattr(temp, "native", temp)
            unpacked = _bridge.call(TvmSupport.tar_normalize_file_list, native, list(paths), None)
            ret_list.extend(unpacked)
        else:
            ret_list.extend(paths)
    return ret_list
