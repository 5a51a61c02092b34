"""The peaks of an NMR spectrum as evidence: shifts, and what is known of each.

Those of a sample are found by :func:`engine.tasks.sample_peaks.observed_peaks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_HYDROGENS = {"s": 0, "d": 1, "t": 2, "q": 3, "c": 0, "ch": 1, "ch2": 2, "ch3": 3}
LETTERS = "SDTQ"
"""The multiplicity of a 13C line by the hydrogens on the carbon, 0 to 3."""


@dataclass(frozen=True)
class ObservedPeak:
    """One peak of a 13C spectrum, or one signal of a 1H spectrum.

    ``ppm`` on the delta scale; ``height`` in the unit of y; ``multiplicity`` as it is known: for
    13C the attached hydrogens 0 to 3 or their letter (``S``, ``D``, ``T``, ``Q``), for 1H a pattern
    (``dd``); ``hydrogens`` on the carbon of a 13C peak; ``nuclei``: the integral in protons. None
    for what is not known.
    """

    ppm: float
    height: float | None = None
    multiplicity: str | int | None = None
    hydrogens: int | None = None
    nuclei: float | None = None

    @property
    def attached(self) -> int | None:
        """Hydrogens on the carbon of a 13C peak, said or by its multiplicity; None if unknown."""
        if self.hydrogens is not None:
            return self.hydrogens
        if isinstance(self.multiplicity, str):
            return _HYDROGENS.get(self.multiplicity.strip().lower())
        return self.multiplicity


def peak_list(entries: Iterable[Mapping[str, Any]], multiplicities: bool = True) -> tuple:
    """The peaks of a table's list of ``{ppm, mult?}``, each shift once, by rising shift.

    ``multiplicities`` False leaves out what is known beside the shifts.
    """
    peaks: dict[tuple, ObservedPeak] = {}
    for entry in entries:
        letter = entry.get("mult") if multiplicities else None
        letter = letter if letter and str(letter)[0].upper() in LETTERS else None
        peak = ObservedPeak(float(entry["ppm"]), multiplicity=letter)
        if np.isfinite(peak.ppm):
            peaks[(round(peak.ppm, 3), letter)] = peak
    return tuple(sorted(peaks.values(), key=lambda peak: peak.ppm))
