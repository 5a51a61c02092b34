"""Base line correction of continuous spectra, quick at any length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.spectra import Spectrum

_BLOCKS = 1024

METHODS = ("aspls", "polynomial", "signal-free")


def correct_baseline(
    spectrum: Spectrum, method: str = "aspls", smoothness: float = 7.0, order: int = 3
) -> Spectrum:
    """The spectrum less its base line (:func:`baseline`); the imaginary part is left as it is.

    A transmittance is divided by its base line of full transmission instead of subtracted.
    """
    _require_continuous(spectrum)
    line = baseline(spectrum, method, smoothness, order)
    if spectrum.y_unit == "transmittance":
        if not (line > 1e-3).all():
            return spectrum.with_warnings(
                "No base line of full transmission was found: it was not corrected."
            )
        return replace(spectrum, y=spectrum.y / line)
    return replace(spectrum, y=spectrum.y - line)


def baseline(
    spectrum: Spectrum, method: str = "aspls", smoothness: float = 7.0, order: int = 3
) -> np.ndarray:
    """The base line of a continuous spectrum, shape ``(n,)``, in the unit of ``y``.

    ``aspls``: penalised least squares with adaptive smoothness (F. Zhang et al., Spectrosc.
    Lett. 53 (2020) 222), lambda = 10**``smoothness`` on 1024 blocks; ``polynomial``: iteratively
    reweighted polynomial of ``order``; ``signal-free``: through the points that a wavelet
    derivative finds free of signals (J. C. Cobas et al., J. Magn. Reson. 183 (2006) 145), for
    spectra whose lines point both ways. Long spectra are reduced to block medians first: lines
    are narrow against a base line, so 64k points cost no more than 1k.
    Raises ``ValueError`` for another method.
    """
    _require_continuous(spectrum)
    if method not in METHODS:
        raise ValueError(f"base line method {method!r}; right is {', '.join(METHODS)}")
    y = np.where(np.isfinite(spectrum.y), spectrum.y, 0.0)
    if len(y) < 16:
        return np.full(len(y), np.median(y))
    sign = -1.0 if spectrum.y_unit == "transmittance" else 1.0
    centres, levels = _block_medians(sign * y)
    scale = float(np.ptp(levels))
    if scale <= 0:
        return np.full(len(y), sign * levels[0])
    fitted = _fit(levels / scale, method, smoothness, order) * scale
    if not np.isfinite(fitted).all():
        return np.full(len(y), sign * np.median(levels))
    return sign * np.interp(np.arange(len(y)), centres, fitted)


def _require_continuous(spectrum: Spectrum) -> None:
    if spectrum.kind != "continuous":
        raise ValueError(f"a base line needs a continuous spectrum, got {spectrum.kind!r}")


def _block_medians(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (as indices) and medians of up to 1024 blocks of equal length."""
    blocks = min(_BLOCKS, len(y))
    edges = np.linspace(0, len(y), blocks + 1).astype(int)
    size = int(np.diff(edges).min())
    # Blocks of one common size make one array; the few points left over change no median.
    block = y[edges[:-1, None] + np.arange(size)]
    return edges[:-1] + (size - 1) / 2, np.median(block, axis=1)


def _fit(levels: np.ndarray, method: str, smoothness: float, order: int) -> np.ndarray:
    import warnings

    from pybaselines import Baseline

    fitter = Baseline(np.arange(len(levels), dtype=float), check_finite=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pybaselines warns when it stops at its iteration limit
        if method == "polynomial":
            return fitter.imodpoly(levels, poly_order=order)[0]
        if method == "signal-free":
            return fitter.fabc(levels, lam=10.0 ** (smoothness - 2.0))[0]
        return fitter.aspls(levels, lam=10.0**smoothness)[0]
