"""What was measured for atoms with the same surroundings, looked up by their codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.chemistry.predicted_shifts import NUCLEI

RADII = (2, 3, 4)
# Known or not, mean, spread, and how often it was seen: for each radius of each nucleus.
FEATURES = 4
MEMORY_FEATURES = FEATURES * len(RADII) * len(NUCLEI)

_CENTRE = {"13C NMR": 90.0, "1H NMR": 4.0}
_UNIT = {"13C NMR": 50.0, "1H NMR": 2.5}


@dataclass(frozen=True, eq=False)
class _Table:
    """Ascending ``codes`` with the mean and standard deviation (ppm) and the number of shifts."""

    codes: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class ShiftMemory:
    """The tables by nucleus and radius."""

    tables: Mapping[tuple[str, int], _Table]

    @classmethod
    def fitted(cls, codes: np.ndarray, shifts: np.ndarray) -> ShiftMemory:
        """From the codes ``(V, 5)`` and shifts ``(V, 2)`` (13C, 1H; NaN where unknown) of atoms."""
        tables = {}
        for column, technique in enumerate(NUCLEI):
            known = np.isfinite(shifts[:, column])
            for radius in RADII:
                tables[technique, radius] = _table(codes[known, radius], shifts[known, column])
        return cls(tables)

    def features(self, codes: np.ndarray) -> np.ndarray:
        """The memory of atoms with codes ``(V, 5)``: float32 ``(V, 24)``, as networks take it."""
        return self._features(codes, None, None)

    def features_without_own(
        self, codes: np.ndarray, shifts: np.ndarray, molecule: np.ndarray
    ) -> np.ndarray:
        """The same for the atoms that the memory was fitted on, each without its own molecule.

        ``shifts`` as in :meth:`fitted`; ``molecule`` ``(V,)``: equal for atoms that may not tell
        of each other. A network that is trained on it meets what it will meet with new molecules.
        """
        return self._features(codes, shifts, molecule)

    def _features(self, codes, shifts, molecule) -> np.ndarray:
        result = np.zeros((len(codes), len(NUCLEI), len(RADII), FEATURES), np.float32)
        for column, technique in enumerate(NUCLEI):
            for place, radius in enumerate(RADII):
                table = self.tables[technique, radius]
                own = codes[:, radius]
                mean, spread, count = _looked_up(table, own)
                if shifts is not None:
                    mean, spread, count = _without_own(
                        mean, spread, count, own, shifts[:, column], molecule
                    )
                known = count > 0.5
                into = result[:, column, place]
                into[:, 0] = known
                into[:, 1] = np.where(known, (mean - _CENTRE[technique]) / _UNIT[technique], 0)
                into[:, 2] = np.where(known, np.minimum(spread / _UNIT[technique] * 5, 2), 0)
                into[:, 3] = np.where(known, np.log1p(count) / 5, 0)
        return result.reshape(len(codes), -1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays by name, small enough to ship: shifts in hundredths of a ppm."""
        arrays = {}
        for (technique, radius), table in self.tables.items():
            name = f"memory.{technique.split()[0]}.{radius}"
            arrays[f"{name}.codes"] = table.codes
            arrays[f"{name}.mean"] = np.round(table.mean * 100).astype(np.int16)
            arrays[f"{name}.spread"] = np.minimum(np.round(table.spread * 10), 255).astype(np.uint8)
            arrays[f"{name}.count"] = np.minimum(table.count, 255).astype(np.uint8)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ShiftMemory:
        """Read what :meth:`to_arrays` gave; raises ``KeyError`` or ``ValueError`` for less."""
        tables = {}
        for technique in NUCLEI:
            for radius in RADII:
                name = f"memory.{technique.split()[0]}.{radius}"
                codes, mean, spread, count = (
                    np.asarray(arrays[f"{name}.{part}"])
                    for part in ("codes", "mean", "spread", "count")
                )
                if not len(codes) == len(mean) == len(spread) == len(count):
                    raise ValueError(f"{name}: the arrays are not of one length")
                tables[technique, radius] = _Table(
                    codes, mean / 100.0, spread / 10.0, count.astype(float)
                )
        return cls(tables)


def _table(codes: np.ndarray, ppm: np.ndarray) -> _Table:
    unique, inverse, count = np.unique(codes, return_inverse=True, return_counts=True)
    ppm = ppm.astype(float)
    mean = np.bincount(inverse, ppm, len(unique)) / np.maximum(count, 1)
    square = np.bincount(inverse, (ppm - mean[inverse]) ** 2, len(unique))
    return _Table(unique, mean, np.sqrt(square / np.maximum(count, 1)), count.astype(float))


def _looked_up(table: _Table, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(table.codes) == 0:
        nothing = np.zeros(len(codes))
        return nothing, nothing, nothing
    place = np.minimum(np.searchsorted(table.codes, codes), len(table.codes) - 1)
    found = table.codes[place] == codes
    return tuple(
        np.where(found, values[place], 0.0) for values in (table.mean, table.spread, table.count)
    )


def _without_own(mean, spread, count, codes, ppm, molecule):
    """Take a molecule's own shifts out of the moments of its atoms' codes."""
    known = np.isfinite(ppm)
    pairs = np.stack([molecule, codes], axis=1)
    _, inverse = np.unique(pairs, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    size = inverse.max() + 1 if len(inverse) else 0
    # Shifts are taken relative to the mean, so that their squares keep their digits.
    off = np.where(known, ppm - mean, 0.0)
    own_count = np.bincount(inverse, known, size)[inverse]
    own_sum = np.bincount(inverse, off, size)[inverse]
    own_square = np.bincount(inverse, off**2, size)[inverse]
    left = np.maximum(count - own_count, 0)
    divisor = np.maximum(left, 1)
    shift = -own_sum / divisor
    square = np.maximum(spread**2 * count - own_square, 0) / divisor - shift**2
    return mean + shift, np.sqrt(np.maximum(square, 0)), left
