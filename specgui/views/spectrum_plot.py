"""One technique's plot: a header that says what is shown, and the canvas below it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QCursor, QFontDatabase
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QToolTip,
    QVBoxLayout,
)

from specgui.appearance import Appearance
from specgui.band_removal import removal_text
from specgui.document import Finding, SampleEntry, SpectrumEntry
from specgui.document.findings import gate_range
from specgui.views.elided_label import ElidedLabel
from specgui.views.peak_links import PeakLinks, PeakPlace, named_marks, places_of
from specgui.views.plot_canvas import PlotCanvas
from specgui.views.plot_labels import BandLabel
from specgui.views.removed_regions import RemovedRegions
from specgui.views.signal_display import SignalDisplay
from specgui.workspace import Workspace

_LEAST_HEIGHT = 156
_HOVER_PIXELS = 6
_MOST_BANDS = 8


class SpectrumPlot(QFrame):
    """Shows the chosen spectrum of one technique and what was found in it."""

    menu_wanted = Signal(QPoint)  # where on the screen
    # A peak is dragged: technique, shift in ppm, where on the screen, whether it is dropped.
    peak_dragged = Signal(str, float, QPoint, bool)

    def __init__(self, technique: str, workspace: Workspace, appearance: Appearance, parent=None):
        super().__init__(parent)
        self.setObjectName("plot")
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.technique = technique
        self._workspace = workspace
        self._appearance = appearance
        self._entry: SpectrumEntry | None = None
        self._pointed: float | None = None

        self.badge = QLabel(str(technique))
        self.badge.setProperty("role", "technique")
        self.badge.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.title = ElidedLabel()
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.warnings = QToolButton()
        self.warnings.setAccessibleName(f"Warnings about the {technique} spectrum")
        self.warnings.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.warnings.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.warnings.clicked.connect(self._show_warnings)
        self.readout = QLabel()
        self.readout.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.readout.setAccessibleName("Value under the mouse")
        self.counter = QLabel()
        self.counter.setProperty("role", "muted")
        self.previous_button = self._step_button("previous", "Previous spectrum", -1)
        self.next_button = self._step_button("next", "Next spectrum", 1)

        header = QHBoxLayout()
        header.setContentsMargins(8, 5, 8, 0)
        header.setSpacing(8)
        header.addWidget(self.badge)
        header.addWidget(self.title, 1)
        header.addWidget(self.readout)
        header.addWidget(self.note)
        header.addWidget(self.warnings)
        for widget in (self.previous_button, self.counter, self.next_button):
            header.addWidget(widget)
        self.canvas = PlotCanvas(appearance.theme)
        self.canvas.setAccessibleName(f"{technique} spectrum")
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.canvas.hovered.connect(self._on_hovered)
        self.canvas.followed.connect(self.readout.setText)
        self.signals = SignalDisplay(self.canvas, workspace.signals, appearance.theme)
        self.signals.changed.connect(self.refresh_peaks)
        self.signals.left_out.connect(self._on_left_out)
        self.removed = RemovedRegions(self.canvas.view, appearance.theme)
        self.links = PeakLinks(self.canvas.view, self.canvas.labels, appearance.theme)
        self.links.places_from(self._places, lambda: self._can_link)
        assigning, name = workspace.assigning, str(technique)
        self.links.chosen.connect(lambda ppm: assigning.choose_peak(name, ppm))
        self.links.pointed.connect(lambda ppm: assigning.point_at_peak(name, ppm))
        self.links.dragged.connect(lambda *drag: self.peak_dragged.emit(name, *drag))
        self.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.canvas.customContextMenuRequested.connect(self._on_menu_wanted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(self.canvas, 1)
        self.set_theme()

    @property
    def entry(self) -> SpectrumEntry | None:
        return self._entry

    @property
    def pointed(self) -> float | None:
        """The place of the axis under the mouse, None when it is elsewhere."""
        return self._pointed

    def refresh(self) -> None:
        """Show the chosen spectrum of this technique, as far as it is ready."""
        selection = self._workspace.selection
        entry = selection.shown(self.technique)
        if entry is None:
            return
        self._entry = entry
        self._refresh_header(entry)
        shown = self._workspace.presentation(entry)
        if shown is None:
            self.note.setText("Preparing…")
            self.note.show()
            return
        self.canvas.show_presentation(
            shown, str(self.technique), entry.spectrum.technique.descending_axis
        )
        self.signals.show_entry(entry)
        self.refresh_peaks()
        self.refresh_importance()

    def refresh_peaks(self) -> None:
        visible, edited = self._workspace.options["peak_labels"], self.signals.marks
        shown = self.canvas.presentation
        places = self._places() if shown is not None and shown.x_unit == "ppm" else ()
        if visible and places:
            marks = edited if edited is not None else shown.peaks or ()
            self.canvas.set_peaks(named_marks(str(self.technique), marks, places, shown))
        elif visible and edited is not None:
            self.canvas.set_peaks(edited)
        else:
            self.canvas.show_peaks(visible)
        self.refresh_links()

    def refresh_links(self) -> None:
        """Mark the peaks of the atoms that are chosen, or pointed at."""
        assigning, name = self._workspace.assigning, str(self.technique)
        lit, pointed = (
            frozenset(ppm for technique, ppm in link.places if technique == name)
            for link in (assigning.link, assigning.pointed)
        )
        self.links.mark(lit, pointed)

    @property
    def _can_link(self) -> bool:
        """Whether peaks of this plot can be of atoms, and the mouse is free for them."""
        shown = self.canvas.presentation
        assignable = self.technique in self._workspace.assigning.techniques
        return assignable and shown is not None and shown.x_unit == "ppm" and self.signals.is_free

    def _places(self) -> list[PeakPlace]:
        signals = self._workspace.assigning.signals
        return places_of(str(self.technique), signals, self.signals.regions)

    def refresh_importance(self) -> None:
        """The gates, or the chosen group's own regions with the bands known there."""
        sample, entry = self._workspace.selection.sample, self._entry
        if sample is None or entry is None or entry.id not in sample.key:
            return
        finding = self._workspace.findings.of(sample)
        found = finding.map_of(sample.key.index(entry.id))
        self._refresh_note(self._unread_note(sample, finding) if found is None else "")
        group = self._workspace.selection.group
        bands = self._show_removed(sample, entry, group)
        if found is None or not self._workspace.options["importance"]:
            self.canvas.hide_importance()
        elif group is not None and group in found.by_group:
            self.canvas.show_importance(found.x, found.by_group[group], 0.0, 1.0, shade=True)
            bands += self._bands_of(group, finding, sample.key.index(entry.id))
        else:
            low, high = gate_range(found)
            self.canvas.show_importance(found.x, found.gate, low, high, shade=False)
        self.canvas.set_bands(bands)

    def _show_removed(self, sample: SampleEntry, entry, group: str | None) -> tuple[BandLabel, ...]:
        """Mark the bands that were left out; returns what became of the groups, as labels."""
        left_out = self._workspace.removals.in_spectrum(sample, entry.id)
        self.removed.set_regions([(found.start, found.end) for found in left_out])
        return tuple(
            BandLabel((found.start + found.end) / 2, removal_text(found, group), True)
            for found in left_out
        )

    def _on_left_out(self, low: float, high: float) -> None:
        sample = self._workspace.selection.sample
        if sample is not None and self._entry is not None:
            self._workspace.removals.ask(sample, self._entry, low, high)

    def set_theme(self) -> None:
        self.canvas.set_theme(self._appearance.theme)
        self.signals.set_theme(self._appearance.theme)
        self.links.set_theme(self._appearance.theme)
        self.removed.set_theme(self._appearance.theme)
        self.previous_button.setIcon(self._appearance.icon("previous"))
        self.next_button.setIcon(self._appearance.icon("next"))
        self.warnings.setIcon(self._appearance.icon("warning", "warning"))
        if self._entry is not None:
            self.refresh_importance()

    def step(self, step: int) -> None:
        """Show the next or previous spectrum of this technique."""
        sample = self._workspace.selection.sample
        entries = sample.of_technique(self.technique) if sample else ()
        ids = [entry.id for entry in entries]
        if self._entry and self._entry.id in ids:
            position = ids.index(self._entry.id) + step
            if 0 <= position < len(ids):
                self._workspace.selection.choose_spectrum(ids[position])

    def _refresh_header(self, entry: SpectrumEntry) -> None:
        self.title.setText(entry.title)
        self.title.setToolTip(f"{entry.title}\n{entry.spectrum.source}")
        count = len(entry.spectrum.warnings)
        self.warnings.setVisible(count > 0)
        self.warnings.setText(str(count))
        self.warnings.setToolTip("\n".join(entry.spectrum.warnings))
        sample = self._workspace.selection.sample
        ids = [e.id for e in sample.of_technique(self.technique)] if sample else []
        several = len(ids) > 1
        for widget in (self.previous_button, self.counter, self.next_button):
            widget.setVisible(several)
        if several and entry.id in ids:
            position = ids.index(entry.id)
            self.counter.setText(f"{position + 1} of {len(ids)}")
            self.previous_button.setEnabled(position > 0)
            self.next_button.setEnabled(position < len(ids) - 1)

    def _unread_note(self, sample: SampleEntry, finding: Finding) -> str:
        """Why a spectrum has no importance, when others of the sample have."""
        if finding.identification is None:
            return ""
        ids = [entry.id for entry in sample.of_technique(self.technique)]
        read = [
            str(ids.index(sample.key[m.spectrum]) + 1)
            for m in finding.identification.maps
            if m.spectrum < len(sample.key) and sample.key[m.spectrum] in ids
        ]
        return f"The model read no. {', '.join(read)}" if read else "Not read by the model"

    def _refresh_note(self, unread: str) -> None:
        """Say what was done to the spectrum, and whether the model made use of it."""
        shown = self.canvas.presentation
        notes = [shown.note] if shown is not None and shown.note else []
        if unread:
            notes.append(unread)
        self.note.setText(" · ".join(notes))
        self.note.setToolTip(shown.note_detail if shown is not None else "")
        self.note.setVisible(bool(notes))

    def _bands_of(self, group: str, finding, index: int) -> tuple[BandLabel, ...]:
        """The bands that chemists know for a group in the regions that spoke for it."""
        prediction = finding.group(group)
        labels: dict[str, BandLabel] = {}
        regions = prediction.evidence if prediction else ()
        # The most telling region has the first choice of place.
        for region in sorted(regions, key=lambda r: -r.weight):
            if region.spectrum != index:
                continue
            known = self._workspace.known_bands(region.technique, region.start, region.end, group)
            for band in known:
                low, high = max(region.start, band.low), min(region.end, band.high)
                labels.setdefault(band.name, BandLabel((low + high) / 2, band.name))
        return tuple(labels.values())[:_MOST_BANDS]

    def _step_button(self, icon: str, name: str, step: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(icon)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.step(step))
        return button

    def _on_hovered(self, position: float | None, text: str) -> None:
        self.readout.setText(text)
        # The mouse leaves the plot for a menu that was opened over it: the place is still meant.
        if position is not None or QApplication.activePopupWidget() is None:
            self._pointed = position
        if position is None:
            QToolTip.hideText()
            return
        reach = _HOVER_PIXELS * self.canvas.view.viewPixelSize()[0]
        group = self._workspace.selection.group
        bands = self._workspace.known_bands(
            str(self.technique), position - reach, position + reach, group
        )
        if not bands or self.canvas.gate_image.is_empty:
            QToolTip.hideText()
            return
        lines = [f"{band.group}: {band.name}" for band in bands[:_MOST_BANDS]]
        if len(bands) > _MOST_BANDS:
            lines.append(f"and {len(bands) - _MOST_BANDS} more")
        QToolTip.showText(QCursor.pos() + QPoint(14, 18), "\n".join(lines), self.canvas)

    def _on_menu_wanted(self, place: QPoint) -> None:
        self._pointed = float(self.canvas.view.mapSceneToView(self.canvas.mapToScene(place)).x())
        self.menu_wanted.emit(self.canvas.mapToGlobal(place))

    def _show_warnings(self) -> None:
        place = self.warnings.mapToGlobal(QPoint(0, self.warnings.height()))
        QToolTip.showText(place, self.warnings.toolTip(), self.warnings)
