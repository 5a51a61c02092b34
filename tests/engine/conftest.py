"""Small networks and small tables that the tests of learning share."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

_LEARNING = {"networks", "training", "evaluation", "tasks", "library"}

# Molecules of many groups, and a 13C and a 1H list for each from textbook shifts.
MOLECULES = (
    ("CCO", [58.0, 18.2], [3.7, 1.2]),
    ("CC(C)=O", [206.7, 30.8], [2.1]),
    ("CC(=O)O", [178.1, 20.8], [2.1, 11.4]),
    ("CC#N", [116.4, 1.9], [2.0]),
    ("CC(N)=O", [173.4, 22.3], [2.0, 6.2]),
    ("Cc1ccccc1", [137.8, 129.1, 128.3, 125.4, 21.4], [2.3, 7.2]),
    ("Oc1ccccc1", [155.1, 129.7, 121.0, 115.4], [5.5, 7.2, 6.9, 6.8]),
    ("CCOC(C)=O", [171.0, 60.4, 21.0, 14.2], [4.1, 2.0, 1.3]),
    ("CC=O", [200.5, 31.2], [9.8, 2.2]),
    ("CCN", [36.9, 19.0], [2.7, 1.1]),
    ("CS(C)=O", [40.6], [2.6]),
    ("CC(Cl)C", [53.9, 27.3], [4.2, 1.5]),
)


@pytest.fixture(autouse=True)
def one_thread(request):
    """Networks of these tests are small: more threads only wait for each other."""
    if request.path.parent.name in _LEARNING:
        import torch

        torch.set_num_threads(1)


@pytest.fixture
def small_network():
    """A SymSpectra of a few thousand weights with the five channels and 37 labels."""
    import torch

    from engine.chemistry.functional_groups import GROUP_NAMES
    from engine.chemistry.label_order import iupac_order
    from engine.encoding.channels import CHANNEL_NAMES
    from engine.networks.symspectra import SymSpectra, SymSpectraConfig

    def build(seed: int = 0, **changes):
        torch.manual_seed(seed)
        sizes = {
            "stem": 8, "width": 16, "pools": (4, 4), "heads": 2, "reduced": 4, "fused": 32,
        }  # fmt: skip
        sizes |= {"channels": CHANNEL_NAMES, "labels": GROUP_NAMES, "order": iupac_order()}
        return SymSpectra(SymSpectraConfig(**(sizes | changes)))

    return build


@pytest.fixture
def small_cnn():
    import torch

    from engine.chemistry.functional_groups import GROUP_NAMES
    from engine.encoding.channels import CHANNEL_NAMES
    from engine.networks.cnn_1d import Cnn1d, Cnn1dConfig

    def build(seed: int = 0, **changes):
        torch.manual_seed(seed)
        sizes = {"channels": CHANNEL_NAMES, "labels": GROUP_NAMES, "filters": (3, 4)}
        return Cnn1d(Cnn1dConfig(**(sizes | {"dense": (16, 8)} | changes)))

    return build


@pytest.fixture
def plain_calibration():
    """Logits as they are, and one half as every threshold."""
    from engine.library.group_model import Calibration, LabelCalibration

    return Calibration(LabelCalibration(np.ones(37), np.zeros(37), np.full(37, 0.5)), {})


@pytest.fixture
def description():
    """What is written beside the weights of a small SymSpectra."""
    return {
        "kind": "symspectra", "name": "Small", "version": "7", "licence": "MIT",
        "train_positives": list(range(37)),
    }  # fmt: skip


def infrared_row(smiles: str) -> dict:
    """A row of ``ir_xtb``: one stretch a bond at about the place that GFN2-xTB gives it."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    places = {
        frozenset("CH"): 2994.0, frozenset("OH"): 3536.0, frozenset("NH"): 3457.0,
        frozenset("CCl"): 767.0,
    }  # fmt: skip
    frequencies, intensities, stretches = [], [], []
    for number, bond in enumerate(molecule.GetBonds()):
        first, second = bond.GetBeginAtom(), bond.GetEndAtom()
        ends = frozenset((first.GetSymbol(), second.GetSymbol()))
        order = bond.GetBondTypeAsDouble()
        wavenumber = 2390.0 if order == 3 else 1780.0 if ends == {"C", "O"} and order == 2 else 0
        frequencies.append(wavenumber or places.get(ends, 1050.0 + 7 * number))
        intensities.append(20.0 + 3 * number)
        stretches.append([number, first.GetIdx(), second.GetIdx(), 0.9])
    return {
        "smiles": smiles,
        "elements": [atom.GetSymbol() for atom in molecule.GetAtoms()],
        "xyz": molecule.GetConformer().GetPositions().round(4).tolist(),
        "freq": frequencies,
        "ir": intensities,
        "stretch": stretches,
    }


def write_table(path: Path, rows: list[dict]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def write_tables(folder: Path) -> Path:
    """All four tables, with the same twelve molecules in train, valid and test."""
    from engine.chemistry.structure import molecule_key

    for split in ("train", "valid", "test"):
        nmr, infrared, masses = [], [], []
        for smiles, carbon, proton in MOLECULES:
            key = molecule_key(smiles)
            nmr.append(
                {
                    "key": key, "smiles": smiles, "meta": {"1H": {"field_mhz": "400.1"}},
                    "c13": [{"ppm": ppm, "n": 1} for ppm in carbon],
                    "h1": [{"ppm": ppm, "n": 1} for ppm in proton],
                }
            )  # fmt: skip
            infrared.append({"key": key, **infrared_row(smiles)})
            masses += [
                {
                    "key": key, "smiles": smiles, "polarity": polarity, "licence_class": "open",
                    "mz": [43.02, 61.03], "intensity": [0.4, 1.0],
                }
                for polarity in ("positive", "negative")
            ]  # fmt: skip
        write_table(folder / f"nmr_{split}.jsonl.gz", nmr)
        write_table(folder / f"ir_xtb_{split}.jsonl.gz", infrared)
        write_table(folder / f"ms_esi_{split}.jsonl.gz", masses)
    axis = np.arange(500, 4001, 2.0)
    band = np.exp(-0.5 * ((axis - 1715) / 15) ** 2)
    absorbance = [None] * 25 + band[25:].round(4).tolist()
    measured = [
        {
            "key": molecule_key(smiles), "smiles": smiles, "phase": phase, "first_wavenumber": 500,
            "step": 2, "absorbance": absorbance,
        }
        for smiles, phase in (("CC(C)=O", "gas"), ("CCOC(C)=O", "liquid"), ("CC=O", "gas"))
    ]  # fmt: skip
    write_table(folder / "ir_real_eval.jsonl.gz", measured)
    return folder


@pytest.fixture(scope="session")
def small_tables(tmp_path_factory) -> Path:
    """A folder with the tables of twelve molecules; not to be written to."""
    return write_tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture
def table_writer():
    """Write rows as a gzipped table of JSON lines."""
    return write_table


@pytest.fixture
def computed_infrared():
    """A row of the table of computed vibrations for a SMILES."""
    return infrared_row


class RulePredictor:
    """Shifts by a simple rule, so that a library is made without a network.

    A carbon's shift follows from its hydrogens, aromaticity and the atoms beside it; that of its
    hydrogens is a twentieth of it.
    """

    name = "rule 1"

    def predict(self, molecules, solvent=None):
        from engine.chemistry.molecular_graph import molecular_graph
        from engine.chemistry.predicted_shifts import MoleculeShifts

        found = []
        for molecule in molecules:
            graph = molecular_graph(molecule)
            shifts = np.full((len(graph), 2), np.nan)
            for atom in molecule.GetAtoms():
                if atom.GetAtomicNum() == 6:
                    shifts[atom.GetIdx()] = (self._carbon(atom), 1.5)
            protons = np.full((len(graph), 2), np.nan)
            carried = graph.hydrogens > 0
            protons[carried] = np.nan_to_num(shifts[carried, :1], nan=60.0) / 20 + [0.0, 0.1]
            protons[carried, 1] = 0.1
            for number in np.unique(graph.classes):
                same = graph.classes == number
                shifts[same], protons[same] = shifts[same].mean(0), protons[same].mean(0)
            found.append(
                MoleculeShifts(shifts, protons, np.zeros(len(graph)), graph.classes,
                               graph.hydrogens, graph.elements)
            )  # fmt: skip
        return found

    def _carbon(self, atom) -> float:
        beside = [n for n in atom.GetNeighbors() if n.GetAtomicNum() != 6]
        second = sum(n.GetDegree() + n.GetAtomicNum() / 10 for n in atom.GetNeighbors())
        aromatic = 105.0 if atom.GetIsAromatic() else 0.0
        doubled = 90.0 if str(atom.GetHybridization()) == "SP2" and not aromatic else 0.0
        pulled = sum(12.0 * (n.GetAtomicNum() - 5) for n in beside if n.GetAtomicNum() < 10)
        return 12 + aromatic + doubled + pulled + 2.1 * second - 1.7 * atom.GetTotalNumHs()


@pytest.fixture(scope="session")
def rule_predictor():
    return RulePredictor()


# SMILES, 13C by atom, 1H by heavy atom.
_ASSIGNED = (
    ("CCO", {0: 18.2, 1: 58.0}, {0: 1.2, 1: 3.7}),
    ("CC(C)=O", {0: 30.8, 1: 206.7, 2: 30.8}, {0: 2.1, 2: 2.1}),
    ("CC#N", {0: 1.9, 1: 116.4}, {0: 2.0}),
    ("Cc1ccccc1", {0: 21.4, 1: 137.8, 2: 129.1, 3: 128.3, 4: 125.4, 5: 128.3, 6: 129.1}, {0: 2.3}),
    ("CCOC(C)=O", {0: 14.2, 1: 60.4, 3: 171.0, 4: 21.0}, {0: 1.3, 1: 4.1, 4: 2.0}),
    ("CC=O", {0: 31.2, 1: 200.5}, {0: 2.2, 1: 9.8}),
    ("CCN", {0: 19.0, 1: 36.9}, {0: 1.1, 1: 2.7}),
    ("CC(Cl)C", {0: 27.3, 1: 53.9, 3: 27.3}, {0: 1.5, 1: 4.2, 3: 1.5}),
    ("C1CCOC1", {0: 25.6, 1: 25.6, 2: 67.9, 4: 67.9}, {0: 1.8, 1: 1.8, 2: 3.7, 4: 3.7}),
    ("CCCO", {0: 10.3, 1: 25.8, 2: 64.4}, {0: 0.9, 1: 1.6, 2: 3.6}),
)


@pytest.fixture
def assigned_rows():
    """Make rows of the table of NMR peaks whose peaks are assigned, as by a source."""
    from rdkit import Chem

    from engine.chemistry.structure import molecule_key

    def row(smiles, carbon, proton, source) -> dict:
        atoms = Chem.MolFromSmiles(smiles).GetAtoms()
        letters = {ppm: "SDTQ"[atoms[atom].GetTotalNumHs()] for atom, ppm in carbon.items()}
        shifts = list(carbon.values())
        return {
            "key": molecule_key(smiles), "smiles": smiles, "assigned_smiles": smiles,
            "assignment_source": source, "meta": {},
            "c13": [{"ppm": p, "n": shifts.count(p), "mult": letters[p]} for p in sorted(letters)],
            "h1": [{"ppm": p, "n": 1} for p in sorted(set(proton.values()))],
            "c13_atoms": {str(atom): [ppm] for atom, ppm in carbon.items()},
            "h1_atoms": {str(atom): [ppm] for atom, ppm in proton.items()},
        }  # fmt: skip

    return lambda source="human_molblock": [row(*entry, source) for entry in _ASSIGNED]
