"""Mass spectra: centroids of profile data, scaling to the base peak, small sticks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.processing.noise import noise_level, noise_span
from engine.spectra import Spectrum


def centroid(spectrum: Spectrum, noise_factor: float | None = None) -> Spectrum:
    """The sticks of a profile spectrum: one for each maximum above ``noise_factor`` times noise
    (None: what so many points of pure noise do not reach).

    The m/z of a stick is the mean of the points above half of the maximum, weighted by their
    intensity; its height is the maximum. Sticks come back as they are. Raises ``ValueError``
    when the axis is not m/z.
    """
    from scipy.signal import find_peaks

    if spectrum.x_unit != "m/z":
        raise ValueError(f"centroids need an m/z axis, got {spectrum.x_unit!r}")
    if spectrum.kind == "sticks":
        return spectrum
    spectrum = spectrum.ascending
    x, y = spectrum.x, np.where(np.isfinite(spectrum.y), spectrum.y, 0.0)
    if noise_factor is None:
        noise_factor = noise_span(len(y))
    floor = max(noise_factor * noise_level(y), 1e-4 * float(y.max(initial=0.0)))
    # A zero on either side lets a maximum at the edge of the scan count.
    padded = np.concatenate([[0.0], y, [0.0]])
    tops, _ = find_peaks(padded, height=max(floor, np.finfo(float).tiny), prominence=floor)
    tops = tops - 1
    if len(tops) == 0:
        return spectrum.with_warnings("No peak rises above the noise: the profile was kept.")
    positions = np.array([_weighted_position(x, y, top) for top in tops])
    keep = np.concatenate([[True], np.diff(positions) > 0])
    return replace(spectrum, x=positions[keep], y=y[tops][keep], kind="sticks", y_imaginary=None)


def _weighted_position(x: np.ndarray, y: np.ndarray, top: int) -> float:
    first = last = top
    half = y[top] / 2
    while first > 0 and half < y[first - 1] <= y[first]:
        first -= 1
    while last + 1 < len(y) and half < y[last + 1] <= y[last]:
        last += 1
    weights = y[first : last + 1]
    return float(np.sum(x[first : last + 1] * weights) / np.sum(weights))


def normalise_to_base_peak(spectrum: Spectrum, maximum: float = 100.0) -> Spectrum:
    """Intensities scaled so that the highest is ``maximum``."""
    highest = float(np.nanmax(spectrum.y))
    if not np.isfinite(highest) or highest <= 0:
        return spectrum.with_warnings("No positive intensity: it was not scaled.")
    factor = maximum / highest
    imaginary = None if spectrum.y_imaginary is None else spectrum.y_imaginary * factor
    return replace(spectrum, y=spectrum.y * factor, y_imaginary=imaginary)


def remove_small_sticks(spectrum: Spectrum, minimum_percent: float = 0.1) -> Spectrum:
    """The sticks of at least ``minimum_percent`` of the base peak."""
    if spectrum.kind != "sticks":
        raise ValueError(f"this step needs sticks, got {spectrum.kind!r}: centroid first")
    keep = spectrum.y >= minimum_percent / 100.0 * float(np.nanmax(spectrum.y))
    if not keep.any():
        return spectrum
    return replace(spectrum, x=spectrum.x[keep], y=spectrum.y[keep], y_imaginary=None)
