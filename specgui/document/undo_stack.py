"""The steps that can be undone and redone, as pairs of states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from engine.library.project import ProjectState


@dataclass(frozen=True, eq=False)
class _Step:
    title: str
    before: ProjectState
    after: ProjectState
    call: int | None


class UndoStack(QObject):
    """What ``QUndoStack`` does, by the same names, without its commands.

    PySide frees commands that are written in Python twice when the garbage collector finds them
    together with their stack, which ends the program. States need no commands: going from one to
    another is all there is to do, and ``go_to`` does it. There is no limit.
    """

    indexChanged = Signal(int)  # noqa: N815

    def __init__(self, go_to: Callable[[ProjectState], None], parent: QObject) -> None:
        super().__init__(parent)
        self._go_to = go_to
        self._steps: list[_Step] = []
        self._index = 0

    def push(
        self, title: str, before: ProjectState, after: ProjectState, call: int | None = None
    ) -> None:
        """Do a step; what was undone can no longer be redone.

        Steps of one ``call`` that follow each other become one, named after the samples they open.
        """
        del self._steps[self._index :]
        last = self._steps[-1] if self._steps else None
        if last is not None and call is not None and last.call == call:
            opened = len(after.samples) - len(last.before.samples)
            self._steps[-1] = replace(last, title=f"Open {opened} samples", after=after)
        else:
            self._steps.append(_Step(title, before, after, call))
        self._move_to(len(self._steps), after)

    def extend(self, after: ProjectState) -> None:
        """Let what follows from the last step belong to it, under its title."""
        del self._steps[self._index :]
        self._steps[-1] = replace(self._steps[-1], after=after)
        self._move_to(self._index, after)

    @property
    def before(self) -> ProjectState | None:
        """The state before the step that would be undone; None without one."""
        return self._steps[self._index - 1].before if self.canUndo() else None

    def undo(self) -> None:
        if self.canUndo():
            self._move_to(self._index - 1, self._steps[self._index - 1].before)

    def redo(self) -> None:
        if self.canRedo():
            self._move_to(self._index + 1, self._steps[self._index].after)

    def clear(self) -> None:
        """Forget every step."""
        self._steps.clear()
        self._index = 0
        self.indexChanged.emit(0)

    def count(self) -> int:
        return len(self._steps)

    def canUndo(self) -> bool:
        return self._index > 0

    def canRedo(self) -> bool:
        return self._index < len(self._steps)

    def undoText(self) -> str:
        """The title of the step that would be undone."""
        return self._steps[self._index - 1].title if self.canUndo() else ""

    def redoText(self) -> str:
        """The title of the step that would be redone."""
        return self._steps[self._index].title if self.canRedo() else ""

    def _move_to(self, index: int, state: ProjectState) -> None:
        self._index = index
        self._go_to(state)
        self.indexChanged.emit(index)
