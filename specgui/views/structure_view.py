"""A structure as a live drawing: atoms are pointed at, chosen, walked along, and take peaks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.chemistry.structure_drawing import Drawing
from specgui.appearance import Appearance
from specgui.views.molecule_painter import Marks, MoleculePainter

_ROOM = 0.85
_MOST_SCALE, _LEAST_SCALE = 46.0, 4.0
_MOST_ZOOM, _LEAST_ZOOM = 12.0, 1.0
_REACH = 0.5
_WHEEL = 1.0015
_DRAG = 4
_ZOOM = 1.25
_WALK = {
    Qt.Key.Key_Left: (-1.0, 0.0), Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, 1.0), Qt.Key.Key_Down: (0.0, -1.0),
}  # fmt: skip
_OWN_KEYS = (
    *_WALK, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Plus,
    Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_F, Qt.Key.Key_N, Qt.Key.Key_Escape,
)  # fmt: skip


class StructureView(QWidget):
    """Shows a drawing; the wheel zooms, a drag moves, a double click or F shows everything.

    Arrow keys walk along bonds, Enter or Space chooses the atom, Esc chooses none, N shows the
    atom numbers.
    """

    atom_pointed = Signal(object)  # the atom under the mouse or the walk, None: nowhere
    atom_chosen = Signal(object)  # None: none any more
    numbers_toggled = Signal(bool)

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._drawing = Drawing()
        self._marks = Marks()
        self._told: Mapping[int, str] = {}
        self._numbered = False
        self._zoom = 1.0
        self._shift = QPointF()
        self._pressed: QPointF | None = None
        self._moving = False
        self._target: int | None = None
        self.setMinimumHeight(120)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Structural formula")
        appearance.changed.connect(self.update)

    # what is shown

    @property
    def drawing(self) -> Drawing:
        return self._drawing

    @property
    def is_empty(self) -> bool:
        return not self._drawing.atoms

    @property
    def marks(self) -> Marks:
        """What is marked now."""
        return self._marks

    @property
    def focused(self) -> int | None:
        """The atom that the keys walk from."""
        return self._marks.focused

    def set_drawing(self, drawing: Drawing | None) -> None:
        """Show another drawing, or none; the zoom goes back to the whole."""
        drawing = drawing or Drawing()
        if drawing == self._drawing:
            return
        self._drawing = drawing
        self._marks = Marks()
        self._told = {}
        self.fit()

    def mark(
        self,
        lit: Collection[int] | None = None,
        grouped: Collection[int] | None = None,
        hatched: Collection[int] | None = None,
    ) -> None:
        """Change what is marked: chosen atoms, those of a group, uncertain ones; None: as it is."""
        wanted = {"lit": lit, "grouped": grouped, "hatched": hatched}
        changed = {k: frozenset(v) for k, v in wanted.items() if v is not None}
        self._set_marks(replace(self._marks, **changed))

    def set_told(self, told: Mapping[int, str]) -> None:
        """What the tool tips of atoms say beside their elements and numbers."""
        self._told = dict(told)

    @property
    def numbered(self) -> bool:
        return self._numbered

    def show_numbers(self, shown: bool) -> None:
        """Write the number of each atom beside it, counted from 0."""
        if shown != self._numbered:
            self._numbered = shown
            self.numbers_toggled.emit(shown)
            self.update()

    def _set_marks(self, marks: Marks) -> None:
        if marks != self._marks:
            self._marks = marks
            self.update()

    # where things are

    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    def fit(self) -> None:
        """Show the whole structure."""
        self._zoom, self._shift = 1.0, QPointF()
        self.update()

    @property
    def zoom(self) -> float:
        """1 for the whole structure."""
        return self._zoom

    def zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        """Make the drawing larger (above 1) or smaller; what is at ``about`` stays there."""
        zoom = min(max(self._zoom * factor, _LEAST_ZOOM), _MOST_ZOOM)
        about = QPointF(self.rect().center()) if about is None else about
        before = (about - self._origin()) / self._scale()
        self._zoom = zoom
        self._shift += about - (self._origin() + before * self._scale())
        if zoom == _LEAST_ZOOM:
            self._shift = QPointF()
        self.update()

    def _bounds(self) -> QRectF:
        """The extent of the atoms in bond lengths, y upward."""
        xs, ys = [a.x for a in self._drawing.atoms], [a.y for a in self._drawing.atoms]
        return QRectF(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))

    def _scale(self) -> float:
        if self.is_empty:
            return 1.0
        bounds = self._bounds()
        fitted = min(
            self.width() / (bounds.width() + 2 * _ROOM),
            self.height() / (bounds.height() + 2 * _ROOM),
        )
        return max(min(fitted, _MOST_SCALE), _LEAST_SCALE) * self._zoom

    def _origin(self) -> QPointF:
        """Where the origin of the drawing is on the widget."""
        if self.is_empty:
            return QPointF()
        middle, scale = self._bounds().center(), self._scale()
        centre = QPointF(self.width() / 2, self.height() / 2) + self._shift
        return centre - QPointF(middle.x() * scale, -middle.y() * scale)

    def place_of(self, number: int) -> QPointF | None:
        """Where an atom is on the widget."""
        atom = self._drawing.atom(number)
        if atom is None:
            return None
        return self._origin() + QPointF(atom.x, -atom.y) * self._scale()

    def atom_at(self, place: QPointF) -> int | None:
        """The atom at a place of the widget, None where there is none within half a bond."""
        reach = max(_REACH * self._scale(), 7.0)
        near = [
            (math.hypot(at.x() - place.x(), at.y() - place.y()), atom.number)
            for atom in self._drawing.atoms
            if (at := self.place_of(atom.number)) is not None
        ]
        nearest = min(near, default=None)
        return nearest[1] if nearest is not None and nearest[0] <= reach else None

    # taking peaks

    def hold_over(self, place: QPointF | None) -> int | None:
        """A peak is held over a place: its atom is marked and returned; None: no more."""
        number = None if place is None else self.atom_at(place)
        if number != self._target:
            self._target = number
            self.update()
        return number

    @property
    def target(self) -> int | None:
        """The atom over which a peak is held."""
        return self._target

    # painting

    def paintEvent(self, _event) -> None:
        if self.is_empty:
            return
        theme, scale = self._appearance.theme, self._scale()
        painter = QPainter(self)
        marks = self._marks
        notes = {}
        if self._numbered:
            notes = {atom.number: str(atom.number) for atom in self._drawing.atoms}
        shown = replace(
            marks, notes=notes, focused=marks.focused if self.hasFocus() else None,
            lit=marks.lit if self._target is None else (self._target,),
        )  # fmt: skip
        MoleculePainter(self._drawing, theme, scale, self._origin(), self.font()).paint(
            painter, shown
        )
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -1, -1), 4, 4)

    # the mouse

    def mousePressEvent(self, event) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._moving = event.position(), False

    def mouseMoveEvent(self, event) -> None:
        here = event.position()
        if self._pressed is None:
            self._point_at(self.atom_at(here))
            return
        if not self._moving and (here - self._pressed).manhattanLength() >= _DRAG:
            self._moving = True
            self._point_at(None)
        if self._moving:
            self._shift += here - self._pressed
            self._pressed = here
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.update()

    def mouseReleaseEvent(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        moved, self._pressed, self._moving = self._moving, None, False
        self.unsetCursor()
        if not moved:
            number = self.atom_at(event.position())
            if number is not None:
                self._set_marks(replace(self._marks, focused=number))
            self._choose(number)

    def mouseDoubleClickEvent(self, event) -> None:
        if self.atom_at(event.position()) is None:
            self.fit()

    def wheelEvent(self, event) -> None:
        self.zoom_by(_WHEEL ** event.angleDelta().y(), event.position())
        event.accept()

    def leaveEvent(self, event) -> None:
        self._point_at(None)
        super().leaveEvent(event)

    def _point_at(self, number: int | None) -> None:
        if number == self._marks.hovered:
            return
        self._set_marks(replace(self._marks, hovered=number))
        self.setCursor(
            Qt.CursorShape.ArrowCursor if number is None else Qt.CursorShape.PointingHandCursor
        )
        self.atom_pointed.emit(number)

    def _choose(self, number: int | None) -> None:
        """An atom that is lit already is chosen no more."""
        again = number is not None and self._marks.lit and number in self._marks.lit
        self.atom_chosen.emit(None if again else number)

    # the keyboard

    def event(self, event) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            plain = not event.modifiers() & ~(
                Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
            )
            # The window has shortcuts of its own on some of these.
            if event.key() in _OWN_KEYS and plain and not self.is_empty:
                event.accept()
                return True
        elif event.type() == QEvent.Type.ToolTip:
            self._show_tip(event)
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        key = event.key()
        if self.is_empty or key not in _OWN_KEYS:
            super().keyPressEvent(event)
        elif key in _WALK:
            self._walk(*_WALK[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self.focused)
        elif key == Qt.Key.Key_Escape:
            self.atom_chosen.emit(None)
        elif key == Qt.Key.Key_N:
            self.show_numbers(not self._numbered)
        elif key == Qt.Key.Key_F:
            self.fit()
        else:
            self.zoom_by(1 / _ZOOM if key == Qt.Key.Key_Minus else _ZOOM)

    def _walk(self, right: float, up: float) -> None:
        """Go to the neighbour that lies most in a direction; the first key goes to an end."""
        here = self._drawing.atom(self.focused) if self.focused is not None else None
        if here is None:
            start = min(self._drawing.atoms, key=lambda a: a.x * right + a.y * up)
            self._go_to(start.number)
            return
        best, wanted = 0.15, None
        for number in self._drawing.neighbours(here.number):
            other = self._drawing.atom(number)
            if other is None:
                continue
            length = math.hypot(other.x - here.x, other.y - here.y) or 1.0
            share = ((other.x - here.x) * right + (other.y - here.y) * up) / length
            if share > best:
                best, wanted = share, number
        if wanted is not None:
            self._go_to(wanted)

    def _go_to(self, number: int) -> None:
        self._set_marks(replace(self._marks, focused=number))
        self.setAccessibleDescription(self.told_of(number))
        self.atom_pointed.emit(number)

    # words

    def told_of(self, number: int) -> str:
        """What there is to say of an atom: its element, number and hydrogens, and its peaks."""
        atom = self._drawing.atom(number)
        if atom is None:
            return ""
        hydrogens = f", {atom.hydrogens} H" if atom.hydrogens else ""
        said = f"{atom.element}, atom {number}{hydrogens}"
        return f"{said}\n{self._told[number]}" if self._told.get(number) else said

    def _show_tip(self, event) -> None:
        number = self.atom_at(QPointF(event.pos()))
        if number is None:
            QToolTip.hideText()
            return
        QToolTip.showText(event.globalPos(), self.told_of(number), self)
