"""What a table of numbers without much of a header must be: technique and units from its shape."""

from __future__ import annotations

import re

import numpy as np

from engine.formats.axis_units import Axes, nucleus_of, technique_of, y_unit_of
from engine.spectra import Technique

_MS_MS_WORDS = re.compile(
    r"(?i)ms ?/ ?ms|\bms2\b|\bmsms\b|precursor|parent ion|collision|product ion|fragment"
    r"|\bCID\b|\bHCD\b"
)


# Heights that neither an absorbance nor a percentage reaches.
_COUNTS = 200.0


def guess_technique(
    x: np.ndarray, unit: str | None, words: str, y_words: str, highest: float = 0.0
) -> tuple[Technique | None, str]:
    """What a table with the abscissae ``x`` is, and the reason: header words first, then the axis.

    ``unit`` is what the header says of x, ``words`` all of its words, ``y_words`` those of the
    ordinates, ``highest`` the tallest of them. The technique is None, with the reason, where
    nothing tells.
    """
    named = technique_of(words)
    finite = x[np.isfinite(x)]
    low, high = float(finite.min()), float(finite.max())
    span = f"the axis runs {low:g} to {high:g}"
    mass = Technique.MS_MS if _MS_MS_WORDS.search(words) else Technique.MS
    if unit == "m/z":
        return mass, "the header says m/z"
    if named is not None and not (named == Technique.MS and unit in ("1/cm", "nm", "ppm")):
        named = mass if named == Technique.MS else named
        return named, f"the header names {named}"
    if unit == "ppm":
        nucleus = nucleus_of(words) or ("13C" if high - low > 40 else "1H")
        return Technique.nmr(nucleus), f"the header says ppm and {span}"
    if unit == "1/cm":
        if re.search(r"(?i)raman|laser|counts|cps", words):
            return Technique.RAMAN, "the header speaks of a Raman shift, a laser or counts"
        return Technique.IR, f"the header says 1/cm and {span}"
    if unit == "um":
        return Technique.IR, f"the header says micrometres and {span}"
    if unit == "nm":
        if low > 750:
            return Technique.IR, f"the header says nm and {span} (near infrared)"
        return Technique.UV_VIS, f"the header says nm and {span}"
    steps = np.abs(np.diff(finite))
    steps = steps[steps > 0]
    if len(steps) == 0:
        return None, f"one point at x = {low:g} and no header"
    even = len(steps) > 3 and float(np.ptp(steps)) <= 0.02 * float(np.median(steps)) + 1e-3
    optical = y_unit_of(y_words)[0] if y_words else ""
    if optical in ("transmittance", "absorbance", "reflectance"):
        if low >= 150 and high <= 1200 and even and high - low <= 900 and optical == "absorbance":
            return Technique.UV_VIS, f"the header says {optical} and {span}"
        if high <= 60:
            return Technique.IR, f"the header says {optical} and {span} (micrometres)"
        return Technique.IR, f"the header says {optical} and {span}"
    stepless = len(finite) < 5000 and not even and low >= 1
    if stepless and high > 20 and _looks_like_ions(finite, steps):
        return mass, f"{span} in uneven steps, as lists of ions do"
    if low >= -30 and high <= 35 and high - low <= 45:
        if low >= 1.5 and high > 12 and high - low > 8 and len(finite) > 100:
            return Technique.IR, f"{span} (micrometres)"
        return Technique.nmr("1H"), f"{span}"
    if -60 <= low <= 50 and 35 < high <= 300 and len(finite) > 200:
        return Technique.nmr("13C"), f"{span}"
    if low >= 170 and high <= 1150 and even:
        return Technique.UV_VIS, f"{span}"
    if low >= 2.0 and high <= 60:
        return Technique.IR, f"{span} (micrometres)"
    if highest > _COUNTS and low < 2000 and 1150 < high <= 4500:
        return Technique.RAMAN, f"{span} and heights reach {highest:.4g}, as counts do"
    if low >= 300 and high <= 16000 and high > 1150:
        return Technique.IR, f"{span}"
    if 0 <= low < 300 and 1500 <= high <= 5000 and len(finite) > 200:
        if low < 100:
            return Technique.RAMAN, f"{span}"
        return Technique.IR, f"{span}"
    return None, f"no header and an axis that runs {low:g} to {high:g}"


def _looks_like_ions(x: np.ndarray, steps: np.ndarray) -> bool:
    whole = float(np.mean(np.abs(x - np.round(x)) < 1e-9))
    if whole > 0.95:
        return x.max() < 3000 or x.min() < 350
    # Exact masses lie near whole numbers, off by up to 1 in 1000, with gaps of about one unit.
    defect = np.abs(x - np.round(x))
    near = float(np.mean(defect < 0.0012 * x + 0.02))
    spread = float(np.percentile(steps, 90) / max(np.percentile(steps, 10), 1e-9))
    return spread > 3 and (near > 0.9 or (len(x) < 2000 and spread > 20)) and x.max() > 40


def usual_x_unit(technique: Technique) -> str:
    """The x unit of a technique's tables without a header."""
    if technique.is_nmr:
        return "ppm"
    if technique.is_mass:
        return "m/z"
    if technique == Technique.UV_VIS:
        return "nm"
    return "1/cm"


# Hardly a molecule absorbs here: above X-H stretches, and between triple bonds and X-H.
_QUIET = ((3850.0, 4000.0), (2400.0, 2600.0), (1900.0, 2000.0))


def usual_y_unit(technique: Technique, axes: Axes) -> str:
    """The y unit of an optical spectrum without a header, from which way its bands point."""
    if technique == Technique.RAMAN:
        return "intensity"
    finite = np.isfinite(axes.x) & np.isfinite(axes.y)
    x, y = axes.x[finite], axes.y[finite]
    if axes.x_unit in ("um", "nm") or x.max() <= 60:
        with np.errstate(divide="ignore"):
            x = (1e7 if axes.x_unit == "nm" and x.max() > 60 else 1e4) / x
    low, high = float(y.min()), float(y.max())
    quiet = np.zeros(len(x), dtype=bool)
    for start, end in _QUIET:
        quiet |= (x >= start) & (x <= end)
    level = float(np.median(y[quiet] if quiet.any() else y))
    downwards = technique == Technique.IR and level - low > 0.5 * (high - low)
    if downwards and low > -0.2 * high and (20 < high <= 200 or 0.2 < high <= 1.5):
        axes.warnings.append(
            f"taken for transmittance because its bands point down from {level:.3g}"
        )
        return "transmittance"
    if high <= 10:
        axes.warnings.append("taken for absorbance because its bands point up")
        return "absorbance"
    axes.warnings.append(f"the y unit is not named and heights reach {high:.4g}: left as intensity")
    return "intensity"
