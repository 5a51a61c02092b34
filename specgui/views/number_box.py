"""A box for a number with its unit, that shows no needless zeros."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox

_DECIMALS = 12
_LIMIT = 1e12


class NumberBox(QDoubleSpinBox):
    """Arrows change by ``increment``, with Ctrl ten times as much; typing takes any number."""

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        increment: float | None = None,
        unit: str = "",
        parent=None,
    ) -> None:
        super().__init__(parent)
        self.setDecimals(_DECIMALS)
        self.setRange(
            -_LIMIT if minimum is None else minimum, _LIMIT if maximum is None else maximum
        )
        if increment is None:
            self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        else:
            self.setSingleStep(increment)
        if unit:
            self.setSuffix(unit if unit == "°" else f" {unit}")
        self.setAcceptDrops(False)
        self.lineEdit().setAcceptDrops(False)
        # The style sheet's padding does not reach the line in the box.
        self.lineEdit().setTextMargins(4, 0, 0, 0)
        self.setMinimumWidth(70)
        # The wheel scrolls past it unless it has the keyboard.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def textFromValue(self, value: float) -> str:
        return f"{value:.9g}".replace("-", "−")

    def valueFromText(self, text: str) -> float:
        return _number(self._bare(text)) or 0.0

    def validate(self, text: str, position: int):
        bare = self._bare(text)
        if bare in ("", "-", "+", ".", ",", "-."):
            return QValidator.State.Intermediate, text, position
        number = _number(bare)
        if number is None:
            begun = bare.lower().rstrip("+-").endswith("e") and _number(f"{bare}0") is not None
            state = QValidator.State.Intermediate if begun else QValidator.State.Invalid
            return state, text, position
        inside = self.minimum() <= number <= self.maximum()
        state = QValidator.State.Acceptable if inside else QValidator.State.Intermediate
        return state, text, position

    def fixup(self, text: str) -> str:
        number = _number(self._bare(text))
        if number is None:
            number = self.value()
        return self.textFromValue(min(max(number, self.minimum()), self.maximum())) + self.suffix()

    def stepBy(self, steps: int) -> None:
        """By the increment, rounded so that no digits appear that nobody typed."""
        increment = self.singleStep()
        super().stepBy(steps)
        if self.stepType() == QDoubleSpinBox.StepType.DefaultStepType and increment > 0:
            digits = max(0, 2 - math.floor(math.log10(increment)))
            self.setValue(round(self.value(), digits))

    def wheelEvent(self, event) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _bare(self, text: str) -> str:
        text = text.strip()
        suffix = self.suffix().strip()
        if suffix and text.endswith(suffix):
            text = text[: -len(suffix)]
        return text.replace("−", "-").replace(" ", "").replace(",", ".")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
