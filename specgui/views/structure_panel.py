"""The Structure panel: the compound as the files or the chemist know it."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from specgui.appearance import Appearance
from specgui.workspace import Workspace

_REDRAW_MS = 120


class Depiction(QWidget):
    """Shows an SVG, sharp at any size; says when it needs another one."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._renderer: QSvgRenderer | None = None
        self.setMinimumHeight(120)
        self.setAccessibleName("Structural formula")

    @property
    def is_empty(self) -> bool:
        return self._renderer is None

    def set_svg(self, svg: str | None) -> None:
        self._renderer = QSvgRenderer(QByteArray(svg.encode()), self) if svg else None
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    def paintEvent(self, _event) -> None:
        if self._renderer is None or not self._renderer.isValid():
            return
        size = self._renderer.defaultSize().toSizeF()
        size.scale(self.size().toSizeF(), Qt.AspectRatioMode.KeepAspectRatio)
        room = QRectF(
            (self.width() - size.width()) / 2, (self.height() - size.height()) / 2,
            size.width(), size.height(),
        )  # fmt: skip
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._renderer.render(painter, room)


class StructurePanel(QWidget):
    """Depiction with the chosen group's atoms lit, formula, and a line to type a SMILES in."""

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._appearance = appearance
        self.depiction = Depiction()
        self.nothing = QLabel("No structure known.\nType a SMILES below to compare it.")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setProperty("role", "muted")
        self.formula = QLabel()
        self.formula.setTextFormat(Qt.TextFormat.RichText)
        self.formula.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.error = QLabel()
        self.error.setProperty("role", "error")
        self.error.setWordWrap(True)
        self.smiles_box = QLineEdit()
        self.smiles_box.setPlaceholderText("SMILES, for example CC(=O)Oc1ccccc1C(=O)O")
        self.smiles_box.setAccessibleName("Structure as SMILES")
        self.smiles_box.setAcceptDrops(False)
        self.smiles_box.setClearButtonEnabled(True)
        self.from_file = QPushButton("Use file's")
        self.from_file.setToolTip("Forget the typed structure and take the one in the files")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.depiction, 1)
        layout.addWidget(self.nothing, 1)
        layout.addWidget(self.formula)
        layout.addWidget(self.error)
        row = QHBoxLayout()
        row.addWidget(self.smiles_box, 1)
        row.addWidget(self.from_file)
        layout.addLayout(row)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self._ask_for_depiction)

        self.smiles_box.returnPressed.connect(self._on_entered)
        self.from_file.clicked.connect(self._on_from_file)
        workspace.selection.sample_changed.connect(self.refresh)
        workspace.selection.group_changed.connect(self._ask_for_depiction)
        workspace.structure_changed.connect(self.refresh)
        workspace.depicted.connect(self._on_depicted)
        appearance.changed.connect(self._ask_for_depiction)
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen sample's structure, or why there is none."""
        sample = self._workspace.selection.sample
        structure = self._workspace.structure_of(sample)
        failed = isinstance(structure, ValueError)
        known = structure is not None and not failed
        self.setEnabled(sample is not None)
        self.depiction.setVisible(known)
        self.nothing.setVisible(not known)
        self.error.setVisible(failed)
        self.error.setText(f"⚠ {structure}" if failed else "")
        self.smiles_box.setProperty("invalid", failed)
        self.smiles_box.style().polish(self.smiles_box)
        self.formula.setVisible(known)
        typed = sample.typed_structure if sample else None
        self.from_file.setVisible(typed is not None)
        if not self.smiles_box.hasFocus() or typed is not None:
            self.smiles_box.setText(typed or (structure.smiles if known else ""))
            self.smiles_box.setCursorPosition(0)
        if known:
            self.formula.setText(f"<b>{_with_subscripts(structure.formula)}</b>")
            self._ask_for_depiction()
        else:
            self.depiction.set_svg(None)

    def focus_entry(self) -> None:
        """Put the keyboard into the line where a structure is typed."""
        self.smiles_box.setFocus()
        self.smiles_box.selectAll()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._redraw.start()

    def _ask_for_depiction(self) -> None:
        structure = self._workspace.structure_of(self._workspace.selection.sample)
        if structure is None or isinstance(structure, ValueError):
            return
        size = self.depiction.size()
        if size.width() > 20 and size.height() > 20:
            self._workspace.depict(
                structure, size.width(), size.height(), self._appearance.theme.is_dark
            )

    def _on_depicted(self, svg: str) -> None:
        self.depiction.set_svg(svg)

    def _on_entered(self) -> None:
        sample = self._workspace.selection.sample
        if sample is not None:
            self._workspace.document.set_structure(sample.id, self.smiles_box.text().strip())

    def _on_from_file(self) -> None:
        sample = self._workspace.selection.sample
        if sample is not None:
            self._workspace.document.set_structure(sample.id, None)


def _with_subscripts(formula: str) -> str:
    """A formula as rich text, its numbers below the line (a charge's stay on it)."""
    text = ""
    for position, character in enumerate(formula):
        after_sign = position > 0 and formula[position - 1] in "+-"
        text += f"<sub>{character}</sub>" if character.isdigit() and not after_sign else character
    return text
