"""Spectral lines averaged over the bins of a grid, exactly, whatever their width."""

from __future__ import annotations

import numpy as np

_SIGMA_PER_FWHM = 1.0 / 2.354820045
# Lines drawn at once: a list of a million peaks must not take a million columns of memory.
_LINES_AT_ONCE = 4096


def binned_lines(
    edges: np.ndarray,
    positions: np.ndarray,
    areas: np.ndarray,
    widths: np.ndarray,
    gaussian: np.ndarray | float = 0.0,
) -> np.ndarray:
    """The mean height in each bin of a sum of pseudo-Voigt lines.

    ``edges`` ``(n + 1,)`` ascending; ``positions``, ``areas`` and ``widths`` (full width at half
    maximum, > 0) ``(k,)`` in the unit of the edges; ``gaussian`` is the Gaussian share of each
    line, 0 (Lorentz) to 1 (Gauss). Returns ``(n,)``, height units of area per edge unit.

    The mean over a bin is a difference of the line's cumulative distribution, so a line much
    narrower than a bin counts with its whole area, as it does when a measured spectrum is
    integrated over the bin.
    """
    gaussian = np.broadcast_to(np.asarray(gaussian, dtype=np.float32), np.shape(positions))
    total = np.zeros(len(edges) - 1)
    for start in range(0, len(positions), _LINES_AT_ONCE):
        part = slice(start, start + _LINES_AT_ONCE)
        total += _part(edges, positions[part], areas[part], widths[part], gaussian[part])
    return total


def _part(
    edges: np.ndarray,
    positions: np.ndarray,
    areas: np.ndarray,
    widths: np.ndarray,
    gaussian: np.ndarray,
) -> np.ndarray:
    from scipy.special import ndtr

    edges = np.asarray(edges, dtype=np.float32)
    offset = (edges[:, None] - np.asarray(positions, dtype=np.float32)) / np.asarray(
        widths, dtype=np.float32
    )
    cumulative = np.zeros_like(offset)
    lorentz = gaussian < 1
    if lorentz.any():
        share = 1 - gaussian[lorentz]
        cumulative[:, lorentz] += share * np.arctan(2 * offset[:, lorentz]) / np.float32(np.pi)
    gauss = gaussian > 0
    if gauss.any():
        cumulative[:, gauss] += gaussian[gauss] * ndtr(
            offset[:, gauss] / np.float32(_SIGMA_PER_FWHM)
        )
    heights = np.diff(cumulative @ np.asarray(areas, dtype=np.float32))
    return (heights / np.diff(edges)).astype(np.float64)
