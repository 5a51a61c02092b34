"""Colours of traces that are drawn over each other, told apart by everybody on either ground."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt

from specgui.appearance import Theme

# Chosen by search: of all pairs the least difference (CIE 1976, of normal vision and of simulated
# protanopia, deuteranopia and tritanopia) is 28, and each has a contrast of 3 to its ground.
LIGHT_COLOURS = (
    "#16405e", "#d55e00", "#269973", "#df40ff", "#4c0404", "#a97cbf", "#350dff", "#690899",
)  # fmt: skip
DARK_COLOURS = (
    "#a5d8ee", "#e69f00", "#269986", "#d70dff", "#ffff0d", "#7c7cbf", "#40ff9f", "#997d45",
)  # fmt: skip
_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


@dataclass(frozen=True)
class TraceLook:
    """The colour and the dashes of one trace."""

    colour: str
    style: Qt.PenStyle


def look_of(number: int, theme: Theme) -> TraceLook:
    """The look of the trace with a number, from 0; after eight the colours return with dashes."""
    colours = DARK_COLOURS if theme.is_dark else LIGHT_COLOURS
    around = number // len(colours)
    return TraceLook(colours[number % len(colours)], _DASHES[around % len(_DASHES)])
