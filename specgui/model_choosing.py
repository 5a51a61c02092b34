"""Which weights name the groups in the window: the open ones, or those for noncommercial use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from engine.library.model_choice import CHOICE_NAMES, OPEN, licence_of

if TYPE_CHECKING:
    from engine.spectra import Sample
    from specgui.document import SampleEntry
    from specgui.workspace import Workspace

MODEL, UNKNOWN_IS_EI = "group_model", "unknown_is_ei"


class ModelChoosing(QObject):
    """The choice is a view option; when it changes, all groups are named anew with it."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        workspace.options.changed.connect(self._on_option)

    @property
    def choice(self) -> str:
        """The name of the choice; what an older version saved and is unknown now is open."""
        name = self._workspace.options[MODEL]
        return name if name in CHOICE_NAMES else OPEN

    @property
    def unknown_is_ei(self) -> bool:
        """Whether spectra of no named ionisation are taken as electron ionisation's."""
        return self.choice != OPEN and self._workspace.options[UNKNOWN_IS_EI]

    @property
    def licence(self) -> str:
        """The licence of the choice; empty where its weights are not installed."""
        from engine.library.group_model import NoModelError

        try:
            return licence_of(self.choice)
        except NoModelError:
            return ""

    def prepared(self, sample: SampleEntry) -> Callable[[], Sample]:
        """What makes a sample as the chosen model is to read it; for a worker's thread."""
        if not self.unknown_is_ei:
            return sample.processed

        def make() -> Sample:
            from engine.encoding.electron_ionisation import said_to_be_electron_ionisation

            return said_to_be_electron_ionisation(sample.processed())

        return make

    def _on_option(self, name: str) -> None:
        if name == MODEL or (name == UNKNOWN_IS_EI and self.choice != OPEN):
            self._name_anew()

    def _name_anew(self) -> None:
        self._workspace.findings.replace_all({})
        for sample in self._workspace.document.samples:
            self._workspace.removals.clear(sample)
            self._workspace.identify_groups(sample)
