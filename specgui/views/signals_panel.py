"""The Signals panel: a table of the signals of an NMR spectrum, to be read and corrected."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QItemSelectionModel, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document import SpectrumEntry
from specgui.views.signal_model import (
    COUPLINGS,
    INTEGRAL,
    KIND,
    PROTONS,
    SHIFT,
    SignalModel,
    SignalRow,
    rows_of,
)
from specgui.workspace import Workspace


class _SignalTable(QTableView):
    """Delete takes away the chosen signals, not the sample; Esc chooses none."""

    delete_wanted = Signal()
    cleared = Signal()

    def event(self, event) -> bool:
        # The window has a shortcut of its own on this key.
        is_delete = event.type() == QEvent.Type.ShortcutOverride and _is_delete(event)
        if is_delete and self.selectionModel().hasSelection():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        if _is_delete(event) and self.selectionModel().hasSelection():
            self.delete_wanted.emit()
        elif event.key() == Qt.Key.Key_Escape and self.state() != self.State.EditingState:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)


def _is_delete(event) -> bool:
    return event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class SignalsPanel(QWidget):
    """Lists the signals of one NMR spectrum in view; choosing one marks it on the plot."""

    analyse_wanted = Signal()
    copy_wanted = Signal()

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._signals = workspace.signals
        self._following = False
        self._technique = ""
        self.notice = QLabel()
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.spectrum_box = QComboBox()
        self.spectrum_box.setAccessibleName("Spectrum whose signals are listed")
        self.analyse = QPushButton("Analyse")
        self.analyse.setToolTip("Find all signals (Ctrl+M)")
        self.copy = QPushButton("Copy text")
        self.copy.setToolTip("Copy the signals as a paper prints them (Ctrl+Alt+T)")
        self.model = SignalModel(appearance, self)
        self.table = _SignalTable()
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        triggers = QAbstractItemView.EditTrigger
        self.table.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName("Signals")
        header, mode = self.table.horizontalHeader(), QHeaderView.ResizeMode
        header.setHighlightSections(False)
        header.setSectionResizeMode(mode.ResizeToContents)
        header.setSectionResizeMode(COUPLINGS, mode.Stretch)
        header.setMinimumSectionSize(34)
        self.table.verticalHeader().setSectionResizeMode(mode.ResizeToContents)
        self.summary = QLabel()
        self.summary.setProperty("role", "muted")
        self.summary.setWordWrap(True)
        self.refusal = QLabel()
        self.refusal.setProperty("role", "notice")
        self.refusal.setWordWrap(True)
        self.refusal.hide()
        row = QHBoxLayout()
        row.addWidget(self.spectrum_box)
        row.addStretch(1)
        row.addWidget(self.analyse)
        row.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.notice)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.refusal)
        layout.addWidget(self.summary)
        self._filler = QWidget()
        layout.addWidget(self._filler, 1)

        self.spectrum_box.activated.connect(self._on_spectrum)
        self.analyse.clicked.connect(self.analyse_wanted)
        self.copy.clicked.connect(self.copy_wanted)
        self.model.edited.connect(self._on_edited)
        self.table.selectionModel().selectionChanged.connect(self._on_chosen)
        self.table.delete_wanted.connect(self._on_delete)
        self.table.cleared.connect(lambda: self._signals.choose(None, None))
        workspace.selection.sample_changed.connect(self.refresh)
        workspace.selection.spectra_changed.connect(self.refresh)
        workspace.structure_changed.connect(self.refresh)
        self._signals.changed.connect(lambda _: self.refresh())
        self._signals.chosen_changed.connect(self._follow_choice)
        self._signals.refused.connect(self._on_refused)
        appearance.changed.connect(self.table.viewport().update)
        self.refresh()

    @property
    def entry(self) -> SpectrumEntry | None:
        """The spectrum whose signals are listed."""
        found = self._spectra()
        return next((e for e in found if str(e.spectrum.technique) == self._technique), None)

    def show_technique(self, technique: str) -> None:
        """List the signals of the spectrum of a technique, if that is in view."""
        self._technique = technique
        self.refresh()

    def _spectra(self) -> list[SpectrumEntry]:
        shown = self._workspace.selection.shown_entries()
        found = [e for e in shown if e is not None and e.spectrum.technique.is_nmr]
        return sorted(found, key=lambda entry: entry.spectrum.technique != "1H NMR")

    def refresh(self) -> None:
        """List what the analysis of the spectrum has now."""
        spectra = self._spectra()
        techniques = [str(e.spectrum.technique) for e in spectra]
        if self._technique not in techniques:
            self._technique = techniques[0] if techniques else ""
        if [self.spectrum_box.itemText(k) for k in range(self.spectrum_box.count())] != techniques:
            self.spectrum_box.clear()
            self.spectrum_box.addItems(techniques)
        self.spectrum_box.setCurrentText(self._technique)
        self.spectrum_box.setVisible(len(techniques) > 1)
        entry, rows = self.entry, []
        if entry is not None:
            analysis = self._signals.analysis(entry) if entry.analysis else None
            rows = rows_of(entry.spectrum, analysis, entry.peaks or ())
        if rows != self.model.rows:
            self._following = True
            self.model.set_rows(rows)
            self._following = False
            self.refusal.hide()
        proton = entry is None or entry.spectrum.technique.nucleus == "1H"
        for column in (KIND, COUPLINGS, PROTONS, INTEGRAL):
            used = any(row.texts[column] for row in rows)
            self.table.setColumnHidden(column, not used and not (proton and column != INTEGRAL))
        for widget in (self.table, self.summary):
            widget.setVisible(bool(rows))
        mode = QHeaderView.ResizeMode
        alone = self.table.isColumnHidden(COUPLINGS)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(SHIFT, mode.Stretch if alone else mode.ResizeToContents)
        self.analyse.setText("Analyse" if proton else "Pick peaks")
        for button in (self.analyse, self.copy):
            button.setEnabled(entry is not None)
        self._filler.setVisible(not rows)
        self.notice.setText(self._notice(entry))
        self.notice.setVisible(not rows)
        self.summary.setText(self._summary(rows))
        self._follow_choice()

    def _notice(self, entry: SpectrumEntry | None) -> str:
        if self._workspace.selection.sample is None:
            return "Open an NMR spectrum, and its signals are listed here."
        if entry is None:
            return "This sample holds no NMR spectrum."
        if entry.spectrum.technique.nucleus != "1H":
            return "No peaks are edited yet: pick all, or take the peak tool (P) and click them."
        return (
            "Not analysed yet. Analyse finds all signals; or take the integral (I) or the "
            "multiplet tool (M) and drag over a signal."
        )

    def _summary(self, rows: list[SignalRow]) -> str:
        own = [row for row in rows if not row.is_mark]
        count = f"{len(own)} signal{'s' * (len(own) != 1)}"
        protons = sum(row.multiplet.n_h or 0 for row in own if row.multiplet is not None)
        if not protons:
            return count
        wanted = self._protons_of_structure()
        return f"{count}, {protons}H" + (f" of {wanted} in the structure" if wanted else "")

    def _protons_of_structure(self) -> int:
        structure = self._workspace.structure_of(self._workspace.selection.sample)
        formula = getattr(structure, "formula", "") or ""
        found = re.search(r"H(?![a-z])(\d*)", formula)
        return int(found.group(1) or 1) if found else 0

    # choosing

    def _on_spectrum(self, index: int) -> None:
        self.show_technique(self.spectrum_box.itemText(index))

    def _chosen_rows(self) -> list[SignalRow]:
        rows = self.table.selectionModel().selectedRows(SHIFT)
        return [self.model.rows[index.row()] for index in rows]

    def _on_chosen(self, *_args) -> None:
        if self._following:
            return
        rows = self._chosen_rows()
        self._signals.choose(self.entry, rows[0].region if len(rows) == 1 else None)

    def _follow_choice(self) -> None:
        """Mark the line of the signal that is chosen on the plot."""
        chosen = self._signals.chosen
        entry = self._workspace.document.spectrum(chosen[0]) if chosen else None
        if entry is not None and str(entry.spectrum.technique) != self._technique:
            self.show_technique(str(entry.spectrum.technique))
            return
        regions = [row.region for row in self.model.rows]
        selection = self.table.selectionModel()
        if chosen is None or chosen[1] not in regions:
            if any(row.region is not None for row in self._chosen_rows()) and chosen is None:
                many = len(self._chosen_rows()) > 1
                if not many:
                    self._following = True
                    selection.clear()
                    self._following = False
            return
        index = self.model.index(regions.index(chosen[1]), KIND)
        if not selection.isRowSelected(index.row()):
            self._following = True
            flag = QItemSelectionModel.SelectionFlag
            selection.setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
            self.table.scrollTo(index)
            self._following = False

    def edit_chosen(self) -> None:
        """Begin to type the multiplicity of the chosen signal."""
        self._follow_choice()
        rows = self.table.selectionModel().selectedRows(KIND)
        if rows:
            self.table.setFocus()
            self.table.edit(rows[0])

    # editing

    def _on_delete(self) -> None:
        entry, rows = self.entry, self._chosen_rows()
        if entry is None:
            return
        self._signals.remove(
            entry,
            [row.multiplet for row in rows if row.multiplet is not None],
            [r.integral for r in rows if r.multiplet is None and r.integral is not None],
            [row.peak for row in rows if row.peak is not None],
        )

    def _on_edited(self, row: SignalRow, column: int, text: str) -> None:
        entry = self.entry
        if entry is None:
            return
        self.refusal.hide()
        try:
            if column == KIND and not text:
                self._signals.add_multiplet(entry, *row.multiplet.region)
            elif column == KIND:
                self._signals.overrule(entry, row.multiplet, text)
            elif column == COUPLINGS:
                couplings = couplings_in(text)
                self._signals.overrule(entry, row.multiplet, row.multiplet.multiplicity, couplings)
            elif column == PROTONS:
                protons = int(text.rstrip("Hh ")) if text else None
                self._signals.set_protons(entry, row.multiplet, protons)
            elif column == INTEGRAL:
                self._signals.set_nuclei(entry, row.integral, float(text.replace(",", ".")))
        except ValueError:
            self._on_refused(f"“{text}” is no number.")

    def _on_refused(self, message: str) -> None:
        self.refusal.setText(message[:1].upper() + message[1:])
        self.refusal.show()


def couplings_in(text: str) -> list[float] | None:
    """Couplings in Hz as they are typed: ``8.1, 1.7``, ``8,1; 1,7`` or ``8.1 1.7``; None for "".

    Raises ``ValueError`` for what is no number above 0.
    """
    text = text.lower().replace("hz", " ").strip()
    if not text:
        return None
    if ";" in text:
        parts = text.replace(",", ".").split(";")
    else:
        parts = re.split(r"[,\s]+", text.strip(", "))
    values = [float(part) for part in parts]
    if not all(0 < value < 1000 for value in values):
        raise ValueError(f"couplings {text!r}")
    return values
