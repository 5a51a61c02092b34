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


def depicting(
    structure: Structure, width: int, height: int, dark: bool, group: str | None
) -> Callable[[Ticket], Generator]:
    """The verb: returns the SVG of a structure with the atoms of a group highlighted."""

    def verb(ticket: Ticket) -> Generator[None, None, str]:
        yield
        from engine.chemistry.structure import depict_svg

        atoms = atoms_of_group(structure, group) if group else ()
        return depict_svg(structure, width, height, dark=dark, highlight_atoms=atoms)

    return verb


def atoms_of_group(structure: Structure, group: str) -> tuple[int, ...]:
    """The atoms that make up a group wherever it occurs, counted from 0 as the user gave them."""
    if group not in structure.groups:
        return ()
    from rdkit import Chem

    from engine.chemistry.functional_groups import group_atoms

    molecule = Chem.MolFromMolBlock(structure.molblock, removeHs=False)
    return tuple(sorted({atom for match in group_atoms(molecule, group) for atom in match}))
