"""Where the labels of peaks go on a printed spectrum, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def spread(places: Sequence[float], apart: float, low: float, high: float) -> np.ndarray:
    """Places ``(n,)``, rising, moved as little as can be to lie ``apart`` between low and high.

    The sum of squared moves is least. Raises ``ValueError`` when so many do not fit.
    """
    wanted = np.asarray(places, dtype=float)
    steps = apart * np.arange(len(wanted))
    if len(wanted) and steps[-1] > high - low + 1e-9:
        raise ValueError(f"{len(wanted)} labels {apart:g} apart need more than {high - low:g}")
    if len(wanted) == 0:
        return wanted
    from scipy.optimize import isotonic_regression

    # Without the steps the places only have to rise; bounds are kept by cutting off.
    level = isotonic_regression(wanted - steps).x
    return np.clip(level, low, max(low, high - steps[-1])) + steps


# Where a label is tried: aside in its widths, up in its heights.
_TRIALS = ((0.0, 0.0), (0.45, 0.0), (-0.45, 0.0), (0.0, 1.1), (0.45, 1.1), (-0.45, 1.1))


@dataclass(frozen=True)
class Box:
    """A label's rectangle, lower left corner and size, in any one unit."""

    left: float
    bottom: float
    width: float
    height: float

    def meets(self, other: Box, gap: float = 0.0) -> bool:
        """Whether two boxes are nearer than ``gap`` beside each other and overlap in height."""
        return (
            self.left < other.left + other.width + gap
            and other.left < self.left + self.width + gap
            and self.bottom < other.bottom + other.height
            and other.bottom < self.bottom + self.height
        )


def above_sticks(
    tips: np.ndarray,
    heights: np.ndarray,
    widths: Sequence[float],
    label_height: float,
    room: tuple[float, float],
    gap: float,
) -> list[Box | None]:
    """Boxes of horizontal labels over the tips of sticks; None where there is no room.

    ``tips`` and ``heights`` ``(n,)``: where the sticks stand and end, tallest first; ``widths`` of
    their labels; ``room``: the width and height of the plot; all in one unit. A label covers
    neither another nor a stick; where it would, it moves a little aside or up.
    """
    placed: list[Box | None] = []
    kept: list[Box] = []
    for place, top, width in zip(tips, heights, widths, strict=True):
        found = None
        for aside, up in _TRIALS:
            left = float(np.clip(place - width / 2 + aside * width, 0.0, max(0.0, room[0] - width)))
            box = Box(left, float(top) + gap + up * label_height, width, label_height)
            beside = (tips > left - gap / 2) & (tips < left + width + gap / 2)
            if (
                box.bottom + label_height <= room[1]
                and not (heights[beside] > box.bottom - gap / 2).any()
                and not any(box.meets(other, gap) for other in kept)
            ):
                found = box
                kept.append(box)
                break
        placed.append(found)
    return placed
