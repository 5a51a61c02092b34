"""The molecule libraries of this computer, and the jobs that make and remove them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.document import Problem
from specgui.workers.job_board import Job, Request
from specgui.workers.library_jobs import (
    READY,
    LibraryOrder,
    ListedLibrary,
    building,
    listing,
    removing,
)

if TYPE_CHECKING:
    from specgui.workspace import Workspace

_LANE = "libraries"
_LIST = ("libraries",)


class LibraryShelf(QObject):
    """Lists libraries and builds them one after the other; ``changed`` follows every change."""

    changed = Signal()
    built = Signal(str)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._libraries: tuple[ListedLibrary, ...] = ()
        self._is_known = False
        self._starter_wanted = self._starter_begun = False
        self._building: tuple[str, ...] = ()
        workspace.jobs.changed.connect(self._follow_jobs)

    # what is there

    @property
    def libraries(self) -> tuple[ListedLibrary, ...]:
        return self._libraries

    @property
    def is_known(self) -> bool:
        """Whether the list has been read."""
        return self._is_known

    @property
    def searchable(self) -> tuple[ListedLibrary, ...]:
        return tuple(one for one in self._libraries if one.state == READY)

    @property
    def default(self) -> str:
        """The name of the library that is offered first."""
        return self.searchable[0].name if self.searchable else ""

    @property
    def in_work(self) -> tuple[str, ...]:
        """The names of the libraries that are being built, or wait for it."""
        jobs = self._workspace.jobs.jobs
        return tuple(j.request.key[1] for j in jobs if j.request.key[0] == "build")

    def job_of(self, name: str) -> Job | None:
        """The job that builds a library, running or waiting."""
        key = ("build", name)
        return next((j for j in self._workspace.jobs.jobs if j.request.key == key), None)

    def refresh(self) -> None:
        """Read the list anew, in the background."""
        self._workspace.jobs.submit(
            Request(
                _LIST, "Listing libraries", listing(), "library list",
                on_done=self._on_listed, on_error=self._on_not_listed, quiet=True,
            )
        )  # fmt: skip

    # making and removing

    def build(self, order: LibraryOrder) -> None:
        """Build a library in the background; one of the same name is replaced when it is done."""
        self._workspace.jobs.submit(
            Request(
                ("build", order.name), f"Building the library {order.name}", building(order), _LANE,
                on_done=self._on_built, on_error=partial(self._on_not_built, order.name),
                on_cancelled=self.refresh,
            )
        )  # fmt: skip
        self.changed.emit()

    def cancel(self, name: str) -> None:
        """Stop building a library; what is finished stays, to go on with later."""
        self._workspace.jobs.cancel(("build", name))

    def resume(self, library: ListedLibrary) -> None:
        """Go on building a library where that was stopped."""
        source = None if library.is_starter else Path(library.source)
        self.build(LibraryOrder(library.name, source))

    def complete_starter(self) -> None:
        """Build the rest of the starter library, once, where only those with names are there."""
        if not self._starter_wanted:
            self._starter_wanted = True
            self.refresh()

    def remove(self, name: str) -> None:
        self._workspace.jobs.submit(
            Request(
                ("remove", name), f"Removing the library {name}", removing(name), _LANE,
                on_done=lambda _: self.refresh(), on_error=partial(self._on_not_removed, name),
            )
        )  # fmt: skip

    def _on_listed(self, libraries: tuple[ListedLibrary, ...]) -> None:
        self._libraries, self._is_known = libraries, True
        part = next((one for one in libraries if one.is_part), None)
        if self._starter_wanted and part is not None and not self._starter_begun:
            self._starter_begun = True
            self.build(LibraryOrder(part.name))
        self.changed.emit()

    def _on_not_listed(self, error: Exception) -> None:
        self._is_known = True
        self._workspace.problems.add(Problem("Libraries", f"cannot be listed: {_sentence(error)}"))
        self.changed.emit()

    def _on_built(self, name: str | None) -> None:
        self.refresh()
        if name is not None:
            self.built.emit(name)

    def _on_not_built(self, name: str, error: Exception) -> None:
        self._workspace.problems.add(
            Problem(
                f"Library {name}", f"cannot be built: {_sentence(error)}",
                "Mend the file, then build it again: what is finished is kept.",
            )
        )  # fmt: skip
        self.refresh()

    def _on_not_removed(self, name: str, error: Exception) -> None:
        self._workspace.problems.add(Problem(f"Library {name}", _sentence(error)))
        self.refresh()

    def _follow_jobs(self) -> None:
        """Tell the views when a build begins, ends or gets on."""
        jobs = self._workspace.jobs.jobs_of(_LANE)
        now = tuple(f"{j.request.key} {j.running} {j.text} {j.fraction}" for j in jobs)
        if now != self._building:
            self._building = now
            self.changed.emit()


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
