"""The two menus of the Processing panel: steps to add, and everything else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from specgui.processing_editing import PROJECT, SAMPLE
from specgui.views.preset_menu import PresetMenu
from specgui.workspace import Workspace


class ProcessingMenus:
    """Fills the menus anew each time they open, with what suits the spectrum in hand."""

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        self._editing = workspace.processing
        self.presets = PresetMenu(workspace, parent)

    def fill_add(self, menu: QMenu, current: int, add: Callable[[str], None]) -> None:
        """The steps that can stand somewhere in the chain; ``current`` is the chosen step."""
        from engine.processing.steps import GROUPS, STEP_KINDS

        menu.clear()
        run = self._editing.last_run
        if run is None:
            menu.addAction("Looking at what suits…").setEnabled(False)
            return
        place = current + 1 if current >= 0 else len(run.outcomes)
        for group in GROUPS:
            kinds = [
                kind for kind in STEP_KINDS.values()
                if kind.group == group
                and (run.place_for(kind.name, place) is not None or kind.name in run.prepared)
            ]  # fmt: skip
            if kinds:
                _title(menu, group)
            for kind in kinds:
                action = menu.addAction(kind.title, partial(add, kind.name))
                action.setToolTip(kind.tip)
                action.setStatusTip(kind.tip)

    def fill_more(self, menu: QMenu, show_as_read: Callable[[], None]) -> None:
        """Default, none, other spectra, presets."""
        menu.clear()
        editing, entry = self._editing, self._editing.entry
        if entry is None:
            return
        default = menu.addAction("Default processing", partial(editing.use, None))
        default.setEnabled(not editing.is_default)
        none = menu.addAction("No processing (as read)", show_as_read)
        none.setEnabled(bool(editing.steps))
        menu.addSeparator()
        for scope in (SAMPLE, PROJECT):
            count = len(editing.others(scope))
            text = f"Apply to all {entry.spectrum.technique} spectra of the {scope}"
            action = menu.addAction(
                f"{text} ({count} more)" if count else text,
                partial(editing.apply_to_others, scope),
            )
            action.setEnabled(count > 0)
        menu.addSeparator()
        self.presets.fill(menu)


def _title(menu: QMenu, text: str) -> None:
    """A heading in a menu: the style shows no text in a section of its own."""
    if not menu.isEmpty():
        menu.addSeparator()
    menu.addAction(text).setEnabled(False)
