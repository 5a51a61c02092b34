"""The structure editor: a dialog to draw a compound, with its formula, masses and what is wrong."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QColor,
    QGuiApplication,
    QIcon,
    QKeySequence,
    QPainter,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.chemistry.structure_drawing import HASH, WEDGE, Drawing, DrawnAtom, DrawnBond
from engine.chemistry.structure_editing import ELEMENTS, RINGS, add_ring
from engine.chemistry.structure_sketch import Sketch, sketch_from
from specgui.appearance import Appearance
from specgui.views.molecule_painter import Marks, MoleculePainter
from specgui.views.sketch_canvas import (
    BOND,
    DOUBLE,
    ERASE,
    MINUS,
    MOVE,
    PLUS,
    TRIPLE,
    SketchCanvas,
)
from specgui.views.structure_panel import with_subscripts

_ICON = 24
_TIPS = {
    BOND: "Bonds: drag to draw one, click a bond for double and triple, click an atom to grow",
    DOUBLE: "Double bonds", TRIPLE: "Triple bonds",
    WEDGE: "Wedges, toward the viewer; click again to turn one round",
    HASH: "Hashes, away from the viewer; click again to turn one round",
    PLUS: "Charge: more positive (+ over an atom)", MINUS: "Charge: more negative (- over an atom)",
    ERASE: "Erase atoms and bonds (Delete over one)",
    MOVE: "Move an atom, or the whole drawing from beside it",
}  # fmt: skip
_SIZE = QSize(820, 600)


class StructureEditor(QDialog):
    """Draws a structure; ``molblock`` is what was drawn, the atoms in their order."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Draw the structure")
        self.resize(_SIZE)
        self._appearance = appearance
        self._given = Sketch()
        self.canvas = SketchCanvas(appearance)
        self.buttons: dict[str, QToolButton] = {}
        self._tools = QButtonGroup(self)
        self._elements = QButtonGroup(self)
        self.formula = QLabel()
        self.formula.setTextFormat(Qt.TextFormat.RichText)
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self.text_box = QLineEdit()
        self.text_box.setPlaceholderText("SMILES or InChI, then Enter")
        self.text_box.setAccessibleName("Structure as SMILES or InChI")
        self.text_box.setClearButtonEnabled(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(8)
        layout.addLayout(self._top_row())
        middle = QHBoxLayout()
        middle.addLayout(self._tool_column())
        middle.addWidget(self.canvas, 1)
        middle.addLayout(self._element_column())
        layout.addLayout(middle, 1)
        said = QHBoxLayout()
        said.addWidget(self.formula)
        said.addWidget(self.problem, 1)
        layout.addLayout(said)
        layout.addLayout(self._bottom_row())
        self.canvas.changed.connect(self.refresh)
        self.canvas.refused.connect(self._say)
        self.text_box.returnPressed.connect(self._on_text)
        self._set_shortcuts()
        self.refresh()
        self.canvas.setFocus()

    # parts

    def _top_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.undo = self._push("Undo", self.canvas.undo, "Undo (Ctrl+Z)")
        self.redo = self._push("Redo", self.canvas.redo, "Redo (Ctrl+Shift+Z)")
        self.clean = self._push("Clean up", self.clean_up, "Draw it tidily anew (Ctrl+L)")
        self.clear = self._push("Clear", self._clear, "Take everything away")
        self.paste = self._push("Paste", self.paste_text, "SMILES, InChI or molfile (Ctrl+V)")
        self.copy_smiles = self._push("Copy SMILES", self._copy_smiles, "Copy as SMILES (Ctrl+C)")
        self.copy_molfile = self._push("Copy molfile", self._copy_molfile, "Copy as V2000 molfile")
        for button in (self.undo, self.redo, self.clean, self.clear):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.paste, self.copy_smiles, self.copy_molfile):
            row.addWidget(button)
        return row

    def _push(self, text: str, run, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: run())
        return button

    def _tool_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(1)
        for name in _TIPS:
            column.addWidget(self._tool(name, _TIPS[name]))
        for name in RINGS:
            column.addWidget(self._tool(name, f"{name.capitalize()}: click a place, atom or bond"))
        column.addStretch(1)
        self.buttons[BOND].setChecked(True)
        return column

    def _tool(self, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setCheckable(True)
        button.setIcon(self._icon(name))
        button.setIconSize(QSize(_ICON, _ICON))
        button.setToolTip(tip)
        button.setAccessibleName(name.capitalize())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.choose_tool(name))
        self._tools.addButton(button)
        self.buttons[name] = button
        return button

    def _element_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(1)
        for symbol in ELEMENTS:
            button = QToolButton()
            button.setText(symbol)
            button.setCheckable(True)
            button.setMinimumWidth(36)
            button.setToolTip(f"Draw {symbol}; or type {symbol} over an atom")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _on=False, symbol=symbol: self.choose_element(symbol))
            self._elements.addButton(button)
            self.buttons[symbol] = button
            column.addWidget(button)
        column.addStretch(1)
        return column

    def _bottom_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.box = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self.ok = self.box.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setProperty("primary", True)
        self.ok.setAutoDefault(False)
        self.box.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self.box.accepted.connect(self.accept)
        self.box.rejected.connect(self.reject)
        row.addWidget(self.text_box, 1)
        row.addWidget(self.box)
        return row

    def _set_shortcuts(self) -> None:
        standard = QKeySequence.StandardKey
        for keys, run in (
            (QKeySequence(standard.Undo), self.canvas.undo),
            (QKeySequence("Ctrl+Shift+Z"), self.canvas.redo),
            (QKeySequence("Ctrl+Y"), self.canvas.redo), (QKeySequence("Ctrl+L"), self.clean_up),
            (QKeySequence(standard.Paste), self.paste_text),
            (QKeySequence(standard.Copy), self._copy_smiles),
            (QKeySequence("Ctrl+Return"), self._accept_if_possible),
        ):  # fmt: skip
            action = QAction(self)
            action.setShortcut(keys)
            action.triggered.connect(lambda _on=False, run=run: run())
            self.addAction(action)

    def keyPressEvent(self, event) -> None:
        # Enter takes up what is typed in the line; it does not end the dialog.
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    # what is drawn

    @property
    def molblock(self) -> str:
        return self.canvas.sketch.molblock()

    @property
    def is_changed(self) -> bool:
        """Whether the drawing is another one than was given."""
        return self.canvas.sketch != self._given

    def show_structure(self, text: str) -> None:
        """Begin with a structure: SMILES, InChI or molblock; raises ``ValueError``."""
        self._given = sketch_from(text)
        self.canvas.set_sketch(self._given)

    def choose_tool(self, name: str) -> None:
        """Take up a tool; the element stays."""
        self.canvas.tool = name
        self.buttons[name].setChecked(True)
        self.canvas.setFocus()

    def choose_element(self, symbol: str) -> None:
        """Draw atoms of this element from now on, with the bond tool."""
        self.canvas.element = symbol
        self.choose_tool(BOND)
        self.refresh()

    def refresh(self) -> None:
        """Formula, masses and problems of what is drawn now."""
        sketch, canvas = self.canvas.sketch, self.canvas
        problems = sketch.problems()
        if sketch:
            exact, molar = sketch.masses()
            formula = with_subscripts(sketch.formula())
            self.formula.setText(
                f"<b>{formula}</b> &nbsp; {molar:.2f} g/mol, monoisotopic {exact:.4f}"
            )
        else:
            self.formula.setText("")
        self._say("; ".join(dict.fromkeys(problems.values())), "Impossible: ")
        self.undo.setEnabled(canvas.history.can_undo)
        self.redo.setEnabled(canvas.history.can_redo)
        possible = bool(sketch) and not problems
        for button in (self.ok, self.clean, self.copy_smiles):
            button.setEnabled(possible)
        for button in (self.clear, self.copy_molfile):
            button.setEnabled(bool(sketch))
        chosen = self.buttons.get(canvas.element)
        if chosen is not None:
            chosen.setChecked(True)

    def _say(self, text: str, before: str = "") -> None:
        self.problem.setText(f"⚠ {before}{text}" if text else "")

    # edits

    def clean_up(self) -> None:
        """Draw the same structure tidily anew."""
        self.canvas.edit(self.canvas.sketch.cleaned)
        self.canvas.fit()

    def _clear(self) -> None:
        self.canvas.edit(Sketch)

    def take_text(self, text: str) -> None:
        """Put a structure that is written as text beside what is drawn."""
        before = self.canvas.sketch
        self.canvas.edit(lambda: before.extend(sketch_from(text)))
        if self.canvas.sketch is not before:
            self.canvas.fit()

    def paste_text(self) -> None:
        """The same with what is on the clipboard."""
        text = QGuiApplication.clipboard().text()
        if text.strip():
            self.take_text(text)
        else:
            self._say("The clipboard holds no text.")

    def _on_text(self) -> None:
        if self.text_box.text().strip():
            self.take_text(self.text_box.text().strip())

    def _copy_smiles(self) -> None:
        try:
            QGuiApplication.clipboard().setText(self.canvas.sketch.smiles())
        except ValueError as error:
            self._say(str(error))

    def _copy_molfile(self) -> None:
        QGuiApplication.clipboard().setText(self.molblock)

    def _accept_if_possible(self) -> None:
        if self.ok.isEnabled():
            self.accept()

    # icons

    def _icon(self, name: str) -> QIcon:
        """A small drawing of what the tool draws."""
        theme = self._appearance.theme
        pixmap = QPixmap(_ICON * 2, _ICON * 2)
        pixmap.setDevicePixelRatio(2)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(_ICON / 2, _ICON / 2)
        painter.setPen(QPen(QColor(theme.text), 1.6))
        if name in RINGS:
            drawing = add_ring(Sketch(), name).drawing()
            MoleculePainter(drawing, theme, 9.0, middle, self.font()).paint(painter, Marks())
        elif name in (PLUS, MINUS):
            painter.drawEllipse(middle, 8, 8)
            painter.drawLine(middle - QPointF(4, 0), middle + QPointF(4, 0))
            if name == PLUS:
                painter.drawLine(middle - QPointF(0, 4), middle + QPointF(0, 4))
        elif name == ERASE:
            painter.drawLine(middle - QPointF(6, 6), middle + QPointF(6, 6))
            painter.drawLine(middle - QPointF(6, -6), middle + QPointF(6, -6))
        elif name == MOVE:
            for angle in range(0, 360, 90):
                way = QPointF(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
                side = QPointF(-way.y(), way.x())
                painter.drawLine(middle, middle + way * 9)
                for sign in (1, -1):
                    painter.drawLine(middle + way * 9, middle + way * 6 + side * 3 * sign)
        else:
            order = {DOUBLE: 2, TRIPLE: 3}.get(name, 1)
            stereo = name if name in (WEDGE, HASH) else ""
            atoms = (DrawnAtom(0, "C", -0.5, -0.3), DrawnAtom(1, "C", 0.5, 0.3))
            drawing = Drawing(atoms, (DrawnBond(0, 1, order, stereo),))
            MoleculePainter(drawing, theme, 16.0, middle, self.font()).paint(painter, Marks())
        painter.end()
        return QIcon(pixmap)


def edit_structure(window) -> None:
    """Draw the structure of the window's chosen sample; OK makes it one undoable edit."""
    workspace = window.workspace
    sample = workspace.selection.sample
    if sample is None:
        return
    dialog = StructureEditor(window.appearance, window)
    structure = workspace.assigning.structure
    if structure is not None:
        dialog.show_structure(structure.molblock)

    def accepted() -> None:
        if dialog.is_changed:
            workspace.document.set_structure(sample.id, dialog.molblock)

    dialog.accepted.connect(accepted)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
