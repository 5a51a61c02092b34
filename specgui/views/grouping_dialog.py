"""Asks how the contents of a dropped folder belong together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from specgui.workers.reading import Batch, ReadingPlan

_MOST_NAMES = 4


class GroupingDialog(QDialog):
    """One sample of everything, one for each sub-folder, or one for each file."""

    def __init__(self, plan: ReadingPlan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("How do these belong together?")
        self._choices: list[Sequence[Batch]] = []
        self._buttons = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 14)
        layout.setSpacing(8)
        question = QLabel("The spectra of one compound make one sample. What is in this folder?")
        question.setProperty("role", "title")
        layout.addWidget(question)
        if len(plan.by_folder) > 1:
            title = f"One sample for each sub-folder ({len(plan.by_folder)})"
            self._add(layout, title, plan.by_folder)
        if len(plan.by_file) > 1:
            title = f"One sample for each file or experiment ({len(plan.by_file)})"
            self._add(layout, title, plan.by_file)
        self._add(layout, "All of one compound: one sample", plan.together)
        self._buttons.buttons()[0].setChecked(True)
        answer = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        answer.accepted.connect(self.accept)
        answer.rejected.connect(self.reject)
        layout.addSpacing(8)
        layout.addWidget(answer)

    def chosen(self) -> Sequence[Batch]:
        """The batches to read."""
        return self._choices[self._buttons.checkedId()]

    def _add(self, layout: QVBoxLayout, title: str, batches: Sequence[Batch]) -> None:
        button = QRadioButton(title)
        self._buttons.addButton(button, len(self._choices))
        self._choices.append(batches)
        names = [batch.name for batch in batches[:_MOST_NAMES]]
        more = len(batches) - len(names)
        detail = QLabel(", ".join(names) + (f" and {more} more" if more > 0 else ""))
        detail.setProperty("role", "muted")
        detail.setIndent(26)
        detail.setWordWrap(True)
        layout.addWidget(button)
        layout.addWidget(detail)
