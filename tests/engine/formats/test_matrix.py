"""Matrices from files: tiles, cut files, sizes that lie, and large ones in little memory."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formats import matrix
from engine.formats.errors import FormatError
from engine.formats.matrix import measured_rows, read_matrix, read_raw_rows

TYPE = np.dtype(">f4")


def _tiled(values: np.ndarray, tall: int, wide: int) -> bytes:
    rows, columns = -(-values.shape[0] // tall) * tall, -(-values.shape[1] // wide) * wide
    padded = np.zeros((rows, columns))
    padded[: values.shape[0], : values.shape[1]] = values
    tiles = [
        padded[r : r + tall, c : c + wide]
        for r in range(0, rows, tall)
        for c in range(0, columns, wide)
    ]
    return b"".join(tile.astype(TYPE).tobytes() for tile in tiles)


@pytest.mark.parametrize("tile", [None, (2, 3), (4, 4), (5, 7), (1, 7)])
def test_rows_and_tiles_come_out_alike(tmp_path, tile):
    values = np.arange(35.0).reshape(5, 7)
    path = tmp_path / "m"
    data = values.astype(TYPE).tobytes() if tile is None else _tiled(values, *tile)
    path.write_bytes(b"head" + data)
    found = read_matrix(path, TYPE, (5, 7), tile, offset=4)
    np.testing.assert_array_equal(found.z, values)
    assert found.columns.tolist() == list(range(7)) and not found.warnings
    turned = read_matrix(path, TYPE, (5, 7), tile, offset=4, transposed=True)
    np.testing.assert_array_equal(turned.z, values.T)


def test_of_a_file_that_is_cut_the_rows_that_are_there(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(np.arange(35.0).astype(TYPE).tobytes()[: 4 * 17])
    found = read_matrix(path, TYPE, (5, 7))
    assert found.z.shape == (2, 7) and "cut short" in found.warnings[0]


@pytest.mark.parametrize("shape", [(0, 4), (4, 1 << 40), (1 << 40, 4)])
def test_sizes_that_cannot_be(tmp_path, shape):
    path = tmp_path / "m"
    path.write_bytes(b"\0" * 64)
    with pytest.raises(FormatError, match="points along each axis"):
        read_matrix(path, TYPE, shape)


def test_huge_sizes_that_the_file_does_not_have(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(np.ones(16, TYPE).tobytes())
    with pytest.raises(FormatError):
        read_matrix(path, TYPE, (1 << 20, 1 << 20), (1 << 20, 1 << 20))
    with pytest.raises(FormatError):
        read_matrix(path, TYPE, (1 << 20, 1 << 20))
    assert read_matrix(path, TYPE, (1 << 20, 4)).z.shape == (4, 4)


def test_a_large_matrix_keeps_its_peaks_in_a_smaller_one(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix, "MAX_NUMBERS", 64)
    values = np.zeros((20, 33))
    values[7, 11], values[19, 32] = -9.0, 5.0
    path = tmp_path / "m"
    path.write_bytes(values.astype(TYPE).tobytes())
    found = read_matrix(path, TYPE, (20, 33))
    assert found.z.size <= 64 and "large" in found.warnings[0]
    assert found.z.min() == -9 and found.z.max() == 5
    row, column = np.unravel_index(found.z.argmin(), found.z.shape)
    assert abs(found.rows[row] - 7) < 4 and abs(found.columns[column] - 11) < 4
    assert (np.diff(found.rows) > 0).all() and found.rows[-1] <= 19


def test_what_is_no_number_becomes_zero(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(np.array([1, np.nan, np.inf, 2], TYPE).tobytes())
    found = read_matrix(path, TYPE, (2, 2))
    assert found.z.tolist() == [[1, 0], [0, 2]] and "2 points" in found.warnings[0]
    path.write_bytes(np.full(4, np.nan, TYPE).tobytes())
    with pytest.raises(FormatError, match="finite"):
        read_matrix(path, TYPE, (2, 2))


def test_raw_rows_at_their_places(tmp_path):
    path = tmp_path / "ser"
    path.write_bytes(np.arange(24, dtype="<i4").tobytes())
    values, warnings = read_raw_rows(path, np.dtype("<i4"), [0, 32, 64], 4, 3)
    assert values.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17, 18, 19]] and not warnings
    values, warnings = read_raw_rows(path, np.dtype("<i4"), [0, 32, 80], 8, 3)
    assert len(values) == 2 and "cut short" in warnings[0]
    with pytest.raises(FormatError, match="million"):
        read_raw_rows(_sparse(tmp_path), np.dtype("<i4"), range(9), 1 << 19, 1 << 9)


def _sparse(folder):
    path = folder / "sparse"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    return path


def test_rows_that_were_never_measured_are_left_out():
    values = np.zeros((8, 2), np.float32)
    values[:5] = 1
    kept, warnings = measured_rows(values)
    assert len(kept) == 5 and "only 5" in warnings[0]
