"""The peaks of a sample's 13C and 1H spectra, as evidence for molecules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.chemistry.observed_peaks import ObservedPeak
from engine.processing import analyse_signals, apply, default_chain, pick_peaks
from engine.processing.integration import COMPOUND
from engine.processing.peaks import compound_peaks
from engine.spectra import Sample, Spectrum, Technique

# Lines of one carbon in two experiments lie no farther apart than this, ppm.
_SAME_LINE = 0.3
_ANGLE = re.compile(r"dept\D{0,4}(45|90|135)", re.IGNORECASE)


def observed_peaks(sample: Sample) -> dict[str, tuple[ObservedPeak, ...]]:
    """The peaks of each technique, by falling shift; a technique without peaks is left out.

    Sticks and listed peaks are taken as they are; of continuous spectra peaks are picked (13C) or
    multiplets found (1H), without the lines of the solvent and the reference; a FID is processed by
    the default chain first. Of several spectra of one nucleus the first that has peaks counts; DEPT
    spectra tell the hydrogens of the 13C peaks, and count alone where there is no other. Raises
    ``ValueError`` when a FID cannot be processed.
    """
    found = {}
    for technique in (Technique.C13_NMR, Technique.H1_NMR):
        own = [spectrum for spectrum in sample.spectra if spectrum.technique == technique]
        edited = [spectrum for spectrum in own if _dept_angle(spectrum)]
        plain = [spectrum for spectrum in own if not _dept_angle(spectrum)]
        peaks = next((p for p in map(_peaks_of, plain) if p), [])
        if technique == Technique.C13_NMR and edited:
            dept = {_dept_angle(spectrum): _peaks_of(spectrum) for spectrum in edited}
            peaks = _with_hydrogens(peaks, dept) if peaks else _seen_by_dept(dept)
        if peaks:
            found[str(technique)] = tuple(sorted(peaks, key=lambda peak: -peak.ppm))
    return found


def _peaks_of(spectrum: Spectrum) -> list[ObservedPeak]:
    if spectrum.kind == "fid":
        spectrum = apply(default_chain(spectrum), spectrum)
    if spectrum.kind == "sticks":
        listed = spectrum.metadata.get("peaks")
        if listed:
            return [_of_listed(spectrum, entry) for entry in listed]
        return [ObservedPeak(p.position, p.height) for p in pick_peaks(spectrum)]
    if spectrum.technique == Technique.H1_NMR:
        signals = _multiplets(spectrum)
        if signals:
            return signals
    return [ObservedPeak(p.position, p.height) for p in compound_peaks(spectrum)]


def _multiplets(spectrum: Spectrum) -> list[ObservedPeak]:
    """The multiplets of a 1H spectrum with their integrals; none where it cannot be analysed."""
    try:
        analysis = analyse_signals(spectrum)
    except ValueError:
        return []
    areas = {
        (integral.low, integral.high): integral.nuclei
        for integral in analysis.integrals
        if integral.kind == COMPOUND
    }
    return [
        ObservedPeak(m.position, None, m.multiplicity, None, areas.get(tuple(m.region), m.n_h))
        for m in analysis.multiplets
    ]


def _of_listed(spectrum: Spectrum, entry: Mapping[str, Any]) -> ObservedPeak:
    carbon = spectrum.technique == Technique.C13_NMR
    said = entry.get("n_h")
    return ObservedPeak(
        float(entry["position"]),
        None,
        entry.get("multiplicity"),
        int(said) if carbon and said is not None and 0 <= int(said) <= 3 else None,
        None if carbon or said is None else float(said),
    )


def _dept_angle(spectrum: Spectrum) -> int | None:
    found = _ANGLE.search(str(spectrum.metadata.get("pulse_program") or ""))
    return int(found[1]) if found else None


def _with_hydrogens(
    peaks: Sequence[ObservedPeak], dept: Mapping[int, Sequence[ObservedPeak]]
) -> list[ObservedPeak]:
    """13C peaks with the hydrogens that DEPT tells: CH2 inverted at 135 degrees, CH alone at 90."""
    return [replace(peak, hydrogens=_hydrogens(peak, dept)) for peak in peaks]


def _hydrogens(peak: ObservedPeak, dept: Mapping[int, Sequence[ObservedPeak]]) -> int | None:
    if peak.attached is not None:
        return peak.attached
    sign = {angle: _sign_at(peak.ppm, dept[angle]) for angle in dept}
    if all(value == 0 for value in sign.values()):
        # Where another experiment than DEPT-90 sees nothing there is no hydrogen.
        return 0 if sign.keys() - {90} else None
    if sign.get(135, 0) < 0:
        return 2
    if sign.get(90, 0) > 0:
        return 1
    return 3 if sign.get(135, 0) > 0 and 90 in sign else None


def _sign_at(ppm: float, peaks: Sequence[ObservedPeak]) -> int:
    near = [peak for peak in peaks if abs(peak.ppm - ppm) <= _SAME_LINE]
    if not near:
        return 0
    nearest = min(near, key=lambda peak: abs(peak.ppm - ppm))
    return 1 if (nearest.height or 0.0) >= 0 else -1


def _seen_by_dept(dept: Mapping[int, Sequence[ObservedPeak]]) -> list[ObservedPeak]:
    fullest = max(dept.values(), key=len)
    return _with_hydrogens(fullest, dept)
