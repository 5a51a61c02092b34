"""What text files call their axes: units and techniques by name, and axes that are mislabelled."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from engine.spectra import Technique

_MICROMETRE = "um"
_HERTZ = "Hz"

_X_WORDS = (
    ("1/cm", r"1/cm|cm\^?\(?[-−⁻–]\(?[1¹]\)?|cm\*\*-1|/cm\b|\bwave ?numbers?\b|kayser|raman shift"
             r"|reciprocal cent|inverse cent|\bcm1\b|\bcm- ?1\b"),
    ("ppm", r"\bppm\b|chemical shift|\bdelta\b|δ"),
    ("m/z", r"\bm ?/ ?[ze]\b|\bmz\b|mass ?[-/]? ?(?:to)? ?[-/]? ?charge|\bmass(?:es)?\b|thomp?son"),
    ("Hz", r"\bhz\b|hertz"),
    ("nm", r"\bnm\b|nano ?met(?:er|re)s?|\bwave ?length\b(?!.*(?:µm|μm|um|micro))"),
    ("um", r"\b[uµμ]m\b|micro ?met(?:er|re)s?|\bmicrons?\b|[µμ]m"),
    ("us", r"micro ?seconds?|^[uµμ]s$|[(\[][uµμ]s[)\]]|\b[uµμ]secs?\b"),
    ("s", r"\bseconds?\b|\bsecs?\b|^s$|\btime ?[(\[] ?s ?[)\]]|^time$"),
    ("ms", r"\bmilli ?seconds?\b|^ms$|\bmsecs?\b|[(\[]ms[)\]]"),
)  # fmt: skip
_X_UNIT = tuple((unit, re.compile(pattern)) for unit, pattern in _X_WORDS)


def x_unit_of(text: str) -> str | None:
    """The unit that a label or header names, or None.

    One of the units of a spectrum's axis, or of those that readers convert: ``um``, ``Hz``,
    ``ms``, ``us``.
    """
    words = text.strip().strip("<>").lower().replace("_", " ")
    for unit, pattern in _X_UNIT:
        if pattern.search(words):
            return unit
    return None


_PERCENT = re.compile(r"%|percent|per ?cent|\bpct\b")
_KNOWN_Y = (
    ("transmittance", re.compile(r"transmi[ts]|^%? ?t$|^t ?[(\[]? ?%|^% ?t\b|%t\b")),
    ("reflectance", re.compile(r"reflect|^%? ?r$|^r ?[(\[]? ?%|^% ?r\b")),
    ("absorbance", re.compile(
        r"absorb|^a$|^abs\.?$|\babs\b|extinction$|^a\.?u\.?$|optical density|^od$")),
    ("kubelka-munk", re.compile(r"kubel")),
    ("intensity", re.compile(
        r"intens|arbitrary|counts?|abundance|^arb|signal|amplitude|^y$|relative|activity|^int\.?$")),
)  # fmt: skip
_MOLAR = re.compile(r"mol|epsilon|ε|log")


def y_unit_of(text: str) -> tuple[str, bool]:
    """The unit that a y label names, and whether it is given in percent.

    Units that no processing step converts (molar absorptivities, a logarithm of epsilon) are
    returned as they stand.
    """
    plain = " ".join(text.strip().strip("<>").split())[:60]
    words = plain.lower().replace("_", " ")
    if _MOLAR.search(words):
        return plain, False
    for unit, pattern in _KNOWN_Y:
        if pattern.search(words):
            percent = bool(_PERCENT.search(words)) and unit in ("transmittance", "reflectance")
            return unit, percent
    return plain or "intensity", False


_TECHNIQUE_WORDS = (
    (Technique.MS_MS,
     r"\bms ?/ ?ms\b|\bmsms\b|tandem|product ion|daughter ion|\bms2\b|fragment(?:ation)? spectrum"),
    (Technique.RAMAN, r"\braman\b"),
    (Technique.UV_VIS, r"\buv\b|uv[-/ ]?vis|ultra ?violet|^visible"),
    (Technique.IR, r"infra ?red|\bft-?n?ir\b|\bn?ir\b|\batr\b|ftir"),
    (Technique.MS, r"\bmass\b|\bms\b|\bgc-?ms\b|\blc-?ms\b|\bei-?ms\b"),
)  # fmt: skip
_TECHNIQUE = tuple((name, re.compile(pattern)) for name, pattern in _TECHNIQUE_WORDS)
_NUCLEUS = re.compile(
    r"(?:\^?(?P<mass>\d{1,3})\}?\^?[- ]?(?P<element>[A-Z][a-z]?)"
    r"|(?P<name>[A-Z][a-z]?)[- ]?(?P<number>\d{1,3}))"
    r"(?![a-z\d])"
)
_ELEMENTS = frozenset(
    [
        "H",
        "Li",
        "Be",
        "B",
        "C",
        "N",
        "O",
        "F",
        "Na",
        "Mg",
        "Al",
        "Si",
        "P",
        "S",
        "Cl",
        "K",
        "Ca",
        "Sc",
        "Ti",
        "V",
        "Cr",
        "Mn",
        "Fe",
        "Co",
        "Ni",
        "Cu",
        "Zn",
        "Ga",
        "Ge",
        "As",
        "Se",
        "Br",
        "Kr",
        "Rb",
        "Sr",
        "Y",
        "Zr",
        "Nb",
        "Mo",
        "Ru",
        "Rh",
        "Pd",
        "Ag",
        "Cd",
        "In",
        "Sn",
        "Sb",
        "Te",
        "I",
        "Xe",
        "Cs",
        "Ba",
        "La",
        "Hf",
        "Ta",
        "W",
        "Re",
        "Os",
        "Ir",
        "Pt",
        "Au",
        "Hg",
        "Tl",
        "Pb",
        "Bi",
        "Yb",
        "D",
        "T",
    ]
)


def technique_of(text: str) -> Technique | None:
    """The technique that a data type or a header names, or None; ``NMR`` alone names no nucleus."""
    words = text.lower().replace("_", " ")
    if "nmr" in words or "magnetic resonance" in words:
        nucleus = nucleus_of(text)
        return Technique.nmr(nucleus) if nucleus else None
    for technique, pattern in _TECHNIQUE:
        if pattern.search(words):
            return technique
    return None


def nucleus_of(text: str) -> str | None:
    """The isotope in ``^13C``, ``<1H>``, ``13C{1H}``, ``Carbon13`` or ``F19``: ``13C``."""
    text = text.replace("<", "").replace(">", "").translate(_SUPERSCRIPT)
    lowered = text.lower()
    for name, isotope in _SPOKEN:
        if name in lowered:
            return isotope
    for found in _NUCLEUS.finditer(text):
        element = found["element"] or found["name"]
        number = found["mass"] or found["number"]
        if element == "D":
            return "2H"
        if element in _ELEMENTS and 0 < int(number) < 240:
            return f"{int(number)}{element}"
    return None


_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SPOKEN = (
    ("proton", "1H"), ("hydrogen", "1H"), ("carbon", "13C"), ("fluorine", "19F"),
    ("phosphorus", "31P"), ("nitrogen15", "15N"), ("boron11", "11B"), ("silicon", "29Si"),
)  # fmt: skip


@dataclass
class Axes:
    """The axes of one spectrum while they are brought to their units; ``x`` and ``y`` ``(n,)``."""

    x: np.ndarray
    y: np.ndarray
    x_unit: str
    y_unit: str
    y_imaginary: np.ndarray | None = None
    warnings: list[str] = field(default_factory=list)


def convert_optical(axes: Axes, technique: Technique, percent: bool, trusted: bool) -> None:
    """Bring an IR, Raman or UV-Vis spectrum to 1/cm or nm and to fractions, in place.

    Micrometres become 1/cm (IR) or nm (UV-Vis), nanometres 1/cm for IR. Unless ``trusted``, axes
    whose values contradict their labels are taken for what they must be, with a warning: 1/cm of 2
    to 50 (micrometres), transmittance above 2 (percent), %T that never passes 1.2 (a fraction).
    """
    _convert_optical_x(axes, technique, trusted)
    _convert_optical_y(axes, percent, trusted)


def _convert_optical_x(axes: Axes, technique: Technique, trusted: bool) -> None:
    low, high = float(np.min(axes.x)), float(np.max(axes.x))
    if technique == Technique.IR and not trusted and len(axes.x) > 1:
        if axes.x_unit == "1/cm" and low >= 0.7 and high <= 60:
            axes.x_unit = _MICROMETRE
            axes.warnings.append(
                f"the axis is labelled 1/cm but runs from {low:g} to {high:g}: taken for "
                "micrometres"
            )
        elif axes.x_unit == _MICROMETRE and low > 100:
            axes.x_unit = "1/cm"
            axes.warnings.append(
                f"the axis is labelled micrometres but runs from {low:g} to {high:g}: taken for "
                "1/cm"
            )
        elif axes.x_unit == "nm" and high <= 60:
            axes.x_unit = _MICROMETRE
            axes.warnings.append(
                f"the axis is labelled nm but runs from {low:g} to {high:g}: taken for um"
            )
    if technique == Technique.UV_VIS:
        if axes.x_unit == _MICROMETRE:
            axes.x, axes.x_unit = axes.x * 1e3, "nm"
        return
    per_centimetre = {_MICROMETRE: 1e4, "nm": 1e7}.get(axes.x_unit)
    if per_centimetre is None:
        return
    if technique == Technique.RAMAN:
        axes.warnings.append(
            "the axis is a wavelength: a Raman shift needs the laser's, which is not known"
        )
        if axes.x_unit == _MICROMETRE:
            axes.x, axes.x_unit = axes.x * 1e3, "nm"
        return
    usable = axes.x > 0
    if not usable.all():
        axes.warnings.append(f"{int((~usable).sum())} points at wavelengths of 0 or less left out")
        _choose(axes, usable)
    axes.x, axes.x_unit = per_centimetre / axes.x, "1/cm"


def _convert_optical_y(axes: Axes, percent: bool, trusted: bool) -> None:
    finite = axes.y[np.isfinite(axes.y)]
    if len(finite) == 0:
        return
    high, median = float(finite.max()), float(np.median(finite))
    if axes.y_unit in ("transmittance", "reflectance"):
        if percent and high <= 1.2 and high > 0.2 and not trusted:
            percent = False
            axes.warnings.append(
                f"labelled percent {axes.y_unit} but no value passes {high:.3g}: taken for a "
                "fraction"
            )
        elif not percent and high > 2 and not trusted:
            percent = True
            axes.warnings.append(
                f"{axes.y_unit} reaches {high:.4g}: taken for percent and divided by 100"
            )
        if percent:
            axes.y = axes.y / 100
    elif axes.y_unit == "absorbance" and not trusted and 20 < high <= 200 and median > 0.5 * high:
        axes.y, axes.y_unit = axes.y / 100, "transmittance"
        axes.warnings.append(
            f"labelled absorbance but lies near {median:.4g} with its bands downwards: "
            "taken for percent transmittance"
        )


def is_profile(x: np.ndarray) -> bool:
    """Whether m/z values ``(n,)`` sample a continuous scan: many narrow, evenly growing steps.

    A list of ions may be as dense, but its steps vary from one ion to the next.
    """
    steps = np.abs(np.diff(x[np.isfinite(x)]))
    steps = steps[steps > 0]
    if len(steps) < 100 or float(np.median(steps)) > 0.2:
        return False
    growth = np.abs(np.log(steps[1:] / steps[:-1]))
    return float(np.median(growth)) < 0.1


def in_order(axes: Axes, kind: str, merge: str = "first") -> None:
    """Drop points that are not finite and make ``x`` strictly monotonic, in place, with warnings.

    Sticks are sorted to ascending ``x``; a continuous axis keeps its direction where it has one.
    Points of equal ``x`` become one: ``merge="sum"`` adds them (ions), ``"first"`` keeps the first.
    """
    finite = np.isfinite(axes.x) & np.isfinite(axes.y)
    if axes.y_imaginary is not None:
        finite &= np.isfinite(axes.y_imaginary)
    if not finite.all():
        axes.warnings.append(f"points that are not finite, left out: {int((~finite).sum())}")
        _choose(axes, finite)
    steps = np.diff(axes.x)
    if (steps > 0).all() or ((steps < 0).all() and kind != "sticks"):
        return
    falling = kind != "sticks" and np.count_nonzero(steps < 0) > len(steps) / 2
    order = np.argsort(-axes.x if falling else axes.x, kind="stable")
    was_sorted = (np.diff(order) > 0).all() or (np.diff(order) < 0).all()
    _choose(axes, order)
    new = np.append(True, np.diff(axes.x) != 0)
    if not was_sorted and kind != "sticks":
        axes.warnings.append("the axis runs back and forth: its points were sorted")
    if not new.all():
        count = int((~new).sum())
        if merge == "sum":
            axes.y = np.add.reduceat(axes.y, np.flatnonzero(new))
            if axes.y_imaginary is not None:
                axes.y_imaginary = np.add.reduceat(axes.y_imaginary, np.flatnonzero(new))
            axes.x = axes.x[new]
            axes.warnings.append(f"points of equal x, added to their neighbours: {count}")
        else:
            _choose(axes, new)
            axes.warnings.append(f"points of equal x, left out: {count}")


def _choose(axes: Axes, which: np.ndarray) -> None:
    axes.x, axes.y = axes.x[which], axes.y[which]
    if axes.y_imaginary is not None:
        axes.y_imaginary = axes.y_imaginary[which]
