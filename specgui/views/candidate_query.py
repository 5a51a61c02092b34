"""The query bar of the Candidates panel: which library, and what a molecule must have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document.candidates import MOST_HITS, NUCLEI, Query

_NUCLEUS_TITLES = {"13C NMR": "¹³C", "1H NMR": "¹H"}
_TOPS = (25, 100, 300, MOST_HITS)
_DEFAULT_TOP = 100
_MANAGE = "(manage)"


class CandidateQuery(QWidget):
    """Collects a query; ``search_wanted`` carries it, ``cancel_wanted`` ends the running search."""

    search_wanted = Signal(object)
    cancel_wanted = Signal()
    libraries_wanted = Signal()

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._running = False
        self._proposed = ""
        self.library_box = QComboBox()
        self.library_box.setAccessibleName("Library")
        self.library_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.library_box.setMinimumContentsLength(8)
        self.limits_button = QToolButton()
        self.limits_button.setCheckable(True)
        self.limits_button.setToolTip("Formula, mass, groups and nuclei of the search")
        self.search_button = QPushButton("Search")
        self.search_button.setProperty("primary", True)
        self.search_button.setToolTip("Search the library with the peaks of this sample")
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.library_box, 1)
        top.addWidget(self.limits_button)
        top.addWidget(self.search_button)

        self.formula_box = QLineEdit()
        self.formula_box.setPlaceholderText("any, or C10H12O2")
        self.formula_box.setClearButtonEnabled(True)
        self.formula_box.setAcceptDrops(False)
        self.formula_box.setAccessibleName("Molecular formula")
        self.low_box, self.high_box = QLineEdit(), QLineEdit()
        for box, name in ((self.low_box, "Lowest"), (self.high_box, "Highest")):
            box.setAccessibleName(f"{name} monoisotopic mass in u")
            box.setPlaceholderText("any")
            box.setAcceptDrops(False)
        self.groups_button = QToolButton()
        self.groups_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.groups_button.setToolTip("Groups that every candidate must have")
        self.groups_menu = QMenu(self.groups_button)
        self.groups_button.setMenu(self.groups_menu)
        self.nucleus_boxes = {
            technique: QCheckBox(title) for technique, title in _NUCLEUS_TITLES.items()
        }
        self.top_box = QComboBox()
        self.top_box.setAccessibleName("Most candidates")
        for top_count in _TOPS:
            self.top_box.addItem(f"best {top_count:,}", top_count)
        self.top_box.setCurrentIndex(_TOPS.index(_DEFAULT_TOP))
        self.limits = QWidget()
        grid = QGridLayout(self.limits)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        mass = QHBoxLayout()
        mass.setSpacing(6)
        mass.addWidget(self.low_box, 1)
        mass.addWidget(QLabel("to"))
        mass.addWidget(self.high_box, 1)
        mass.addWidget(QLabel("u"))
        nuclei = QHBoxLayout()
        nuclei.setSpacing(14)
        for box in self.nucleus_boxes.values():
            box.setChecked(True)
            nuclei.addWidget(box)
        nuclei.addStretch(1)
        nuclei.addWidget(self.top_box)
        for row, (title, content) in enumerate(
            (("Formula", self.formula_box), ("Mass", mass), ("Groups", self.groups_button),
             ("Peaks of", nuclei))
        ):  # fmt: skip
            label = QLabel(title)
            label.setToolTip("Monoisotopic mass" if title == "Mass" else "")
            label.setProperty("role", "muted")
            grid.addWidget(label, row, 0)
            if isinstance(content, QWidget):
                label.setBuddy(content)
                grid.addWidget(content, row, 1)
            else:
                grid.addLayout(content, row, 1)
        grid.setColumnStretch(1, 1)
        self.limits.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.limits)

        self.limits_button.toggled.connect(self.limits.setVisible)
        self.limits_button.toggled.connect(self._refresh_limits)
        self.search_button.clicked.connect(self._on_search)
        self.library_box.activated.connect(self._on_library)
        for box in (self.formula_box, self.low_box, self.high_box):
            box.returnPressed.connect(self._on_search)
            box.textChanged.connect(self._refresh_limits)
        for check in self.nucleus_boxes.values():
            check.toggled.connect(self._refresh_limits)
        self._refresh_limits()
        self.set_libraries((), "")

    # what is offered

    def set_libraries(self, libraries: Sequence[tuple[str, str]], default: str) -> None:
        """Offer libraries by ``(name, title)``; the one that was chosen stays chosen."""
        wanted = self.library or default
        self.library_box.clear()
        for name, title in libraries:
            self.library_box.addItem(title, name)
        if not libraries:
            self.library_box.addItem("Starter library", "")
        self.library_box.insertSeparator(self.library_box.count())
        self.library_box.addItem("Libraries…", _MANAGE)
        self._choose_library(wanted)

    def set_groups(self, predicted: Iterable[str]) -> None:
        """Offer the groups that were predicted; those that were ticked stay ticked."""
        ticked, predicted = set(self.groups), list(dict.fromkeys(predicted))
        self.groups_menu.clear()
        for name in [*predicted, *sorted(ticked.difference(predicted))]:
            action = self.groups_menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(name in ticked)
            action.toggled.connect(self._refresh_limits)
        if not self.groups_menu.actions():
            self.groups_menu.addAction("No group was predicted").setEnabled(False)
        self._refresh_limits()

    def propose_formula(self, formula: str) -> None:
        """Fill in what the files say, in the place of what was proposed before."""
        if formula != self._proposed and self.formula_box.text().strip() in ("", self._proposed):
            self.formula_box.setText(formula)
        self._proposed = formula

    def set_nuclei(self, present: Sequence[str]) -> None:
        """Offer the nuclei whose spectra the sample has."""
        for technique, box in self.nucleus_boxes.items():
            box.setEnabled(technique in present)
        self.search_button.setEnabled(bool(present) or self._running)

    def set_running(self, running: bool) -> None:
        """Let the button end the search while there is one."""
        self._running = running
        self.search_button.setText("Cancel" if running else "Search")
        self.search_button.setProperty("primary", not running)
        self.search_button.style().polish(self.search_button)

    # what is asked for

    @property
    def library(self) -> str:
        """The chosen library's name; empty for the starter library."""
        chosen = self.library_box.currentData()
        return "" if chosen in (None, _MANAGE) else str(chosen)

    @property
    def groups(self) -> tuple[str, ...]:
        """The ticked groups."""
        return tuple(a.text() for a in self.groups_menu.actions() if a.isChecked())

    def query(self) -> Query | None:
        """The query; None when a field cannot be read, which is then marked."""
        good = self._check_formula()
        low, low_good = self._mass(self.low_box, 0.0)
        high, high_good = self._mass(self.high_box, float("inf"))
        if low_good and high_good and low > high:
            self._mark(self.high_box, f"below the lowest mass, {low:g} u")
            high_good = False
        nuclei = tuple(t for t in NUCLEI if self.nucleus_boxes[t].isChecked())
        if not (good and low_good and high_good):
            self.limits_button.setChecked(True)
            return None
        limited = low > 0 or high < float("inf")
        return Query(
            self.library, self.formula_box.text().strip(), (low, high) if limited else None,
            self.groups, nuclei or NUCLEI, int(self.top_box.currentData()),
        )  # fmt: skip

    def _check_formula(self) -> bool:
        from engine.chemistry.formula import parse_formula

        text, problem = self.formula_box.text().strip(), ""
        if text:
            try:
                parse_formula(text)
            except ValueError as error:
                problem = str(error)
        self._mark(self.formula_box, problem)
        return not problem

    def _mass(self, box: QLineEdit, default: float) -> tuple[float, bool]:
        text = box.text().strip().replace(",", ".")
        try:
            value = float(text) if text else default
            good = value >= 0
        except ValueError:
            value, good = default, False
        self._mark(box, "" if good else "a mass in u was expected, like 150.07")
        return value, good

    @staticmethod
    def _mark(box: QLineEdit, problem: str) -> None:
        box.setProperty("invalid", bool(problem))
        box.setToolTip(problem)
        box.style().polish(box)

    # events

    def _on_search(self) -> None:
        if self._running:
            self.cancel_wanted.emit()
            return
        query = self.query()
        if query is not None and self.search_button.isEnabled():
            self.search_wanted.emit(query)

    def _on_library(self, index: int) -> None:
        if self.library_box.itemData(index) == _MANAGE:
            self._choose_library(self._last_library)
            self.libraries_wanted.emit()
        else:
            self._last_library = self.library

    def _choose_library(self, name: str) -> None:
        self.library_box.setCurrentIndex(max(self.library_box.findData(name), 0))
        self._last_library = self.library

    def _refresh_limits(self, *_args) -> None:
        groups = self.groups
        self.groups_button.setText(f"{', '.join(groups) if groups else 'any'}  ▾")
        unticked = sum(not box.isChecked() for box in self.nucleus_boxes.values())
        texts = (self.formula_box.text().strip(), self.low_box.text() + self.high_box.text())
        count = sum(map(bool, texts)) + bool(groups) + bool(unticked)
        sign = "▴" if self.limits_button.isChecked() else "▾"
        self.limits_button.setText(f"Limits ({count}) {sign}" if count else f"Limits {sign}")
