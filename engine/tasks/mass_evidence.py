"""What mass spectra say of a formula: ions at the places where a molecule's ions must be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.chemistry.adducts import Adduct, parse_adduct, usual_adducts
from engine.chemistry.formula import Formula
from engine.chemistry.isotope_pattern import IsotopeMatch, compare_isotopes
from engine.spectra import Sample, Spectrum

# Of the ions that a file does not name, the most usual ones, and how far down they may be.
_USUAL = 6
_LEAST_HEIGHT = 0.02
_PPM = 10.0
_UNIT_MASS = 0.35
_ISOTOPES_OF_HEIGHT = 0.05


@dataclass(frozen=True)
class MassEvidence:
    """One spectrum's word: ``found`` is the ion seen, None where none is; ``error_ppm`` its error.

    ``known_ion`` says that the file names the ion or its m/z, so that finding none speaks against
    the formula; ``tolerance_ppm`` is what was allowed; ``isotopes`` compares the ion's pattern,
    None where the spectrum shows none.
    """

    spectrum: int
    found: Adduct | None
    mz: float | None
    error_ppm: float | None
    known_ion: bool
    tolerance_ppm: float
    isotopes: IsotopeMatch | None = None


def mass_evidence(sample: Sample, formula: Formula) -> tuple[MassEvidence, ...]:
    """What each mass spectrum of a sample says of a neutral formula, in the order of the spectra.

    Spectra that could say nothing (MS/MS without a precursor) are left out.
    """
    found = []
    for number, spectrum in enumerate(sample.spectra):
        if spectrum.technique.is_mass and formula.atoms:
            evidence = _evidence(number, spectrum, formula)
            if evidence is not None:
                found.append(evidence)
    return tuple(found)


def _evidence(number: int, spectrum: Spectrum, formula: Formula) -> MassEvidence | None:
    precursor = spectrum.metadata.get("precursor_mz")
    ions, named = _ions(spectrum)
    if precursor is not None and float(precursor) > 0:
        mz = float(precursor)
        tolerance = _tolerance_ppm(np.array([mz]))
        ion, error = _nearest_ion(ions, formula, mz)
        if ion is None or abs(error) > tolerance:
            return MassEvidence(number, None, mz, error, True, tolerance)
        return MassEvidence(number, ion, mz, error, True, tolerance)
    if spectrum.technique != "MS":
        return None
    return _in_spectrum(number, spectrum, formula, ions, named)


def _ions(spectrum: Spectrum) -> tuple[list[Adduct], bool]:
    """The ions that a spectrum may hold, and whether the file names the one."""
    polarity = str(spectrum.metadata.get("polarity") or "positive").lower()
    polarity = polarity if polarity in ("positive", "negative") else "positive"
    said = spectrum.metadata.get("adduct")
    if said:
        try:
            return [parse_adduct(str(said), polarity)], True
        except ValueError:
            pass
    if "EI" in str(spectrum.metadata.get("ionization") or "").upper().split():
        return [parse_adduct("M+.")], False
    return list(usual_adducts(polarity)[:_USUAL]), False


def _tolerance_ppm(mz: np.ndarray) -> float:
    """10 ppm for exact masses; a unit's fraction where the file rounds to whole or tenths."""
    rounded = np.abs(mz * 10 - np.round(mz * 10)) < 1e-6
    if rounded.mean() > 0.8:
        return float(_UNIT_MASS / np.median(mz) * 1e6)
    hundredths = np.abs(mz * 100 - np.round(mz * 100)) < 1e-6
    return float(0.02 / np.median(mz) * 1e6) if hundredths.mean() > 0.8 else _PPM


def _nearest_ion(ions, formula: Formula, mz: float) -> tuple[Adduct | None, float]:
    best, least = None, float("inf")
    for ion in ions:
        try:
            place = ion.ion(formula).mz
        except ValueError:
            continue
        error = (mz - place) / place * 1e6
        if abs(error) < abs(least):
            best, least = ion, error
    return best, least


def _in_spectrum(number, spectrum, formula, ions, named) -> MassEvidence | None:
    x, y = spectrum.ascending.x, spectrum.ascending.y
    if spectrum.kind == "continuous":
        from engine.processing import pick_peaks

        picked = pick_peaks(spectrum)
        x = np.array(sorted(p.position for p in picked))
        height = {p.position: p.height for p in picked}
        y = np.array([height[place] for place in x])
    usable = (y > 0) & (x > 0)
    x, y = x[usable], y[usable]
    if len(x) == 0:
        return None
    tolerance = _tolerance_ppm(x)
    best = None
    for ion in ions:
        try:
            whole = ion.ion(formula)
        except ValueError:
            continue
        place = whole.mz
        if not x[0] - 1 <= place <= x[-1] * 1.2 + 50:
            continue
        near = np.abs(x - place) <= place * tolerance * 1e-6
        if near.any():
            at = int(np.flatnonzero(near)[np.argmax(y[near])])
            share = float(y[at] / y.max())
            if share >= (0.002 if named else _LEAST_HEIGHT) and (best is None or share > best[0]):
                best = share, ion, whole, at, place
    if best is None:
        return MassEvidence(number, None, None, None, named, tolerance)
    share, ion, whole, at, place = best
    isotopes = None
    if share >= _ISOTOPES_OF_HEIGHT and len(x) > 3:
        isotopes = compare_isotopes(whole, x, y, max(tolerance, 5.0))
    error = float((x[at] - place) / place * 1e6)
    return MassEvidence(number, ion, float(x[at]), error, named, tolerance, isotopes)
