"""Reading and drawing structures off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure


def parsing(text: str) -> Callable[[Ticket], Generator]:
    """The verb: returns a ``Structure``; raises ``ValueError`` when the text is none."""

    def verb(ticket: Ticket) -> Generator[None, None, Structure]:
        yield
        from engine.chemistry.structure import parse_structure

        return parse_structure(text)

    return verb


def atoms_of_group(structure: Structure, group: str) -> tuple[int, ...]:
    """The atoms that make up a group wherever it occurs, counted from 0 as the user gave them."""
    return structure.atoms_of(group) if group in structure.groups else ()
