"""Painting a structure in the theme's colours: bonds, letters, highlights, hatching, numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPainterPathStroker,
    QPen,
    QPolygonF,
)

from engine.chemistry.structure_drawing import EITHER, HASH, WEDGE, Drawing, DrawnAtom, DrawnBond
from specgui.appearance import Theme

_FONT, _SMALL = 0.46, 0.68
_LINE = 0.055
_GAP = 0.15
_HALO, _WEDGE = 0.4, 0.12
_LEAST_FONT = 5.0
_NUMBER = 0.3

# What most chemists see in these colours; each is mixed with the text's to be read on any ground.
_ELEMENTS = {
    "O": "#e0332c", "N": "#3f6fe0", "S": "#b08a00", "P": "#d9722b", "F": "#2f9e5b",
    "Cl": "#2f9e5b", "Br": "#a3502c", "I": "#7d3ba8", "B": "#c26a6a", "Si": "#8a7a55",
}  # fmt: skip


@dataclass(frozen=True)
class Marks:
    """What is marked on a drawing, by atom numbers.

    ``lit`` are chosen, ``grouped`` those of a functional group, ``hatched`` those whose assignment
    is uncertain, ``hovered`` and ``focused`` single ones; ``notes`` are small texts beside atoms.
    """

    lit: Collection[int] = ()
    grouped: Collection[int] = ()
    hatched: Collection[int] = ()
    hovered: int | None = None
    focused: int | None = None
    hovered_bond: tuple[int, int] | None = None
    notes: Mapping[int, str] = field(default_factory=dict)


class MoleculePainter:
    """Paints one drawing with ``scale`` pixels to a bond length, its origin at ``origin``."""

    def __init__(
        self, drawing: Drawing, theme: Theme, scale: float, origin: QPointF, font: QFont
    ) -> None:
        self._drawing = drawing
        self._theme = theme
        self._scale = scale
        self._origin = origin
        self._font = QFont(font)
        self._font.setPixelSize(max(round(_FONT * scale), int(_LEAST_FONT)))
        self._little = QFont(self._font)
        self._little.setPixelSize(max(round(_FONT * _SMALL * scale), int(_LEAST_FONT)))
        self._boxes = {atom.number: self._box(atom) for atom in drawing.atoms}

    def place(self, atom: DrawnAtom) -> QPointF:
        """Where an atom is on the widget."""
        return self._origin + QPointF(atom.x * self._scale, -atom.y * self._scale)

    def paint(self, painter: QPainter, marks: Marks) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_halos(painter, marks)
        for bond in self._drawing.bonds:
            self._paint_bond(painter, bond, marks)
        for atom in self._drawing.atoms:
            self._paint_atom(painter, atom)
        for number, text in marks.notes.items():
            atom = self._drawing.atom(number)
            if atom is not None and text:
                self._paint_note(painter, atom, text, number in marks.lit)

    # what is marked

    def _paint_halos(self, painter: QPainter, marks: Marks) -> None:
        theme = self._theme
        amber = QColor(theme.importance[2])
        amber.setAlpha(150)
        self._paint_together(painter, marks.grouped, amber)
        accent = QColor(theme.accent)
        accent.setAlpha(80 if theme.is_dark else 66)
        self._paint_together(painter, marks.lit, accent)
        radius = _HALO * self._scale
        for number in marks.hatched:
            atom = self._drawing.atom(number)
            if atom is None:
                continue
            colour = QColor(theme.warning)
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DotLine))
            hatch = QBrush(colour, Qt.BrushStyle.BDiagPattern)
            painter.setBrush(hatch)
            painter.drawEllipse(self.place(atom), radius * 0.92, radius * 0.92)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for number in marks.lit:
            atom = self._drawing.atom(number)
            if atom is not None:
                painter.setPen(QPen(QColor(theme.accent), 2))
                painter.drawEllipse(self.place(atom), radius, radius)
        for number, pen in (
            (marks.hovered, QPen(QColor(theme.accent), 1)),
            (marks.focused, QPen(QColor(theme.text), 1, Qt.PenStyle.DashLine)),
        ):
            atom = self._drawing.atom(number) if number is not None else None
            if atom is not None:
                painter.setPen(pen)
                painter.drawEllipse(self.place(atom), radius * 1.1, radius * 1.1)

    def _paint_together(self, painter: QPainter, numbers: Collection[int], colour: QColor) -> None:
        """Discs under atoms, and bars under the bonds between them, as one shape."""
        places = {a.number: self.place(a) for a in self._drawing.atoms if a.number in numbers}
        if not places:
            return
        shape = QPainterPath()
        for place in places.values():
            disc = QPainterPath()
            disc.addEllipse(place, _HALO * self._scale, _HALO * self._scale)
            shape = shape.united(disc)
        stroker = QPainterPathStroker()
        stroker.setWidth(_HALO * self._scale)
        for bond in self._drawing.bonds:
            if bond.first in places and bond.second in places:
                line = QPainterPath(places[bond.first])
                line.lineTo(places[bond.second])
                shape = shape.united(stroker.createStroke(line))
        painter.fillPath(shape, colour)

    def _paint_note(self, painter: QPainter, atom: DrawnAtom, text: str, lit: bool) -> None:
        """A number in the widest gap between an atom's bonds."""
        size = max(round(_NUMBER * self._scale), 8)
        font = QFont(self._font)
        font.setPixelSize(min(size, 13))
        font.setBold(lit)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        angle = self._free_angle(atom)
        box = self._boxes[atom.number]
        wide, tall = metrics.horizontalAdvance(text), metrics.capHeight()
        away = 0.2 * self._scale + 2
        if not box.isNull():
            away = max(away, abs(math.cos(angle)) * box.width() / 2 + tall / 2 + 1)
        reach = QPointF(math.cos(angle) * (away + wide / 2), -math.sin(angle) * (away + tall / 2))
        place = self.place(atom) + reach
        painter.setPen(QColor(self._theme.accent))
        painter.drawText(QPointF(place.x() - wide / 2, place.y() + tall / 2), text)

    def _free_angle(self, atom: DrawnAtom) -> float:
        angles = sorted(
            math.atan2(other.y - atom.y, other.x - atom.x)
            for number in self._drawing.neighbours(atom.number)
            if (other := self._drawing.atom(number)) is not None
        )
        if not angles:
            return math.pi / 4
        gaps = [
            ((angles[(k + 1) % len(angles)] - angle) % (2 * math.pi) or 2 * math.pi, angle)
            for k, angle in enumerate(angles)
        ]
        gap, start = max(gaps)
        return start + gap / 2

    # bonds

    def _paint_bond(self, painter: QPainter, bond: DrawnBond, marks: Marks) -> None:
        first, second = self._drawing.atom(bond.first), self._drawing.atom(bond.second)
        if first is None or second is None:
            return
        start, end = self.place(first), self.place(second)
        if QLineF(start, end).length() < 1e-3:
            return
        hovered = marks.hovered_bond is not None and set(marks.hovered_bond) == {
            bond.first, bond.second,
        }  # fmt: skip
        if hovered:
            soft = QColor(self._theme.accent)
            soft.setAlpha(80)
            painter.setPen(_round_pen(soft, 0.42 * self._scale))
            painter.drawLine(start, end)
        wide = max(_LINE * self._scale, 1.1)
        painter.setPen(_round_pen(QColor(self._theme.text), wide))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        across = self._across(start, end)
        line = QLineF(self._cut(start, end, bond.first), self._cut(end, start, bond.second))
        if bond.order == 1 and bond.stereo:
            self._paint_stereo(painter, bond.stereo, line, across)
            return
        gap = _GAP * self._scale
        if bond.order == 1 or bond.order == 3 or bond.side:
            painter.drawLine(line)
        if bond.order == 3:
            for sign in (1, -1):
                painter.drawLine(line.translated(across * gap * sign))
        elif bond.order == 2 and bond.side:
            inner = line.translated(across * gap * bond.side)
            # The inner line of a ring is shorter, unless letters have cut it already.
            trim = 0.12
            inner = QLineF(
                inner.pointAt(trim if self._boxes[bond.first].isNull() else 0.0),
                inner.pointAt(1 - trim if self._boxes[bond.second].isNull() else 1.0),
            )
            painter.drawLine(inner)
        elif bond.order == 2:
            for sign in (0.5, -0.5):
                painter.drawLine(line.translated(across * gap * sign))

    def _paint_stereo(self, painter: QPainter, stereo: str, line: QLineF, across: QPointF) -> None:
        half = _WEDGE * self._scale
        pen = painter.pen()
        if stereo == WEDGE:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(pen.color())
            tip, end = line.p1(), line.p2()
            painter.drawPolygon(QPolygonF([tip, end + across * half, end - across * half]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            return
        steps = max(int(line.length() / max(0.11 * self._scale, 3)), 4)
        if stereo == HASH:
            for step in range(steps + 1):
                share = step / steps
                at, reach = line.pointAt(share), across * half * share
                painter.drawLine(at - reach, at + reach)
        elif stereo == EITHER:
            points = [
                line.pointAt(k / (2 * steps)) + across * half * 0.8 * math.sin(k * math.pi / 2)
                for k in range(2 * steps + 1)
            ]
            painter.drawPolyline(QPolygonF(points))

    @staticmethod
    def _across(start: QPointF, end: QPointF) -> QPointF:
        """The unit vector to the left of a way, as it is seen with y upward."""
        way = end - start
        length = math.hypot(way.x(), way.y())
        return QPointF(way.y(), -way.x()) / length

    def _cut(self, start: QPointF, end: QPointF, number: int) -> QPointF:
        """Where a bond that begins at an atom leaves its letters."""
        box = self._boxes[number]
        if box.isNull():
            return start
        box = box.adjusted(-2, -1, 2, 1)
        line = QLineF(start, end)
        corners = (box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft())
        for k in range(4):
            kind, point = line.intersects(QLineF(corners[k], corners[(k + 1) % 4]))
            if kind == QLineF.IntersectionType.BoundedIntersection:
                return point
        return start

    # letters

    def _is_corner(self, atom: DrawnAtom) -> bool:
        """A carbon without letters; one without bonds, or in the middle of two cumulated, has."""
        if atom.element != "C" or atom.charge or atom.isotope or atom.radicals or atom.problem:
            return False
        return bool(self._drawing.neighbours(atom.number))

    def _parts(self, atom: DrawnAtom) -> tuple[list, list, list]:
        """The letters before, of, and after the element: (text, level) with level 1, 0 or -1."""
        before, after = [], []
        if atom.isotope:
            before.append((str(atom.isotope), 1))
        hydrogens = []
        if atom.hydrogens:
            hydrogens = [("H", 0)]
            if atom.hydrogens > 1:
                hydrogens.append((str(atom.hydrogens), -1))
        charge = ""
        if atom.charge:
            charge = (str(abs(atom.charge)) if abs(atom.charge) > 1 else "") + (
                "+" if atom.charge > 0 else "−"
            )
        dots = "•" * atom.radicals
        if hydrogens and self._hydrogens_left(atom):
            before = hydrogens + before
        else:
            after += hydrogens
        if charge or dots:
            after.append((charge + dots, 1))
        return before, [(atom.element, 0)], after

    def _hydrogens_left(self, atom: DrawnAtom) -> bool:
        others = [self._drawing.atom(n) for n in self._drawing.neighbours(atom.number)]
        balance = sum(other.x - atom.x for other in others if other is not None)
        return balance > 0.1 * max(len(others), 1)

    def _width(self, parts: list) -> float:
        return sum(
            QFontMetricsF(self._font if level == 0 else self._little).horizontalAdvance(text)
            for text, level in parts
        )

    def _box(self, atom: DrawnAtom) -> QRectF:
        """The room that an atom's letters take, null for a corner."""
        if self._is_corner(atom):
            return QRectF()
        before, middle, after = self._parts(atom)
        place = self.place(atom)
        tall, wide = QFontMetricsF(self._font).capHeight(), self._width(middle)
        left = place.x() - wide / 2 - self._width(before)
        return QRectF(
            left, place.y() - tall * 0.7, self._width(before) + wide + self._width(after),
            tall * 1.4,
        )  # fmt: skip

    def _paint_atom(self, painter: QPainter, atom: DrawnAtom) -> None:
        box = self._boxes[atom.number]
        if atom.problem:
            painter.setPen(QPen(QColor(self._theme.error), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(self.place(atom), 0.34 * self._scale, 0.34 * self._scale)
        if box.isNull():
            return
        before, middle, after = self._parts(atom)
        tall = QFontMetricsF(self._font).capHeight()
        x, base = box.left(), self.place(atom).y() + tall / 2
        painter.setPen(self._colour(atom))
        for text, level in (*before, *middle, *after):
            font = self._font if level == 0 else self._little
            painter.setFont(font)
            rise = {0: 0.0, 1: -0.5 * tall, -1: 0.3 * tall}[level]
            painter.drawText(QPointF(x, base + rise), text)
            x += QFontMetricsF(font).horizontalAdvance(text)

    def _colour(self, atom: DrawnAtom) -> QColor:
        if atom.problem:
            return QColor(self._theme.error)
        text = QColor(self._theme.text)
        own = QColor(_ELEMENTS[atom.element]) if atom.element in _ELEMENTS else text
        share = 0.62 if self._theme.is_dark else 0.78
        return QColor(
            *(round(share * a + (1 - share) * b)
              for a, b in zip(own.getRgb()[:3], text.getRgb()[:3], strict=True))
        )  # fmt: skip


def _round_pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
