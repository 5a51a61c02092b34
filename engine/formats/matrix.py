"""Reads matrices of two-dimensional data: never more than the file holds or the memory bears."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.formats.errors import FormatError

MAX_NUMBERS = 1 << 25
"""Numbers of a spectrum that are kept, as float32; a larger one is reduced to cells of several."""

MAX_RAW_NUMBERS = 1 << 26
"""Real numbers of raw data at most: they are transformed in the memory."""

MAX_SIDE = 1 << 20
"""Points along one axis at most."""

_STRIP = 1 << 22  # numbers read at a time


@dataclass
class Matrix:
    """``z`` float32 ``(my, mx)``; ``columns`` and ``rows`` are the places of its points.

    They count from 0 in the file's points, so they are fractions where cells were made of several.
    """

    z: np.ndarray
    columns: np.ndarray
    rows: np.ndarray
    warnings: list[str] = field(default_factory=list)


def read_matrix(
    path: Path,
    dtype: np.dtype,
    shape: tuple[int, int],
    tile: tuple[int, int] | None = None,
    offset: int = 0,
    transposed: bool = False,
) -> Matrix:
    """The matrix of ``shape`` (rows, columns) at a byte offset, stored row by row or in tiles.

    ``tile`` is (rows, columns) of the tiles, which follow each other row by row, those at the end
    padded to the full size. Of a file that is cut short, the rows that are there come back. A
    matrix of more than ``MAX_NUMBERS`` is reduced: each point is the one of largest magnitude in a
    cell. ``transposed``: rows of the file are columns of what comes back. Numbers that are not
    finite become 0. Raises ``FormatError`` for sizes that cannot be.
    """
    rows, columns = shape
    _check_side(path, rows, columns)
    tall, wide = tile or (max(1, min(rows, _STRIP // columns)), columns)
    _check_side(path, tall, wide)
    across = -(-columns // wide)
    strip = across * wide * tall
    held = max(0, path.stat().st_size - offset) // dtype.itemsize
    if strip > 4 * max(held, 1) and strip > _STRIP:
        raise FormatError(path, f"tiles of {tall} × {wide} numbers", f"a file of {held} numbers")
    if held == 0:
        raise FormatError(path, f"{rows} × {columns} numbers", "none")
    # Untiled rows count one by one; of tiles cut short, the strip that is begun still counts.
    whole = held // columns if tile is None else -(-held // strip) * tall
    there = min(rows, whole)
    if there < 1:
        raise FormatError(path, f"rows of {columns} numbers", f"{held} numbers")
    warnings = []
    needed = rows * columns if tile is None else -(-rows // tall) * strip
    if held < needed:
        warnings.append(
            f"{path.name} is cut short: {rows} rows are declared, {there} were found and read."
        )
    reduced = _Reducer(there, columns)
    bad = 0
    with path.open("rb") as file:
        file.seek(offset)
        done = 0
        while done < there:
            count = strip if tile is not None else min(tall, there - done) * columns
            values = np.fromfile(file, dtype=dtype, count=count)
            if len(values) < count:
                values = np.concatenate([values, np.zeros(count - len(values), dtype)])
            if tile is None:
                block = values.reshape(-1, columns)
            else:
                block = values.reshape(across, tall, wide).swapaxes(0, 1).reshape(tall, -1)
            block = np.ascontiguousarray(block[: there - done, :columns])
            with np.errstate(over="ignore"):
                block = block.astype(np.float32)
            none = ~np.isfinite(block)
            if none.any():
                bad += int(none.sum())
                block[none] = 0.0
            reduced.add(block)
            done += len(block)
    if bad == there * columns:
        raise FormatError(path, "data points", "not one finite number")
    if bad:
        warnings.append(f"{bad} points of {path.name} are not numbers; taken as 0.")
    matrix = reduced.matrix()
    matrix.warnings[:0] = warnings
    if transposed:
        z = np.ascontiguousarray(matrix.z.T)
        matrix = Matrix(z, matrix.rows, matrix.columns, matrix.warnings)
    return matrix


def matrix_of_rows(rows: Iterable[np.ndarray], count: int, columns: int) -> Matrix:
    """The matrix of ``count`` rows ``(columns,)`` that come one by one, reduced where it is large.

    Rows that are missing at the end are left out.
    """
    reduced = _Reducer(count, columns)
    for row in rows:
        reduced.add(np.nan_to_num(np.asarray(row, np.float32), posinf=0.0, neginf=0.0)[None, :])
    return reduced.matrix()


def read_raw_rows(
    path: Path, dtype: np.dtype, places: Iterator[int] | Iterable[int], numbers: int, rows: int
) -> tuple[np.ndarray, list[str]]:
    """Rows of ``numbers`` numbers at byte ``places``, float32 ``(rows found, numbers)``.

    A row that the file cuts is left out, with a warning. Raises ``FormatError`` when there is no
    whole row, or far too many are declared.
    """
    _check_side(path, rows, numbers)
    held = path.stat().st_size // dtype.itemsize
    found = min(rows, max(1, held // numbers))
    if found * numbers > MAX_RAW_NUMBERS:
        raise FormatError(
            path,
            f"raw data of at most {MAX_RAW_NUMBERS >> 20} million numbers",
            f"{found * numbers >> 20} million (open the spectrum as the spectrometer processed it)",
        )
    values = np.zeros((found, numbers), np.float32)
    done = 0
    with path.open("rb") as file:
        for place, row in zip(places, values, strict=False):
            file.seek(place)
            read = np.fromfile(file, dtype=dtype, count=numbers)
            if len(read) < numbers:
                break
            row[:] = read
            done += 1
    if done == 0:
        raise FormatError(path, f"rows of {numbers} numbers", f"{held} numbers")
    warnings = []
    if done < rows:
        warnings.append(
            f"{path.name} is cut short: {rows} rows are declared, {done} were found and read."
        )
    values = values[:done]
    none = ~np.isfinite(values)
    if none.all():
        raise FormatError(path, "data points", "not one finite number")
    if none.any():
        warnings.append(f"{int(none.sum())} points of {path.name} are not numbers; taken as 0.")
        values[none] = 0.0
    return values, warnings


def measured_rows(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The rows up to the last one that was measured: a stopped experiment leaves zeros."""
    measured = np.flatnonzero(values.any(axis=1))
    if len(measured) == 0:
        return values, []
    last = int(measured[-1]) + 1
    if last >= len(values) - 1 or last < 2:
        return values, []
    text = f"Of {len(values)} rows only {last} were measured; the others hold zeros."
    return values[:last], [text]


def _check_side(path: Path, rows: int, columns: int) -> None:
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE):
        raise FormatError(
            path, f"1 to {MAX_SIDE} points along each axis", f"{columns} and {rows} points"
        )


class _Reducer:
    """Puts rows together, of a large matrix one point for each cell of several."""

    def __init__(self, rows: int, columns: int) -> None:
        self._rows, self._columns = rows, columns
        self._tall = self._wide = 1
        while -(-rows // self._tall) * -(-columns // self._wide) > MAX_NUMBERS:
            # The longer axis gives way first.
            if rows // self._tall >= columns // self._wide:
                self._tall *= 2
            else:
                self._wide *= 2
        shape = -(-rows // self._tall), -(-columns // self._wide)
        self._z = np.zeros(shape, np.float32)
        self._done = 0

    def add(self, block: np.ndarray) -> None:
        """Take the next rows, ``(n, columns)``."""
        block = block[: self._rows - self._done]
        if self._tall == self._wide == 1:
            self._z[self._done : self._done + len(block)] = block
            self._done += len(block)
            return
        spare = -self._columns % self._wide
        block = np.pad(block, ((0, 0), (0, spare))).reshape(len(block), -1, self._wide)
        block = _extreme(block, 2)
        for row in block:
            place = self._done // self._tall
            kept = self._z[place]
            larger = np.abs(row) > np.abs(kept)
            kept[larger] = row[larger]
            self._done += 1

    def matrix(self) -> Matrix:
        there = -(-self._done // self._tall)
        warnings = []
        if self._tall * self._wide > 1:
            warnings.append(
                f"The matrix of {self._columns} × {self._rows} points is large: each point is the "
                f"tallest of {self._wide} × {self._tall}."
            )
        return Matrix(
            self._z[:there],
            _centres(self._columns, self._wide),
            _centres(self._rows, self._tall)[:there],
            warnings,
        )


def _extreme(values: np.ndarray, axis: int) -> np.ndarray:
    """Along an axis, the value of largest magnitude with its sign."""
    low, high = values.min(axis), values.max(axis)
    return np.where(-low > high, low, high)


def _centres(count: int, step: int) -> np.ndarray:
    firsts = np.arange(0, count, step, dtype=np.float64)
    lasts = np.minimum(firsts + step, count) - 1
    return (firsts + lasts) / 2
