"""Phase of an NMR spectrum: by hand, automatic with a quality measure, or magnitude."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.processing.fid import complex_points
from engine.processing.line_phases import line_phases, line_quality, linear_phase
from engine.processing.noise import noise_level
from engine.spectra import Spectrum

_AGREEMENT_DEG = 5.0
_DOUBTFUL = 0.9
_BASE_LINE_BLOCKS = 128
_BASE_LINE_ORDER = 3
# Signals that fill less of the axis than this do not tell a first order from a zero order.
_LEAST_SPAN = 0.05
_FIRST_ORDER_TRIALS = (0.0, -45.0, 45.0, -100.0, 100.0, -180.0, 180.0, -270.0, 270.0)


def phase(
    spectrum: Spectrum,
    zero_order_deg: float = 0.0,
    first_order_deg: float = 0.0,
    pivot_ppm: float | None = None,
) -> Spectrum:
    """The complex spectrum times exp(i·(p0 + p1·(k - k0)/n)), k counted from the first point.

    Degrees; p1 is the phase between the first and the last point. k0 is the point at
    ``pivot_ppm`` on the axis, where p1 changes nothing; None: the first point. Raises
    ``ValueError`` when the spectrum has no imaginary part.
    """
    _require_complex(spectrum)
    zero_order_deg -= first_order_deg * pivot_place(spectrum, pivot_ppm)
    values = _turned(complex_points(spectrum), zero_order_deg, first_order_deg)
    return replace(spectrum, y=values.real, y_imaginary=values.imag)


def pivot_place(spectrum: Spectrum, pivot_ppm: float | None) -> float:
    """Where a position on the axis lies, as k/n; 0 for None and for a spectrum of one point."""
    if pivot_ppm is None or len(spectrum) < 2:
        return 0.0
    share = (pivot_ppm - spectrum.x[0]) / (spectrum.x[-1] - spectrum.x[0])
    return float(share) * (len(spectrum) - 1) / len(spectrum)


def magnitude(spectrum: Spectrum) -> Spectrum:
    """The absolute value of a complex spectrum; free of phase, lines are broader at the foot."""
    _require_complex(spectrum)
    values = np.abs(complex_points(spectrum))
    return replace(spectrum, y=values, y_imaginary=None).with_warnings(
        "Shown as magnitude: lines are broader than in a phased spectrum."
    )


def automatic_phase(
    spectrum: Spectrum,
    signs: str = "positive",
    first_order: bool = True,
    magnitude_below: float = 0.2,
) -> Spectrum:
    """The spectrum in the phase that makes its lines purest absorption, if that is better.

    ``signs``: ``positive`` when all lines point up, ``mixed`` for DEPT, APT and the like.
    Where three or more single lines agree on a linear phase (within 5 degrees,
    :func:`engine.processing.line_phases.linear_phase`) that one is taken. Else, as in spectra of
    crowded multiplets, the phase of least score, looked for from the best points of a grid: the
    score is the entropy of the first derivative plus a penalty on negative intensity (L. Chen
    et al., J. Magn. Reson. 158 (2002) 164), on normalised data so that it does not depend on
    the scale of the intensity; unless the lines plainly contradict it, as after a long dead time
    of the receiver.

    The quality of a phase is :func:`phase_quality`, or, where a rolling base line spoils that, how
    absorptive three or more single lines are
    (:func:`engine.processing.line_phases.line_quality`), whichever is higher. A warning says when
    the result is no better than the input, which is then returned, when it is still poor (below
    0.9), and when there is no signal to phase by. Below ``magnitude_below`` the magnitude comes
    back instead (0: never), with a warning.
    """
    _require_complex(spectrum)
    if signs not in ("positive", "mixed"):
        raise ValueError(f"signs is {signs!r}; right is 'positive' or 'mixed'")
    values = complex_points(spectrum)
    parts = _signal_parts(values)
    if parts is None:
        return spectrum.with_warnings("No signal above the noise: the phase was left as it is.")
    zero, first, before, after = _search(values, parts, signs, first_order)
    if after < _DOUBTFUL:
        # Under a rolling base line most points look like signal: without it the lines decide.
        level = values - _slow_base_line(values)
        level_parts = _signal_parts(level)
        if level_parts is not None:
            found = _search(level, level_parts, signs, first_order)
            if found[3] > max(after, found[2]):
                (zero, first, before, after), parts = found, level_parts
    zero = _upright(parts, zero, first) if signs == "mixed" else zero
    zero = (zero + 180.0) % 360.0 - 180.0
    turned = _turned(values, zero, first)
    if max(before, after) < magnitude_below:
        return magnitude(spectrum).with_warnings("No phase gave upright lines.")
    if not after > before - 1e-3:
        return spectrum.with_warnings(
            f"Automatic phase found nothing better than the phase as it is (quality {before:.2f})."
        )
    found = replace(
        spectrum,
        y=turned.real,
        y_imaginary=turned.imag,
        metadata={**spectrum.metadata, "phase_deg": (round(zero, 3), round(first, 3))},
    )
    if after < _DOUBTFUL:
        return found.with_warnings(
            f"The automatic phase is doubtful (quality {after:.2f} of 1): check it by hand."
        )
    return found


def _search(
    values: np.ndarray,
    parts: tuple[np.ndarray, np.ndarray, float],
    signs: str,
    first_order: bool,
) -> tuple[float, float, float, float]:
    """Zero and first order in degrees, and the quality before and after them."""
    lines = line_phases(values)
    first_order = first_order and float(np.ptp(parts[1])) > _LEAST_SPAN

    def quality(zero: float, first: float) -> float:
        by_shape = phase_quality(_turned(values, zero, first), signs)
        by_lines = line_quality(lines, signs, zero, first) if len(lines) >= 3 else 0.0
        return max(by_shape, by_lines)

    agreed = linear_phase(lines, signs, first_order) if len(lines) >= 3 else None
    if agreed is not None and agreed.scatter < _AGREEMENT_DEG:
        zero, first = agreed.zero, agreed.first
    else:
        zero, first = _best_phase(parts, signs, first_order)
        if agreed is not None and quality(zero, first) < 0.8 * quality(agreed.zero, agreed.first):
            zero, first = agreed.zero, agreed.first
    return zero, first, quality(0.0, 0.0), quality(zero, first)


def _slow_base_line(values: np.ndarray) -> np.ndarray:
    """A complex polynomial through what most blocks of the axis hold, shape ``(n,)``.

    Robust (iteratively reweighted), so that the blocks with signals in them do not count.
    """
    size = len(values)
    blocks = min(_BASE_LINE_BLOCKS, size)
    edges = np.linspace(0, size, blocks + 1).astype(int)
    width = int(np.diff(edges).min())
    block = values[edges[:-1, None] + np.arange(width)]
    levels = np.median(block.real, axis=1) + 1j * np.median(block.imag, axis=1)
    legendre = np.polynomial.legendre.legvander
    design = legendre((edges[:-1] + width / 2) / size * 2 - 1, _BASE_LINE_ORDER)
    weight = np.ones(blocks)
    for _ in range(30):
        root = np.sqrt(weight)
        line = np.linalg.lstsq(design * root[:, None], levels * root, rcond=None)[0]
        distance = np.abs(levels - design @ line)
        scale = max(1.5 * float(np.median(distance)), 1e-12 * float(np.abs(levels).max()), 1e-300)
        weight = 1.0 / (1.0 + (distance / (2.0 * scale)) ** 2) ** 2
    return legendre(np.arange(size) / size * 2 - 1, _BASE_LINE_ORDER) @ line


def phase_quality(values: np.ndarray, signs: str = "positive") -> float:
    """How purely absorptive complex ``values`` (shape ``(n,)``) are, 0 to 1.

    For ``positive``: one minus the share of negative area among the points that rise from the
    noise, after a local base line is taken off. For ``mixed``: the area that the best phase of
    each signal region would have, over the area found (dispersion spreads area).
    """
    parts = _signal_parts(np.asarray(values, dtype=np.complex128))
    if parts is None:
        return 0.0
    points, _, floor = parts
    real = points.real
    area = float(np.abs(real).sum())
    if area <= 0 or not np.isfinite(area):
        return 0.0
    if signs == "positive":
        negative = -float(np.minimum(real + floor, 0.0).sum())
        return max(0.0, 1.0 - 2.0 * negative / area)
    smallest = min(
        float(np.abs((points * np.exp(1j * angle)).real).sum())
        for angle in np.linspace(0, np.pi, 36, endpoint=False)
    )
    return smallest / area


def _require_complex(spectrum: Spectrum) -> None:
    if spectrum.kind == "fid" or spectrum.y_imaginary is None:
        raise ValueError("phasing needs a spectrum with an imaginary part (after the transform)")


def _turned(values: np.ndarray, zero: float, first: float) -> np.ndarray:
    ramp = np.arange(len(values)) / max(1, len(values))
    return values * np.exp(1j * np.deg2rad(zero + first * ramp))


def _signal_parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The points around the signals, their places k/n, and a floor for noise; None without signal.

    Whole stretches around each signal are kept, because the tails tell dispersion from
    absorption; a local base line (median of the real and the imaginary part far from signals) is
    taken off.
    """
    size = len(values)
    if size < 16:
        return None
    noise = max(noise_level(values.real), noise_level(values.imag))
    centre = complex(np.median(values.real), np.median(values.imag))
    values = values - centre
    strength = np.abs(values)
    top = float(strength.max())
    if not np.isfinite(top) or top <= 0 or top < 8 * noise:
        return None
    threshold = max(8 * noise, 0.004 * top)
    reach = max(8, size // 400)
    marks = (strength > threshold).astype(np.int64)
    edges = np.concatenate([[0], np.cumsum(marks)])
    low = np.clip(np.arange(size) - reach, 0, size)
    high = np.clip(np.arange(size) + reach + 1, 0, size)
    keep = np.flatnonzero(edges[high] > edges[low])
    return values[keep] / top, keep / size, 2.0 * noise / top


def _best_phase(
    parts: tuple[np.ndarray, np.ndarray, float],
    signs: str,
    first_order: bool,
) -> tuple[float, float]:
    """Zero and first order of least score, looked for from the best points of a grid."""
    from scipy.optimize import minimize

    points, places, _ = parts
    neighbours = np.diff(places) < 1.5 * np.min(np.diff(places))
    pivot = float(np.sum(places * np.abs(points) ** 2) / np.sum(np.abs(points) ** 2))

    def score(parameters: np.ndarray) -> float:
        zero, first = parameters
        angle = np.deg2rad(zero + first * (places - pivot))
        real = points.real * np.cos(angle) - points.imag * np.sin(angle)
        return _score(real, neighbours, signs) + 2e-4 * (first / 90.0) ** 2

    zeros = np.arange(-180.0, 180.0, 20.0)
    firsts = _FIRST_ORDER_TRIALS if first_order else (0.0,)
    trials = sorted((score(np.array([z, f])), z, f) for f in firsts for z in zeros)
    best, answer = np.inf, (0.0, 0.0)
    starts: list[tuple[float, float]] = []
    for _, z, f in trials:
        # The best points of the grid, each in a valley of its own.
        if any(abs(z - a) < 50 and abs(f - b) < 60 for a, b in starts):
            continue
        starts.append((z, f))
        if len(starts) == 3:
            break
    for z, f in starts:
        if first_order:
            simplex = np.array([[z, f], [z + 12, f], [z, f + 25]])
            found = minimize(
                score, [z, f], method="Nelder-Mead",
                options={"initial_simplex": simplex, "xatol": 0.05, "fatol": 1e-7, "maxiter": 160},
            )  # fmt: skip
            value, point = float(found.fun), (float(found.x[0]), float(found.x[1]))
        else:
            found = minimize(
                lambda p: score(np.array([p[0], 0.0])), [z], method="Nelder-Mead",
                options={"xatol": 0.05, "fatol": 1e-7, "maxiter": 80},
            )  # fmt: skip
            value, point = float(found.fun), (float(found.x[0]), 0.0)
        if np.isfinite(value) and value < best:
            best, answer = value, point
    return answer[0] - answer[1] * pivot, answer[1]


def _upright(parts: tuple[np.ndarray, np.ndarray, float], zero: float, first: float) -> float:
    """The phase or its opposite, whichever lets most of the area point up: both score alike."""
    points, places, _ = parts
    angle = np.deg2rad(zero + first * places)
    return zero if float((points * np.exp(1j * angle)).real.sum()) >= 0 else zero + 180.0


def _score(real: np.ndarray, neighbours: np.ndarray, signs: str) -> float:
    slope = np.abs(np.diff(real))[neighbours]
    total = slope.sum()
    if total <= 0:
        return np.inf
    share = slope / total
    share = share[share > 0]
    entropy = -float(np.sum(share * np.log(share))) / np.log(max(2, len(slope)))
    if signs == "mixed":
        return entropy
    negative = np.minimum(real, 0.0)
    return entropy + 100.0 * float(np.sum(negative**2) / np.sum(real**2))
