"""Icons from the resources, drawn in the theme's colours and sharp at any pixel ratio."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from engine.installation import resource

_SIZES = (16, 20, 24, 32, 40, 48, 64)
_TECHNIQUE_ICONS = {"IR": "ir", "Raman": "raman", "UV-Vis": "uv", "MS": "ms", "MS/MS": "ms"}


def icon(name: str, colour: str, disabled: str | None = None) -> QIcon:
    """The icon ``resources/icons/<name>.svg`` with ``currentColor`` set; empty when missing."""
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(pixmap(name, colour, size))
        if disabled:
            made.addPixmap(pixmap(name, disabled, size), QIcon.Mode.Disabled)
    return made


def pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """One icon as a pixmap of ``size`` logical pixels."""
    made = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    made.fill(Qt.GlobalColor.transparent)
    source = _source(name)
    if source:
        renderer = QSvgRenderer(QByteArray(source.replace("currentColor", colour).encode()))
        painter = QPainter(made)
        renderer.render(painter, QRectF(made.rect()))
        painter.end()
    made.setDevicePixelRatio(ratio)
    return made


def technique_icon_name(technique: str) -> str:
    """The icon's name for a technique."""
    return _TECHNIQUE_ICONS.get(str(technique), "nmr")


@cache
def _source(name: str) -> str:
    try:
        return resource("icons", f"{name}.svg").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
