"""The parts of a spectrum that were in view, to go back to and forward again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

_ONE_GESTURE_S = 0.7
_MOST = 200


@dataclass(frozen=True)
class ViewPart:
    """A part of a plot: from where to where on the axis, and the heights as shares of the whole.

    Shares of the height survive another scale, such as absorbance for transmittance.
    """

    x: tuple[float, float]
    y: tuple[float, float]


Part = ViewPart | None
"""None is the whole spectrum, whatever size the plot has."""


class ZoomHistory:
    """Notes the part in view before each gesture; what is of one kind within 0.7 s is one gesture.

    ``current`` tells the part in view and ``show`` goes to one. ``clock`` gives seconds.
    """

    def __init__(
        self,
        current: Callable[[], Part],
        show: Callable[[Part], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._current = current
        self._show = show
        self._clock = clock
        self._back: list[Part] = []
        self._forward: list[Part] = []
        self._last: tuple[str, float] = ("", float("-inf"))

    def begin(self, gesture: str) -> None:
        """Called before the part in view changes, with the kind of the gesture."""
        now = self._clock()
        kind, then = self._last
        self._last = (gesture, now)
        if kind == gesture and now - then < _ONE_GESTURE_S:
            return
        part = self._current()
        if not self._back or self._back[-1] != part:
            self._back.append(part)
            del self._back[:-_MOST]
        self._forward.clear()

    @property
    def can_go_back(self) -> bool:
        return bool(self._back)

    @property
    def can_go_forward(self) -> bool:
        return bool(self._forward)

    def back(self) -> None:
        """Show what was in view before the last gesture that changed something."""
        self._go(self._back, self._forward)

    def forward(self) -> None:
        """Undo a step back."""
        self._go(self._forward, self._back)

    def clear(self) -> None:
        """Forget every part: another spectrum is shown."""
        self._back.clear()
        self._forward.clear()
        self._last = ("", float("-inf"))

    def _go(self, wanted: list[Part], other: list[Part]) -> None:
        now = self._current()
        while wanted:
            part = wanted.pop()
            if part != now:
                other.append(now)
                self._show(part)
                break
        self._last = ("", float("-inf"))
