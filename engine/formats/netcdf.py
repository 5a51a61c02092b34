"""Opens NetCDF classic files with scipy, with every declared size checked against the file."""

from __future__ import annotations

import os
import struct
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import netcdf_file

from engine.formats.errors import FormatError

_LONGEST_HEADER = 1 << 18
_RECORD_COUNT_AT = 4


class _HeaderError(ValueError):
    """The header is cut, or longer than any."""


class _Header:
    """A file as scipy reads its header; no read goes past the end or past the longest header.

    ``records`` overrides the number of records that the file declares.
    """

    def __init__(self, path: Path, records: int | None = None) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - scipy closes it
        self._records = records
        self._end = min(os.fstat(self._file.fileno()).st_size, _LONGEST_HEADER)
        self.declared = -1

    def read(self, count: int) -> bytes:
        at = self._file.tell()
        if count < 0 or at + count > self._end:
            raise _HeaderError("its header goes on past the end of the file")
        data = self._file.read(count)
        if at == _RECORD_COUNT_AT:
            self.declared = struct.unpack(">i", data)[0]
            if self._records is not None:
                return struct.pack(">i", self._records)
            if self.declared < 0:  # written as a stream: the length of the file tells
                raise _HeaderError("it does not say how many records it holds")
        return data

    def seek(self, at: int) -> int:
        return self._file.seek(at)

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return self._file.closed


class _NetCDF(netcdf_file):
    """scipy's reader on a memory map; raises ``ValueError`` for a file that is no good."""

    def __init__(self, header: _Header) -> None:
        try:
            super().__init__(header, "r", mmap=True)
        except Exception as error:
            # Views of the map in the frames of the failure would keep it from being closed.
            traceback.clear_frames(error.__traceback__)
            self.close()
            if isinstance(error, _HeaderError):
                raise
            raise ValueError("its header makes no sense, or the file is cut") from error

    def __setattr__(self, name: str, value: Any) -> None:
        # scipy makes each global attribute of the file one of the object: one that is called
        # "mode" or "filename" must not take the place of scipy's own.
        own = name in self.__dict__ or hasattr(type(self), name)
        from_file = "_attributes" in self.__dict__ and isinstance(
            value, bytes | np.generic | np.ndarray
        )
        if own and from_file:
            self._attributes[name] = value
        else:
            super().__setattr__(name, value)


@contextmanager
def opened(path: Path) -> Iterator[tuple[netcdf_file, list[str]]]:
    """The file, its data mapped and not read, and what was wrong with it.

    Of a file that is cut in its records (NetCDF's growing dimension) those before the cut are
    there. Arrays of it must be copied before the block ends. Raises ``FormatError``.
    """
    warnings: list[str] = []
    header = _Header(path)
    try:
        file = _NetCDF(header)
    except ValueError:
        records = _records_held(path)
        file = _NetCDF(_Header(path, records))
        if header.declared >= 0:
            warnings.append(f"the file is cut: {records} of {header.declared} points are there")
    try:
        yield file, warnings
    finally:
        file.close()


def _records_held(path: Path) -> int:
    """The most records that the file has room for, by trial; at least one, or ``FormatError``."""
    size = path.stat().st_size
    fitting, too_many = -1, 1
    while too_many - fitting > 1:
        records = (fitting + too_many) // 2
        try:
            _NetCDF(_Header(path, records)).close()
        except ValueError as error:
            if records == 0:
                found = f"{size} bytes: {error}"
                raise FormatError(path, "whole NetCDF data", found) from error
            too_many = records
        else:
            fitting = records
            if records == 0:
                too_many = min(size, 1 << 31)
    if fitting == 0:
        raise FormatError(path, "whole NetCDF data", f"{size} bytes: it is cut before its data")
    return fitting
