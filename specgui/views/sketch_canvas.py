"""Where a structure is drawn with the mouse: every gesture is one edit of the sketch."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from engine.chemistry.structure_drawing import HASH, WEDGE, Drawing
from engine.chemistry.structure_editing import (
    RINGS,
    SketchHistory,
    add_ring,
    grow,
    snapped,
    sprout,
)
from engine.chemistry.structure_sketch import Sketch
from specgui.appearance import Appearance
from specgui.views.molecule_painter import Marks, MoleculePainter

BOND, DOUBLE, TRIPLE, ERASE, MOVE, PLUS, MINUS = (
    "bond", "double", "triple", "erase", "move", "plus", "minus",
)  # fmt: skip
TOOLS = (BOND, DOUBLE, TRIPLE, WEDGE, HASH, PLUS, MINUS, ERASE, MOVE, *RINGS)
_ORDERS = {BOND: 1, DOUBLE: 2, TRIPLE: 3, WEDGE: 1, HASH: 1}
_SCALE, _LEAST_SCALE, _MOST_SCALE = 38.0, 12.0, 80.0
_ROOM = 1.2
_DRAG = 5.0
_WHEEL = 1.0015
_TYPED_S = 0.9
_LETTERS = {"c": "C", "n": "N", "o": "O", "s": "S", "f": "F", "p": "P", "i": "I", "h": "H",
            "b": "B"}  # fmt: skip
_SECOND = {("C", "l"): "Cl", ("B", "r"): "Br", ("S", "i"): "Si", ("S", "e"): "Se"}


class SketchCanvas(QWidget):
    """Draws by clicks and drags with the tool in use; letters name the element under the mouse."""

    changed = Signal()  # the sketch is another
    refused = Signal(str)  # why an edit is not possible

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.history = SketchHistory()
        self.tool = BOND
        self.element = "C"
        self._drawing = Drawing()
        self._scale, self._centre = _SCALE, QPointF()
        self._pressed: QPointF | None = None
        self._start: int | None = None
        self._here: QPointF | None = None
        self._panning: QPointF | None = None
        self._moved = (0.0, 0.0)
        self._typed = ("", 0.0, -1)
        self.setMinimumSize(420, 320)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Drawing of the structure")
        appearance.changed.connect(self.update)

    # the sketch

    @property
    def sketch(self) -> Sketch:
        return self.history.present

    def set_sketch(self, sketch: Sketch) -> None:
        """Begin anew with a sketch; what was before is not undone."""
        self.history = SketchHistory(sketch)
        self._refresh()
        self.fit()

    def edit(self, change: Callable[[], Sketch]) -> None:
        """Do an edit as one step; one that is not possible is said and changes nothing."""
        refusal = ""
        try:
            self.history.push(change())
        except ValueError as error:
            refusal = str(error)
        self._refresh()
        if refusal:
            self.refused.emit(f"{refusal[:1].upper()}{refusal[1:]}.")

    def undo(self) -> None:
        self.history.undo()
        self._refresh()

    def redo(self) -> None:
        self.history.redo()
        self._refresh()

    def _refresh(self) -> None:
        self._drawing = self.sketch.drawing()
        self.changed.emit()
        self.update()

    # places

    def fit(self) -> None:
        """Bring the whole drawing into view, no larger than usual."""
        atoms = self.sketch.atoms
        if atoms:
            xs, ys = [a.x for a in atoms], [a.y for a in atoms]
            wide, tall = max(xs) - min(xs) + 2 * _ROOM, max(ys) - min(ys) + 2 * _ROOM
            self._scale = min(_SCALE, self.width() / wide, self.height() / tall)
            self._centre = QPointF((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2)
        else:
            self._scale, self._centre = _SCALE, QPointF()
        self.update()

    def _origin(self) -> QPointF:
        middle = QPointF(self.width() / 2, self.height() / 2)
        return middle - QPointF(self._centre.x(), -self._centre.y()) * self._scale

    def to_sketch(self, place: QPointF) -> tuple[float, float]:
        """A place of the widget in bond lengths, y upward."""
        at = (place - self._origin()) / self._scale
        return at.x(), -at.y()

    def to_widget(self, x: float, y: float) -> QPointF:
        return self._origin() + QPointF(x, -y) * self._scale

    def atom_at(self, place: QPointF | None) -> int | None:
        return None if place is None else self.sketch.atom_near(*self.to_sketch(place))

    def bond_at(self, place: QPointF | None) -> int | None:
        if place is None or self.atom_at(place) is not None:
            return None
        return self.sketch.bond_near(*self.to_sketch(place))

    # the mouse

    def mousePressEvent(self, event) -> None:
        here = event.position()
        self._here = here
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._start = here, self.atom_at(here)
            self._moved = (0.0, 0.0)
        elif event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self._panning = here

    def mouseMoveEvent(self, event) -> None:
        here = event.position()
        if self._panning is not None:
            way = (here - self._panning) / self._scale
            self._centre -= QPointF(way.x(), -way.y())
            self._panning = here
        elif self._pressed is not None and self.tool == MOVE and self._is_drag(here):
            x, y = self.to_sketch(here)
            start_x, start_y = self.to_sketch(self._pressed)
            self._moved = (x - start_x, y - start_y)
        self._here = here
        self.update()

    def mouseReleaseEvent(self, event) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            self._panning = None
            return
        pressed, start = self._pressed, self._start
        self._pressed = self._start = None
        if pressed is None:
            return
        here = event.position()
        if self.tool == MOVE:
            moved, self._moved = self._moved, (0.0, 0.0)
            atoms = range(len(self.sketch.atoms)) if start is None else (start,)
            if moved != (0.0, 0.0):
                self.edit(lambda: self.sketch.move(atoms, *moved))
        elif (here - pressed).manhattanLength() >= _DRAG and self.tool in _ORDERS:
            self._on_dragged(pressed, start, here)
        else:
            self._on_clicked(here)
        self.update()

    def _is_drag(self, here: QPointF) -> bool:
        return self._pressed is not None and (here - self._pressed).manhattanLength() >= _DRAG

    def _on_clicked(self, here: QPointF) -> None:
        atom, bond = self.atom_at(here), self.bond_at(here)
        x, y = self.to_sketch(here)
        self.edit(lambda: self._clicked(atom, bond, x, y))

    def _clicked(self, atom: int | None, bond: int | None, x: float, y: float) -> Sketch:
        sketch, tool = self.sketch, self.tool
        if tool in RINGS:
            return add_ring(sketch, tool, x, y, atom, bond)
        if tool == ERASE:
            return sketch.remove(() if atom is None else (atom,), () if bond is None else (bond,))
        if tool in (PLUS, MINUS):
            return sketch if atom is None else sketch.change_charge(atom, 1 if tool == PLUS else -1)
        if bond is not None:
            if tool in (WEDGE, HASH):
                return sketch.set_stereo(bond, tool)
            known = sketch.bond(bond)
            if tool == BOND:
                return sketch.cycle_bond(bond)
            return sketch.set_order(bond, 1 if known.order == _ORDERS[tool] else _ORDERS[tool])
        if atom is None:
            return sketch.add_atom(self.element, x, y)
        if sketch.atom(atom).element != self.element and tool == BOND:
            return sketch.set_element(atom, self.element)
        return sprout(sketch, atom, self.element, _ORDERS[tool], _stereo(tool))

    def _on_dragged(self, pressed: QPointF, start: int | None, here: QPointF) -> None:
        end = self._end_of_drag(pressed, start, here)
        order, stereo = _ORDERS[self.tool], _stereo(self.tool)

        def change() -> Sketch:
            sketch, first = self.sketch, start
            if first is None:
                sketch = sketch.add_atom(self.element, *self.to_sketch(pressed))
                first = len(sketch.atoms) - 1
            return grow(sketch, first, *end, self.element, order, stereo)

        self.edit(change)

    def _end_of_drag(
        self, pressed: QPointF, start: int | None, here: QPointF
    ) -> tuple[float, float]:
        """Where a bond that is being drawn ends: at an atom, else snapped to 30 degrees."""
        there = self.atom_at(here)
        if there is not None and there != start:
            atom = self.sketch.atom(there)
            return atom.x, atom.y
        if start is not None:
            atom = self.sketch.atom(start)
            return snapped(atom.x, atom.y, *self.to_sketch(here))
        return snapped(*self.to_sketch(pressed), *self.to_sketch(here))

    def wheelEvent(self, event) -> None:
        at = self.to_sketch(event.position())
        factor = _WHEEL ** event.angleDelta().y()
        self._scale = min(max(self._scale * factor, _LEAST_SCALE), _MOST_SCALE)
        now = self.to_sketch(event.position())
        self._centre += QPointF(at[0] - now[0], at[1] - now[1])
        self.update()
        event.accept()

    def leaveEvent(self, event) -> None:
        if self._pressed is None:
            self._here = None
            self.update()
        super().leaveEvent(event)

    # the keyboard

    def keyPressEvent(self, event) -> None:
        key, text = event.key(), event.text()
        atom, bond = self.atom_at(self._here), self.bond_at(self._here)
        held = event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        if held:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and (
            atom is not None or bond is not None
        ):
            self.edit(
                lambda: self.sketch.remove(
                    () if atom is None else (atom,), () if bond is None else (bond,)
                )
            )
        elif text in ("+", "-") and atom is not None:
            self.edit(lambda: self.sketch.change_charge(atom, 1 if text == "+" else -1))
        elif text in ("1", "2", "3") and bond is not None:
            self.edit(lambda: self.sketch.set_order(bond, int(text)))
        elif len(text) == 1 and text.isalpha():
            self._on_letter(text, -1 if atom is None else atom)
        else:
            super().keyPressEvent(event)

    def _on_letter(self, text: str, atom: int) -> None:
        """Name the element of the atom under the mouse, else of what is drawn next."""
        before, when, where = self._typed
        soon = time.monotonic() - when < _TYPED_S and where == atom
        element = _SECOND.get((before, text.lower())) if soon else None
        element = element or _LETTERS.get(text.lower())
        if element is None:
            return
        self._typed = (element, time.monotonic(), atom)
        if atom >= 0:
            self.edit(lambda: self.sketch.set_element(atom, element))
        else:
            self.element = element
            self.changed.emit()

    # painting

    def paintEvent(self, _event) -> None:
        theme, sketch = self._appearance.theme, self.sketch
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.plot))
        if not sketch.atoms and self._pressed is None:
            painter.setPen(QColor(theme.muted))
            painter.drawText(
                QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter,
                "Click or drag to draw a bond, choose a ring,\nor paste a SMILES, InChI or molfile "
                "(Ctrl+V).",
            )  # fmt: skip
        atom, bond = self.atom_at(self._here), self.bond_at(self._here)
        hovered_bond = None
        if bond is not None:
            known = sketch.bond(bond)
            hovered_bond = (known.first, known.second)
        drawing, origin = self._drawing, self._origin()
        if self._moved != (0.0, 0.0):
            if self._start is None:
                origin += QPointF(self._moved[0], -self._moved[1]) * self._scale
            else:
                drawing = sketch.move((self._start,), *self._moved).drawing()
        MoleculePainter(drawing, theme, self._scale, origin, self.font()).paint(
            painter, Marks(hovered=atom, hovered_bond=hovered_bond)
        )
        if self._pressed is not None and self._here is not None and self.tool in _ORDERS:
            self._paint_new_bond(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -1, -1))

    def _paint_new_bond(self, painter: QPainter) -> None:
        if not self._is_drag(self._here):
            return
        end = self.to_widget(*self._end_of_drag(self._pressed, self._start, self._here))
        start = self._pressed
        if self._start is not None:
            atom = self.sketch.atom(self._start)
            start = self.to_widget(atom.x, atom.y)
        painter.setPen(QPen(QColor(self._appearance.theme.accent), 2))
        painter.drawLine(start, end)
        painter.drawEllipse(end, 4, 4)

    def event(self, event) -> bool:
        if event.type() == event.Type.ToolTip:
            atom = self.atom_at(QPointF(event.pos()))
            problem = self.sketch.problems().get(atom, "") if atom is not None else ""
            if problem:
                QToolTip.showText(event.globalPos(), f"Impossible: {problem}", self)
            else:
                QToolTip.hideText()
            return True
        held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        is_key = event.type() == event.Type.ShortcutOverride
        if is_key and event.text() and not event.modifiers() & held:
            event.accept()
            return True
        return super().event(event)


def _stereo(tool: str) -> str:
    return tool if tool in (WEDGE, HASH) else ""
