# SPDX-License-Identifier: Apache-2.0
"""Packs and unpacks tar archives, in process."""

import itertools
import os

from gi.repository import TvmSupport

from . import _bridge

__all__ = ["normalize_file_list_by_unpacking_tars", "tar", "untar"]


def tar(output, files):
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


tar.output_format = "tar"


def untar(tar_file, directory):
    """Unpacks an archive into a directory.

    Parameters
    ----------
    tar_file : str
        The archive.
    directory : str
        The directory.
    """
    _bridge.call(TvmSupport.tar_extract, _bridge.path(tar_file), _bridge.path(directory), None)


def _is_to_look_at(path):
    # What is not there, such as the -lm that goes to a linker later on, stays in the list.
    return path.endswith(".tar") or os.path.exists(path)


def normalize_file_list_by_unpacking_tars(temp, file_list):
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
    ret_list = []
    for to_look_at, paths in itertools.groupby(_bridge.paths(file_list), _is_to_look_at):
        if to_look_at:
            native = getattr(temp, "native", temp)
            paths = _bridge.call(TvmSupport.tar_normalize_file_list, native, list(paths), None)
        ret_list.extend(paths)
    return ret_list
