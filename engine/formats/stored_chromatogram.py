"""Chromatograms that an mzML file holds ready-made: SRM and SIM transitions, UV, pressure, totals.

Format: HUPO-PSI "mzML" 1.1, element ``chromatogram``, with the accessions of the PSI-MS
vocabulary. A file of a triple quadrupole (SRM, also called MRM) often holds nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.formats import mzml
from engine.formats.errors import FormatError
from engine.formats.mass_record import positive_number
from engine.formats.xml_run import MOST_POINTS, Run, SwellError

MOST_CHROMATOGRAMS = 20_000

_TIME, _ISOLATION_TARGET = "MS:1000595", "MS:1000827"
_SECONDS_OF = {"UO:0000031": 60.0, "UO:0000010": 1.0, "UO:0000028": 1e-3}
_KINDS = {
    "MS:1000235": "total ions", "MS:1000628": "base peak", "MS:1000627": "extracted ion",
    "MS:1001472": "SIM", "MS:1001473": "SRM", "MS:1000812": "absorption",
    "MS:1000813": "emission", "MS:1003020": "flow rate", "MS:1003019": "pressure",
    "MS:1002715": "temperature",
}  # fmt: skip
_ORDINATES = ("MS:1000515", "MS:1000821", "MS:1000820", "MS:1000822")
_SIGNS = {"MS:1000130": "+", "MS:1000129": "-"}


@dataclass(frozen=True, eq=False)
class StoredChromatogram:
    """One chromatogram of a file: float64 arrays of shape ``(n,)`` in the file's order.

    ``name`` is what to call it, such as "SRM 124.1 → 51.1 (+)"; ``kind`` what the file says it
    is ("" where it does not). ``precursor_mz`` and ``product_mz`` are those of a transition.
    """

    name: str
    kind: str
    retention_time_s: np.ndarray
    intensity: np.ndarray
    precursor_mz: float | None = None
    product_mz: float | None = None

    def __len__(self) -> int:
        return len(self.intensity)


@dataclass
class ChromatogramCollector:
    """Takes the ``chromatogram`` elements of a file as they come.

    What cannot be read is noted in ``broken`` and loses nothing else.
    """

    found: list[StoredChromatogram]
    broken: list[str]
    points: int = 0

    @classmethod
    def new(cls) -> ChromatogramCollector:
        return cls([], [])

    def __call__(self, element: Any, run: Run) -> None:
        """The handler of the element; raises ``FormatError`` for arrays that swell."""
        run.chromatograms += 1
        if len(self.found) >= MOST_CHROMATOGRAMS or self.points >= MOST_POINTS:
            if not self.broken or not self.broken[-1].startswith("only"):
                self.broken.append(f"only the first {len(self.found)} chromatograms were read")
            return
        label = element.get("id") or str(run.chromatograms)
        try:
            made = _chromatogram(element, run, label)
        except SwellError as error:
            raise FormatError(run.path, "chromatograms", f"{label}: {error}") from error
        except ValueError as error:
            if len(self.broken) < 1000:
                self.broken.append(f"chromatogram {label} was left out: {error}")
            return
        self.points += len(made)
        self.found.append(made)


def _chromatogram(element: Any, run: Run, label: str) -> StoredChromatogram:
    times, ordinates, factor = None, {}, 60.0
    for array in element.iter("{*}binaryDataArray"):
        said = mzml.cv_parameters(array, run)
        if _TIME in said:
            times = mzml.unpacked(array, said)
            # pyteomics and ProteoWizard take minutes where the unit is missing, too.
            factor = _SECONDS_OF.get(said[_TIME].get("unitAccession"), 60.0)
        else:
            role = next((r for r in _ORDINATES if r in said), None)
            if role is not None:
                ordinates[role] = mzml.unpacked(array, said)
    y = next((ordinates[role] for role in _ORDINATES if role in ordinates), None)
    if times is None or y is None:
        raise ValueError("it has no arrays of time and intensity")
    if len(times) != len(y):
        raise ValueError(f"it has {len(times)} times and {len(y)} intensities")
    if not np.any(np.isfinite(times) & np.isfinite(y)):
        raise ValueError("it has no points")
    said = mzml.cv_parameters(element, run)
    kind = next((name for accession, name in _KINDS.items() if accession in said), "")
    precursor, product = (_target(element, run, tag) for tag in ("precursor", "product"))
    sign = next((sign for accession, sign in _SIGNS.items() if accession in said), "")
    name = _name(kind, precursor, product, sign) or label
    return StoredChromatogram(name, kind, times * factor, y, precursor, product)


def _target(element: Any, run: Run, tag: str) -> float | None:
    """The m/z of the isolation window below ``precursor`` or ``product``."""
    for part in element.findall(f"{{*}}{tag}"):
        found = mzml.cv_parameters(part, run).get(_ISOLATION_TARGET)
        if found is not None:
            return positive_number(found.get("value"))
    return None


def _name(kind: str, precursor: float | None, product: float | None, sign: str) -> str:
    """What to call a chromatogram of ions; "" for one that only its id tells from others."""
    masses = [f"{round(mz, 3):g}" if mz < 1e5 else f"{mz:.1f}" for mz in (precursor, product) if mz]
    if kind in ("SRM", "SIM") and masses:
        return f"{kind} {' → '.join(masses)}" + (f" ({sign})" if sign else "")
    return {"total ions": "Total ions", "base peak": "Base peak"}.get(kind, "")


def kinds_said(found: list[StoredChromatogram]) -> str:
    """The kinds of some chromatograms with their counts: ``65 SRM, 1 total ions``."""
    kinds = [one.kind or "other" for one in found]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
