"""Listing, building and removing molecule libraries off the GUI thread."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specgui.workers.job_board import Ticket

READY, UNFINISHED = "ready", "unfinished"
_MOST_WORKERS = 4

Verb = Callable[[Ticket], Generator[None, None, Any]]


@dataclass(frozen=True)
class ListedLibrary:
    """A library as the list shows it.

    ``state`` is ``ready`` or ``unfinished`` (its building was stopped). ``is_stale``: its shifts
    were predicted by another model than the one that ships now. ``is_starter``: it is made of the
    molecules that ship; ``is_part``: only of those with names.
    """

    name: str
    state: str = READY
    size: int = 0
    model: str = ""
    created: str = ""
    source: str = ""
    is_stale: bool = False
    notes: tuple[str, ...] = ()
    is_starter: bool = False
    is_part: bool = False

    @property
    def title(self) -> str:
        return f"{self.name} ({self.size:,})" if self.size else self.name


@dataclass(frozen=True)
class LibraryOrder:
    """What is to be built: from which file, and of a table which columns (None: found by title).

    Without a file it is the starter library, of the molecules that ship.
    """

    name: str
    source: Path | None = None
    smiles_column: int | None = None
    name_column: int | None = None


def listing() -> Verb:
    """The verb: returns the libraries there are, unfinished ones too, as a tuple."""

    def verb(ticket: Ticket) -> Generator[None, None, tuple[ListedLibrary, ...]]:
        yield
        from engine.library.library_build import unfinished_builds
        from engine.library.library_choice import STARTER, is_starter_part, shipped_model_name
        from engine.library.library_files import list_libraries

        manifests = list_libraries()
        unfinished = unfinished_builds()
        yield
        model = shipped_model_name()
        found = [
            ListedLibrary(
                m.name, READY, m.size, m.model, m.created, m.source,
                bool(model) and m.model != model, _notes(m), m.name == STARTER,
                is_starter_part(m),
            )
            for m in manifests
        ]  # fmt: skip
        found += [
            ListedLibrary(name, UNFINISHED, source=source, is_starter=name == STARTER)
            for name, source in unfinished.items()
        ]
        return tuple(found)

    return verb


def building(order: LibraryOrder) -> Verb:
    """The verb: builds a library, or goes on where that was stopped; returns its name.

    Raises the engine's errors; cancelled, it returns None and what was finished stays.
    """

    def verb(ticket: Ticket) -> Generator[None, None, str | None]:
        ticket.report(None, f"Building the library {order.name}")
        yield
        from engine.library.library_build import build_library
        from engine.library.library_choice import build_starter

        def report(progress) -> None:
            ticket.report(progress.done, _told(order.name, progress))

        how = {"workers": _workers(), "report": report, "is_cancelled": ticket.is_cancelled}
        try:
            if order.source is None:
                build_starter(**how)
            else:
                source = _list_of(order, ticket)
                yield
                build_library(order.name, source, **how)
        except CancelledError:
            return None
        _columns_list(order.name).unlink(missing_ok=True)
        return order.name

    return verb


def removing(name: str) -> Verb:
    """The verb: removes a library and what a stopped build of it left."""

    def verb(ticket: Ticket) -> Generator[None, None, None]:
        yield
        from engine.library.library_files import remove_library

        remove_library(name)
        _columns_list(name).unlink(missing_ok=True)

    return verb


def looking_at_table(path: Path) -> Verb:
    """The verb: returns the ``TableColumns`` of a CSV file."""

    def verb(ticket: Ticket) -> Generator[None, None, Any]:
        yield
        from engine.library.column_choice import table_columns

        return table_columns(path)

    return verb


def _list_of(order: LibraryOrder, ticket: Ticket) -> Path:
    """The file to be read: of a table whose columns were chosen, a list made of those."""
    if order.smiles_column is None:
        return order.source
    from engine.library.column_choice import write_smiles_list

    target = _columns_list(order.name)
    ticket.report(None, f"Reading {order.source.name}")
    write_smiles_list(
        order.source, target, order.smiles_column, order.name_column, ticket.is_cancelled
    )
    return target


def _columns_list(name: str) -> Path:
    """Where the chosen columns of a table lie until the library is built, through stops too."""
    from engine.library.library_files import checked_name, libraries_folder

    return libraries_folder() / ".columns" / f"{checked_name(name)}.smi"


def _told(name: str, progress) -> str:
    if progress.stage != "predicting":
        return f"Building {name}: {progress.stage}"
    return f"Building {name}: {progress.molecules:,} molecules"


def _workers() -> int:
    """Processes beside the window: half the cores, so that the window stays fluid.

    A program that was packed into one file would start its window again; there a thread works.
    """
    if getattr(sys, "frozen", False):
        return 0
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 2) // 2))


def _notes(manifest) -> tuple[str, ...]:
    said = []
    if manifest.broken:
        first = f"; the first: {manifest.first_broken[0]}" if manifest.first_broken else ""
        said.append(f"{manifest.broken:,} of {manifest.records:,} records are no molecules{first}")
    if manifest.duplicates:
        said.append(f"{manifest.duplicates:,} records repeat a molecule")
    return tuple(said)
