"""What a chemist reads from an NMR spectrum: its integrals as nuclei, and its multiplets.

An analysis is a value: each edit gives another one. What needs the spectrum (areas, patterns) is
measured first; putting it in needs the analysis alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.processing.integration import (
    COMPOUND,
    KINDS,
    REFERENCE,
    SOLVENT,
    WATER,
    Integral,
    find_regions,
    integrate,
)
from engine.processing.multiplets import Multiplet, analyse_multiplets
from engine.spectra import Spectrum

MOST_SIGNALS = 2000
"""Integrals, and multiplets, of one spectrum; more than any spectrum shows."""

# Lines that belong to no compound, and that the picture names.
MARKED = (SOLVENT, WATER, REFERENCE)
# Regions that overlap by more than this part of the smaller one are of the same signal.
_SAME = 0.5
_LEAST_PROTON = 0.35
# Signals of less than this part of a nucleus are left to be marked by hand.
_TRACE = 0.1


@dataclass(frozen=True)
class SignalAnalysis:
    """Integrals and multiplets of one spectrum, each from high to low ppm.

    All integrals of the compound share one scale. ``reference`` is the index of the one whose
    ``nuclei`` were said, None where the scale is that of all together. Integrals of another kind
    mark lines of the solvent and the like, and have no nuclei.
    """

    integrals: tuple[Integral, ...] = ()
    multiplets: tuple[Multiplet, ...] = ()
    reference: int | None = None

    @property
    def nuclei_per_area(self) -> float | None:
        """The scale of the integrals; None where no integral of the compound has nuclei."""
        counted = self._counted()
        area = sum(integral.area for integral in counted)
        nuclei = sum(integral.nuclei for integral in counted)
        scale = nuclei / area if area > 0 and nuclei > 0 else 0.0
        return scale if 0 < scale < math.inf else None

    def _counted(self) -> list[Integral]:
        if self.reference is not None and self.integrals[self.reference].area > 0:
            return [self.integrals[self.reference]]
        return [i for i in self.integrals if i.nuclei is not None and i.area > 0]

    def __bool__(self) -> bool:
        return bool(self.integrals or self.multiplets)

    def to_dict(self) -> dict[str, Any]:
        """What :meth:`from_dict` makes the same analysis of."""
        return {
            "integrals": [integral.to_dict() for integral in self.integrals],
            "multiplets": [multiplet.to_dict() for multiplet in self.multiplets],
            "reference": self.reference,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SignalAnalysis:
        """Raises ``ValueError`` for what :meth:`to_dict` did not write."""
        try:
            integrals = tuple(_integral_of(one) for one in content["integrals"])
            multiplets = tuple(_multiplet_of(one) for one in content["multiplets"])
            reference = content.get("reference")
        except (TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(f"no analysis of signals: {error!r}") from error
        if max(len(integrals), len(multiplets)) > MOST_SIGNALS:
            raise ValueError(f"more than {MOST_SIGNALS} signals in one spectrum")
        if reference is not None and not (
            isinstance(reference, int) and 0 <= reference < len(integrals)
        ):
            raise ValueError(f"reference {reference!r} of {len(integrals)} integrals")
        return cls(integrals, multiplets, reference)


# --- measuring: what needs the spectrum ----------------------------------------------------------


def analyse_signals(
    spectrum: Spectrum,
    count: Callable[[Sequence[Multiplet]], Sequence[int | None]] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> SignalAnalysis:
    """All signals of a 1H spectrum: multiplets, their integrals, and the lines of the solvent.

    ``count`` gives the protons of multiplets, as a known structure has them; None: the smallest
    whole numbers that fit.
    Raises as :func:`engine.processing.multiplets.analyse_multiplets` does.
    """
    regions = find_regions(spectrum)
    multiplets = analyse_multiplets(spectrum, regions, is_cancelled=is_cancelled)
    multiplets = multiplets[:MOST_SIGNALS]
    if count is not None and multiplets:
        protons = count(multiplets)
        multiplets = [replace(m, n_h=n or None) for m, n in zip(multiplets, protons, strict=True)]
    integrals = integrate(spectrum, [m.region for m in multiplets])
    # Exchanging protons may be there in part: they set the scale only where nothing else does.
    counted = [m for m in multiplets if m.n_h and m.multiplicity != "br s"]
    counted = counted or [m for m in multiplets if m.n_h]
    area = sum(m.area for m in counted)
    scale = sum(m.n_h for m in counted) / area if area > 0 else None
    if scale is not None:
        pairs = [
            (m, replace(i, nuclei=i.area * scale))
            for m, i in zip(multiplets, integrals, strict=True)
            if m.n_h or m.area * scale >= _TRACE
        ]
        multiplets, integrals = [m for m, _ in pairs], [i for _, i in pairs]
    marked = [region for region in regions if region.kind in MARKED]
    return _arranged([*integrals, *integrate(spectrum, marked)], multiplets, None)


def measure_integral(spectrum: Spectrum, low: float, high: float) -> Integral:
    """The integral of a region (ppm), cut off at the ends of the axis.

    Raises ``ValueError`` when the region holds fewer than two points, or as
    :func:`engine.processing.integration.integrate` does.
    """
    low, high = sorted((low, high))
    first, last = sorted((float(spectrum.x[0]), float(spectrum.x[-1])))
    low, high = max(low, first), min(high, last)
    up = spectrum.ascending
    points = int(np.searchsorted(up.x, high, "right")) - int(np.searchsorted(up.x, low))
    if points < 2 or not low < high:
        raise ValueError(f"the region {low:.3f} to {high:.3f} ppm holds {points} points; mark more")
    return integrate(up, [(low, high)])[0]


def remeasured(analysis: SignalAnalysis, spectrum: Spectrum) -> SignalAnalysis:
    """The same regions in a spectrum that was processed otherwise, on the same scale.

    The reference keeps its nuclei, or all integrals together do. Regions beyond the axis keep
    their areas.
    """
    first, last = sorted((float(spectrum.x[0]), float(spectrum.x[-1])))
    inside = [i for i in analysis.integrals if first <= i.low and i.high <= last]
    again = dict(zip(inside, integrate(spectrum, [_ends(i) for i in inside]), strict=True))
    changed = [
        replace(again[i], kind=i.kind, nuclei=i.nuclei) if i in again else i
        for i in analysis.integrals
    ]
    measured = replace(analysis, integrals=tuple(changed))
    scale = measured.nuclei_per_area
    if scale is None:
        return analysis
    return replace(measured, integrals=_scaled(measured.integrals, scale))


# --- editing: what needs the analysis alone ------------------------------------------------------


def add_integral(
    analysis: SignalAnalysis, integral: Integral, replacing: Integral | None = None
) -> SignalAnalysis:
    """With one more integral, on the scale of the others; the first one is one nucleus.

    ``replacing`` is one that it takes the place of, as when its ends were moved: where that set
    the scale, its number of nuclei stays and the others follow.
    """
    was_reference = replacing is not None and _is_reference(analysis, replacing)
    kept = [i for i in analysis.integrals if not _same_place(i, replacing)]
    reference = _reference(analysis)
    if was_reference:
        new = replace(integral, nuclei=replacing.nuclei)
        return _rescaled(_arranged([*kept, new], analysis.multiplets, new))
    scale = analysis.nuclei_per_area
    if scale is not None:
        new = replace(integral, nuclei=integral.area * scale)
        return _arranged([*kept, new], analysis.multiplets, reference)
    new = replace(integral, nuclei=1.0 if integral.area > 0 else None)
    return _arranged([*kept, new], analysis.multiplets, new if integral.area > 0 else None)


def remove_integral(analysis: SignalAnalysis, integral: Integral) -> SignalAnalysis:
    """Without an integral; the others keep their numbers."""
    kept = [i for i in analysis.integrals if not _same_place(i, integral)]
    return _arranged(kept, analysis.multiplets, _reference(analysis))


def set_nuclei(analysis: SignalAnalysis, integral: Integral, nuclei: float) -> SignalAnalysis:
    """With this number of nuclei in one integral, and all others in proportion.

    The protons of multiplets are counted anew, but where a person said them. Raises
    ``ValueError`` where the number or the area is not above 0, and for an integral that is not
    there.
    """
    if not (nuclei > 0 and math.isfinite(nuclei)):
        raise ValueError(f"{nuclei:g} nuclei; right is a number above 0")
    if not integral.area > 0:
        raise ValueError("an integral that is not above 0 cannot set the scale")
    if not any(_same_place(i, integral) for i in analysis.integrals):
        raise ValueError("this integral is no longer there")
    said = replace(integral, nuclei=nuclei, kind=COMPOUND)
    kept = [i for i in analysis.integrals if not _same_place(i, integral)]
    return _counted_anew(_rescaled(_arranged([*kept, said], analysis.multiplets, said)))


def add_multiplet(
    analysis: SignalAnalysis, multiplet: Multiplet, integral: Integral
) -> SignalAnalysis:
    """With one more multiplet and the ``integral`` of its region.

    Multiplets and marks of which it is the same signal go; an integral that is there stays.
    """
    kept = [m for m in analysis.multiplets if not _overlap(m.region, multiplet.region)]
    place = multiplet.region
    integrals = [
        i for i in analysis.integrals if i.kind == COMPOUND or not _overlap(_ends(i), place)
    ]
    changed = _arranged(integrals, kept, _reference(analysis))
    if not any(_overlap(_ends(i), place) for i in integrals):
        changed = add_integral(changed, integral)
    scale = changed.nuclei_per_area
    counted = replace(multiplet, n_h=_protons(multiplet.area, scale))
    return _arranged(changed.integrals, [*kept, counted], _reference(changed))


def remove_multiplet(analysis: SignalAnalysis, multiplet: Multiplet) -> SignalAnalysis:
    """Without a multiplet and the integral of its region."""
    kept = [m for m in analysis.multiplets if m.region != multiplet.region]
    integrals = [i for i in analysis.integrals if _ends(i) != tuple(multiplet.region)]
    return _arranged(integrals, kept, _reference(analysis))


def replace_multiplet(
    analysis: SignalAnalysis, multiplet: Multiplet, changed: Multiplet
) -> SignalAnalysis:
    """With a multiplet as a person corrected it; where it is no longer there, nothing changes."""
    edited = tuple(changed if m.region == multiplet.region else m for m in analysis.multiplets)
    return _arranged(analysis.integrals, edited, _reference(analysis))


def set_protons(
    analysis: SignalAnalysis, multiplet: Multiplet, protons: int | None
) -> SignalAnalysis:
    """With the number of protons that a person counts in a multiplet; None: as the area says."""
    if protons is None:
        counted = _protons(multiplet.area, analysis.nuclei_per_area)
        changed = replace(multiplet, n_h=counted, n_h_said=False)
    else:
        if not 0 < protons < 1000:
            raise ValueError(f"{protons} protons; right is 1 to 999")
        changed = replace(multiplet, n_h=int(protons), n_h_said=True)
    return replace_multiplet(analysis, multiplet, changed)


# --- how ----------------------------------------------------------------------------------------


def _arranged(
    integrals: Iterable[Integral], multiplets: Iterable[Multiplet], reference: Integral | None
) -> SignalAnalysis:
    """In their order; ``reference`` is the integral that sets the scale, if it is among them."""
    ordered = tuple(sorted(integrals, key=lambda i: (-i.high, -i.low)))
    by_shift = tuple(sorted(multiplets, key=lambda m: -m.position))
    place = next((k for k, i in enumerate(ordered) if _same_place(i, reference)), None)
    return SignalAnalysis(ordered, by_shift, place)


def _reference(analysis: SignalAnalysis) -> Integral | None:
    return None if analysis.reference is None else analysis.integrals[analysis.reference]


def _is_reference(analysis: SignalAnalysis, integral: Integral) -> bool:
    return _same_place(integral, _reference(analysis))


def _same_place(one: Integral, other: Integral | None) -> bool:
    return other is not None and _ends(one) == _ends(other)


def _ends(integral: Integral) -> tuple[float, float]:
    return (integral.low, integral.high)


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > _SAME * min(one[1] - one[0], other[1] - other[0])


def _rescaled(analysis: SignalAnalysis) -> SignalAnalysis:
    scale = analysis.nuclei_per_area
    if scale is None:
        return analysis
    return replace(analysis, integrals=_scaled(analysis.integrals, scale))


def _scaled(integrals: Iterable[Integral], scale: float) -> tuple[Integral, ...]:
    return tuple(
        replace(i, nuclei=i.area * scale if i.kind == COMPOUND else None) for i in integrals
    )


def _counted_anew(analysis: SignalAnalysis) -> SignalAnalysis:
    scale = analysis.nuclei_per_area
    multiplets = tuple(
        m if m.n_h_said else replace(m, n_h=_protons(m.area, scale)) for m in analysis.multiplets
    )
    return replace(analysis, multiplets=multiplets)


def _protons(area: float, scale: float | None) -> int | None:
    """An area as a whole number of protons; None for a trace, and without a scale."""
    if scale is None or not area * scale >= _LEAST_PROTON:
        return None
    return max(1, round(area * scale))


def _integral_of(content: Mapping[str, Any]) -> Integral:
    kind = str(content["kind"])
    if kind not in KINDS:
        raise ValueError(f"integral of kind {kind!r}; right is {', '.join(KINDS)}")
    nuclei = content["nuclei"]
    return Integral(
        *_region((content["low"], content["high"])), _finite(content["area"]),
        _finite(content["bias"]), _finite(content["slope"]), kind,
        None if nuclei is None else _finite(nuclei),
    )  # fmt: skip


def _multiplet_of(content: Mapping[str, Any]) -> Multiplet:
    n_h = content["n_h"]
    return Multiplet(
        position=_finite(content["position"]), low=_finite(content["low"]),
        high=_finite(content["high"]), region=_region(content["region"]),
        multiplicity=str(content["multiplicity"])[:40],
        j_hz=tuple(_finite(j) for j in content["j_hz"]), n_h=None if n_h is None else int(n_h),
        area=_finite(content["area"]),
        lines=tuple((_finite(x), _finite(y)) for x, y in content["lines"]),
        width_hz=_finite(content["width_hz"]), unexplained=_finite(content["unexplained"]),
        overruled=bool(content["overruled"]), n_h_said=bool(content.get("n_h_said", False)),
    )  # fmt: skip


def _region(ends: Sequence[Any]) -> tuple[float, float]:
    low, high = (_finite(end) for end in ends)
    if not low < high:
        raise ValueError(f"region {low:g} to {high:g} ppm")
    return (low, high)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} where a finite number belongs")
    return number
