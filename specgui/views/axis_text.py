"""What axes and readouts say: quantities with their units, as chemists write them."""

from __future__ import annotations

_X_TITLES = {
    "1/cm": "Wavenumber (cm⁻¹)",
    "nm": "Wavelength (nm)",
    "ppm": "Chemical shift δ (ppm)",
    "m/z": "m/z",
    "s": "Time (s)",
    "min": "Retention time (min)",
}
_X_UNITS = {"1/cm": "cm⁻¹", "nm": "nm", "ppm": "ppm", "m/z": "m/z", "s": "s", "min": "min"}
_X_DECIMALS = {"1/cm": 1, "nm": 1, "ppm": 3, "m/z": 4, "s": 5, "min": 3}


def x_title(unit: str, technique: str = "") -> str:
    """The title of a horizontal axis."""
    if technique == "Raman" and unit == "1/cm":
        return "Raman shift (cm⁻¹)"
    return _X_TITLES.get(unit, unit)


def y_title(unit: str) -> str:
    """The title of a vertical axis; see ``y_scale`` for what its numbers mean."""
    if unit == "transmittance":
        return "Transmittance (%)"
    if unit == "absorbance":
        return "Absorbance"
    if unit == "intensity":
        return "Intensity (%)"
    return unit[:1].upper() + unit[1:]


def y_scale(unit: str, highest: float) -> float:
    """The factor from data to axis: percent of 1 for transmittance, of the highest for intensity.

    Detector counts mean nothing across instruments, so an intensity is shown relative to the
    tallest point, as is usual for mass spectra.
    """
    if unit == "transmittance":
        return 100.0
    if unit == "intensity" and highest > 0:
        return 100.0 / highest
    return 1.0


def readout(x: float, y: float, x_unit: str, y_unit: str, scale: float) -> str:
    """A point of a spectrum in words: ``1715.2 cm⁻¹   43.1 % T``."""
    place = f"{x:.{_X_DECIMALS.get(x_unit, 3)}f}"
    place = f"m/z {place}" if x_unit == "m/z" else f"{place} {_X_UNITS.get(x_unit, x_unit)}"
    if y_unit == "transmittance":
        return f"{place}    {y * scale:.1f} % T"
    if y_unit == "absorbance":
        return f"{place}    A {y:.3f}"
    if y_unit == "intensity":
        return f"{place}    {y * scale:z.1f} %"
    return f"{place}    {y:.4g}"
