"""What a FID's metadata say about its time axis, and the FID as one complex array."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.spectra import Spectrum


def complex_points(spectrum: Spectrum) -> np.ndarray:
    """``y + i·y_imaginary``, complex128 of shape ``(n,)``; points that are not numbers are 0."""
    values = spectrum.y.astype(np.complex128)
    if spectrum.y_imaginary is not None:
        values += 1j * spectrum.y_imaginary
    values[~np.isfinite(values)] = 0.0
    return values


def require_fid(spectrum: Spectrum, step: str) -> None:
    """Raises ``ValueError`` when ``spectrum`` is no FID."""
    if spectrum.kind != "fid":
        raise ValueError(f"{step} needs a FID, got a spectrum of kind {spectrum.kind!r}")


def dwell_time(spectrum: Spectrum) -> float:
    """Seconds between two points of a FID."""
    if len(spectrum) > 1:
        return float((spectrum.x[-1] - spectrum.x[0]) / (len(spectrum) - 1))
    width = spectrum.metadata.get("sweep_width_hz")
    if not width:
        raise ValueError("a FID of one point needs metadata sweep_width_hz, found none")
    return 1.0 / float(width)


def group_delay(spectrum: Spectrum) -> float:
    """Delay of the digital filter in points, 0 when the metadata name none."""
    return float(spectrum.metadata.get("group_delay_points") or 0.0)


def wrapped_points(spectrum: Spectrum) -> int:
    """Points at the end of the FID that belong before time 0, see ``remove_group_delay``."""
    return int(spectrum.metadata.get("points_before_zero") or 0)


def times(spectrum: Spectrum) -> np.ndarray:
    """Seconds since the excitation of each point, shape ``(n,)``; negative before it."""
    index = np.arange(len(spectrum), dtype=np.float64) - group_delay(spectrum)
    wrapped = wrapped_points(spectrum)
    if wrapped:
        index[-wrapped:] -= len(spectrum)
    return index * dwell_time(spectrum)


def cut_off(spectrum: Spectrum) -> bool:
    """Whether a FID ends while its signal is still there: above 2 % of its start and its noise."""
    values = np.abs(complex_points(spectrum))
    start = int(group_delay(spectrum)) + 1
    size = (len(values) - start) // 20
    if size < 8:
        return False
    loud = float(np.sqrt(np.mean(values[start : start + size] ** 2)))
    tail = complex_points(spectrum)[-size:]
    # Neighbouring points of a sampled oscillation are correlated, those of noise are not: the
    # largest line of the tail's own spectrum tells them apart.
    lines = np.abs(np.fft.fft(tail)) / size
    return float(lines.max()) > max(0.02 * loud, 6.0 * float(np.median(lines)))


def with_points(spectrum: Spectrum, values: np.ndarray, **metadata: Any) -> Spectrum:
    """The FID with these complex points (any number of them), real where it was real before."""
    x = spectrum.x
    if len(values) != len(spectrum):
        x = spectrum.x[0] + dwell_time(spectrum) * np.arange(len(values))
    imaginary = None if spectrum.y_imaginary is None else values.imag
    return replace(
        spectrum,
        x=x,
        y=values.real,
        y_imaginary=imaginary,
        metadata={**spectrum.metadata, **metadata},
    )
