"""What the unit codes, labels and log of an SPC file say: technique, units, laser, instrument."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.formats.axis_units import x_unit_of, y_unit_of
from engine.formats.errors import FormatError
from engine.formats.jcamp_records import first_number
from engine.spectra import Technique

INTERFEROGRAM, NAMED, COMPLEX = 1, 15, 26
_RAMAN_CODE, _WAVENUMBER_CODE = 13, 1

# Codes of SPC.H (fxtype, fztype) whose axes belong to a spectrum.
_X_UNITS = {1: "1/cm", 2: "um", 3: "nm", 9: "m/z", 10: "ppm", 13: "1/cm"}
_OTHER_AXES = {
    4: "seconds", 5: "minutes", 6: "Hz", 7: "kHz", 8: "MHz", 11: "days", 12: "years", 14: "eV",
    16: "diode numbers", 17: "channels", 18: "degrees", 19: "°F", 20: "°C", 21: "K",
    22: "data points", 23: "ms", 24: "us", 25: "ns", 26: "GHz", 27: "cm", 28: "m", 29: "mm",
    30: "hours",
}  # fmt: skip
Z_UNITS = {
    1: "1/cm", 2: "um", 3: "nm", 4: "s", 5: "min", 6: "Hz", 9: "m/z", 10: "ppm", 13: "1/cm",
    18: "deg", 19: "°F", 20: "°C", 21: "K", 23: "ms", 27: "cm", 28: "m", 29: "mm", 30: "h",
}  # fmt: skip

# Codes of fytype; from 128 on bands point down. A missing code and 0 name no unit.
_PERCENT = 11
_Y_UNITS = {
    2: "absorbance", 3: "kubelka-munk", 4: "intensity", 5: "V", 9: "mV", 10: "log(1/R)",
    12: "intensity", 13: "intensity", 14: "intensity", 16: "dB", 22: "refractive index",
    23: "extinction coefficient", 24: "intensity", 25: "intensity", 128: "transmittance",
    129: "reflectance", 130: "single beam", 131: "intensity",
}  # fmt: skip

# Codes of fexper. Most programs leave it 0; where it is set it names what the axis does not.
_EXPERIMENT_UNITS = {4: "1/cm", 5: "nm", 7: "nm", 9: "m/z", 10: "ppm", 11: "1/cm"}
_EXPERIMENTS = {
    1: "a gas chromatogram", 2: "a chromatogram", 3: "an HPLC chromatogram",
    8: "an X-ray diffraction pattern", 12: "a fluorescence spectrum", 13: "an atomic spectrum",
}  # fmt: skip
_UV_VIS_EXPERIMENT, _NIR_EXPERIMENT, _RAMAN_EXPERIMENT = 7, 5, 11

_NUCLEUS = re.compile(r"(?<![A-Za-z\d])(1H|13C|19F|31P|29Si|11B|15N)(?![A-Za-z\d])")
_LOG_KEYS = {
    "instrument": ("instrument", "instrument name", "instrument model", "spectrometer", "model"),
    "laser": (
        "laser", "laser wavelength", "laser_wavelength", "laser wavelength (nm)", "laser line",
        "excitation", "excitation wavelength", "excitation wavelength (nm)", "laser (nm)",
        "laser wavenumber",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """Technique and units of a subfile; ``y_unit`` is empty where nothing names it."""

    technique: Technique
    x_unit: str
    y_unit: str
    percent: bool = False
    warnings: tuple[str, ...] = field(default=())


def axes_of(
    x_code: int,
    y_code: int,
    experiment: int,
    labels: tuple[str, ...],
    words: str,
    x: np.ndarray,
    path: Path,
) -> Said:
    """What codes, labels and ``words`` (memo, instrument, log) make of the axis ``x`` ``(n,)``.

    Raises ``FormatError`` for an axis that is no spectrum's, such as a chromatogram's.
    """
    if experiment in _EXPERIMENTS and x_code not in _X_UNITS:
        raise FormatError(path, "a spectrum", _EXPERIMENTS[experiment])
    unit = x_unit_of(labels[0]) if labels and labels[0] else None
    unit = unit or _X_UNITS.get(x_code)
    if unit is None and x_code in (0, NAMED):
        unit = _EXPERIMENT_UNITS.get(experiment)
    if unit not in ("1/cm", "um", "nm", "ppm", "m/z"):
        label = labels[0] if labels else ""
        named = unit or label or _OTHER_AXES.get(x_code, "arbitrary units")
        raise FormatError(path, "an axis in 1/cm, um, nm, ppm or m/z", f"one in {named}")
    x = x[np.isfinite(x)]
    if len(x) == 0:
        raise FormatError(path, "an axis of finite numbers", "none")
    technique, warnings = _technique(unit, x_code, experiment, words, labels, x)
    y_unit, percent = _y_unit(y_code, labels)
    if y_code == _PERCENT:
        percent = True
        if y_unit not in ("transmittance", "reflectance"):
            y_unit = "transmittance"
            warnings.append("the y unit is only named percent: taken for transmittance")
    if not y_unit and technique not in (Technique.IR, Technique.UV_VIS):
        y_unit = "intensity"
    if y_unit == "single beam":
        warnings.append("a single-beam spectrum: it was not divided by its background")
        y_unit = "intensity"
    return Said(technique, unit, y_unit, percent, tuple(warnings))


def _technique(
    unit: str, x_code: int, experiment: int, words: str, labels: tuple[str, ...], x: np.ndarray
) -> tuple[Technique, list[str]]:
    low, high = float(x.min()), float(x.max())
    if unit == "m/z":
        return Technique.MS, []
    if unit == "ppm":
        found = _NUCLEUS.search(words)
        if found:
            return Technique.nmr(found.group(1)), []
        technique = Technique.C13_NMR if high - low > 40 else Technique.H1_NMR
        return technique, [
            f"no nucleus is named: taken for {technique} because the axis runs {low:g} to {high:g}"
        ]
    spoken = " ".join((words, *labels[:1]))
    if x_code == _RAMAN_CODE or experiment == _RAMAN_EXPERIMENT or (
        unit == "1/cm" and re.search(r"(?i)\braman\b", spoken)
    ):  # fmt: skip
        return Technique.RAMAN, []
    if unit == "nm" and experiment != _NIR_EXPERIMENT:
        if experiment == _UV_VIS_EXPERIMENT or low <= 750:
            return Technique.UV_VIS, []
        return Technique.IR, []
    return Technique.IR, []


def _y_unit(code: int, labels: tuple[str, ...]) -> tuple[str, bool]:
    if len(labels) > 1 and labels[1]:
        unit, percent = y_unit_of(labels[1])
        if code not in _Y_UNITS or unit in ("transmittance", "absorbance", "reflectance"):
            return unit, percent
    return _Y_UNITS.get(code, ""), False


def logged(log: dict[str, str], what: str) -> str | None:
    """The first entry of the log under one of the names of ``what``, or None."""
    return next((log[key] for key in _LOG_KEYS[what] if log.get(key)), None)


def laser_nm(log: dict[str, str]) -> float | None:
    """The laser's wavelength in nm from the log, where one is told in nm or 1/cm."""
    value = first_number(logged(log, "laser") or "")
    if value is None:
        return None
    if 200 <= value <= 2000:
        return value
    return 1e7 / value if 5000 < value < 50_000 else None
