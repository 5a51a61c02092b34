"""Where a map of importance should point for a group: the windows of correlation tables.

Unlike :mod:`engine.chemistry.known_bands`, which names everything that may show, these are the few
regions by which a chemist would recognise the group, each with its source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from engine.installation import resource
from engine.spectra import Technique


@dataclass(frozen=True)
class MapWindow:
    """The windows of one group in one technique; a maximum in any of ``regions`` counts.

    ``regions`` are (low, high, what shows there) in the axis unit of ``technique``. Only molecules
    that match ``smarts`` and not ``without_smarts``, where these are given, are asked about.
    ``sources`` are names in the table's own list of sources.
    """

    name: str
    group: str
    technique: Technique
    regions: tuple[tuple[float, float, str], ...]
    sources: tuple[str, ...]
    smarts: str = ""
    without_smarts: str = ""
    wider: str = ""

    def holds(self, x: np.ndarray) -> np.ndarray:
        """Whether each place of the axis lies in one of the windows, bool of the shape of ``x``."""
        x = np.asarray(x, dtype=float)
        inside = np.zeros(x.shape, bool)
        for low, high, _ in self.regions:
            inside |= (x >= low) & (x <= high)
        return inside

    def asks_about(self, molecule) -> bool:
        """Whether an RDKit molecule, which has the group, has what the windows are about."""
        wanted, unwanted = self._patterns
        if wanted is not None and not molecule.HasSubstructMatch(wanted):
            return False
        return unwanted is None or not molecule.HasSubstructMatch(unwanted)

    @cached_property
    def _patterns(self) -> tuple:
        from rdkit import Chem

        return tuple(
            Chem.MolFromSmarts(s) if s else None for s in (self.smarts, self.without_smarts)
        )


@cache
def map_windows() -> tuple[MapWindow, ...]:
    """Every entry of ``resources/tables/map_windows.json``, in its order."""
    table = json.loads(resource("tables", "map_windows.json").read_text(encoding="utf-8"))
    return tuple(
        MapWindow(
            row["name"],
            row["group"],
            Technique(row["technique"]),
            tuple((float(low), float(high), what) for low, high, what in row["windows"]),
            tuple(row["sources"]),
            row.get("smarts", ""),
            row.get("without_smarts", ""),
            row.get("wider", ""),
        )
        for row in table["windows"]
    )


@cache
def window_sources() -> dict[str, str]:
    """The sources by the names that the windows give."""
    table = json.loads(resource("tables", "map_windows.json").read_text(encoding="utf-8"))
    return dict(table["sources"])
