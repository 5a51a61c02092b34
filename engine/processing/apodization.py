"""Window functions on a FID; time 0 is the excitation, not the start of the digital filter."""

from __future__ import annotations

import numpy as np

from engine.processing.fid import complex_points, require_fid, times, with_points
from engine.spectra import Spectrum


def exponential(spectrum: Spectrum, line_broadening_hz: float = 0.3) -> Spectrum:
    """The FID times exp(-pi·lb·t): every line gets ``line_broadening_hz`` wider (FWHM)."""
    require_fid(spectrum, "apodization")
    window = np.exp(-np.pi * line_broadening_hz * np.abs(times(spectrum)))
    return with_points(spectrum, complex_points(spectrum) * window)


def gaussian(
    spectrum: Spectrum, line_broadening_hz: float = -0.3, maximum: float = 0.1
) -> Spectrum:
    """Lorentz-to-Gauss window exp(-pi·lb·t·(1 - t/(2·gb·T))), its maximum at gb·T.

    ``line_broadening_hz`` below 0 narrows lines; ``maximum`` is gb, a fraction of the
    acquisition time T. With lb = 0 the window is 1.
    """
    require_fid(spectrum, "apodization")
    if not 0 < maximum <= 1:
        raise ValueError(f"maximum is {maximum:g}; right is above 0, at most 1")
    t = np.abs(times(spectrum))
    duration = max(float(t.max()), 1e-12)
    exponent = -np.pi * line_broadening_hz * t * (1.0 - t / (2.0 * maximum * duration))
    return with_points(spectrum, complex_points(spectrum) * np.exp(np.minimum(exponent, 50.0)))


def sine_bell(spectrum: Spectrum, shift_deg: float = 90.0, power: int = 1) -> Spectrum:
    """The FID times sin(shift + (180° - shift)·t/T)**power; shift 90° is a cosine bell."""
    require_fid(spectrum, "apodization")
    t = np.abs(times(spectrum))
    start = np.deg2rad(shift_deg)
    window = np.sin(start + (np.pi - start) * t / max(float(t.max()), 1e-12))
    window = np.clip(window, 0.0, None) ** power
    return with_points(spectrum, complex_points(spectrum) * window)
