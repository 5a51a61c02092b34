"""Chooses what a chromatogram shows: all ions, the base peak, one ion with its tolerance, or a
chromatogram that the file holds ready-made."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from specgui.open_runs import BASE_PEAK, ION, STORED, TOTAL, Trace

_TITLES = {TOTAL: "Total ions", BASE_PEAK: "Base peak", ION: "One ion"}
_NUMBER = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(ppm|mda|da|m/z)?\s*", re.IGNORECASE)
_DEFAULT_TOLERANCE = "0.3"
_MOST_MZ = 1e6
_WIDEST = 260


def tolerance_in_mz(text: str, mz: float) -> float | None:
    """A tolerance as m/z from ``0.3``, ``5 mDa`` or ``10 ppm``; None for anything else."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    value = float(found.group(1).replace(",", "."))
    unit = (found.group(2) or "").lower()
    value *= {"ppm": mz * 1e-6, "mda": 1e-3}.get(unit, 1.0)
    return value if 0 < value <= _MOST_MZ else None


def mz_of(text: str) -> float | None:
    """The m/z of an ion as typed; None for what is none."""
    found = _NUMBER.fullmatch(text)
    value = float(found.group(1).replace(",", ".")) if found else 0.0
    return value if 0 < value <= _MOST_MZ and (found.group(2) or "m/z") == "m/z" else None


class TraceChoice(QWidget):
    """A list of traces, and two fields for an ion; ``chosen`` carries a ``Trace``."""

    chosen = Signal(object)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self.kinds = QComboBox()
        self.kinds.setAccessibleName("What the chromatogram shows")
        self.kinds.setMaximumWidth(_WIDEST)
        self.kinds.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kinds.setMaxVisibleItems(20)
        for kind, title in _TITLES.items():
            self.kinds.addItem(title, kind)
        self.mz = QLineEdit()
        self.mz.setPlaceholderText("m/z")
        self.mz.setAccessibleName("m/z of the ion")
        self.mz.setToolTip("The m/z of the ion, then Enter")
        self.tolerance = QLineEdit(_DEFAULT_TOLERANCE)
        self.tolerance.setAccessibleName("Tolerance of the ion")
        self.tolerance.setToolTip("How far from the m/z a peak may lie: 0.3, 5 mDa or 10 ppm")
        self._sign = QLabel("±")
        self._stored: tuple[str, ...] = ()
        for field, letters in ((self.mz, "1234.5678"), (self.tolerance, "100 ppm")):
            field.setFixedWidth(field.fontMetrics().horizontalAdvance(letters) + 24)
            field.setAcceptDrops(False)
            field.returnPressed.connect(self._on_typed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.kinds, self.mz, self._sign, self.tolerance):
            layout.addWidget(widget)
        self.kinds.activated.connect(self._on_kind)
        self._show_fields(False)

    def show_trace(
        self, trace: Trace, has_base_peak: bool, has_scans: bool, stored: Sequence[str] = ()
    ) -> None:
        """Follow what is shown; kinds that a run cannot give are disabled.

        ``stored`` are the names of the chromatograms that the file holds.
        """
        self._offer(tuple(stored))
        of_ions = has_scans or not stored
        for kind, possible in ((TOTAL, of_ions), (BASE_PEAK, has_base_peak), (ION, has_scans)):
            self.kinds.model().item(self.kinds.findData(kind)).setEnabled(possible)
        row = self.kinds.findData(trace.kind)
        self.kinds.setCurrentIndex(len(_TITLES) + trace.place if trace.kind == STORED else row)
        self._show_fields(trace.kind == ION)

    def _offer(self, stored: tuple[str, ...]) -> None:
        if stored == self._stored:
            return
        self._stored = stored
        while self.kinds.count() > len(_TITLES):
            self.kinds.removeItem(self.kinds.count() - 1)
        for name in stored:
            self.kinds.addItem(name, STORED)

    def ask_for_ion(self) -> None:
        """Show the fields of an ion, ready to be typed into."""
        self.kinds.setCurrentIndex(self.kinds.findData(ION))
        self._show_fields(True)
        self.mz.setFocus()
        self.mz.selectAll()

    def extract(self, mz: float) -> None:
        """Show one ion with the tolerance that is set."""
        self.mz.setText(f"{mz:.4f}".rstrip("0").rstrip("."))
        self.ask_for_ion()
        self._on_typed()

    def _show_fields(self, visible: bool) -> None:
        for widget in (self.mz, self._sign, self.tolerance):
            widget.setVisible(visible)

    def _on_kind(self, _row: int) -> None:
        kind = self.kinds.currentData()
        if kind == STORED:
            self._show_fields(False)
            self.chosen.emit(Trace(STORED, place=self.kinds.currentIndex() - len(_TITLES)))
        elif kind == ION:
            self.ask_for_ion()
            if self.mz.text():
                self._on_typed()
        else:
            self._show_fields(False)
            self.chosen.emit(Trace(kind))

    def _on_typed(self) -> None:
        mz = mz_of(self.mz.text())
        tolerance = tolerance_in_mz(self.tolerance.text(), mz) if mz else None
        for field, good in ((self.mz, mz is not None), (self.tolerance, bool(tolerance or not mz))):
            field.setProperty("invalid", not good)
            field.style().unpolish(field)
            field.style().polish(field)
        if mz is not None and tolerance is not None:
            self.chosen.emit(Trace(ION, mz, tolerance))
