"""Neutral losses: which common molecules and radicals lie between the peaks of a mass spectrum."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.chemistry.formula import Formula, parse_formula
from engine.installation import resource

_MOST_PEAKS = 200


@dataclass(frozen=True)
class NeutralLoss:
    """A loss that ions commonly show: what is lost and what it speaks for.

    ``label`` is the formula in its usual spelling (``NH3``, ``HCl``).
    """

    label: str
    formula: Formula
    name: str
    origin: str
    radical: bool

    @property
    def mass(self) -> float:
        """Monoisotopic mass in u."""
        return self.formula.monoisotopic_mass


@dataclass(frozen=True)
class FoundLoss:
    """A common loss between two peaks: m/z of the ion and of what is left, and the deviation.

    ``error`` is the measured difference less the loss's mass, in u; ``intensity`` the lower of
    both peaks' intensities; ``from_precursor`` whether the ion is the precursor; ``others`` are
    losses that fit the difference less well.
    """

    loss: NeutralLoss
    from_mz: float
    to_mz: float
    error: float
    intensity: float
    from_precursor: bool
    others: tuple[NeutralLoss, ...] = ()


@cache
def neutral_losses() -> tuple[NeutralLoss, ...]:
    """The losses of ``resources/tables/neutral_losses.json``, the lightest first."""
    table = json.loads(resource("tables", "neutral_losses.json").read_text(encoding="utf-8"))
    losses = [
        NeutralLoss(
            row["formula"],
            parse_formula(row["formula"]),
            row["name"],
            row["from"],
            bool(row.get("radical")),
        )
        for row in table["losses"]
    ]
    return tuple(sorted(losses, key=lambda loss: loss.mass))


def find_losses(
    mz: np.ndarray,
    intensity: np.ndarray,
    precursor_mz: float | None = None,
    tolerance_ppm: float = 10.0,
    least_tolerance: float = 0.002,
    charge: int = 1,
    precursor: Formula | None = None,
) -> list[FoundLoss]:
    """The common losses between the peaks of a spectrum, those from the precursor first.

    ``mz`` and ``intensity`` ``(n,)``; of more than 200 peaks the most intense count. A difference
    fits a loss within ``tolerance_ppm`` of the heavier ion's m/z, but at least ``least_tolerance``
    in u (for spectra of nominal masses 0.3 or so); of several losses that fit, the nearest comes
    first. ``precursor_mz`` counts as an ion even where the spectrum shows none; peaks heavier than
    it are left out. ``charge`` is that of all ions. ``precursor`` is the formula of the precursor,
    where it is known: it must contain what is lost. Raises ``ValueError`` for charge 0.
    """
    if charge == 0:
        raise ValueError("ions have a charge; right is 1, 2, ... or -1, -2, ...")
    charge = abs(charge)
    mz, intensity = np.asarray(mz, dtype=float), np.asarray(intensity, dtype=float)
    usable = np.isfinite(mz) & np.isfinite(intensity) & (intensity > 0) & (mz > 0)
    mz, intensity = mz[usable], intensity[usable]
    if len(mz) > _MOST_PEAKS:
        best = np.argsort(-intensity, kind="stable")[:_MOST_PEAKS]
        mz, intensity = mz[best], intensity[best]
    order = np.argsort(mz)
    ions = list(zip(mz[order].tolist(), intensity[order].tolist(), strict=True))
    parent = None
    if precursor_mz is not None:
        slack = max(least_tolerance, precursor_mz * tolerance_ppm * 1e-6)
        ions = [ion for ion in ions if ion[0] <= precursor_mz + slack]
        shown = [ion for ion in ions if abs(ion[0] - precursor_mz) <= slack]
        parent = max(shown, key=lambda ion: ion[1]) if shown else (precursor_mz, 0.0)
        ions = [ion for ion in ions if ion not in shown] + [parent]
    losses = [
        loss for loss in neutral_losses() if precursor is None or precursor.contains(loss.formula)
    ]
    masses = np.array([loss.mass for loss in losses])
    if len(masses) == 0:
        return []
    found = []
    for heavy in ions:
        slack = max(least_tolerance, heavy[0] * tolerance_ppm * 1e-6) * charge
        for light in ions:
            difference = (heavy[0] - light[0]) * charge
            if difference <= 0.5:
                continue
            deviations = np.abs(masses - difference)
            fitting = [losses[i] for i in np.argsort(deviations) if deviations[i] <= slack]
            if not fitting:
                continue
            weaker = light[1] if heavy[1] == 0 else min(heavy[1], light[1])
            found.append(
                FoundLoss(
                    fitting[0], heavy[0], light[0], difference - fitting[0].mass, weaker,
                    heavy is parent, tuple(fitting[1:]),
                )
            )  # fmt: skip
    return sorted(found, key=lambda f: (not f.from_precursor, -f.intensity, -f.from_mz))
