"""The phase of each single line of a complex NMR spectrum, and the linear phase they agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.processing.noise import noise_level

_MAX_LINES = 150
_MAX_POLES = 5


@dataclass(frozen=True)
class LinePhases:
    """Lines that a model fits: place k/n, phase in radians and weight, each of shape ``(m,)``."""

    place: np.ndarray
    angle: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class LinearPhase:
    """Correction p0 + p1·k/n and the lines' median distance from it, all in degrees."""

    zero: float
    first: float
    scatter: float
    lines: int


def line_phases(values: np.ndarray) -> LinePhases:
    """The lines of a complex spectrum (shape ``(n,)``) that are isolated enough to have a phase.

    A damped oscillation of amplitude A·exp(i·phi) is the one-pole function A·exp(i·phi)/(R + i·w)
    in the spectrum. Around each peak a rational function of 1 to 5 poles and a constant is
    fitted by linear least squares; the pole under the peak gives phi. Neighbours and base line
    go into the other terms, so neither dispersion tails nor offsets bend the answer.
    """
    from scipy.signal import find_peaks, peak_widths

    size = len(values)
    strength = np.abs(values)
    top = float(strength.max())
    noise = max(noise_level(values.real), noise_level(values.imag), 1e-12 * top)
    peaks, _ = find_peaks(strength, prominence=max(10 * noise, 0.003 * top))
    peaks = peaks[np.argsort(strength[peaks])[::-1][:_MAX_LINES]]
    widths = peak_widths(strength, peaks, rel_height=0.5)[0]
    found = []
    for peak, width in zip(peaks, widths, strict=True):
        half = int(np.clip(round(1.5 * width) + 3, 6, 60))
        if peak - half < 0 or peak + half + 1 > size:
            continue
        window = values[peak - half : peak + half + 1] / strength[peak]
        relative_noise = noise / strength[peak]
        fit = _central_pole(window, relative_noise)
        if fit is None:
            continue
        residue, pole, misfit = fit
        if misfit < max(0.03, 3 * relative_noise) and abs(pole.real) < 0.6:
            side = np.sign(pole.imag)
            weight = min(strength[peak] / top, 0.2) ** 0.5 / (0.02 + misfit + relative_noise) ** 2
            found.append((peak / size, np.angle(residue / (-1j * side)), weight, side))
    if not found:
        return LinePhases(np.empty(0), np.empty(0), np.empty(0))
    place, angle, weight, side = np.array(found).T
    # A pole on the other side of the axis would grow with time: no line does.
    right = side == (1.0 if side.sum() > 0 else -1.0)
    return LinePhases(place[right], angle[right], weight[right])


def line_quality(lines: LinePhases, signs: str, zero: float = 0.0, first: float = 0.0) -> float:
    """How absorptive the lines are after p0 + p1·k/n (degrees): weighted mean cosine, 0 to 1.

    1 when every line is pure absorption; a line the wrong way up counts 0 (with ``signs`` =
    ``mixed`` there is no wrong way). A rolling base line does not lower it. 0 without lines.
    """
    if len(lines) == 0:
        return 0.0
    cosine = np.cos(lines.angle + np.deg2rad(zero + first * lines.place))
    cosine = np.abs(cosine) if signs == "mixed" else np.maximum(cosine, 0.0)
    return float(np.sum(lines.weight * cosine) / np.sum(lines.weight))


def _central_pole(
    window: np.ndarray, relative_noise: float
) -> tuple[complex, complex, float] | None:
    """Residue and pole of the line at the centre of ``window``, and the misfit of the model."""
    half = len(window) // 2
    axis = np.arange(-half, half + 1) / half
    answer = None
    for order in range(1, _MAX_POLES + 1):
        if len(window) < 3 * order + 4:
            break
        powers = np.vander(axis, order + 1, increasing=True)
        system = np.hstack([-window[:, None] * powers[:, :order], powers])
        solution = np.linalg.lstsq(system, window * axis**order, rcond=None)[0]
        below = np.append(solution[:order], 1.0)
        above = solution[order:]
        poles = np.roots(below[::-1])
        slope = np.polyval(np.polyder(below[::-1]), poles)
        if not np.isfinite(poles).all() or (slope == 0).any() or (poles.imag == 0).any():
            continue
        residues = np.polyval(above[::-1], poles) / slope
        misfit = float(np.sqrt(np.mean(np.abs(window - (powers @ above) / (powers @ below)) ** 2)))
        if not np.isfinite(misfit):
            continue
        chosen = int(np.argmax(np.abs(residues) / np.abs(poles)))
        answer = complex(residues[chosen]), complex(poles[chosen]), misfit
        if misfit < max(0.006, 2 * relative_noise):
            break
    return answer


def linear_phase(lines: LinePhases, signs: str, first_order: bool = True) -> LinearPhase | None:
    """The correction on which the lines agree best, by robust regression; None without lines.

    With ``signs`` = ``mixed`` lines may point down too: their angles count modulo 180 degrees.
    """
    if len(lines) < 1:
        return None
    fold = 2.0 if signs == "mixed" else 1.0
    weight = lines.weight / lines.weight.sum()
    pivot = float(np.sum(weight * lines.place))
    place = lines.place - pivot
    first_order = first_order and len(lines) >= 3 and float(np.ptp(place)) > 0.05
    slopes = np.deg2rad(np.arange(-3600.0, 3601.0, 10.0)) if first_order else np.zeros(1)
    sums = [np.sum(weight * np.exp(1j * fold * (lines.angle + s * place))) for s in slopes]
    # Of two slopes that fit alike the smaller one is right: little is left after the filter,
    # though benchtop instruments may lose some ten points before they begin to record.
    chosen = int(np.argmax(np.abs(sums) - 2e-3 * np.abs(slopes)))
    slope, zero = float(slopes[chosen]), -float(np.angle(sums[chosen])) / fold
    design = np.stack([np.ones_like(place), place if first_order else np.zeros_like(place)], axis=1)
    for _ in range(30):
        error = np.angle(np.exp(1j * fold * (lines.angle + zero + slope * place))) / fold
        trust = weight / (1.0 + (error / 0.05) ** 2)
        ridge = np.diag([1e-12, 1e-3 * trust.sum()])
        change = np.linalg.solve(
            design.T @ (trust[:, None] * design) + ridge, design.T @ (trust * error)
        )
        zero, slope = zero - change[0], slope - (change[1] if first_order else 0.0)
    error = np.angle(np.exp(1j * fold * (lines.angle + zero + slope * place))) / fold
    return LinearPhase(
        zero=float(np.rad2deg(zero - slope * pivot)),
        first=float(np.rad2deg(slope)),
        scatter=float(np.rad2deg(np.median(np.abs(error)))),
        lines=len(lines),
    )
