"""First-order patterns fitted to a stretch of a spectrum by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from engine.processing.coupling_patterns import CouplingPattern, coupling_pattern

LARGEST_J_HZ = 22.0
# Strong coupling raises the lines that face the partner; beyond this a pattern is no first-order
# one any more (lines of 1 to 2.6: an AB pair with a shift difference of 2.2 J).
LARGEST_TILT = 0.45

# Half widths, in line widths, over which the curvature is taken: the more noise, the more; and how
# far the sharpest line must rise from the noise of the curvature for a narrow one.
_SMOOTHINGS, _CLEAR = (0.45, 0.7, 1.0), 40.0
_POINTS_PER_WIDTH = 8
_MOST_POINTS = 1500
_MOST_TRIED = 4000
_SAME_J_HZ = 0.25
# A pattern that leaves no more than this is not fitted again from other couplings.
_CLOSE = 0.01
# What the best pattern must leave for hidden couplings to be sought.
_HIDDEN = 0.006
# Couplings that leave so much before the fit, or so much more than the best, are not fitted; nor
# is a fit brought to its end that still leaves so much after a few steps.
_HOPELESS, _FAR_BEHIND, _STUCK = 0.6, 0.35, 0.3
# Numbers of equivalent partners of the patterns that are tried, every order of them included.
_PATTERNS = (
    (), (1,), (2,), (3,), (4,), (5,), (6,), (8,),
    (1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 3), (1, 4), (1, 6),
    (1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 2, 2),
    (1, 1, 1, 1),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stretch:
    """A part of a spectrum on an even grid of Hz: ``hz`` rising and ``y``, both ``(n,)``.

    ``noise`` is the standard deviation of y, whose neighbours share it over ``correlation``
    points; ``width_hz`` is the usual full width of a line.
    """

    hz: np.ndarray
    y: np.ndarray
    noise: float
    width_hz: float
    correlation: float = 1.0

    @property
    def step(self) -> float:
        return float(self.hz[1] - self.hz[0])


@dataclass(frozen=True)
class PatternFit:
    """A first-order pattern fitted to a stretch.

    ``j_hz`` falls, one for each of ``pattern.partners``; ``centre_hz`` is on the stretch's axis;
    ``width_hz`` the full width of its lines; ``tilt`` how much the lines rise towards higher
    frequency (-1 to 1, relative, at the outermost line); ``gaussian`` the Gaussian share of the
    line shape; ``unexplained`` the part of the signal's square that the pattern leaves.
    """

    pattern: CouplingPattern
    j_hz: tuple[float, ...]
    centre_hz: float
    width_hz: float
    tilt: float
    gaussian: float
    unexplained: float


def even_stretch(hz: np.ndarray, y: np.ndarray, noise: float, width_hz: float) -> Stretch:
    """The stretch of these points (``hz`` rising), on an even grid of an eighth of the line width.

    Raises ``ValueError`` for fewer than 8 points or a width that is not above 0.
    """
    from scipy.interpolate import CubicSpline

    if len(hz) < 8 or not width_hz > 0:
        raise ValueError(f"{len(hz)} points, lines {width_hz} Hz wide: too little to fit")
    span = float(hz[-1] - hz[0])
    points = int(np.clip(np.ceil(span / width_hz * _POINTS_PER_WIDTH), 32, _MOST_POINTS))
    grid = np.linspace(hz[0], hz[-1], points)
    # Fewer points than measured: averages; more: a spline through them.
    if points < len(hz):
        sums = np.concatenate([[0.0], np.cumsum(y)])
        edges = np.interp(
            np.concatenate([[grid[0]], (grid[1:] + grid[:-1]) / 2, [grid[-1]]]),
            np.concatenate([hz - (hz[1] - hz[0]) / 2, [hz[-1] + (hz[-1] - hz[-2]) / 2]]),
            np.arange(len(hz) + 1.0),
        )
        values = np.diff(np.interp(edges, np.arange(len(sums)), sums)) / np.diff(edges)
        return Stretch(grid, values, noise * np.sqrt(points / len(hz)), width_hz)
    # Zero filling has already given each measured point a neighbour that is none.
    return Stretch(grid, CubicSpline(hz, y)(grid), noise, width_hz, 2.0 * points / len(hz))


def find_lines(stretch: Stretch, least: float = 0.02) -> np.ndarray:
    """Places (Hz) of the lines of a stretch, shoulders included: maxima of the curvature.

    Lines whose curvature is below ``least`` of the sharpest, or within the noise, do not count.
    """
    from scipy.signal import find_peaks, savgol_coeffs

    for widths in _SMOOTHINGS:
        points = max(5, 2 * round(widths * stretch.width_hz / stretch.step) + 1)
        if len(stretch.y) < points + 2:
            return np.zeros(0)
        weights = savgol_coeffs(points, 3, deriv=2)
        padded = np.pad(stretch.y, points // 2, mode="edge")
        curvature = -np.convolve(padded, weights[::-1], mode="valid")
        noise = stretch.noise * float(np.sqrt((weights**2).sum() * stretch.correlation))
        if curvature.max(initial=0.0) > _CLEAR * noise:
            break
    floor = max(least * float(curvature.max(initial=0.0)), 4 * noise)
    if floor <= 0:
        return np.zeros(0)
    tops, _ = find_peaks(curvature, height=floor, prominence=0.5 * floor)
    places = []
    for top in tops:
        a, b, c = curvature[top - 1 : top + 2]
        shift = 0.5 * (a - c) / (a - 2 * b + c) if a + c < 2 * b else 0.0
        places.append(stretch.hz[top] + float(np.clip(shift, -0.5, 0.5)) * stretch.step)
    return np.array(places)


def mirror_symmetry(hz: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The place about which a signal is most like its mirror image, and the likeness (-1 to 1).

    ``hz`` ``(n,)`` evenly spaced, ``y`` ``(n,)``; the likeness is the normalised correlation of
    the signal with its mirror image, 1 for a first-order multiplet alone.
    """
    y = np.asarray(y, dtype=float) - float(np.min(y))
    square = float((y**2).sum())
    if square <= 0:
        return float(np.mean(hz)), 0.0
    likeness = np.convolve(y, y) / square
    best = int(np.argmax(likeness))
    step = (hz[-1] - hz[0]) / (len(hz) - 1)
    return float(hz[0] + best * step / 2), float(likeness[best])


def fit_patterns(
    stretch: Stretch, most: int = 12, only: Sequence[int] | None = None
) -> list[PatternFit]:
    """First-order patterns that suit a stretch, each fitted, the closest first.

    For every pattern the couplings are sought among the distances of the lines from the outermost
    ones (T. R. Hoye, P. R. Hanson, J. R. Vyvyan, J. Org. Chem. 59 (1994) 4096) and ranked by how
    much of the signal the pattern holds; the ``most`` best are fitted. ``only``: numbers of
    equivalent partners, in any order, to take no other pattern.
    """
    partners = _PATTERNS if only is None else (tuple(sorted(only)),)
    trials: list[tuple[float, CouplingPattern, np.ndarray, float]] = []
    for least in (0.02, 0.1, 0.3):
        places = find_lines(stretch, least)
        if len(places) == 0:
            continue
        for lines in (places, _completed(stretch, places)):
            for one in partners if lines is not None else ():
                trials += _trials(stretch, lines, one, few=3 if only is None else 12)
    trials.sort(key=lambda trial: trial[0])
    trials = [t for t in trials if t[0] < min(_HOPELESS, trials[0][0] + _FAR_BEHIND)]
    fits: list[PatternFit] = []
    for _, pattern, couplings, centre in _in_turn(_different(trials))[:most]:
        if any(f.pattern is pattern and f.unexplained < _CLOSE for f in fits):
            continue
        fit = fit_pattern(stretch, pattern, couplings, centre)
        if fit is not None:
            fits.append(fit)
    fits.sort(key=lambda fit: fit.unexplained)
    if only is None and fits and fits[0].unexplained > _HIDDEN:
        # What the simple patterns leave may be couplings that make lines wide, or flat at the top.
        for partners, couplings, centre in _hidden(fits[:3], stretch.width_hz):
            fit = fit_pattern(stretch, coupling_pattern(partners), couplings, centre)
            if fit is not None:
                fits.append(fit)
    return sorted(fits, key=lambda fit: fit.unexplained)


def _in_turn(trials: list) -> list:
    """Patterns of one coupling first, then the best trial of each other one, then the others."""
    ranked = []
    times: dict[CouplingPattern, int] = {}
    for trial in trials:
        pattern = trial[1]
        times[pattern] = times.get(pattern, 0) + 1
        ranked.append((len(pattern.partners) > 1 or times[pattern] > 1, times[pattern] > 1, trial))
    return [trial for *_, trial in sorted(ranked, key=lambda entry: entry[:2])]


def _hidden(
    fits: Sequence[PatternFit], width_hz: float
) -> list[tuple[tuple[int, ...], np.ndarray, float]]:
    """Partners, couplings and centre to start from: with one more coupling of about a line width,
    or with one of several equal couplings a little different from the others."""
    starts: dict[tuple[int, ...], tuple[np.ndarray, float]] = {}
    for fit in fits:
        if fit.unexplained > _STUCK:
            continue
        partners, couplings = fit.pattern.partners, np.array(fit.j_hz)
        tried = [((*partners, n), [*couplings, width_hz / n**0.5 * 1.1]) for n in (1, 2)]
        for index, n in enumerate(partners):
            if n < 2:
                continue
            rest = (*partners[:index], *partners[index + 1 :])
            others = np.delete(couplings, index)
            for sign in (1.0, -1.0):
                single = couplings[index] + sign * 0.8 * width_hz
                group = couplings[index] - sign * 0.8 * width_hz / (n - 1)
                tried.append(((1, n - 1, *rest), [single, group, *others]))
        for counts, values in tried:
            order = np.argsort(-np.array(values), kind="stable")
            counts = tuple(counts[i] for i in order)
            if tuple(sorted(counts)) in _PATTERNS and min(values) > 0:
                starts.setdefault(counts, (np.array(values)[order], fit.centre_hz))
    return [(counts, *start) for counts, start in starts.items()]


def _completed(stretch: Stretch, places: np.ndarray) -> np.ndarray | None:
    """The places with the mirror images of those that lack one; None where none does.

    A weak outermost line may be seen on one side only.
    """
    centre, _ = mirror_symmetry(stretch.hz, stretch.y)
    images = 2 * centre - places
    apart = np.abs(images[:, None] - places[None, :]).min(axis=1)
    inside = (images > stretch.hz[0]) & (images < stretch.hz[-1])
    missing = images[(apart > stretch.width_hz) & inside]
    return np.sort(np.concatenate([places, missing])) if len(missing) else None


def _different(trials: list) -> list:
    """Trials without those of the same pattern and nearly the same couplings as a better one."""
    kept: list = []
    for trial in trials:
        _, pattern, couplings, centre = trial
        for _, other, values, place in kept:
            same = other is pattern and abs(place - centre) < 0.5
            if same and np.abs(values - couplings).max(initial=0.0) < 0.4:
                break
        else:
            kept.append(trial)
    return kept


def _trials(
    stretch: Stretch, places: np.ndarray, partners: tuple[int, ...], few: int
) -> list[tuple[float, CouplingPattern, np.ndarray, float]]:
    """The best ``few`` sets of couplings of a pattern: what they leave, pattern, J, centre."""
    centre = (places[0] + places[-1]) / 2
    span = places[-1] - places[0]
    if not partners:
        if span > 3 * stretch.width_hz:
            return []
        centre = float(stretch.hz[np.argmax(stretch.y)])
        return [(0.0, coupling_pattern(()), np.zeros(0), centre)]
    least_j = 0.5 * stretch.width_hz
    if span < sum(partners) * least_j * 0.5:
        return []
    distances = np.concatenate([places[1:] - places[0], places[-1] - places[:-1]])
    distances = np.unique(np.round(distances[distances <= LARGEST_J_HZ], 1))
    distances = distances[distances >= least_j]
    if len(partners) > 1 and len(distances) == 0:
        return []
    if len(partners) > 2 and len(distances) > 16:
        distances = distances[:16]
    found = []
    if len(partners) == 1 and partners[0] > 2 and len(places) > 2:
        # Many equal couplings: the spacing tells, wherever the outermost lines are.
        spacing = np.array([[float(np.median(np.diff(places)))]])
        middle, _ = mirror_symmetry(stretch.hz, stretch.y)
        if least_j <= spacing[0, 0] <= LARGEST_J_HZ:
            pattern = coupling_pattern(partners)
            left = _quickly_unexplained(stretch, pattern, spacing, middle)
            found.append((float(left[0]), pattern, spacing[0], middle))
    for counts, seen in sorted(_orders_and_seen(partners)):
        free = len(counts) - 1
        grids = np.meshgrid(*[distances] * free, indexing="ij") if free else []
        chosen = np.stack([g.ravel() for g in grids], axis=1) if free else np.zeros((1, 0))
        # The couplings add up to the distance of the outermost lines.
        last = (span - chosen @ np.array(seen[:free], dtype=float)) / seen[-1]
        couplings = np.column_stack([chosen, last])
        fine = (last >= least_j) & (last <= LARGEST_J_HZ + 1)
        # Falling couplings only: the other orders come with the other orders of the partners.
        fine &= (np.diff(couplings, axis=1) <= 0.3).all(axis=1)
        couplings = couplings[fine][:_MOST_TRIED]
        if len(couplings) == 0:
            continue
        pattern = coupling_pattern(counts)
        left = _quickly_unexplained(stretch, pattern, couplings, centre)
        best = np.argsort(left)[: 2 * few]
        found += [(float(left[i]), pattern, couplings[i], centre) for i in best]
    return _different(sorted(found, key=lambda trial: trial[0]))[:few]


def _orders_and_seen(partners: tuple[int, ...]) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every order of the partners, with how many times each coupling fits between the outermost
    lines to be seen: the first lines of a quintet and beyond may drown in the noise."""
    orders = set(permutations(partners))
    faint = {
        (order, tuple(n - lost if n >= lost + 2 else n for n in order))
        for order in orders
        for lost in (2, 4)
    }
    return faint | {(order, order) for order in orders}


def _quickly_unexplained(
    stretch: Stretch, pattern: CouplingPattern, couplings: np.ndarray, centre: float
) -> np.ndarray:
    """What each row of couplings leaves of the signal's square, without fitting, ``(rows,)``.

    The overlap of a sum of Lorentz lines with the signal is that of the signal, convolved with one
    line, at their places; its own square the sum of the overlaps of its lines with each other.
    """
    width = stretch.width_hz
    reach = min(round(8 * width / stretch.step), (len(stretch.y) - 1) // 2)
    axis = np.arange(-reach, reach + 1) * stretch.step
    kernel = 1.0 / (1.0 + (2 * axis / width) ** 2)
    signal = stretch.y - min(0.0, float(stretch.y.min()))
    smooth = np.convolve(signal, kernel, mode="same") * stretch.step
    offsets = couplings @ pattern.factors.T
    at = np.interp(centre + offsets, stretch.hz, smooth, left=0.0, right=0.0)
    overlap = at @ pattern.shares
    # Two Lorentz lines of full width w overlap as one of 2 w at their distance.
    apart = offsets[:, :, None] - offsets[:, None, :]
    among = (np.pi * width / 4) / (1.0 + (apart / width) ** 2)
    own = np.einsum("i,nij,j->n", pattern.shares, among, pattern.shares)
    square = float((signal**2).sum() * stretch.step)
    return 1.0 - np.maximum(overlap, 0.0) ** 2 / np.maximum(own * square, 1e-300)


def fit_pattern(
    stretch: Stretch,
    pattern: CouplingPattern,
    couplings: np.ndarray,
    centre: float,
    widest: float = 2.5,
) -> PatternFit | None:
    """The pattern fitted from these couplings and this centre; None when it cannot be.

    Centre, couplings, line width (up to ``widest`` times the usual), tilt and line shape are
    varied; height and a straight line below follow from them.
    """
    from scipy.optimize import least_squares

    count = len(couplings)
    width = stretch.width_hz
    half_span = float(np.array(pattern.partners) @ couplings) / 2 if count else 1.0
    scale = float(np.abs(stretch.y).max())
    if scale <= 0:
        return None
    y = stretch.y / scale
    base = np.stack([np.ones_like(y), np.linspace(-1, 1, len(y))])

    def model(values: np.ndarray) -> np.ndarray:
        place, log_width, tilt, gaussian = values[:4]
        offsets = pattern.factors @ values[4:]
        shares = pattern.shares * (1.0 + tilt * offsets / half_span)
        away = (stretch.hz[:, None] - place - offsets) * (2.0 / np.exp(log_width))
        square = away * away
        shape = (1.0 - gaussian) / (1.0 + square) + gaussian * np.exp(-0.6931471806 * square)
        return shape @ shares

    def rest(values: np.ndarray) -> np.ndarray:
        columns = np.vstack([model(values), base])
        heights = np.linalg.solve(columns @ columns.T + 1e-12 * np.eye(3), columns @ y)
        return y - heights @ columns

    slack = max(2.0 * width, 1.0)
    low = [centre - slack, np.log(0.4 * width), -LARGEST_TILT, 0.0] + [0.3] * count
    high = [centre + slack, np.log(widest * width), LARGEST_TILT, 1.0] + [LARGEST_J_HZ + 2] * count
    if not count:
        low[2], high[2] = -1e-9, 1e-9
    start = np.array([centre, np.log(width), 0.0, 0.1, *couplings])
    start = np.clip(start, np.array(low) + 1e-10, np.array(high) - 1e-10)
    steps = np.array([width, 0.3, 0.2, 0.5] + [width] * count)
    square = float(((y - np.median(y)) ** 2).sum())
    for evaluations in (8, 32):
        solution = least_squares(
            rest, start, bounds=(low, high), x_scale=steps, max_nfev=evaluations, ftol=1e-5,
            xtol=1e-5,
        )  # fmt: skip
        start = solution.x
        if solution.status > 0 or 2 * solution.cost > _STUCK * square:
            break
    left = rest(solution.x)
    columns = np.vstack([model(solution.x), base])
    heights = np.linalg.solve(columns @ columns.T + 1e-12 * np.eye(3), columns @ y)
    if heights[0] <= 0:
        return None
    signal = y - heights[1:] @ base
    unexplained = float((left**2).sum() / max((signal**2).sum(), 1e-300))
    place, log_width, tilt, gaussian = solution.x[:4]
    values = solution.x[4:]
    order = np.argsort(-values, kind="stable")
    partners, falling = _joined([pattern.partners[i] for i in order], values[order].tolist())
    return PatternFit(
        coupling_pattern(tuple(partners)), tuple(falling), float(place), float(np.exp(log_width)),
        float(tilt), float(gaussian), unexplained,
    )  # fmt: skip


def _joined(partners: list[int], couplings: list[float]) -> tuple[list[int], list[float]]:
    """Couplings that came out equal are one, to the partners of both: ``dd`` is a ``t``."""
    joined_partners, joined = partners[:1], couplings[:1]
    for count, value in zip(partners[1:], couplings[1:], strict=True):
        total = joined_partners[-1] + count
        if joined[-1] - value < _SAME_J_HZ and total in (2, 3, 4, 5, 6, 8):
            joined[-1] = (joined[-1] * joined_partners[-1] + value * count) / total
            joined_partners[-1] = total
        else:
            joined_partners.append(count)
            joined.append(value)
    return joined_partners, joined
