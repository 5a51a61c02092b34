"""The Structure panel: the compound as the files or the chemist know it, and its assigned atoms."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.views.structure_view import StructureView
from specgui.workspace import Workspace


class StructurePanel(QWidget):
    """The live drawing, the formula, a line to type a SMILES in, and the way to the editor."""

    draw_wanted = Signal()

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._assigning = workspace.assigning
        self._appearance = appearance
        self.view = StructureView(appearance)
        self.nothing = QLabel("No structure known.\nType a SMILES below, or draw it.")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setProperty("role", "muted")
        self.formula = QLabel()
        self.formula.setTextFormat(Qt.TextFormat.RichText)
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.numbers = QToolButton()
        self.numbers.setText("1 2 3")
        self.numbers.setCheckable(True)
        self.numbers.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.numbers.setAccessibleName("Atom numbers")
        self.numbers.setToolTip("Atom numbers, counted from 0 as the structure was given (N)")
        self.error = QLabel()
        self.error.setProperty("role", "error")
        self.error.setWordWrap(True)
        self.smiles_box = QLineEdit()
        self.smiles_box.setPlaceholderText("SMILES or InChI")
        self.smiles_box.setToolTip("For example CC(=O)Oc1ccccc1C(=O)O")
        self.smiles_box.setAccessibleName("Structure as SMILES")
        self.smiles_box.setAcceptDrops(False)
        self.smiles_box.setClearButtonEnabled(True)
        self.draw = QPushButton("Draw…")
        self.draw.setToolTip("Draw or change the structure (Ctrl+D)")
        self.from_file = QPushButton("Use file's")
        self.from_file.setToolTip("Forget the typed structure and take the one in the files")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.nothing, 1)
        line = QHBoxLayout()
        line.addWidget(self.formula, 1)
        line.addWidget(self.numbers)
        layout.addLayout(line)
        layout.addWidget(self.error)
        row = QHBoxLayout()
        row.addWidget(self.smiles_box, 1)
        row.addWidget(self.draw)
        row.addWidget(self.from_file)
        layout.addLayout(row)

        self.smiles_box.returnPressed.connect(self._on_entered)
        self.from_file.clicked.connect(self._on_from_file)
        self.draw.clicked.connect(self.draw_wanted)
        self.numbers.toggled.connect(self._on_numbers)
        self.view.numbers_toggled.connect(self._on_numbers)
        self.view.atom_chosen.connect(self._assigning.choose_atom)
        self.view.atom_pointed.connect(
            lambda atom: self._assigning.point_at_atoms(() if atom is None else (atom,))
        )
        workspace.selection.sample_changed.connect(self.refresh)
        workspace.selection.group_changed.connect(self._refresh_marks)
        workspace.structure_changed.connect(self.refresh)
        workspace.options.changed.connect(self._on_option)
        self._assigning.drawing_changed.connect(self._refresh_drawing)
        self._assigning.changed.connect(self._refresh_marks)
        self._assigning.linked_changed.connect(self._refresh_marks)
        self._on_option("atom_numbers")
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen sample's structure, or why there is none."""
        sample = self._workspace.selection.sample
        structure = self._workspace.structure_of(sample)
        failed = isinstance(structure, ValueError)
        known = structure is not None and not failed
        self.setEnabled(sample is not None)
        for widget in (self.view, self.formula, self.numbers):
            widget.setVisible(known)
        self.nothing.setVisible(not known)
        self.error.setVisible(failed)
        self.error.setText(f"⚠ {structure}" if failed else "")
        self.smiles_box.setProperty("invalid", failed)
        self.smiles_box.style().polish(self.smiles_box)
        typed = sample.typed_structure if sample else None
        self.from_file.setVisible(typed is not None)
        if not self.smiles_box.hasFocus() or typed is not None:
            # A molblock of several lines is shown as what it means.
            text = structure.smiles if known and "\n" in (typed or "\n") else typed
            self.smiles_box.setText(text or "")
            self.smiles_box.setCursorPosition(0)
        if known:
            self.formula.setText(f"<b>{with_subscripts(structure.formula)}</b>")
        self._refresh_drawing()

    def focus_entry(self) -> None:
        """Put the keyboard into the line where a structure is typed."""
        self.smiles_box.setFocus()
        self.smiles_box.selectAll()

    def _refresh_drawing(self) -> None:
        self.view.set_drawing(self._assigning.drawing)
        self._refresh_marks()

    def _refresh_marks(self) -> None:
        assigning = self._assigning
        signals = [signal for signal in assigning.signals if signal.atoms]
        hatched = {atom for signal in signals if signal.is_uncertain for atom in signal.atoms}
        lit = assigning.link.atoms
        if not lit:
            lit = assigning.pointed.atoms
        self.view.mark(lit, assigning.atoms_of_group(self._workspace.selection.group), hatched)
        atoms = [atom.number for atom in self.view.drawing.atoms]
        self.view.set_told({atom: assigning.told_of(atom) for atom in atoms})

    def _on_numbers(self, shown: bool) -> None:
        self._workspace.options["atom_numbers"] = shown

    def _on_option(self, name: str) -> None:
        if name == "atom_numbers":
            shown = self._workspace.options["atom_numbers"]
            self.numbers.setChecked(shown)
            self.view.show_numbers(shown)

    def _on_entered(self) -> None:
        sample = self._workspace.selection.sample
        if sample is not None:
            self._workspace.document.set_structure(sample.id, self.smiles_box.text().strip())

    def _on_from_file(self) -> None:
        sample = self._workspace.selection.sample
        if sample is not None:
            self._workspace.document.set_structure(sample.id, None)


def with_subscripts(formula: str) -> str:
    """A formula as rich text, its numbers below the line (a charge's stay on it)."""
    text = ""
    for position, character in enumerate(formula):
        after_sign = position > 0 and formula[position - 1] in "+-"
        text += f"<sub>{character}</sub>" if character.isdigit() and not after_sign else character
    return text
