"""Infrared spectra: transmittance and absorbance, smoothing, and correction of ATR depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.spectra import Spectrum

TRANSMITTANCE_FLOOR = 1e-4
"""Least transmittance that counts, an absorbance of 4: detectors do not tell less from none."""


def to_absorbance(spectrum: Spectrum, floor: float = TRANSMITTANCE_FLOOR) -> Spectrum:
    """A = -log10(T), T clipped from below at ``floor`` (a warning says where that happened).

    A spectrum in absorbance comes back as it is; raises ``ValueError`` for any other unit.
    """
    if spectrum.y_unit == "absorbance":
        return spectrum
    if spectrum.y_unit != "transmittance":
        raise ValueError(f"absorbance needs a transmittance, got y_unit {spectrum.y_unit!r}")
    if not 0 < floor < 1:
        raise ValueError(f"floor is {floor:g}; right is above 0 and below 1")
    low = int(np.count_nonzero(spectrum.y < floor))
    y = -np.log10(np.maximum(spectrum.y, floor))
    result = replace(spectrum, y=y, y_unit="absorbance", y_imaginary=None)
    if low:
        return result.with_warnings(
            f"{low} of {len(spectrum)} points let no light through (transmittance below "
            f"{floor:g}): their absorbance was set to {-np.log10(floor):g}."
        )
    return result


def to_transmittance(spectrum: Spectrum) -> Spectrum:
    """T = 10**-A as a fraction; absorbances outside -10 to 300 are clipped to that range.

    A spectrum in transmittance comes back as it is; raises ``ValueError`` for any other unit.
    """
    if spectrum.y_unit == "transmittance":
        return spectrum
    if spectrum.y_unit != "absorbance":
        raise ValueError(f"transmittance needs an absorbance, got y_unit {spectrum.y_unit!r}")
    y = 10.0 ** -np.clip(spectrum.y, -10.0, 300.0)
    return replace(spectrum, y=y, y_unit="transmittance", y_imaginary=None)


def smooth(spectrum: Spectrum, window_points: int = 9, order: int = 3) -> Spectrum:
    """Savitzky-Golay smoothing with a polynomial of ``order`` over ``window_points`` (odd)."""
    from scipy.signal import savgol_filter

    if spectrum.kind != "continuous":
        raise ValueError(f"smoothing needs a continuous spectrum, got {spectrum.kind!r}")
    if window_points < 3 or window_points % 2 == 0:
        raise ValueError(f"the window is {window_points} points; right is an odd number from 3")
    if not 0 <= order < window_points:
        raise ValueError(f"the order is {order}; right is 0 to {window_points - 1}")
    if len(spectrum) <= window_points:
        return spectrum.with_warnings("Too few points to smooth.")
    return replace(spectrum, y=savgol_filter(spectrum.y, window_points, order))


def correct_atr(spectrum: Spectrum, reference_wavenumber: float = 1000.0) -> Spectrum:
    """An ATR absorbance times wavenumber / ``reference_wavenumber``.

    Light of long waves reaches deeper into the sample (penetration depth is proportional to the
    wavelength), so an ATR spectrum shows its low wavenumbers too strong.
    """
    if spectrum.y_unit != "absorbance" or spectrum.x_unit != "1/cm":
        raise ValueError(
            f"ATR correction needs absorbance over 1/cm, got {spectrum.y_unit!r} over "
            f"{spectrum.x_unit!r}"
        )
    return replace(spectrum, y=spectrum.y * spectrum.x / reference_wavenumber)
