"""What a contour plot is drawn with: the lines of all levels, and how the mouse moves in it."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from specgui.appearance import Theme
from specgui.workers.contouring import Contours

_NOTCH = 120.0  # of a wheel
_WHEEL_STEP = 1.0015
_FAINTEST = 0.5
_LEAST_BOX = 0.01
_ROOM = 0.02


def contour_colours(theme: Theme) -> tuple[str, str]:
    """The colours of positive and of negative levels, told apart by lightness and hue."""
    return theme.trace, theme.error


class ContourItem(pg.GraphicsObject):
    """The contours of a spectrum, one path for each level.

    Many thousand points take a while to draw, so a picture of them is kept until the view changes:
    the crosshair moves over it.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._paths: list[tuple[float, float, QPainterPath]] = []
        self._bounds = QRectF()
        self._picture: tuple[tuple, QImage] | None = None

    @property
    def paths(self) -> list[tuple[float, float, QPainterPath]]:
        """Level, strength and path of each line, lowest first."""
        return self._paths

    def set_contours(self, contours: Contours | None, bounds: QRectF) -> None:
        """Draw these lines within ``bounds``, the ends of the data."""
        lines = contours.lines if contours is not None else ()
        self._paths = [
            (line.level, line.strength, pg.arrayToQPath(line.x, line.y, connect=line.connect))
            for line in lines
        ]
        self._picture = None
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = QRectF(bounds)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._picture = None
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def dataBounds(self, *_args, **_kwargs):
        """The view knows its home: lines never widen it."""
        return None

    def viewTransformChanged(self) -> None:
        self._picture = None
        super().viewTransformChanged()

    def paint(self, painter: QPainter, *_args) -> None:
        view = self.getViewBox()
        if not self._paths or view is None:
            return
        place = view.sceneBoundingRect()
        ratio = painter.device().devicePixelRatioF() if painter.device() else 1.0
        to_scene = self.sceneTransform()
        key = (to_scene, place, ratio)
        if self._picture is None or self._picture[0] != key:
            self._picture = key, self._drawn(to_scene, place, ratio)
        inverse, can = to_scene.inverted()
        if not can:
            return
        painter.save()
        painter.setWorldTransform(inverse * painter.worldTransform())
        painter.drawImage(place.topLeft(), self._picture[1])
        painter.restore()

    def _drawn(self, to_scene: QTransform, place: QRectF, ratio: float) -> QImage:
        """The lines in the pixels of the view."""
        image = QImage(
            max(1, round(place.width() * ratio)), max(1, round(place.height() * ratio)),
            QImage.Format.Format_ARGB32_Premultiplied,
        )  # fmt: skip
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setWorldTransform(to_scene * QTransform.fromTranslate(-place.left(), -place.top()))
        for level, strength, path in self._paths:
            painter.setPen(self._pen(level, strength))
            painter.drawPath(path)
        painter.end()
        return image

    def _pen(self, level: float, strength: float) -> QPen:
        """Low levels are fainter: their colour is nearer to the ground's."""
        positive, negative = contour_colours(self._theme)
        colour, ground = QColor(positive if level > 0 else negative), QColor(self._theme.plot)
        share = _FAINTEST + (1 - _FAINTEST) * strength
        mixed = QColor(
            *(
                round(share * own + (1 - share) * under)
                for own, under in zip(colour.getRgb()[:3], ground.getRgb()[:3], strict=True)
            )
        )
        pen = QPen(mixed, 0)
        pen.setCosmetic(True)
        return pen


class ContourViewBox(pg.ViewBox):
    """The wheel raises and lowers the levels, with Ctrl it zooms (with Shift along y only).

    A drag zooms to a box, a drag with Shift or the middle button pans, a double click shows
    everything again.
    """

    double_clicked = Signal()
    level_wanted = Signal(float)  # steps up (above 0) or down

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self._home = ((0.0, 1.0), (0.0, 1.0))
        self.setMouseMode(pg.ViewBox.RectMode)
        self.disableAutoRange()

    def set_home(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """The ends of the whole spectrum."""
        rooms = [_ROOM * ((high - low) or abs(high) or 1.0) for low, high in (x, y)]
        self._home = (
            (x[0] - rooms[0], x[1] + rooms[0]), (y[0] - rooms[1], y[1] + rooms[1]),
        )  # fmt: skip
        self.setLimits(
            xMin=x[0] - 5 * rooms[0], xMax=x[1] + 5 * rooms[0],
            yMin=y[0] - 5 * rooms[1], yMax=y[1] + 5 * rooms[1],
        )  # fmt: skip
        self.go_home()

    def go_home(self) -> None:
        """Show the whole spectrum."""
        self.setRange(xRange=self._home[0], yRange=self._home[1], padding=0)

    def part(self) -> tuple[float, float, float, float]:
        """The ends of x and of y in view."""
        (left, right), (low, high) = self.viewRange()
        return left, right, low, high

    def zoom(self, factor: float) -> None:
        """Narrow (below 1) or widen what is in view around its middle."""
        self.scaleBy(x=factor, y=factor)

    def pan(self, across: float, up: float = 0.0) -> None:
        """Move by shares of the view, to the right and up as seen on the screen."""
        (left, right), (low, high) = self.viewRange()
        step_x, step_y = (right - left) * across, (high - low) * up
        self.translateBy(
            x=-step_x if self.xInverted() else step_x, y=-step_y if self.yInverted() else step_y
        )

    def wheelEvent(self, ev, axis=None) -> None:
        held, turn = ev.modifiers(), ev.delta()
        if held & Qt.KeyboardModifier.ControlModifier:
            factor = _WHEEL_STEP**-turn
            centre = self.mapToView(self.mapFromScene(ev.scenePos()))
            only_y = held & Qt.KeyboardModifier.ShiftModifier
            self.scaleBy(x=1.0 if only_y else factor, y=factor, center=centre)
        elif ev.orientation() == Qt.Orientation.Horizontal:
            self.pan(-turn / 1200)
        else:
            # Away from oneself, the peaks grow: their lowest line goes down.
            self.level_wanted.emit(-turn / _NOTCH)
        ev.accept()

    def mouseDragEvent(self, ev, axis=None) -> None:
        if ev.button() == Qt.MouseButton.RightButton:
            ev.ignore()
            return
        pans = ev.button() == Qt.MouseButton.MiddleButton or (
            ev.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        self.state["mouseMode"] = pg.ViewBox.PanMode if pans else pg.ViewBox.RectMode
        super().mouseDragEvent(ev, axis)

    def showAxRect(self, ax, **kwargs) -> None:
        """Zoom to a box; one that is hardly more than a line keeps the other axis as it is."""
        ax, view = ax.normalized(), self.viewRect()
        if ax.height() < _LEAST_BOX * view.height():
            ax.setTop(view.top())
            ax.setBottom(view.bottom())
        if ax.width() < _LEAST_BOX * view.width():
            ax.setLeft(view.left())
            ax.setRight(view.right())
        super().showAxRect(ax, padding=0, **kwargs)

    def mouseClickEvent(self, ev) -> None:
        if ev.double():
            ev.accept()
            self.double_clicked.emit()
        else:
            super().mouseClickEvent(ev)
