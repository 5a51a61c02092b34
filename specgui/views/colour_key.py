"""The key of the importance colours: low to high."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from specgui.appearance import Appearance


class _Gradient(QWidget):
    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(110, 12)

    def paintEvent(self, _event) -> None:
        theme = self._appearance.theme
        gradient = QLinearGradient(0, 0, self.width(), 0)
        last = len(theme.importance) - 1
        for number, colour in enumerate(theme.importance):
            gradient.setColorAt(number / last, QColor(colour))
        painter = QPainter(self)
        painter.setPen(QColor(theme.border))
        painter.setBrush(gradient)
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))


class ColourKey(QWidget):
    """What the warm band means: a title, and the gradient between "low" and "high"."""

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.title = QLabel("Importance")
        self.gradient = _Gradient(appearance)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        low, high = QLabel("low"), QLabel("high")
        for label in (self.title, low, high):
            label.setProperty("role", "muted")
        layout.addWidget(self.title)
        layout.addWidget(low)
        layout.addWidget(self.gradient, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(high)
        self.setAccessibleName("Key of the importance colours, from low to high")

    def describe(self, group: str | None, ranges: tuple[tuple[str, float, float], ...]) -> None:
        """Say whose importance is shown: a group's, or the gates with each spectrum's range."""
        if group is None:
            self.title.setText("Choose a group to see where it shows. Importance for all:")
            ends = "; ".join(f"{name} {low:.3f} to {high:.3f}" for name, low, high in ranges)
            self.setToolTip(
                "How much of each place of a spectrum the network lets through (its gates), from "
                f"the lowest to the highest of that spectrum: {ends}"
            )
        else:
            self.title.setText(f"Importance for {group.lower()}")
            self.setToolTip(f"Which places of the spectra spoke for {group.lower()}.")
