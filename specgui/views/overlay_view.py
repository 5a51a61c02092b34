"""Several spectra of one technique to be compared: choices above, plot, legend with readouts."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontDatabase, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QSlider,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document import SampleEntry, SpectrumEntry
from specgui.views.elided_label import ElidedLabel
from specgui.views.overlay_canvas import MIRRORED, OVERLAID, STACKED, Arrangement, OverlayCanvas
from specgui.views.overlay_colours import look_of
from specgui.workspace import Workspace

MOST_TRACES = 60
_MODES = {OVERLAID: "Overlaid", STACKED: "Stacked", MIRRORED: "Mirrored"}
_LEGEND_WIDTH = 240
_LEAST_LEGEND = 130
_SWATCH = QSize(26, 12)


class OverlayView(QWidget):
    """Shows one spectrum of each of some samples, or all spectra of one, of a technique."""

    closed = Signal()

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._appearance = appearance
        self._samples: list[int] = []
        self._spectra: list[int] = []
        self._entries: list[tuple[SampleEntry, SpectrumEntry]] = []
        self._drawn: list[int] = []
        self._said = ""
        self.technique = QComboBox()
        self.technique.setAccessibleName("Technique to compare")
        self.mode = QComboBox()
        self.mode.setAccessibleName("How the spectra stand to each other")
        for name, title in _MODES.items():
            self.mode.addItem(title, name)
        self.step = QSlider(Qt.Orientation.Horizontal)
        self.step.setRange(0, 120)
        self.step.setValue(30)
        self.step.setFixedWidth(110)
        self.step.setAccessibleName("Offset of stacked spectra, in percent of the tallest")
        self.step.setToolTip("How far above each other, in percent of the tallest")
        self.normalise = QCheckBox("Same height")
        self.normalise.setChecked(True)
        self.normalise.setToolTip("Scale each spectrum to the tallest peak of all of them")
        self.note = ElidedLabel()
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.note.setProperty("role", "muted")
        self.close_button = QToolButton()
        self.close_button.setText("Close")
        self.close_button.setAccessibleName("Back to one sample")
        self.close_button.setToolTip("Show one sample's spectra again (O)")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 5, 8, 3)
        bar.setSpacing(10)
        for widget in (self.technique, self.mode, self.step, self.normalise):
            bar.addWidget(widget)
        bar.addWidget(self.note, 1)
        bar.addWidget(self.close_button)
        self.canvas = OverlayCanvas(appearance.theme)
        self.canvas.setAccessibleName("Spectra of several samples")
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.legend = _Legend()
        self.legend.setMinimumWidth(_LEAST_LEGEND)
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.canvas)
        parts.addWidget(self.legend)
        parts.setStretchFactor(0, 1)
        parts.setSizes([1000, _LEGEND_WIDTH])
        frame = QFrame()
        frame.setObjectName("plot")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.setSpacing(0)
        inside.addLayout(bar)
        inside.addWidget(parts, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.addWidget(frame)

        self.technique.activated.connect(lambda _row: self.refresh())
        self.mode.activated.connect(lambda _row: self._arrange())
        self.step.valueChanged.connect(lambda _value: self._arrange())
        self.normalise.toggled.connect(lambda _on: self._arrange())
        self.close_button.clicked.connect(self.closed)
        self.canvas.hovered.connect(self._on_hovered)
        self.legend.hidden_changed.connect(self.canvas.hide_traces)
        workspace.document.changed.connect(self._on_event)
        workspace.presented.connect(self._on_presented)
        workspace.options.changed.connect(self._on_event)
        appearance.changed.connect(self._on_theme)

    @property
    def entries(self) -> list[tuple[SampleEntry, SpectrumEntry]]:
        """The samples and spectra that are compared, from the bottom up."""
        return list(self._entries)

    def compare(
        self, samples: Sequence[int], spectra: Sequence[int] = (), technique: str | None = None
    ) -> None:
        """Compare samples, or the single spectra that are named; a technique when one is wanted."""
        self._samples, self._spectra = list(samples), list(spectra)
        offered = self._techniques()
        if technique in offered:
            self._offer(offered, technique)
        self.refresh()

    def follow(self, samples: Sequence[int], spectra: Sequence[int]) -> None:
        """Compare what was chosen in the tree, while this is in view."""
        if self.isVisible():
            self.compare(samples, spectra)

    def refresh(self) -> None:
        """Show what is chosen, as far as it is ready; what was removed is left out."""
        offered = self._techniques()
        now = self.technique.currentData()
        if now not in offered:
            now = max(offered, key=offered.get) if offered else None
        self._offer(offered, now)
        found = self._of_technique(now) if now is not None else []
        self._entries = found[:MOST_TRACES]
        scale = self._common_scale(now)
        ready, drawn = [], []
        for number, (_, entry) in enumerate(self._entries):
            shown = self._workspace.presentation(entry, scale)
            if shown is not None:
                ready.append(shown)
                drawn.append(number)
        # Another unit of x (a FID that cannot be processed) has no place on the axis.
        units = [shown.x_unit for shown in ready]
        unit = max(set(units), key=units.count) if units else ""
        good = [n for n, shown in enumerate(ready) if shown.x_unit == unit]
        self._drawn = [drawn[n] for n in good]
        descending = bool(self._entries) and self._entries[0][1].spectrum.technique.descending_axis
        self.canvas.show_traces([ready[n] for n in good], str(now or ""), descending)
        self._arrange()
        shown_entries = [self._entries[number] for number in self._drawn]
        self.legend.show_entries(shown_entries, self._appearance)
        self._refresh_note(len(found), len(ready), len(good))

    def _on_hovered(self, place: str, values: Sequence[str]) -> None:
        self.note.setText(place or self._said)
        self.legend.show_values(values)

    def _refresh_note(self, found: int, ready: int, good: int) -> None:
        notes = []
        if found > MOST_TRACES:
            notes.append(f"The first {MOST_TRACES} of {found}")
        if ready < min(found, MOST_TRACES):
            notes.append(f"{min(found, MOST_TRACES) - ready} being prepared…")
        if good < ready:
            notes.append(f"{ready - good} with another axis left out")
        if not found:
            notes.append("Choose samples in the tree")
        self._said = " · ".join(notes)
        self.note.setText(self._said)

    def _techniques(self) -> dict[str, int]:
        """How many spectra of each technique there are to compare."""
        counted: dict[str, int] = {}
        for sample in self._present():
            for technique in sample.techniques:
                number = len(self._of_technique(technique))
                if number:
                    counted[str(technique)] = number
        return counted

    def _present(self) -> list[SampleEntry]:
        document = self._workspace.document
        wanted = set(self._samples)
        singles = set(self._spectra)
        return [s for s in document.samples if s.id in wanted or not singles.isdisjoint(s.key)]

    def _of_technique(self, technique: str) -> list[tuple[SampleEntry, SpectrumEntry]]:
        found = []
        samples = self._present()
        for sample in samples:
            entries = sample.of_technique(technique)
            if sample.id not in self._samples:
                entries = tuple(e for e in entries if e.id in self._spectra)
            elif len(samples) > 1:
                entries = entries[:1]
            found += [(sample, entry) for entry in entries]
        return found

    def _common_scale(self, technique: str | None) -> str | None:
        """The scale for infrared spectra that were recorded in different ones."""
        if technique != "IR" or self._workspace.options["ir_scale"] != "as recorded":
            return None
        units = {entry.spectrum.y_unit for _, entry in self._entries}
        return "absorbance" if len(units) > 1 else None

    def _offer(self, offered: dict[str, int], now: str | None) -> None:
        self.technique.clear()
        for technique, number in offered.items():
            self.technique.addItem(f"{technique} ({number})", technique)
        self.technique.setCurrentIndex(self.technique.findData(now) if now else -1)

    def _arrange(self) -> None:
        mode = self.mode.currentData()
        self.step.setVisible(mode == STACKED)
        self.canvas.arrange(Arrangement(mode, self.step.value() / 100, self.normalise.isChecked()))

    def _on_event(self, *_args) -> None:
        if self.isVisible():
            self.refresh()

    def _on_presented(self, spectrum_id: int) -> None:
        if self.isVisible() and any(entry.id == spectrum_id for _, entry in self._entries):
            self.refresh()

    def _on_theme(self) -> None:
        self.canvas.set_theme(self._appearance.theme)
        shown = [self._entries[number] for number in self._drawn if number < len(self._entries)]
        self.legend.show_entries(shown, self._appearance)


class _Legend(QTableWidget):
    """A row for each trace: its colour, a switch, its name, and its value under the mouse."""

    hidden_changed = Signal(object)  # a frozenset of the rows that are not to be drawn

    def __init__(self, parent=None) -> None:
        super().__init__(0, 2, parent)
        self._hidden: set[int] = set()
        self._shown: list[int] = []
        self.setAccessibleName("Legend")
        self.horizontalHeader().hide()
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setIconSize(_SWATCH)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.itemChanged.connect(self._on_item_changed)

    def show_entries(
        self, entries: Sequence[tuple[SampleEntry, SpectrumEntry]], appearance: Appearance
    ) -> None:
        """List traces in their order; those that were switched off stay so."""
        several = len({sample.id for sample, _ in entries}) > 1
        self._shown = [entry.id for _, entry in entries]
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.blockSignals(True)
        self.setRowCount(len(entries))
        for row, (sample, entry) in enumerate(entries):
            name = QTableWidgetItem(sample.name if several else entry.title)
            name.setToolTip(f"{sample.name}\n{entry.title}\n{entry.spectrum.source}")
            name.setIcon(_swatch(row, appearance))
            name.setFlags(name.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            on = entry.id not in self._hidden
            name.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            value = QTableWidgetItem("")
            value.setFont(font)
            value.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, 0, name)
            self.setItem(row, 1, value)
        self.blockSignals(False)
        self._tell()

    def show_values(self, texts: Sequence[str]) -> None:
        """The readout of each trace; rows without one become empty."""
        self.blockSignals(True)
        for row in range(self.rowCount()):
            text = texts[row] if row < len(texts) else ""
            self.item(row, 1).setText(text)
        self.blockSignals(False)
        self.viewport().update()

    def _on_item_changed(self, item: QTableWidgetItem) -> None:
        entry = self._shown[item.row()]
        if item.checkState() == Qt.CheckState.Checked:
            self._hidden.discard(entry)
        else:
            self._hidden.add(entry)
        self._tell()

    def _tell(self) -> None:
        rows = (row for row, entry in enumerate(self._shown) if entry in self._hidden)
        self.hidden_changed.emit(frozenset(rows))


def _swatch(number: int, appearance: Appearance) -> QIcon:
    look = look_of(number, appearance.theme)
    made = QPixmap(_SWATCH)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setPen(QPen(QColor(look.colour), 3, look.style))
    middle = _SWATCH.height() // 2
    painter.drawLine(1, middle, _SWATCH.width() - 2, middle)
    painter.end()
    return QIcon(made)
