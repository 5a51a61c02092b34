"""The left panel: samples and their spectra, with technique icons and warnings."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
)

from specgui.appearance import Appearance
from specgui.appearance.icons import pixmap
from specgui.views.sample_model import DETAIL_ROLE, ID_ROLE, WARNINGS_ROLE, SampleModel
from specgui.workspace import Workspace

_MARK = 14
_EXPAND_UP_TO = 12


class _RowDelegate(QStyledItemDelegate):
    """Adds the spectrum's title in a muted colour, and a warning sign with its count."""

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        size = super().sizeHint(option, index)
        return QSize(size.width(), max(size.height(), option.fontMetrics.height() + 10))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        option = QStyleOptionViewItem(option)
        self.initStyleOption(option, index)
        option.font.setBold(not index.parent().isValid())
        warnings = index.data(WARNINGS_ROLE)
        style = option.widget.style()
        text, option.text = option.text, ""
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        option.text = text
        room = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, option.widget)
        room.setRight(option.rect.right() - 6)
        painter.save()
        if warnings:
            room.setRight(self._paint_warnings(painter, option, room, warnings))
        self._paint_text(painter, option, room, text, index.data(DETAIL_ROLE))
        painter.restore()

    def _paint_warnings(self, painter, option, room: QRect, warnings: int) -> int:
        colour = self._appearance.theme.warning
        width = option.fontMetrics.horizontalAdvance(str(warnings)) + 3
        ratio = option.widget.devicePixelRatioF()
        left = room.right() - width - _MARK
        middle = room.center().y()
        painter.drawPixmap(left, middle - _MARK // 2 + 1, pixmap("warning", colour, _MARK, ratio))
        painter.setPen(QColor(colour))
        number = QRect(left + _MARK + 3, room.top(), width, room.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignVCenter, str(warnings))
        return left - 6

    def _paint_text(self, painter, option, room: QRect, text: str, detail: str) -> None:
        theme = self._appearance.theme
        metrics = painter.fontMetrics()
        painter.setFont(option.font)
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.setPen(QColor(theme.text))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)
        if not detail:
            return
        rest = QRect(room)
        rest.setLeft(room.left() + metrics.horizontalAdvance(shown) + 8)
        if rest.width() > 20:
            painter.setPen(QColor(theme.muted))
            detail = metrics.elidedText(detail, Qt.TextElideMode.ElideRight, rest.width())
            painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, detail)


class SampleTree(QTreeView):
    """Choosing a row chooses its sample; a spectrum's row also shows that spectrum."""

    menu_wanted = Signal(QPoint)
    several_chosen = Signal()

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._appearance = appearance
        self._collapsed: set[int] = set()
        self._seen: set[int] = set()
        self._following = False
        self.setModel(SampleModel(workspace.document, appearance, self))
        self.setItemDelegate(_RowDelegate(appearance, self))
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(18, 18))
        self.setIndentation(16)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDropIndicatorShown(True)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.setExpandsOnDoubleClick(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self.menu_wanted)
        self.setAccessibleName("Samples and their spectra")
        self.collapsed.connect(self._on_collapsed)
        self.expanded.connect(self._on_expanded)
        self.selectionModel().currentChanged.connect(self._on_current)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self._was_reset = True
        self.model().modelReset.connect(self._on_reset)
        # The model resets itself on the same signal: it was connected first.
        workspace.document.changed.connect(self._restore)
        workspace.selection.sample_changed.connect(self._follow_selection)
        appearance.changed.connect(self.viewport().update)
        self._restore()

    def chosen(self) -> tuple[list[int], list[int]]:
        """The ids of the chosen samples, and of the chosen spectra."""
        model, samples, spectra = self.model(), [], []
        for index in self.selectionModel().selectedIndexes():
            entry, sample = model.spectrum_at(index), model.sample_at(index)
            entry = entry or model.spectrum_2d_at(index)
            if entry is not None:
                spectra.append(entry.id)
            elif sample is not None and model.run_at(index) is None:
                samples.append(sample.id)
        return samples, spectra

    def chosen_runs(self) -> list[int]:
        """The ids of the chosen runs."""
        found = map(self.model().run_at, self.selectionModel().selectedIndexes())
        return [run.id for run in found if run is not None]

    def rename_current(self) -> None:
        """Begin to edit the name of the chosen sample."""
        index = self.model().index_of_sample(self._workspace.selection.sample_id)
        if index.isValid():
            self.setFocus()
            self.setCurrentIndex(index)
            self.edit(index)

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if self._following or not current.isValid():
            return
        self._following = True
        try:
            entry, sample = self.model().spectrum_at(current), self.model().sample_at(current)
            if entry is not None:
                self._workspace.selection.choose_spectrum(entry.id)
            elif sample is not None:
                self._workspace.selection.choose_sample(sample.id)
                run = self.model().run_at(current)
                if run is not None:
                    self._workspace.runs.choose(run.id)
                entry_2d = self.model().spectrum_2d_at(current)
                if entry_2d is not None:
                    self._workspace.contours.choose(entry_2d.id)
        finally:
            self._following = False

    def _on_selection(self, *_args) -> None:
        if not self._following and len(self.selectionModel().selectedIndexes()) > 1:
            self.several_chosen.emit()

    def _follow_selection(self) -> None:
        if self._following:
            return
        wanted = self._workspace.selection.sample_id
        current = self.model().sample_at(self.currentIndex())
        if current is not None and current.id == wanted:
            return
        index = self.model().index_of_sample(wanted)
        self._following = True
        try:
            if index.isValid():
                self.selectionModel().setCurrentIndex(
                    index, QItemSelectionModel.SelectionFlag.ClearAndSelect
                )
                self.scrollTo(index)
            else:
                self.selectionModel().clear()
        finally:
            self._following = False

    def _restore(self) -> None:
        """After the model's reset: open what was open and choose what was chosen."""
        anew, self._was_reset = self._was_reset, False
        for sample in self._workspace.document.samples:
            # Rows that were only joined by others are still open or closed.
            if not anew and sample.id in self._seen:
                continue
            if sample.id not in self._seen and len(sample.spectra) > _EXPAND_UP_TO:
                self._collapsed.add(sample.id)
            self._seen.add(sample.id)
            self.setExpanded(
                self.model().index_of_sample(sample.id), sample.id not in self._collapsed
            )
        self._follow_selection()

    def _on_reset(self) -> None:
        self._was_reset = True

    def _on_collapsed(self, index: QModelIndex) -> None:
        if index.data(ID_ROLE) is not None:
            self._collapsed.add(index.data(ID_ROLE))

    def _on_expanded(self, index: QModelIndex) -> None:
        self._collapsed.discard(index.data(ID_ROLE))
