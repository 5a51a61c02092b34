"""The choice of the model that names the groups, with the licence that it is on."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.library.model_choice import CHOICES, NONCOMMERCIAL
from specgui.model_choosing import MODEL, UNKNOWN_IS_EI
from specgui.workspace import Workspace


class ModelChoiceRow(QWidget):
    """Model, licence, and for the noncommercial one what it is to make of unnamed ionisation."""

    def __init__(self, workspace: Workspace, parent=None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.box = QComboBox()
        self.box.setAccessibleName("Model that names the groups")
        for choice in CHOICES:
            self.box.addItem(choice.title, choice.name)
            self.box.setItemData(
                self.box.count() - 1, f"Reads {choice.reads}.", Qt.ItemDataRole.ToolTipRole
            )
        label = QLabel("Model")
        label.setBuddy(self.box)
        self.licence = QLabel()
        self.licence.setProperty("role", "muted")
        self.licence.setWordWrap(True)
        self.licence.setAccessibleName("Licence of the model")
        self.unknown = QCheckBox("Unnamed ionisation is EI")
        self.unknown.setToolTip(
            "Read single-stage mass spectra whose files name no ionisation as electron ionisation"
        )
        row = QHBoxLayout()
        row.addWidget(label)
        row.addWidget(self.box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.unknown)
        layout.addWidget(self.licence)
        self.box.activated.connect(self._on_chosen)
        self.unknown.toggled.connect(self._on_unknown)
        workspace.options.changed.connect(self._on_option)
        workspace.findings.changed.connect(self._refresh_licence)
        workspace.selection.sample_changed.connect(self._refresh_licence)
        self._on_option(MODEL)

    def _on_chosen(self, index: int) -> None:
        self._workspace.options[MODEL] = self.box.itemData(index)

    def _on_unknown(self, checked: bool) -> None:
        self._workspace.options[UNKNOWN_IS_EI] = checked

    def _on_option(self, name: str) -> None:
        if name not in (MODEL, UNKNOWN_IS_EI):
            return
        choice = self._workspace.models.choice
        self.box.setCurrentIndex(self.box.findData(choice))
        self.unknown.setVisible(choice == NONCOMMERCIAL)
        self.unknown.setChecked(self._workspace.options[UNKNOWN_IS_EI])
        reads = next(c.reads for c in CHOICES if c.name == choice)
        self.box.setToolTip(f"Reads {reads}. The open model is free for every use.")
        self._refresh_licence()

    def _refresh_licence(self) -> None:
        """The licence of what is shown; before anything is, that of the choice."""
        finding = self._workspace.findings.of(self._workspace.selection.sample)
        found = finding.identification
        text = found.model.licence if found is not None else self._workspace.models.licence
        self.licence.setText(f"Licence: {text}" if text else "This model is not installed.")
