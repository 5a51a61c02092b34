"""The presets of processing in a menu: use, keep, rename and delete them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QInputDialog, QLineEdit, QMenu, QWidget

from specgui.document import Problem
from specgui.document.problems import WARNING
from specgui.workspace import Workspace

if TYPE_CHECKING:
    from engine.library.processing_presets import Preset, PresetStore

_ADVICE = "Save the presets that you need again."
_WRITE_ADVICE = "Make room on the disk, and see that the folder can be written to."


class PresetMenu:
    """Fills a menu with the presets that suit the spectrum whose processing is edited."""

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        self._workspace = workspace
        self._editing = workspace.processing
        self._parent = parent
        self._store: PresetStore | None = None

    @property
    def store(self) -> PresetStore:
        """Where the presets are kept."""
        if self._store is None:
            from engine.library.processing_presets import PresetStore

            self._store = PresetStore()
        return self._store

    @store.setter
    def store(self, store: PresetStore) -> None:
        self._store = store

    def fill(self, menu: QMenu) -> None:
        """Add the presets, and what can be done with them, to a menu."""
        entry = self._editing.entry
        if entry is None:
            return
        technique = str(entry.spectrum.technique)
        presets = self.store.of(technique, entry.spectrum.kind == "fid")
        self._say_damage()
        menu.addAction(f"Presets for {technique}").setEnabled(False)
        for preset in presets:
            action = menu.addAction(preset.name, partial(self._editing.use, preset.chain))
            action.setToolTip(", ".join(step.title for step in preset.chain.steps) or "No step")
        save = menu.addAction("Save as preset…", self.save)
        save.setEnabled(bool(self._editing.steps))
        if presets:
            renaming, deleting = menu.addMenu("Rename preset"), menu.addMenu("Delete preset")
            for preset in presets:
                renaming.addAction(f"{preset.name}…", partial(self.rename, preset))
                deleting.addAction(preset.name, partial(self.delete, preset))

    def save(self) -> None:
        """Ask for a name and keep the steps as they are shown under it."""
        entry, steps = self._editing.entry, self._editing.steps
        if entry is None or steps is None:
            return
        name = self._ask("Save as preset", "")
        if name is None:
            return
        from engine.library.processing_presets import Preset, checked_name
        from engine.processing import Chain

        is_fid = entry.spectrum.kind == "fid"
        self._do(
            lambda: self.store.save(
                Preset(checked_name(name), entry.spectrum.technique, is_fid, Chain(steps))
            )
        )

    def rename(self, preset: Preset) -> None:
        """Ask for another name of a preset."""
        name = self._ask("Rename preset", preset.name)
        if name is not None:
            self._do(lambda: self.store.rename(preset, name))

    def delete(self, preset: Preset) -> None:
        """Forget a preset."""
        self._do(lambda: self.store.delete(preset))

    def _ask(self, title: str, text: str) -> str | None:
        name, accepted = QInputDialog.getText(
            self._parent, title, "Name of the preset:", QLineEdit.EchoMode.Normal, text
        )
        return name if accepted and name.strip() else None

    def _do(self, change) -> None:
        try:
            change()
        except ValueError as error:
            said = str(error)
            advice = _WRITE_ADVICE if "written" in said else "Choose another name."
            self._workspace.problems.add(Problem("Presets", said, advice))
        self._say_damage()

    def _say_damage(self) -> None:
        self._workspace.problems.add(
            *(Problem("Presets", said, _ADVICE, WARNING) for said in self.store.damage)
        )
