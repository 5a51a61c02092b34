"""The molecules that ship: named compounds, homologous series, and products of reaction rules.

``python -m engine.library.starter_library --write`` makes the two generated files again after a
compound or a rule was added.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from engine.chemistry.compound_series import NamedCompound, compound_series
from engine.chemistry.product_enumeration import (
    ORGANIC_ELEMENTS,
    EnumeratedProduct,
    enumerate_products,
)
from engine.chemistry.reaction_rules import reaction_rules
from engine.installation import resource

FOLDER = "library"
NAMED_FILE = "named_compounds.smi"
SERIES_FILE = "compound_series.smi"
ENUMERATED_FILE = "enumerated.smi.gz"
ENUMERATED_COUNT = 52_000
SEED = 1

_LARGEST_BLOCK = 18  # heavy atoms
# Molecules of these classes are no starting materials that a chemist would react further.
_NO_BLOCKS = {"ligand", "catalyst", "plasticiser", "pesticide", "dye", "sugar", "nucleoside"}
# Long chains, free phosphoric and sulfonic acids, mustards, nitrosamines, and what falls apart.
_NO_BLOCK_PATTERNS = (
    "[CH2][CH2][CH2][CH2][CH2][CH2]", "[PX4][OX2H1]", "[SX4](=O)(=O)[OX2H1]", "P=S",
    "ClCCN", "[NX3][NX2]=O", "CN=NC", "OO", "[NX3][F,Cl,Br,I]", "[I;X3,X4,X5]", "S(=O)(=O)O[C,S]",
)  # fmt: skip


def starter_molecules() -> Iterator[tuple[str, str]]:
    """SMILES and name of every molecule of the starter library.

    The named compounds come first, then the series, then the enumerated ones, whose name is empty.
    """
    for compound in named_compounds():
        yield compound.smiles, compound.name
    for smiles, _ in enumerated_molecules():
        yield smiles, ""


@cache
def named_compounds() -> tuple[NamedCompound, ...]:
    """The compounds with names, those written one by one before those of the series.

    Raises ``ValueError`` with the file and line that does not hold SMILES, name, class, formula.
    """
    return (*_read_named(NAMED_FILE), *_read_named(SERIES_FILE))


def enumerated_molecules() -> Iterator[tuple[str, tuple[str, ...]]]:
    """SMILES of each enumerated molecule and the names of the reactions that made it, in order."""
    path = resource(FOLDER, ENUMERATED_FILE)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            smiles, reactions = line.rstrip("\n").split("\t")
            yield smiles, tuple(reactions.split("; "))


def building_blocks() -> list[str]:
    """The SMILES of the named compounds that the reaction rules may start from."""
    from rdkit import Chem

    unwanted = [Chem.MolFromSmarts(smarts) for smarts in _NO_BLOCK_PATTERNS]
    found = {}
    for compound in named_compounds():
        if compound.compound_class in _NO_BLOCKS:
            continue
        molecule = Chem.MolFromSmiles(compound.smiles)
        if (
            molecule.GetNumHeavyAtoms() <= _LARGEST_BLOCK
            and Chem.GetFormalCharge(molecule) == 0
            and not any(
                atom.GetIsotope()
                or atom.GetNumRadicalElectrons()
                or atom.GetSymbol() not in ORGANIC_ELEMENTS
                for atom in molecule.GetAtoms()
            )
            and not any(molecule.HasSubstructMatch(pattern) for pattern in unwanted)
        ):
            found.setdefault(Chem.MolToSmiles(molecule))
    return list(found)


def enumerate_starter_products(limit: int = ENUMERATED_COUNT) -> Iterator[EnumeratedProduct]:
    """The first ``limit`` enumerated molecules, made anew."""
    from engine.chemistry.structure import molecule_key

    known = {molecule_key(compound.smiles) for compound in named_compounds()}
    return enumerate_products(building_blocks(), reaction_rules(), limit, SEED, known)


def write_series(folder: Path) -> int:
    """Write the series, less the compounds that are named one by one; return how many."""
    from rdkit import Chem

    def key(smiles: str) -> str:
        return Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))

    seen = {key(compound.smiles) for compound in _read_named(NAMED_FILE)}
    lines = []
    for compound in compound_series():
        if (own := key(compound.smiles)) not in seen:
            seen.add(own)
            fields = compound.smiles, compound.name, compound.compound_class, compound.formula
            lines.append("\t".join(fields) + "\n")
    _write(folder / SERIES_FILE, "".join(lines).encode())
    named_compounds.cache_clear()
    return len(lines)


def write_enumerated(folder: Path, limit: int = ENUMERATED_COUNT) -> int:
    """Write the enumerated molecules; return how many."""
    packed = io.BytesIO()
    count = 0
    # Without the time of writing the same molecules give the same file.
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        for product in enumerate_starter_products(limit):
            file.write(f"{product.smiles}\t{'; '.join(product.reactions)}\n".encode())
            count += 1
            if count % 2_000 == 0:
                print(f"{count:,} molecules", file=sys.stderr, flush=True)
    _write(folder / ENUMERATED_FILE, packed.getvalue())
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m engine.library.starter_library")
    parser.add_argument("--write", action="store_true", help="make the generated files again")
    parser.add_argument("--limit", type=int, default=ENUMERATED_COUNT, metavar="N")
    options = parser.parse_args(arguments)
    folder = resource(FOLDER)
    if options.write:
        print(f"{write_series(folder):,} compounds in series", file=sys.stderr)
        print(f"{write_enumerated(folder, options.limit):,} enumerated", file=sys.stderr)
    else:
        print(f"{sum(1 for _ in starter_molecules()):,} molecules in {folder}")
    return 0


def _read_named(file_name: str) -> tuple[NamedCompound, ...]:
    path = resource(FOLDER, file_name)
    compounds = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t")
        if len(fields) != 4:
            raise ValueError(
                f"{path}, line {number}: SMILES, name, class and formula were expected, "
                f"separated by tabs, but there are {len(fields)} fields"
            )
        compounds.append(NamedCompound(*fields))
    return tuple(compounds)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)


if __name__ == "__main__":
    raise SystemExit(main())
