"""A molecule's structure as a chemist gives it: read, named by its key, and drawn."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STRUCTURE_SUFFIXES = (".mol", ".mdl", ".sdf", ".smi", ".smiles")

# A structure file or text larger than this is no single molecule; RDKit would read on for minutes.
_LARGEST_TEXT = 2_000_000
_LARGEST_LINE_NOTATION = 5_000


@dataclass(frozen=True)
class Structure:
    """A molecule.

    ``smiles`` is canonical; ``molblock`` keeps the atoms in the order in which they were given
    (and their coordinates, or 2D ones made for the drawing), so atom numbers count from 0 in it.
    ``formula`` is in Hill order; ``groups`` names those of the 37 functional groups that it holds;
    ``name`` is the title of the file or what follows a SMILES, else empty.
    """

    smiles: str
    molblock: str
    formula: str
    groups: frozenset[str]
    name: str = ""

    @property
    def key(self) -> str:
        """The first block of its InChIKey."""
        return molecule_key(self.smiles)

    def atoms_of(self, group: str) -> tuple[int, ...]:
        """The atoms of every occurrence of a functional group, numbered as given, ascending.

        Empty when the structure has no such group; raises ``KeyError`` for an unknown name.
        """
        from rdkit import Chem

        from engine.chemistry.functional_groups import group_atoms

        with _silent_rdkit():
            molecule = Chem.MolFromMolBlock(self.molblock, removeHs=False)
            bare, given_number = _without_hydrogens(molecule)
        found = {atom for match in group_atoms(bare, group) for atom in match}
        return tuple(sorted(given_number[atom] for atom in found))


def parse_structure(text: str | Path) -> Structure:
    """The structure in a SMILES, an InChI, a molblock, or the first one of a structure file.

    ``text`` may be the path of a ``.mol``, ``.mdl``, ``.sdf``, ``.smi`` or ``.smiles`` file. Raises
    ``ValueError`` with a sentence that says what is wrong with it.
    """
    content = _content_of(text)
    if not content.strip():
        raise ValueError("a structure was expected, but the text is empty")
    with _silent_rdkit():
        molecule, name = _molecule_in(content)
        return _structure_of(molecule, name)


def heavy_atoms(structure: Structure | str | Path):
    """A structure as an RDKit molecule without explicit hydrogens, and its atoms' given numbers.

    Returns ``(molecule, numbers)``: ``numbers[i]`` is the number, in the structure as given, of
    the molecule's atom ``i``. Raises ``ValueError`` as :func:`parse_structure` does.
    """
    from rdkit import Chem

    if not isinstance(structure, Structure):
        structure = parse_structure(structure)
    with _silent_rdkit():
        molecule = Chem.MolFromMolBlock(structure.molblock, removeHs=False)
        return _without_hydrogens(molecule)


def molecule_key(smiles: str) -> str:
    """The first block (14 letters) of the InChIKey of a SMILES; raises ``ValueError``."""
    from rdkit import Chem

    with _silent_rdkit():
        key = Chem.MolToInchiKey(_molecule_of_smiles(smiles))
    if not key:
        raise ValueError(f"no InChIKey can be made of {_shown(smiles)}")
    return key.split("-")[0]


def split_of(key: str) -> str:
    """The split that holds a molecule: ``train``, ``valid``, ``test`` or ``hidden``.

    ``key`` is the first block of its InChIKey; SHA-1 of it modulo 100 is below 75 for ``train``,
    75 to 82 ``valid``, 83 to 92 ``test``, 93 to 99 ``hidden``: the same molecule is in the same
    split of every table.
    """
    share = int(hashlib.sha1(key.encode()).hexdigest(), 16) % 100
    for split, end in (("train", 75), ("valid", 83), ("test", 93)):
        if share < end:
            return split
    return "hidden"


def depict_svg(
    structure: Structure | str,
    width: int = 320,
    height: int = 240,
    dark: bool = False,
    highlight_atoms: Iterable[int] = (),
    numbered: bool = False,
) -> str:
    """A 2D drawing as SVG on a transparent background, ``width`` by ``height`` pixels.

    ``dark`` takes light lines for a dark window. ``highlight_atoms`` are atom numbers of the
    structure as given, from 0, marked together with the bonds between them; ``numbered`` writes the
    same numbers beside the atoms. Each drawn atom has
    the SVG class ``atom-<number>`` with the same number. Hydrogens given as atoms are not drawn.
    Raises ``ValueError`` for what is no structure and for an atom number that it has not.
    """
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    if not isinstance(structure, Structure):
        structure = parse_structure(structure)
    marked = set(highlight_atoms)
    with _silent_rdkit():
        molecule = Chem.MolFromMolBlock(structure.molblock, removeHs=False)
        unknown = marked - set(range(molecule.GetNumAtoms()))
        if unknown:
            raise ValueError(
                f"atom {min(unknown)} is not in the structure, whose atoms are 0 to "
                f"{molecule.GetNumAtoms() - 1}"
            )
        molecule, given_number = _without_hydrogens(molecule)
        if molecule.GetConformer().Is3D() or _overlaps(molecule):
            Chem.rdDepictor.Compute2DCoords(molecule)
        for atom, given in zip(molecule.GetAtoms(), given_number, strict=True):
            if numbered:
                atom.SetProp("atomNote", str(given))
        drawing = rdMolDraw2D.MolDraw2DSVG(width, height)
        options = drawing.drawOptions()
        if dark:
            rdMolDraw2D.SetDarkMode(options)
        options.clearBackground = False
        # Opaque: Qt draws a colour with an alpha channel (#RRGGBBAA) as black.
        options.setHighlightColour((0.55, 0.38, 0.08) if dark else (1.0, 0.83, 0.45))
        drawn = [number for number, given in enumerate(given_number) if given in marked]
        bonds = [
            bond.GetIdx()
            for bond in molecule.GetBonds()
            if bond.GetBeginAtomIdx() in drawn and bond.GetEndAtomIdx() in drawn
        ]
        rdMolDraw2D.PrepareAndDrawMolecule(
            drawing, molecule, highlightAtoms=drawn, highlightBonds=bonds
        )
        drawing.FinishDrawing()
    svg = drawing.GetDrawingText().replace("encoding='iso-8859-1'", "encoding='utf-8'")

    def renumbered(found: re.Match[str]) -> str:
        number = int(found[1])
        # RDKit draws a hydrogen on a stereocentre in two rings, which is no atom of the structure.
        return f"atom-{given_number[number]}" if number < len(given_number) else "hydrogen"

    return re.sub(r"\batom-(\d+)", renumbered, svg)


@contextmanager
def _silent_rdkit():
    # RDKit writes its complaints to stderr; ours go into the exception.
    from rdkit import rdBase

    with rdBase.BlockLogs():
        yield


def _content_of(text: str | Path) -> str:
    one_line = "\n" not in str(text) and len(str(text)) < 4096
    is_path = isinstance(text, Path) or (
        one_line and str(text).strip().lower().endswith(STRUCTURE_SUFFIXES)
    )
    if not is_path:
        if len(str(text)) > _LARGEST_TEXT:
            raise ValueError(f"the text is too long for one structure: {len(text):,} characters")
        return str(text)
    path = Path(str(text).strip())
    if path.suffix.lower() not in STRUCTURE_SUFFIXES:
        raise ValueError(f"{path.name} is no structure file ({', '.join(STRUCTURE_SUFFIXES)})")
    if not path.is_file():
        raise ValueError(f"there is no structure file {path}")
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_TEXT)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    # Of a file of many molecules the first is taken; its text ends at $$$$ or at the line's end.
    content = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    if path.suffix.lower() in (".smi", ".smiles"):
        return next((line for line in content.splitlines() if line.strip()), "")
    return content.split("\n$$$$", 1)[0]


def _molecule_in(content: str):
    from rdkit import Chem

    if "\n" in content.strip("\r\n"):
        lines = content.splitlines()
        counts = next((line for line in lines[:6] if "V2000" in line or "V3000" in line), None)
        if counts is None:
            raise ValueError(
                "a molblock was expected in the text of several lines, but it has no V2000 or "
                "V3000 counts line"
            )
        # The counts line is the fourth; a block pasted without its empty first lines is mended.
        missing = max(0, 3 - lines.index(counts))
        block = "\n" * missing + "\n".join(lines)
        molecule = Chem.MolFromMolBlock(block, removeHs=False)
        if molecule is None:
            raw = Chem.MolFromMolBlock(block, removeHs=False, sanitize=False)
            if raw is None:
                raise ValueError("the molblock cannot be read: it is cut or its lines are damaged")
            raise ValueError(_why_impossible(raw, "the molblock"))
        if molecule.GetNumAtoms() == 0:
            raise ValueError("the molblock holds no atoms")
        return molecule, "" if missing else lines[0].strip()
    line = content.strip()
    if len(line) > _LARGEST_LINE_NOTATION:
        raise ValueError(f"the text is too long for a SMILES: {len(line):,} characters")
    notation, _, name = line.partition("\t" if "\t" in line else " ")
    if notation.startswith("InChI="):
        molecule = Chem.MolFromInchi(notation, removeHs=False)
        if molecule is None:
            raise ValueError(f"{_shown(notation)} is not a valid InChI")
        return molecule, name.strip()
    return _molecule_of_smiles(notation), name.strip()


def _molecule_of_smiles(smiles: str):
    from rdkit import Chem

    if len(smiles) > _LARGEST_LINE_NOTATION:
        raise ValueError(f"the text is too long for a SMILES: {len(smiles):,} characters")
    options = Chem.SmilesParserParams()
    options.removeHs = False
    molecule = Chem.MolFromSmiles(smiles, options)
    if molecule is None:
        options.sanitize = False
        raw = Chem.MolFromSmiles(smiles, options)
        if raw is None:
            raise ValueError(f"{_shown(smiles)} is not a valid SMILES")
        raise ValueError(_why_impossible(raw, _shown(smiles)))
    if molecule.GetNumAtoms() == 0:
        raise ValueError("the SMILES holds no atoms")
    return molecule


def _why_impossible(raw, what: str) -> str:
    from rdkit import Chem

    try:
        problems = Chem.DetectChemistryProblems(raw)
    except RuntimeError:  # RDKit's own checks fail on atoms that make no sense at all
        problems = ()
    reasons = [re.sub(r"\s+", " ", p.Message()).strip() for p in problems]
    return f"{what} is no possible molecule: {reasons[0] if reasons else 'RDKit refuses it'}"


def _structure_of(molecule, name: str) -> Structure:
    from rdkit import Chem
    from rdkit.Chem import rdDepictor
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    from engine.chemistry.functional_groups import GROUP_NAMES, groups_of

    if molecule.GetNumConformers() == 0:
        rdDepictor.Compute2DCoords(molecule)
    elif molecule.GetConformer().Is3D():
        Chem.AssignStereochemistryFrom3D(molecule)
    bare, _ = _without_hydrogens(molecule)
    present = groups_of(bare)
    block = Chem.Mol(molecule)
    block.SetProp("_Name", name)
    return Structure(
        smiles=Chem.MolToSmiles(bare),
        molblock=Chem.MolToMolBlock(block, forceV3000=block.GetNumAtoms() > 999),
        formula=CalcMolFormula(molecule),
        groups=frozenset(n for n, found in zip(GROUP_NAMES, present, strict=True) if found),
        name=name,
    )


def _without_hydrogens(molecule):
    from rdkit import Chem

    numbered = Chem.Mol(molecule)
    for atom in numbered.GetAtoms():
        atom.SetIntProp("given number", atom.GetIdx())
    bare = Chem.RemoveHs(numbered)
    return bare, [atom.GetIntProp("given number") for atom in bare.GetAtoms()]


def _overlaps(molecule) -> bool:
    # A molblock with every atom at the origin is common; it would be drawn as one spot.
    positions = molecule.GetConformer().GetPositions()
    return len(positions) > 1 and float(abs(positions - positions[0]).max()) < 0.1


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
