"""The assignments of a sample as a Qt table: atoms, measured, predicted, difference, confidence."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont

from specgui.appearance import Appearance
from specgui.document.assignments import CARBON, AssignedSignal, atom_names

ATOMS, NUCLEUS, HYDROGENS, MEASURED, PREDICTED, DIFFERENCE, CONFIDENCE = range(7)
HEADERS = ("Atoms", "Nucleus", "H", "Meas.", "Pred.", "Δ", "Sure")
_TIPS = (
    "Atoms, counted from 0 as the structure was given; of equivalent ones all",
    "Nucleus whose signal it is; 1H is named by the atom that carries it",
    "Hydrogens on each atom",
    "Measured shift in ppm; type another one to fix it, or - for no peak",
    "Predicted shift in ppm and its expected error",
    "Measured less predicted, in ppm",
    "How probable this assignment is; hatched where another one is nearly as good",
)
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
SIGNAL_ROLE = Qt.ItemDataRole.UserRole + 2
_NONE = "–"
# A difference of more than so many expected errors is marked.
_MANY = 3.0


class AssignmentModel(QAbstractTableModel):
    """Shows signals; a shift that is typed is only announced."""

    fixed = Signal(object, str)  # the AssignedSignal, the text that was typed

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.signals: tuple[AssignedSignal, ...] = ()

    def set_signals(self, signals: Sequence[AssignedSignal]) -> None:
        signals = tuple(signals)
        if signals != self.signals:
            self.beginResetModel()
            self.signals = signals
            self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.signals)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section, orientation, role=Qt.ItemDataRole.DisplayRole):
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole and section == ATOMS:
                return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        if not index.isValid():
            return None
        signal, column = self.signals[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return text_of(signal, column)
        if role == Qt.ItemDataRole.EditRole:
            return text_of(signal, column).replace(_NONE, "")
        if role == SORT_ROLE:
            return _sorted_by(signal, column)
        if role == SIGNAL_ROLE:
            return signal
        if role == Qt.ItemDataRole.TextAlignmentRole and column not in (ATOMS, NUCLEUS):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.BackgroundRole and column == CONFIDENCE and signal.is_uncertain:
            colour = QColor(self._appearance.theme.warning)
            colour.setAlpha(110)
            return QBrush(colour, Qt.BrushStyle.BDiagPattern)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(signal, column)
        if role == Qt.ItemDataRole.FontRole and signal.fixed and column in (MEASURED, CONFIDENCE):
            font = QFont()
            font.setItalic(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(signal, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            doubt = ", uncertain" if column == CONFIDENCE and signal.is_uncertain else ""
            return f"{HEADERS[column]}: {text_of(signal, column) or 'none'}{doubt}"
        return None

    def _colour(self, signal: AssignedSignal, column: int) -> QColor | None:
        theme = self._appearance.theme
        if not signal.atoms or (column == MEASURED and signal.position is None):
            return QColor(theme.muted)
        difference, error = signal.difference, signal.uncertainty
        if column == DIFFERENCE and difference is not None and error:
            far = abs(difference) > _MANY * error
            return QColor(theme.error if far else theme.text)
        return None

    def flags(self, index):
        flags = super().flags(index)
        if index.isValid() and index.column() == MEASURED and self.signals[index.row()].atoms:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index, value, role=Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        signal, text = self.signals[index.row()], str(value).strip()
        if text and text != self.data(index, Qt.ItemDataRole.EditRole):
            self.fixed.emit(signal, text)
        return False


def text_of(signal: AssignedSignal, column: int) -> str:
    """What a cell says."""
    digits = 1 if signal.technique == CARBON else 2
    if column == ATOMS:
        return atom_names(signal) or "no atom"
    if column == NUCLEUS:
        return signal.technique.removesuffix(" NMR")
    if column == HYDROGENS:
        return str(signal.hydrogens) if signal.atoms else ""
    if column == MEASURED:
        return _NONE if signal.position is None else _number(signal.position, digits)
    if column == PREDICTED:
        return "" if signal.predicted is None else _number(signal.predicted, digits)
    if column == DIFFERENCE:
        difference = signal.difference
        if difference is None:
            return ""
        text = _number(difference, digits)
        return f"+{text}" if difference > 0 and float(text.replace("−", "-")) else text
    if signal.fixed:
        return "fixed"
    if signal.confidence is None or signal.position is None:
        return ""
    return ">99%" if signal.confidence > 0.99 else f"{signal.confidence:.0%}"


def _sorted_by(signal: AssignedSignal, column: int):
    shift = signal.position if signal.position is not None else signal.predicted
    keys = {
        ATOMS: (min(signal.atoms, default=10**6)),
        NUCLEUS: signal.technique,
        HYDROGENS: signal.hydrogens,
        MEASURED: -(shift if shift is not None else -1e9),
        PREDICTED: -(signal.predicted if signal.predicted is not None else -1e9),
        DIFFERENCE: -abs(signal.difference or 0.0),
        CONFIDENCE: 2.0 if signal.fixed else (
            signal.confidence if signal.position is not None and signal.confidence is not None
            else 3.0
        ),
    }  # fmt: skip
    return keys[column]


def _tip(signal: AssignedSignal, column: int) -> str:
    if not signal.atoms:
        return "No atom was found for this peak: drag the line onto one"
    if signal.fixed and column in (MEASURED, CONFIDENCE):
        return "As you said. Unfix lets the program decide again"
    if column == PREDICTED and signal.uncertainty is not None:
        digits = 1 if signal.technique == CARBON else 2
        return f"{text_of(signal, column)} ± {signal.uncertainty:.{digits}f} ppm"
    if signal.is_uncertain and column == CONFIDENCE:
        return "Uncertain: another assignment is nearly as good"
    if column == MEASURED:
        return "Type a shift to fix it, or - for no peak; or drag the line onto another atom"
    return ""


def _number(value: float, digits: int) -> str:
    return f"{value:z.{digits}f}".replace("-", "−")
