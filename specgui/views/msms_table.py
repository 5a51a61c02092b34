"""The MS/MS scans of a run: time, precursor and level of each, to be chosen from."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

_TITLES = ("min", "Precursor", "Scan")

_TIPS = ("Retention time in minutes", "m/z of the precursor", "The file's name of the scan")


class _Model(QAbstractTableModel):
    """One row for each scan; their places in the chromatogram are ``places``."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self.places = np.empty(0, dtype=np.int64)
        self._seconds = self._precursors = np.empty(0)
        self._ids: tuple[str, ...] = ()

    def show(self, places, seconds, precursors, ids) -> None:
        self.beginResetModel()
        self.places, self._seconds, self._precursors, self._ids = places, seconds, precursors, ids
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.places)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section, orientation, role=Qt.ItemDataRole.DisplayRole):
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        place = self.places[index.row()]
        if index.column() == 0:
            minutes = self._seconds[place] / 60
            return f"{minutes:.2f}" if np.isfinite(minutes) else "not said"
        if index.column() == 1:
            mz = self._precursors[place]
            return f"{mz:.4f}" if np.isfinite(mz) else "not said"
        return self._ids[place]


class MsMsTable(QTableView):
    """A row chosen by mouse or keyboard asks for its scan."""

    scan_chosen = Signal(int)  # its place in the chromatogram

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._following = False
        self.setModel(_Model(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        mode = QHeaderView.ResizeMode
        for column, how in enumerate((mode.ResizeToContents, mode.Stretch, mode.ResizeToContents)):
            self.horizontalHeader().setSectionResizeMode(column, how)
        self.horizontalHeader().setHighlightSections(False)
        self.setAccessibleName("MS/MS scans of the run")
        self.selectionModel().currentRowChanged.connect(self._on_current)

    def show_scans(
        self, places: np.ndarray, seconds: np.ndarray, precursors: np.ndarray, ids: tuple[str, ...]
    ) -> None:
        """List scans by their places; the other arrays are those of the whole chromatogram."""
        self._following = True
        try:
            self.model().show(places, seconds, precursors, ids)
        finally:
            self._following = False

    def follow(self, place: int | None) -> None:
        """Choose the row of a scan that was chosen elsewhere; none for another scan."""
        rows = np.flatnonzero(self.model().places == place) if place is not None else ()
        self._following = True
        try:
            if len(rows):
                if self.currentIndex().row() != rows[0] or not self.selectedIndexes():
                    self.selectRow(int(rows[0]))
            else:
                self.clearSelection()
                self.setCurrentIndex(QModelIndex())
        finally:
            self._following = False

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and not self._following:
            self.scan_chosen.emit(int(self.model().places[current.row()]))
