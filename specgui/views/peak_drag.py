"""A peak that is dragged onto an atom: a label under the mouse, and the edit where it drops."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from specgui.assigning import AssignmentEditing
from specgui.views.structure_view import StructureView

_OFFSET = QPoint(12, 10)


class PeakDrag(QObject):
    """Follows a drag that began on a label of a plot or in a line of the table; Esc ends it."""

    def __init__(self, window: QWidget, view: StructureView, assigning: AssignmentEditing) -> None:
        super().__init__(window)
        self._window = window
        self._view = view
        self._assigning = assigning
        self._cancelled = False
        self.ghost = QLabel(window)
        self.ghost.setProperty("role", "technique")
        self.ghost.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.ghost.hide()

    @property
    def is_running(self) -> bool:
        return not self.ghost.isHidden()

    def follow(self, technique: str, position: float, place: QPoint, dropped: bool) -> None:
        """The drag is at ``place`` on the screen; ``dropped``: it ends there."""
        if self._cancelled:
            self._cancelled = not dropped
            return
        atom = self._view.hold_over(self._on_view(place))
        if dropped:
            self.end()
            if atom is not None:
                self._assigning.fix(technique, position, atom)
            return
        if not self.is_running:
            digits = 2 if technique.startswith("1H") else 1
            self.ghost.setText(f"{position:.{digits}f}")
            self.ghost.adjustSize()
            self.ghost.show()
            QApplication.instance().installEventFilter(self)
        self.ghost.move(self._window.mapFromGlobal(place) + _OFFSET)
        self.ghost.raise_()

    def end(self) -> None:
        """No drag any more."""
        QApplication.instance().removeEventFilter(self)
        self.ghost.hide()
        self._view.hold_over(None)

    def _on_view(self, place: QPoint) -> QPointF | None:
        at = self._view.mapFromGlobal(place)
        inside = self._view.isVisible() and self._view.rect().contains(at)
        return QPointF(at) if inside else None

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        escape = event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
        if escape and self.is_running and event.key() == Qt.Key.Key_Escape:
            self.end()
            self._cancelled = True
            return True
        return False
