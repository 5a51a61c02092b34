"""A number for the surroundings of every atom, the same on every machine.

Spheres of bonds around an atom in the manner of HOSE codes (Bremser, Anal. Chim. Acta 1978, 103,
355): atoms of one code at radius ``r`` have the same surroundings up to ``r`` bonds away, without
stereochemistry. Computed on the arrays of :class:`MolecularGraph`, for many molecules at once.
"""

from __future__ import annotations

import numpy as np

from engine.chemistry.molecular_graph import ATOM_FEATURES, BOND_FEATURES

RADIUS = 4

_ATOM_COLUMNS = tuple(
    list(ATOM_FEATURES).index(name)
    for name in (
        "atomic number", "degree", "hydrogens", "formal charge", "aromatic", "smallest ring",
    )
)  # fmt: skip
_TYPE = list(BOND_FEATURES).index("type")
_RELATION = list(BOND_FEATURES).index("relation")
# Odd constants that spread bits (multiples of the golden ratio's fraction of 2^64).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_STIR = np.uint64(0xBF58476D1CE4E5B9)


def environment_codes(atoms: np.ndarray, bonds: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The codes of radius 0 to 4 of each atom, int64 ``(V, 5)``; arrays as in MolecularGraph.

    The code of radius ``r + 1`` is made of that of radius ``r`` and, in any order, of the
    neighbours' with the types of their bonds.
    """
    code = np.zeros(len(atoms), np.uint64)
    for column in _ATOM_COLUMNS:
        code = _mixed(code * np.uint64(131) + atoms[:, column].astype(np.uint64))
    real = bonds[:, _RELATION] == 0
    source, target = ends[:, real]
    kind = bonds[real, _TYPE].astype(np.uint64) + np.uint64(1)
    # The edges by the atom at which they end, for sums that wrap around in 64 bits.
    order = np.argsort(target, kind="stable")
    source, target, kind = source[order], target[order], kind[order]
    where = np.flatnonzero(np.diff(target, prepend=-1))
    levels = [code]
    for _ in range(RADIUS):
        around = np.zeros(len(atoms), np.uint64)
        if len(target):
            message = _mixed(code[source] + kind * _SPREAD)
            around[target[where]] = np.add.reduceat(message, where)
        code = _mixed(code * np.uint64(3) + around)
        levels.append(code)
    return np.stack(levels, axis=1).view(np.int64)


def _mixed(values: np.ndarray) -> np.ndarray:
    values = (values + _SPREAD) * _STIR
    values ^= values >> np.uint64(29)
    values *= _SPREAD
    return values ^ (values >> np.uint64(32))
