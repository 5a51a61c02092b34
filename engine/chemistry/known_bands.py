"""Where chemists know that each functional group shows, from standard correlation tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from engine.installation import resource
from engine.spectra import Technique


@dataclass(frozen=True)
class KnownBand:
    """A region where a group is known to show.

    ``low`` < ``high`` in the axis unit of ``technique``: 1/cm (IR, Raman), ppm (NMR) or
    m/z (MS, MS/MS). ``name`` says what moves, resonates or breaks there.
    """

    group: str
    technique: str
    low: float
    high: float
    name: str


@cache
def known_bands() -> tuple[KnownBand, ...]:
    """Every known band, in the order of the table ``resources/tables/known_bands.json``."""
    table = json.loads(resource("tables", "known_bands.json").read_text(encoding="utf-8"))
    return tuple(
        KnownBand(
            group=row["group"],
            technique=Technique(row["technique"]),
            low=float(row["low"]),
            high=float(row["high"]),
            name=row["name"],
        )
        for row in table["bands"]
    )


def bands_in(technique: str, low: float, high: float, group: str | None = None) -> list[KnownBand]:
    """The known bands of a technique that touch the region from ``low`` to ``high``.

    Best overlap first: shared length over joint length, so that a narrow band that fills the
    region goes before a broad one that merely covers it; for a single position (``low`` equal to
    ``high``) the narrowest band first. The two ends may come in either order, as on a reversed
    axis. ``group`` keeps the bands of one functional group.
    """
    low, high = min(low, high), max(low, high)
    touching = [
        band
        for band in known_bands()
        if band.technique == technique
        and band.low <= high
        and band.high >= low
        and (group is None or band.group == group)
    ]
    return sorted(touching, key=lambda band: _distance_from(band, low, high))


def _distance_from(band: KnownBand, low: float, high: float) -> tuple[float, float, float]:
    shared = min(band.high, high) - max(band.low, low)
    joint = max(band.high, high) - min(band.low, low)
    off_centre = abs((band.low + band.high) - (low + high)) / 2
    return (-shared / joint if joint > 0 else 0.0, band.high - band.low, off_centre)
