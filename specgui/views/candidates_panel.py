"""The Candidates panel: which molecules the spectra could be, as cards, best first."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document import findings as state
from specgui.document.candidates import RANK, Candidate, CandidateFinding, Query
from specgui.views.candidate_list import CandidateList
from specgui.views.candidate_model import ORDERS
from specgui.views.candidate_query import CandidateQuery
from specgui.views.card_drawings import CardDrawings
from specgui.views.elided_label import ElidedLabel
from specgui.workspace import Workspace

_LONGEST_NOTICE = 320


class CandidatesPanel(QWidget):
    """A query, the cards it brought, and what can be done with the chosen one."""

    command_wanted = Signal(str)  # the id of a command

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._appearance = appearance
        self._search = workspace.candidates
        self._finding: CandidateFinding | None = None
        self.query = CandidateQuery(appearance)
        self.notice = QLabel()
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.stale = QLabel("The spectra have changed since. Search again.")
        self.stale.setProperty("role", "warning")
        self.stale.setWordWrap(True)
        self.summary = ElidedLabel()
        self.summary.setProperty("role", "muted")
        self.notes = QToolButton()
        self.notes.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.notes.clicked.connect(self._show_notes)
        self.order_box = QComboBox()
        self.order_box.setAccessibleName("Order of the candidates")
        for order, title in ORDERS.items():
            self.order_box.addItem(title, order)
        self.list = CandidateList(CardDrawings(workspace.jobs, self), appearance)
        self.rank_button = QPushButton("Rank a file…")
        self.rank_button.setToolTip("Rank the candidates of a SMILES file by their probability")
        self.libraries_button = QPushButton("Libraries…")
        self.libraries_button.setToolTip("Import, build and remove molecule libraries")
        self.paste_button = QPushButton("Rank pasted…")
        self.paste_button.setToolTip("Rank the SMILES on the clipboard, or that you type")
        self.use_button = QPushButton("Use as structure")
        self.use_button.setToolTip("Make it the structure of the sample (Enter)")
        self.verify_button = QPushButton("Verify")
        self.verify_button.setToolTip("Ask whether it fits the spectra")
        self.copy_button = QPushButton("Copy SMILES")

        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.query)
        layout.addWidget(self.notice)
        self.begin = QWidget()
        row = QHBoxLayout(self.begin)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.rank_button)
        row.addWidget(self.paste_button)
        row.addWidget(self.libraries_button)
        row.addStretch(1)
        layout.addWidget(self.begin)
        self.about = QWidget()
        row = QHBoxLayout(self.about)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.summary, 1)
        row.addWidget(self.notes)
        row.addWidget(self.order_box)
        layout.addWidget(self.about)
        layout.addWidget(self.stale)
        layout.addWidget(self.list, 1)
        self.actions = QWidget()
        row = QHBoxLayout(self.actions)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for button in (self.use_button, self.verify_button, self.copy_button):
            row.addWidget(button)
        row.addStretch(1)
        layout.addWidget(self.actions)
        self._filler = QWidget()
        layout.addWidget(self._filler, 1)

        self.query.search_wanted.connect(self._on_search)
        self.query.cancel_wanted.connect(self._on_cancel)
        self.query.libraries_wanted.connect(
            lambda: self.command_wanted.emit("candidates.libraries")
        )
        self.rank_button.clicked.connect(lambda: self.command_wanted.emit("candidates.rank_file"))
        self.paste_button.clicked.connect(lambda: self.command_wanted.emit("candidates.rank_text"))
        self.libraries_button.clicked.connect(self.query.libraries_wanted)
        self.use_button.clicked.connect(lambda: self.command_wanted.emit("candidates.use"))
        self.verify_button.clicked.connect(lambda: self.command_wanted.emit("candidates.verify"))
        self.copy_button.clicked.connect(lambda: self.command_wanted.emit("candidates.copy_smiles"))
        self.order_box.activated.connect(self._on_order)
        self.list.card_chosen.connect(self._search.choose)
        self.list.card_activated.connect(lambda _: self.command_wanted.emit("candidates.use"))
        self.list.menu_wanted.connect(self._show_menu)
        self._search.chosen_changed.connect(self._follow_choice)
        self._search.candidates.changed.connect(self.refresh)
        self._search.checks.changed.connect(self._refresh_checks)
        workspace.selection.sample_changed.connect(self.refresh)
        workspace.findings.changed.connect(self._refresh_groups)
        workspace.structure_changed.connect(self._refresh_reference)
        workspace.libraries.changed.connect(self._refresh_libraries)
        workspace.jobs.changed.connect(self._follow_jobs)
        appearance.changed.connect(self._on_theme)
        self._on_theme()
        self._refresh_libraries()
        self.refresh()

    # showing

    def refresh(self) -> None:
        """Show the candidates of the chosen sample, or how to come by some."""
        sample = self._workspace.selection.sample
        finding = self._search.candidates.of(sample)
        nuclei = self._search.nuclei_of(sample)
        running = finding.state == state.RUNNING
        self.query.set_nuclei(nuclei)
        self.query.set_running(running)
        self.query.setEnabled(sample is not None)
        self.query.propose_formula(_formula_of(sample))
        cards = finding.candidates
        if finding is not self._finding:
            self.list.set_candidates(cards)
            self._finding = finding
        self._refresh_reference()
        self._refresh_checks()
        self._refresh_groups()
        for widget in (self.list, self.about, self.actions):
            widget.setVisible(bool(cards))
        self._filler.setVisible(not cards)
        self.begin.setVisible(not cards and bool(nuclei) and not running)
        stale = bool(cards) and self._search.candidates.is_stale(sample)
        self.stale.setVisible(stale)
        self._show_notice(self._notice(sample, finding, nuclei))
        self.summary.setText(_summary(finding))
        self.notes.setVisible(bool(finding.warnings))
        count = len(finding.warnings)
        self.notes.setAccessibleName(f"{count} note{'s' * (count != 1)} about this result")
        self.notes.setToolTip("\n".join(finding.warnings))
        self._follow_choice()

    def _notice(self, sample, finding: CandidateFinding, nuclei) -> str:
        if sample is None:
            return "Open a ¹³C or ¹H NMR spectrum, and a library can be searched for its molecule."
        if not nuclei:
            return (
                "Candidates are found by ¹³C and ¹H NMR, and this sample has neither. Add one: "
                "drop its file on the window, then drag the spectrum to this sample."
            )
        if finding.state == state.RUNNING:
            text = self._search.progress_of(sample) or _verb(finding)
            return "" if finding.candidates else f"{text}…"
        if finding.state in (state.NO_MODEL, state.UNSUITABLE, state.FAILED):
            what = "be ranked" if finding.origin == RANK else "be searched for"
            return f"No candidates can {what}: {finding.message.rstrip('.')}."
        if finding.state == state.DONE and not finding.candidates:
            limited = finding.query is not None and (
                finding.query.formula or finding.query.mass_range or finding.query.groups
            )
            advice = "Take some limits away" if limited else "Choose a larger library"
            return (
                f"Nothing was found among {finding.size:,} molecules of {finding.source}. "
                f"{advice}, or rank candidates of your own."
            )
        if finding.state == state.NONE:
            return (
                "Search a library for molecules whose predicted spectrum fits the measured one, "
                "or rank candidates of your own."
            )
        return ""

    def _follow_jobs(self) -> None:
        """Say how far a running search is: the first one makes its library."""
        if self._finding is not None and self._finding.state == state.RUNNING:
            sample = self._workspace.selection.sample
            self._show_notice(self._notice(sample, self._finding, self._search.nuclei_of(sample)))

    def _show_notice(self, notice: str) -> None:
        shortened = _shortened(notice)
        self.notice.setText(shortened)
        self.notice.setToolTip(notice if shortened != notice else "")
        self.notice.setVisible(bool(notice))

    def _refresh_reference(self) -> None:
        """Mark what differs from the sample's structure, without one from the best candidate."""
        structure = self._workspace.structure_of(self._workspace.selection.sample)
        cards = self._finding.candidates if self._finding else ()
        if structure is not None and not isinstance(structure, ValueError):
            self.list.set_reference(structure.smiles)
        else:
            self.list.set_reference(cards[0].smiles if cards else "")

    def _refresh_checks(self) -> None:
        sample = self._workspace.selection.sample
        found = self._search.checks.results_of(sample) if sample else ()
        self.list.cards.set_scores({check.smiles: check.verification.score for check in found})

    def _refresh_groups(self) -> None:
        found = self._workspace.findings.of(self._workspace.selection.sample).identification
        self.query.set_groups(g.name for g in found.groups if g.present) if found else None

    def _refresh_libraries(self) -> None:
        shelf = self._workspace.libraries
        self.query.set_libraries([(one.name, one.title) for one in shelf.searchable], shelf.default)

    def _follow_choice(self) -> None:
        chosen = self._search.chosen
        self.list.choose(chosen)
        for button in (self.use_button, self.verify_button, self.copy_button):
            button.setEnabled(chosen is not None)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if not self._workspace.libraries.is_known:
            self._workspace.libraries.refresh()

    # events

    def search(self) -> None:
        """Search with the query as it stands."""
        query = self.query.query()
        if query is not None:
            self._on_search(query)

    def copy_smiles(self) -> None:
        """Put the SMILES of the chosen candidate on the clipboard."""
        if self._search.chosen is not None:
            QGuiApplication.clipboard().setText(self._search.chosen.smiles)

    def _on_search(self, query: Query) -> None:
        sample = self._workspace.selection.sample
        if sample is not None and self._search.nuclei_of(sample):
            self._search.search(sample, query)

    def _on_cancel(self) -> None:
        sample = self._workspace.selection.sample
        if sample is not None:
            self._search.cancel(sample)

    def _on_order(self, index: int) -> None:
        self.list.set_order(self.order_box.itemData(index))

    def _show_menu(self, _candidate: Candidate, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for title, command in (
            ("Use as structure", "candidates.use"),
            ("Verify", "candidates.verify"),
            ("Copy SMILES", "candidates.copy_smiles"),
        ):
            menu.addAction(title, lambda command=command: self.command_wanted.emit(command))
        menu.popup(place)

    def _show_notes(self) -> None:
        place = self.notes.mapToGlobal(self.notes.rect().bottomLeft())
        QToolTip.showText(place, self.notes.toolTip(), self.notes)

    def _on_theme(self) -> None:
        self.notes.setIcon(self._appearance.icon("info", "muted"))


def _formula_of(sample) -> str:
    """The formula on which the files of a sample agree."""
    entries = sample.spectra if sample is not None else ()
    said = {
        str(e.spectrum.metadata["formula"]) for e in entries if e.spectrum.metadata.get("formula")
    }
    return said.pop() if len(said) == 1 else ""


def _verb(finding: CandidateFinding) -> str:
    if finding.origin == RANK:
        return f"Ranking the candidates of {finding.source}"
    return f"Searching {finding.source or 'the starter library'}"


def _summary(finding: CandidateFinding) -> str:
    if not finding.candidates:
        return ""
    count = len(finding.candidates)
    if finding.origin == RANK:
        return f"{finding.size:,} of {finding.source}, ranked"
    took = f" · {finding.elapsed_ms:,.0f} ms" if finding.elapsed_ms is not None else ""
    return f"Best {count:,} of {finding.size:,} in {finding.source}{took}"


def _shortened(text: str) -> str:
    """A text for a small panel; the whole is in the tooltip."""
    return text if len(text) <= _LONGEST_NOTICE else text[:_LONGEST_NOTICE].rsplit(" ", 1)[0] + " …"
