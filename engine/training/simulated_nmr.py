"""13C and 1H spectra of library molecules, from shifts predicted by means over environments.

Measured spectra of rare groups are few. The training split's assigned shifts give an environment
table (``engine.chemistry.shift_environments``); with it the candidates of a molecule library get
peak lists, which are rendered and encoded like measured ones. Only molecules of the train split
are simulated, by the rule of the split; ``excluded`` keys (evaluation sets) never are.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from engine.chemistry.shift_environments import (
    EnvironmentShifts,
    atom_environments,
    predicted_peaks,
)
from engine.encoding.channels import CHANNEL_NAMES
from engine.training.group_tables import GroupRecord, table_rows
from engine.training.group_tensors import (
    TRAINING_SPREAD,
    drawn_doubt,
    encode_carbon,
    encode_computed_infrared,
    encode_proton,
    generator_for,
)

PROTON_SCALE = 0.05


def fit_environments(
    data: Path, excluded: Collection[str] = frozenset()
) -> tuple[EnvironmentShifts, EnvironmentShifts]:
    """Environment tables for 13C and 1H from the assigned rows of the train split.

    Molecules whose keys are ``excluded`` are left out.
    """
    from rdkit import Chem

    observed: dict[str, list] = {"c13_atoms": [], "h1_atoms": []}
    for row in table_rows(data, "nmr", "train"):
        if "assigned_smiles" not in row or row["key"] in excluded:
            continue
        molecule = Chem.MolFromSmiles(row["assigned_smiles"])
        if molecule is None:
            continue
        environments = atom_environments(molecule)
        for name, pairs in observed.items():
            if name == "h1_atoms" and row["assignment_source"] == "inferred":
                continue
            for atom, shifts in (row.get(name) or {}).items():
                pairs.extend((environments[int(atom)], ppm) for ppm in shifts)
    return (
        EnvironmentShifts.fitted(observed["c13_atoms"]),
        EnvironmentShifts.fitted(observed["h1_atoms"]),
    )


def choose_candidates(
    library: Path, size: int, scan: int, excluded: Collection[str], seed: int = 0
) -> list[tuple[str, str, np.ndarray]]:
    """Key, SMILES and labels of library molecules of the train split, rare groups first.

    Seven tenths of ``size`` go to molecules that hold the rarest groups of the ``scan`` first
    lines, the rest is drawn at random.
    """
    from rdkit import Chem

    from engine.chemistry.functional_groups import groups_of
    from engine.chemistry.structure import molecule_key, split_of

    smiles, labels = [], []
    with gzip.open(library, "rt") as lines:
        for line in islice(lines, scan):
            molecule = Chem.MolFromSmiles(line.strip())
            if molecule is None or not 3 <= molecule.GetNumHeavyAtoms() <= 40:
                continue
            smiles.append(line.strip())
            labels.append(groups_of(molecule))
    label_array = np.array(labels)
    frequency = label_array.mean(0)
    rarity = np.where(label_array, 1 / np.sqrt(frequency + 1e-4), 0).max(1)
    rng = np.random.default_rng(seed)
    by_rarity = np.argsort(-rarity * rng.uniform(0.5, 1, len(rarity)))
    order = np.concatenate([by_rarity[: int(0.7 * size)], rng.permutation(len(smiles))])
    chosen: dict[str, tuple[str, str, np.ndarray]] = {}
    for index in dict.fromkeys(order.tolist()):
        key = molecule_key(smiles[index])
        if key and key not in excluded and split_of(key) == "train":
            chosen.setdefault(key, (key, smiles[index], label_array[index]))
        if len(chosen) >= size:
            break
    return list(chosen.values())


def simulated_rows(
    candidates: list[tuple[str, str, np.ndarray]],
    carbon: EnvironmentShifts,
    proton: EnvironmentShifts,
    seed: int = 0,
) -> Iterator[tuple[str, np.ndarray, dict[str, list[np.ndarray]]]]:
    """Encoded predicted spectra of library molecules, for :func:`group_tensors.stack`."""
    for key, smiles, labels in candidates:
        rows = _predicted_rows(key, smiles, carbon, proton, seed)
        if rows["13C NMR"] or rows["1H NMR"]:
            yield key, labels, rows


def _predicted_rows(key, smiles, carbon, proton, seed) -> dict[str, list[np.ndarray]]:
    from rdkit import Chem

    rng = generator_for(key, seed)
    molecule = Chem.MolFromSmiles(smiles)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in CHANNEL_NAMES}
    peaks = predicted_peaks(molecule, carbon, 6)
    if peaks:
        spread = np.array([peak["sigma"] for peak in peaks])
        rows["13C NMR"] = [encode_carbon(peaks, rng, spread=spread)]
    peaks = predicted_peaks(molecule, proton, 1, PROTON_SCALE)
    if peaks:
        spread = np.array([peak["sigma"] for peak in peaks])
        rows["1H NMR"] = [encode_proton(peaks, rng, spread=spread)]
    return rows


def completed_infrared_rows(
    records: list[GroupRecord],
    carbon: EnvironmentShifts,
    proton: EnvironmentShifts,
    variants: int,
    seed: int = 1,
) -> Iterator[tuple[str, np.ndarray, dict[str, list[np.ndarray]]]]:
    """Molecules with computed IR, their missing NMR spectra filled in from predicted shifts."""
    from engine.chemistry.infrared_rendering import vibrations_of

    for record in records:
        if not record.infrared or (record.carbon and record.proton):
            continue
        rng = generator_for(record.key, seed)
        rows = _predicted_rows(record.key, record.smiles, carbon, proton, seed)
        if record.carbon:
            spread = TRAINING_SPREAD["13C NMR"]
            rows["13C NMR"] = [encode_carbon(record.carbon, rng, spread=spread) for _ in range(4)]
        if record.proton:
            spread = TRAINING_SPREAD["1H NMR"]
            rows["1H NMR"] = [encode_proton(record.proton, rng, spread=spread) for _ in range(4)]
        vibrations = vibrations_of(record.infrared)
        rows["IR"] = [
            encode_computed_infrared(vibrations, rng, doubt=drawn_doubt(rng))
            for _ in range(variants)
        ]
        yield record.key, record.labels, rows
