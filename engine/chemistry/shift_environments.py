"""Chemical shifts predicted as the mean over atoms with the same surroundings.

A hierarchy of atom environments, radius 4 to 0 bonds, in the manner of HOSE codes (Bremser, Anal.
Chim. Acta 1978, 103, 355): the largest radius that was seen often enough gives the shift.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

RADIUS = 4


def atom_environments(molecule) -> list[tuple[int, ...]]:
    """One hash for each radius 0 to 4 for every atom of an RDKit molecule, without stereochemistry.

    The hash of radius r + 1 is taken over that of radius r and the sorted hashes of the
    neighbours with their bonds, so equal hashes mean equal surroundings.
    """
    current = [
        hash(
            (
                atom.GetAtomicNum(), atom.GetDegree(), atom.GetTotalNumHs(),
                atom.GetFormalCharge(), atom.GetIsAromatic(), atom.IsInRing(),
                atom.IsInRingSize(3), atom.IsInRingSize(4), atom.IsInRingSize(5),
            )
        )
        for atom in molecule.GetAtoms()
    ]  # fmt: skip
    neighbours: list[list[tuple[int, int]]] = [[] for _ in current]
    for bond in molecule.GetBonds():
        first, second, kind = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), int(bond.GetBondType())
        neighbours[first].append((kind, second))
        neighbours[second].append((kind, first))
    levels = [current]
    for _ in range(RADIUS):
        current = [
            hash((own, tuple(sorted((kind, current[other]) for kind, other in around))))
            for own, around in zip(current, neighbours, strict=True)
        ]
        levels.append(current)
    return list(zip(*levels, strict=True))


@dataclass
class EnvironmentShifts:
    """Mean and spread of the shifts (ppm) seen in each environment.

    ``tables[r]`` maps a hash of radius r to ``(mean, standard deviation, count)``.
    """

    tables: list[dict[int, tuple[float, float, int]]] = field(
        default_factory=lambda: [{} for _ in range(RADIUS + 1)]
    )

    @classmethod
    def fitted(cls, observations: Iterable[tuple[tuple[int, ...], float]]) -> EnvironmentShifts:
        """From pairs of an atom's environments and its shift in ppm."""
        sums: list[dict] = [defaultdict(lambda: [0, 0.0, 0.0]) for _ in range(RADIUS + 1)]
        for environments, ppm in observations:
            for table, environment in zip(sums, environments, strict=True):
                entry = table[environment]
                entry[0] += 1
                entry[1] += ppm
                entry[2] += ppm * ppm
        tables = []
        for table in sums:
            tables.append(
                {
                    key: (total / n, float(np.sqrt(max(square / n - (total / n) ** 2, 0))), n)
                    for key, (n, total, square) in table.items()
                }
            )
        return cls(tables)

    def predict(
        self, environments: tuple[int, ...], scale: float = 1.0
    ) -> tuple[float, float] | None:
        """Shift and its standard deviation (ppm); None for surroundings never seen at radius 1.

        ``scale`` multiplies the uncertainty that few observations and a small radius add: 1 suits
        13C, about 0.05 1H.
        """
        for radius in range(RADIUS, 0, -1):
            found = self.tables[radius].get(environments[radius])
            if found is None or (found[2] < 2 and radius > 2):
                continue
            mean, spread, count = found
            # A few observations underestimate the spread; a small radius is less certain.
            floor = (0.0, 6.0, 3.0, 1.8, 1.2)[radius]
            return mean, float(np.hypot(spread, scale * floor / np.sqrt(count)))
        return None


def predicted_peaks(
    molecule, shifts: EnvironmentShifts, atomic_number: int, scale: float = 1.0
) -> list[dict] | None:
    """The peak list of a molecule: dicts with ``ppm``, ``n``, ``mult``, ``sigma`` (ppm).

    ``atomic_number`` 6: one peak for each set of carbons with equal surroundings, ``mult`` by
    attached hydrogens. ``atomic_number`` 1: hydrogens filed at their heavy atom, ``n`` heavy
    atoms; hydrogens on heteroatoms are often not seen and are left out where no shift is known.
    ``scale`` multiplies the floor of the spread (1 for 13C, about 0.05 for 1H). None when a carbon
    (or a carbon's hydrogens) has surroundings never seen.
    """
    environments = atom_environments(molecule)
    peaks: dict[int, dict] = {}
    for atom, levels in zip(molecule.GetAtoms(), environments, strict=True):
        carbon = atom.GetAtomicNum() == 6
        hydrogens = atom.GetTotalNumHs()
        if (atomic_number == 6 and not carbon) or (atomic_number == 1 and hydrogens == 0):
            continue
        key = levels[-1]
        if key in peaks:
            peaks[key]["n"] += 1
            continue
        found = shifts.predict(levels, scale)
        if found is None:
            if carbon:
                return None
            continue
        letters = "SDTQ"[min(hydrogens, 3)] if atomic_number == 6 else None
        peaks[key] = {"ppm": found[0], "n": 1, "mult": letters, "sigma": found[1]}
    return list(peaks.values())
