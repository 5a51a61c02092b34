"""Which of the patterns fitted to a stretch is right: the simplest one that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.processing.coupling_patterns import coupling_pattern, lines_of
from engine.processing.multiplet_fit import (
    LARGEST_J_HZ,
    PatternFit,
    Stretch,
    find_lines,
    fit_pattern,
    fit_patterns,
)

# What a first-order pattern may leave of the signal's square beyond the noise, by the number of
# its couplings: the more there are, the more they could explain by chance. Exact simulations of
# strongly coupled spins leave 0.03 and more, first-order ones below 0.005.
_MOST_UNEXPLAINED = {0: 0.12, 1: 0.03, 2: 0.02, 3: 0.012, 4: 0.008}
# A simpler pattern is taken where it leaves no more than this factor beyond the noise, this much
# more, or what a chi-square of so much may be by chance.
_SIMPLER_FACTOR, _SIMPLER_MORE, _BY_CHANCE = 1.5, 0.006, 12.0
# Couplings smaller than this part of a line width are not seen, alone or with one other, or with
# several others.
_LEAST_J_WIDTHS, _LEAST_J_WIDTHS_OF_MANY = 0.65, 0.8
# A pattern of one coupling, or of several, whose lines are wider than so many usual ones is a blur.
_WIDEST = (1.9, 1.7)
# Every line whose curvature is at least this part of the sharpest one's must be one of the pattern,
# within this many widths.
_CLEAR_LINE, _BESIDE_WIDTHS = 0.06, 0.8
# Strong coupling makes lines rise towards the partner: by at most so much, relative, from the
# centre to the outermost line, for one coupling (1 to 2.5 for an AB pair of 2.4 J) and several.
_STEEPEST = (0.43, 0.25)
_BROAD_HZ, _BROAD_WIDTHS = 5.0, 3.0
_MOST_OF_BROAD = 0.02


def best_pattern(stretch: Stretch) -> PatternFit | None:
    """The first-order pattern of a stretch, or None where none is right: lines of several
    multiplets, or of strongly coupled spins."""
    broad = _broad_line(stretch)
    return _chosen(fit_patterns(stretch) + ([broad] if broad else []), stretch)


def broad_singlet(stretch: Stretch) -> PatternFit | None:
    """One broad line, as of an exchanging proton, where the stretch is that."""
    fit = _broad_line(stretch)
    return _chosen([fit], stretch) if fit else None


def is_broad(fit: PatternFit, stretch: Stretch) -> bool:
    """Whether a fitted line is much wider than the spectrum's lines usually are."""
    return fit.width_hz > max(_BROAD_HZ, _BROAD_WIDTHS * stretch.width_hz)


def _chosen(fits: Sequence[PatternFit], stretch: Stretch) -> PatternFit | None:
    """The simplest pattern that fits nearly as well as the best, or None for none that is right."""
    square = float(((stretch.y - np.median(stretch.y)) ** 2).sum())
    of_noise = len(stretch.y) * stretch.noise**2 / max(square, 1e-300)
    clear = find_lines(stretch, _CLEAR_LINE)
    right = []
    for fit in fits:
        broad = is_broad(fit, stretch)
        offsets, _ = lines_of(fit.pattern, fit.j_hz)
        apart = np.abs(clear[:, None] - fit.centre_hz - offsets[None, :]).min(axis=1, initial=1e9)
        beside = _BESIDE_WIDTHS * max(fit.width_hz, stretch.width_hz)
        # The ripples of noise on a broad hump are no lines.
        if len(clear) and apart.max() > beside and not broad:
            continue
        most = _MOST_UNEXPLAINED.get(len(fit.j_hz), 0.0)
        if not fit.j_hz and (len(clear) > 1 or broad):
            most = _MOST_OF_BROAD
        if fit.unexplained - 1.3 * of_noise > most:
            continue
        if fit.j_hz and min(fit.j_hz) < _least_j(fit, stretch):
            continue
        if fit.j_hz and fit.width_hz > _WIDEST[len(fit.j_hz) > 1] * stretch.width_hz:
            continue
        if abs(fit.tilt) > _STEEPEST[len(fit.j_hz) > 1] or max(fit.j_hz, default=0) > LARGEST_J_HZ:
            continue
        right.append(fit)
    if not right:
        return None
    by_chance = _BY_CHANCE * stretch.correlation * stretch.noise**2 / max(square, 1e-300)

    def nearly_best(among: list[PatternFit], more: float) -> list[PatternFit]:
        best = min(fit.unexplained for fit in among)
        by_shape = max(more, (_SIMPLER_FACTOR - 1.0) * max(0.0, best - of_noise))
        return [fit for fit in among if fit.unexplained <= best + max(by_shape, by_chance)]

    right = nearly_best(right, _SIMPLER_MORE)
    fewest = min(len(fit.j_hz) for fit in right)
    right = nearly_best([f for f in right if len(f.j_hz) == fewest], _SIMPLER_MORE / 2)
    return min(right, key=lambda fit: (sum(fit.pattern.partners), fit.unexplained))


def _least_j(fit: PatternFit, stretch: Stretch) -> float:
    if len(fit.j_hz) < 3:
        return _LEAST_J_WIDTHS * min(fit.width_hz, stretch.width_hz)
    return _LEAST_J_WIDTHS_OF_MANY * fit.width_hz


def _broad_line(stretch: Stretch) -> PatternFit | None:
    """One broad line, as of an exchanging proton, fitted to a stretch that is wide enough."""
    smooth = np.convolve(stretch.y, np.ones(9) / 9, mode="same")
    base = float(np.percentile(smooth, 5))
    top = int(np.argmax(smooth))
    above = np.flatnonzero(smooth > base + (float(smooth[top]) - base) / 2)
    width = float(stretch.hz[above[-1]] - stretch.hz[above[0]]) if len(above) > 1 else 0.0
    if width < 0.7 * max(_BROAD_HZ, _BROAD_WIDTHS * stretch.width_hz):
        return None
    wide = replace(stretch, width_hz=width)
    if len(find_lines(wide, 0.1)) > 1:
        return None
    fit = fit_pattern(wide, coupling_pattern(()), np.zeros(0), float(stretch.hz[top]))
    return fit if fit is not None and is_broad(fit, stretch) else None
