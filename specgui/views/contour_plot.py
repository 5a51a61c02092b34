"""Two-dimensional spectra in the window: a header that says what is shown, and contours below."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QCursor, QFontDatabase
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QToolTip,
    QVBoxLayout,
)

from engine.library.spectrum_2d_entry import Spectrum2DEntry
from specgui.appearance import Appearance
from specgui.views.contour_canvas import ContourCanvas, Trace
from specgui.views.elided_label import ElidedLabel
from specgui.workers.contouring import ShownMatrix
from specgui.workspace import Workspace

_LEAST_HEIGHT = 340
_NARROW = 760
_HINT = (
    "Wheel: the lowest level. Ctrl and wheel: zoom. Drag: zoom to a box. Shift and drag: pan. "
    "Double click: everything. Arrow keys: the crosshair."
)


class ContourPlot(QFrame):
    """Shows the chosen one of the two-dimensional spectra that have the same two axes."""

    menu_wanted = Signal(QPoint)  # where on the screen

    def __init__(self, name: str, workspace: Workspace, appearance: Appearance, parent=None):
        super().__init__(parent)
        self.setObjectName("plot")
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.name = name
        self._workspace = workspace
        self._contours = workspace.contours
        self._appearance = appearance
        self._entry: Spectrum2DEntry | None = None

        badge = QLabel(name)
        badge.setProperty("role", "technique")
        badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.title = ElidedLabel()
        self.readout = ElidedLabel()
        self.readout.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.readout.hide()
        self.readout.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.readout.setAccessibleName(f"Shifts at the crosshair, {name}")
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.level = QLabel()
        self.level.setProperty("role", "muted")
        self.level.setAccessibleName(f"Lowest contour, {name}")
        self.warnings = QToolButton()
        self.warnings.setAccessibleName(f"Warnings about the {name} spectrum")
        self.warnings.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.warnings.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.warnings.clicked.connect(self._show_warnings)
        self.lower_button = self._button("minus", "Raise the lowest contour: fewer lines")
        self.lower_button.clicked.connect(lambda: self.step_level(1))
        self.counter = QLabel()
        self.counter.setProperty("role", "muted")
        self.previous_button = self._button("previous", "Previous two-dimensional spectrum")
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button = self._button("next", "Next two-dimensional spectrum")
        self.next_button.clicked.connect(lambda: self.step(1))
        self.raise_button = self._button("add", "Lower the lowest contour: more lines")
        self.raise_button.clicked.connect(lambda: self.step_level(-1))
        header = QHBoxLayout()
        header.setContentsMargins(8, 5, 8, 0)
        header.setSpacing(8)
        header.addWidget(badge)
        header.addWidget(self.title, 1)
        header.addWidget(self.readout, 2)
        for widget in (
            self.note, self.lower_button, self.level, self.raise_button,
            self.warnings, self.previous_button, self.counter, self.next_button,
        ):  # fmt: skip
            header.addWidget(widget)
        self.canvas = ContourCanvas(appearance.theme)
        self.canvas.setAccessibleName(f"{name} spectrum, contours")
        self.canvas.setAccessibleDescription(_HINT)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.canvas.hovered.connect(self._show_readout)
        self.canvas.range_changed.connect(self._refresh_contours)
        self.canvas.level_wanted.connect(self.step_level)
        self.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.canvas.customContextMenuRequested.connect(
            lambda place: self.menu_wanted.emit(self.canvas.mapToGlobal(place))
        )
        self.message = QLabel()
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.message, 1)
        self._contours.matrix_ready.connect(self._on_event)
        self._contours.contours_ready.connect(self._on_contours)
        self._contours.level_changed.connect(self._on_event)
        self._contours.chosen_changed.connect(self.refresh)
        workspace.presented.connect(self._on_presented)
        self.set_theme()

    @property
    def entry(self) -> Spectrum2DEntry | None:
        return self._entry

    def refresh(self) -> None:
        """Show the chosen spectrum, as far as it is ready."""
        entry = self._contours.shown(self._workspace.selection.sample, self.name)
        if entry is None:
            return
        if self._entry is not None and entry.id != self._entry.id:
            self.canvas.show_nothing()
        self._entry = entry
        self._refresh_header(entry)
        matrix = self._contours.matrix(entry)
        failure = self._contours.failure(entry)
        self.canvas.setVisible(matrix is not None)
        self.message.setVisible(matrix is None)
        self.message.setText(f"It cannot be shown: {failure}" if failure else "Preparing…")
        for widget in (self.lower_button, self.raise_button, self.level):
            widget.setVisible(matrix is not None)
        if matrix is None:
            return
        self.note.setText(matrix.note)
        self.note.setToolTip(matrix.note_detail)
        self.note.setVisible(bool(matrix.note) and self.readout.isHidden())
        self._refresh_warnings(matrix.spectrum.warnings)
        self.canvas.show_matrix(matrix)
        self._refresh_traces(matrix)
        self._refresh_contours()

    def set_theme(self) -> None:
        self.canvas.set_theme(self._appearance.theme)
        for button in (
            self.previous_button, self.next_button, self.lower_button, self.raise_button,
        ):  # fmt: skip
            button.setIcon(self._appearance.icon(button.objectName()))
        self.warnings.setIcon(self._appearance.icon("warning", "warning"))

    def step(self, step: int) -> None:
        """Show the next or previous spectrum of these axes."""
        ids = [e.id for e in self._contours.of_name(self._workspace.selection.sample, self.name)]
        if self._entry is not None and self._entry.id in ids:
            place = ids.index(self._entry.id) + step
            if 0 <= place < len(ids):
                self._contours.choose(ids[place])

    def step_level(self, steps: float) -> None:
        """Raise the lowest contour by so many steps, or lower it."""
        if self._entry is not None:
            self._contours.step_level(self._entry, steps)

    def reset_level(self) -> None:
        if self._entry is not None:
            self._contours.reset_level(self._entry)

    # parts

    def _refresh_header(self, entry: Spectrum2DEntry) -> None:
        spectrum = entry.spectrum
        program = str(spectrum.metadata.get("pulse_program", ""))
        self.title.setText(entry.title)
        said = f"{entry.title}\n{spectrum.source}\n{spectrum.size_text} points"
        self.title.setToolTip(f"{said}\n{program}\n\n{_HINT}" if program else f"{said}\n\n{_HINT}")
        self._refresh_warnings(spectrum.warnings)
        ids = [e.id for e in self._contours.of_name(self._workspace.selection.sample, self.name)]
        several = len(ids) > 1
        for widget in (self.previous_button, self.counter, self.next_button):
            widget.setVisible(several)
        if several and entry.id in ids:
            place = ids.index(entry.id)
            self.counter.setText(f"{place + 1} of {len(ids)}")
            self.previous_button.setEnabled(place > 0)
            self.next_button.setEnabled(place < len(ids) - 1)

    def _refresh_warnings(self, warnings: tuple[str, ...]) -> None:
        self.warnings.setVisible(bool(warnings))
        self.warnings.setText(str(len(warnings)))
        self.warnings.setToolTip("\n".join(warnings))

    def _refresh_contours(self) -> None:
        entry, matrix = self._entry, self.canvas.matrix
        if entry is None or matrix is None:
            return
        found = self._contours.contours(entry, self.canvas.view.part())
        self.canvas.show_contours(found)
        lowest = self._contours.lowest(entry)
        if lowest is not None:
            share = 100 * lowest / matrix.highest if matrix.highest > 0 else 0.0
            self.level.setText(f"from {share:.2g} %")
            noise = f", {lowest / matrix.noise:.3g} times the noise" if matrix.noise > 0 else ""
            cut = "\nLower lines are left out here: zoom in to see them." if _is_cut(found) else ""
            self.level.setToolTip(f"Lowest contour: {lowest:.3g}{noise}{cut}")

    def _refresh_traces(self, matrix: ShownMatrix) -> None:
        """The sample's own spectra along the sides, the projections where it has none."""
        spectrum = matrix.spectrum
        top = self._own_trace(str(spectrum.technique)) if spectrum.x_unit == "ppm" else None
        left = None
        if spectrum.technique_y is not None and spectrum.y_unit == "ppm":
            left = self._own_trace(str(spectrum.technique_y))
        self.canvas.show_traces(top or (matrix.x, matrix.top), left or (matrix.y, matrix.left))

    def _own_trace(self, technique: str) -> Trace | None:
        entry = self._workspace.selection.shown(technique)
        shown = self._workspace.presentation(entry) if entry is not None else None
        if shown is None or shown.x_unit != "ppm" or shown.kind != "continuous":
            return None
        return shown.x, shown.y

    # events

    def _on_event(self, spectrum_id: int) -> None:
        if self._entry is not None and self._entry.id == spectrum_id:
            self.refresh()

    def _on_contours(self, spectrum_id: int) -> None:
        if self._entry is not None and self._entry.id == spectrum_id:
            self._refresh_contours()

    def _on_presented(self, _spectrum_id: int) -> None:
        if self.canvas.matrix is not None and self._entry is not None:
            self._refresh_traces(self.canvas.matrix)

    def _show_readout(self, _place: float | None, text: str) -> None:
        """The shifts stand where the note stands: both would not fit a narrow plot."""
        self.readout.setText(text)
        self.readout.setVisible(bool(text))
        room = not text or self.width() > _NARROW
        for widget in (self.title, self.level):
            widget.setVisible(room)
        self.counter.setVisible(room and not self.next_button.isHidden())
        self.note.setVisible(not text and bool(self.note.text()))

    def _show_warnings(self) -> None:
        QToolTip.showText(QCursor.pos(), self.warnings.toolTip(), self.warnings)

    def _button(self, icon: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(icon)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button


def _is_cut(contours) -> bool:
    return contours is not None and contours.cut
