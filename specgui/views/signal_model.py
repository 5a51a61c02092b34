"""The signals of a spectrum as a Qt table: shift, multiplicity, couplings, protons, integral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont

from specgui.appearance import Appearance
from specgui.views.signal_display import mark_name

if TYPE_CHECKING:
    from engine.processing import Integral, Multiplet, Peak, SignalAnalysis
    from engine.spectra import Spectrum

SHIFT, KIND, COUPLINGS, PROTONS, INTEGRAL = range(5)
HEADERS = ("δ (ppm)", "Type", "J (Hz)", "H", "Integral")
_TIPS = (
    "Chemical shift of the centre; of an m the range of its lines",
    "Multiplicity: s, br s, d, t, q, p, sext, sept, dd, dt, ddd, … or m",
    "Couplings in Hz, one for each word of the multiplicity",
    "Number of protons",
    "Integral as a number of nuclei; say one, and all others follow",
)
_EDIT_TIPS = {
    KIND: "Type another multiplicity (m for no first-order one); empty: find it again",
    COUPLINGS: "Type the couplings, as 8.1, 1.7; empty: fit them again",
    PROTONS: "Type the number of protons; empty: as the integral says",
    INTEGRAL: "Type how many nuclei this is: all integrals follow",
}


@dataclass(frozen=True)
class SignalRow:
    """One line: a multiplet with its integral, an integral alone, a mark, or a picked peak."""

    place: float
    texts: tuple[str, str, str, str, str]
    multiplet: Multiplet | None = None
    integral: Integral | None = None
    peak: Peak | None = None
    is_mark: bool = False

    @property
    def region(self) -> tuple[float, float] | None:
        """What names the signal on the plot."""
        return self.multiplet.region if self.multiplet is not None else None

    def can_edit(self, column: int) -> bool:
        if column in (KIND, COUPLINGS, PROTONS):
            return self.multiplet is not None
        return column == INTEGRAL and self.integral is not None and not self.is_mark

    def is_said(self, column: int) -> bool:
        """Whether a person said what stands there."""
        if self.multiplet is None:
            return False
        if column == PROTONS:
            return self.multiplet.n_h_said
        return column in (KIND, COUPLINGS) and self.multiplet.overruled


def rows_of(
    spectrum: Spectrum, analysis: SignalAnalysis | None, peaks: Sequence[Peak]
) -> list[SignalRow]:
    """The lines of an analysis, high to low ppm; without one those of picked peaks."""
    from engine.processing.acs_text import printed_shift

    digits = 2 if spectrum.technique.nucleus == "1H" else 1
    if not analysis:
        return [
            SignalRow(peak.position, (_number(peak.position, digits), "", "", "", ""), peak=peak)
            for peak in sorted(peaks, key=lambda peak: -peak.position)
        ]
    by_region = {(i.low, i.high): i for i in analysis.integrals}
    rows = []
    for multiplet in analysis.multiplets:
        integral = by_region.pop(tuple(multiplet.region), None)
        shift = printed_shift(multiplet, digits).replace("-", "−")
        texts = (
            shift, multiplet.multiplicity, ", ".join(f"{j:.1f}" for j in multiplet.j_hz),
            str(multiplet.n_h or ""), _nuclei(integral),
        )  # fmt: skip
        rows.append(SignalRow(multiplet.position, texts, multiplet, integral))
    for integral in by_region.values():
        middle = (integral.low + integral.high) / 2
        if integral.kind == "compound":
            shift = f"{_number(integral.high, digits)}–{_number(integral.low, digits)}"
            rows.append(
                SignalRow(middle, (shift, "", "", "", _nuclei(integral)), integral=integral)
            )
        else:
            name = mark_name(integral.kind, spectrum.metadata.get("solvent"))
            texts = (_number(middle, digits), name, "", "", "")
            rows.append(SignalRow(middle, texts, integral=integral, is_mark=True))
    return sorted(rows, key=lambda row: -row.place)


def _nuclei(integral: Integral | None) -> str:
    return "" if integral is None or integral.nuclei is None else _number(integral.nuclei, 2)


def _number(value: float, digits: int) -> str:
    return f"{value:z.{digits}f}".replace("-", "−")


class SignalModel(QAbstractTableModel):
    """Shows rows; what is typed is only announced."""

    edited = Signal(object, int, str)  # the SignalRow, the column, the text that was typed

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.rows: list[SignalRow] = []

    def set_rows(self, rows: Sequence[SignalRow]) -> None:
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section, orientation, role=Qt.ItemDataRole.DisplayRole):
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
        return None

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.texts[column]
        if role == Qt.ItemDataRole.TextAlignmentRole and column != KIND:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and row.is_mark:
            return QColor(self._appearance.theme.muted)
        if role == Qt.ItemDataRole.FontRole and row.is_said(column):
            font = QFont()
            font.setItalic(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{HEADERS[column]}: {row.texts[column] or 'none'}"
        return None

    @staticmethod
    def _tip(row: SignalRow, column: int) -> str:
        if row.is_mark:
            return "Not a signal of the compound: it is left out"
        tip = _EDIT_TIPS.get(column, "") if row.can_edit(column) else ""
        return f"As you said. {tip}" if row.is_said(column) else tip

    def flags(self, index):
        flags = super().flags(index)
        if index.isValid() and self.rows[index.row()].can_edit(index.column()):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index, value, role=Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        row, text = self.rows[index.row()], " ".join(str(value).split())
        if text != row.texts[index.column()]:
            self.edited.emit(row, index.column(), text)
        return False
