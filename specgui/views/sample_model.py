"""The sample tree as a Qt model: samples, their spectra below them, drag and drop between them."""

from __future__ import annotations

import json

from PySide6.QtCore import QAbstractItemModel, QMimeData, QModelIndex, Qt

from engine.library.spectrum_2d_entry import Spectrum2DEntry
from specgui.appearance import Appearance
from specgui.appearance.icons import technique_icon_name
from specgui.document import Document, RunEntry, SampleEntry, SpectrumEntry

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
        self._rows = {sample.id: row for row, sample in enumerate(self._samples)}
        document.changed.connect(self._reset)

    def sample_at(self, index: QModelIndex) -> SampleEntry | None:
        """The sample of a row, of a spectrum's row the sample that holds it."""
        if not index.isValid():
            return None
        row = index.row() if index.internalId() == _SAMPLE else index.internalId() - 1
        return self._samples[row] if row < len(self._samples) else None

    def spectrum_at(self, index: QModelIndex) -> SpectrumEntry | None:
        sample = self.sample_at(index)
        if sample is None or index.internalId() == _SAMPLE or index.row() >= len(sample.spectra):
            return None
        return sample.spectra[index.row()]

    def run_at(self, index: QModelIndex) -> RunEntry | None:
        """The run of a row; runs come after the spectra of their sample."""
        sample = self.sample_at(index)
        if sample is None or index.internalId() == _SAMPLE:
            return None
        place = index.row() - len(sample.spectra)
        return sample.runs[place] if 0 <= place < len(sample.runs) else None

    def spectrum_2d_at(self, index: QModelIndex) -> Spectrum2DEntry | None:
        """The two-dimensional spectrum of a row; they come last below their sample."""
        sample = self.sample_at(index)
        if sample is None or index.internalId() == _SAMPLE:
            return None
        place = index.row() - len(sample.spectra) - len(sample.runs)
        return sample.spectra_2d[place] if 0 <= place < len(sample.spectra_2d) else None

    def index_of_sample(self, sample_id: int | None) -> QModelIndex:
        row = self._rows.get(sample_id)
        return QModelIndex() if row is None else self.createIndex(row, 0, _SAMPLE)

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
        sample = self._samples[parent.row()]
        return len(sample.spectra) + len(sample.runs) + len(sample.spectra_2d)

    def columnCount(self, _parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        sample, entry = self.sample_at(index), self.spectrum_at(index)
        if sample is None:
            return None
        run = self.run_at(index)
        if run is not None:
            return self._run_data(run, role)
        entry_2d = self.spectrum_2d_at(index)
        if entry_2d is not None:
            return self._entry_2d_data(entry_2d, role)
        return self._sample_data(sample, role) if entry is None else self._entry_data(entry, role)

    def _entry_2d_data(self, entry: Spectrum2DEntry, role: int):
        spectrum = entry.spectrum
        warned = len(spectrum.warnings)
        if role == Qt.ItemDataRole.DisplayRole:
            return spectrum.name
        if role == Qt.ItemDataRole.DecorationRole:
            return self._appearance.icon("contours", "muted")
        if role == ID_ROLE:
            return entry.id
        if role == WARNINGS_ROLE:
            return warned
        if role == DETAIL_ROLE:
            return entry.title
        if role == Qt.ItemDataRole.ToolTipRole:
            warnings = "".join(f"\n⚠ {w}" for w in spectrum.warnings)
            return (
                f"{entry.title}\n{spectrum.source}\n{spectrum.size_text} points\n"
                f"Shown only: the model that names groups does not use it.{warnings}"
            )
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{spectrum.name}: {entry.title}" + (f", {warned} warnings" if warned else "")
        return None

    def _run_data(self, run: RunEntry, role: int):
        if role == Qt.ItemDataRole.DisplayRole:
            return "Run"
        if role == Qt.ItemDataRole.DecorationRole:
            return self._appearance.icon("ms", "muted")
        if role == ID_ROLE:
            return run.id
        if role == DETAIL_ROLE:
            return run.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{run.title}\n{run.path}\nKeep a scan of it to predict from it."
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"Run: {run.title}"
        return None

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
            held += f", {len(sample.runs)} runs" if sample.runs else ""
            held += f", {len(sample.spectra_2d)} two-dimensional" if sample.spectra_2d else ""
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
        inside = self.spectrum_at(index) or self.run_at(index)
        if role != Qt.ItemDataRole.EditRole or sample is None or inside:
            return False
        self._document.rename(sample.id, str(value))
        return True

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.ItemIsDropEnabled
        usable = flag.ItemIsEnabled | flag.ItemIsSelectable
        if self.run_at(index) is not None:
            return usable | flag.ItemNeverHasChildren
        if self.spectrum_at(index) is not None or self.spectrum_2d_at(index) is not None:
            return usable | flag.ItemIsDragEnabled | flag.ItemNeverHasChildren
        return usable | flag.ItemIsDropEnabled | flag.ItemIsEditable

    # drag and drop

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [SPECTRA_MIME]

    def mimeData(self, indexes) -> QMimeData:
        data = QMimeData()
        entries = [self.spectrum_at(index) or self.spectrum_2d_at(index) for index in indexes]
        ids = [entry.id for entry in entries if entry is not None]
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
        """Follow the document; samples that are only added leave the others as they are."""
        before, after = self._samples, self._document.samples
        grown = 0 < len(before) < len(after) and all(
            old is new for old, new in zip(before, after, strict=False)
        )
        if grown:
            self.beginInsertRows(QModelIndex(), len(before), len(after) - 1)
        else:
            self.beginResetModel()
        self._samples = after
        self._rows = {sample.id: row for row, sample in enumerate(after)}
        if grown:
            self.endInsertRows()
        else:
            self.endResetModel()
