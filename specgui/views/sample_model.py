"""The sample tree as a Qt model: samples, their spectra below them, drag and drop between them."""

from __future__ import annotations

import json

from PySide6.QtCore import QAbstractItemModel, QMimeData, QModelIndex, Qt

from specgui.appearance import Appearance
from specgui.appearance.icons import technique_icon_name
from specgui.document import Document, SampleEntry, SpectrumEntry

SPECTRA_MIME = "application/x-specgui-spectra"
WARNINGS_ROLE = Qt.ItemDataRole.UserRole + 1
DETAIL_ROLE = Qt.ItemDataRole.UserRole + 2
ID_ROLE = Qt.ItemDataRole.UserRole + 3
_SAMPLE = 0


class SampleModel(QAbstractItemModel):
    """Two levels. An index of a spectrum carries its sample's row + 1, one of a sample 0."""

    def __init__(self, document: Document, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._document = document
        self._appearance = appearance
        self._samples = document.samples
        document.changed.connect(self._reset)

    def sample_at(self, index: QModelIndex) -> SampleEntry | None:
        """The sample of a row, of a spectrum's row the sample that holds it."""
        if not index.isValid():
            return None
        row = index.row() if index.internalId() == _SAMPLE else index.internalId() - 1
        return self._samples[row] if row < len(self._samples) else None

    def spectrum_at(self, index: QModelIndex) -> SpectrumEntry | None:
        sample = self.sample_at(index)
        if sample is None or index.internalId() == _SAMPLE:
            return None
        return sample.spectra[index.row()]

    def index_of_sample(self, sample_id: int | None) -> QModelIndex:
        for row, sample in enumerate(self._samples):
            if sample.id == sample_id:
                return self.createIndex(row, 0, _SAMPLE)
        return QModelIndex()

    def index_of_spectrum(self, spectrum_id: int) -> QModelIndex:
        for row, sample in enumerate(self._samples):
            if spectrum_id in sample.key:
                return self.createIndex(sample.key.index(spectrum_id), 0, row + 1)
        return QModelIndex()

    # what Qt asks

    def index(self, row: int, column: int, parent: QModelIndex = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else _SAMPLE)

    def parent(self, index: QModelIndex = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not index.isValid() or index.internalId() == _SAMPLE:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, _SAMPLE)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._samples)
        if parent.internalId() != _SAMPLE or parent.row() >= len(self._samples):
            return 0
        return len(self._samples[parent.row()].spectra)

    def columnCount(self, _parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        sample, entry = self.sample_at(index), self.spectrum_at(index)
        if sample is None:
            return None
        return self._sample_data(sample, role) if entry is None else self._entry_data(entry, role)

    def _sample_data(self, sample: SampleEntry, role: int):
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return sample.name
        if role == Qt.ItemDataRole.DecorationRole:
            return self._appearance.icon("sample", "accent")
        if role == ID_ROLE:
            return sample.id
        if role == WARNINGS_ROLE:
            return sample.warning_count
        if role == DETAIL_ROLE:
            return ""
        if role == Qt.ItemDataRole.ToolTipRole:
            held = ", ".join(sample.techniques) or "no spectra yet"
            return f"{sample.name}\n{held}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"Sample {sample.name}, {len(sample.spectra)} spectra"
        return None

    def _entry_data(self, entry: SpectrumEntry, role: int):
        spectrum = entry.spectrum
        if role == Qt.ItemDataRole.DisplayRole:
            return str(spectrum.technique)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._appearance.icon(technique_icon_name(spectrum.technique), "muted")
        if role == ID_ROLE:
            return entry.id
        if role == WARNINGS_ROLE:
            return len(spectrum.warnings)
        if role == DETAIL_ROLE:
            return entry.title
        if role == Qt.ItemDataRole.ToolTipRole:
            warnings = "".join(f"\n⚠ {w}" for w in spectrum.warnings)
            return f"{entry.title}\n{spectrum.source}\n{len(spectrum):,} points{warnings}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            warned = f", {len(spectrum.warnings)} warnings" if spectrum.warnings else ""
            return f"{spectrum.technique}: {entry.title}{warned}"
        return None

    def setData(self, index: QModelIndex, value, role: int = Qt.ItemDataRole.EditRole) -> bool:
        sample = self.sample_at(index)
        if role != Qt.ItemDataRole.EditRole or sample is None or self.spectrum_at(index):
            return False
        self._document.rename(sample.id, str(value))
        return True

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.ItemIsDropEnabled
        usable = flag.ItemIsEnabled | flag.ItemIsSelectable
        if self.spectrum_at(index) is not None:
            return usable | flag.ItemIsDragEnabled | flag.ItemNeverHasChildren
        return usable | flag.ItemIsDropEnabled | flag.ItemIsEditable

    # drag and drop

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [SPECTRA_MIME]

    def mimeData(self, indexes) -> QMimeData:
        data = QMimeData()
        ids = [entry.id for entry in map(self.spectrum_at, indexes) if entry is not None]
        data.setData(SPECTRA_MIME, json.dumps(ids).encode())
        return data

    def dropMimeData(self, data, action, row, column, parent) -> bool:
        """Spectra dropped on a sample go to it; on the empty ground they make a new sample.

        False in any case: the document moves them, so the view must not remove its rows.
        """
        if not data.hasFormat(SPECTRA_MIME):
            return False
        ids = json.loads(bytes(data.data(SPECTRA_MIME).data()))
        target = self.sample_at(parent)
        if target is None:
            self._document.move_to_new_sample(ids)
        else:
            self._document.move_spectra(ids, target.id)
        return False

    def _reset(self) -> None:
        self.beginResetModel()
        self._samples = self._document.samples
        self.endResetModel()
