"""From tables to a saved K-M3AID: prepare once, train or resume, save."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from engine.chemistry.predicted_shifts import NUCLEI
from engine.chemistry.structure import split_of
from engine.library.alignment_model import save_alignment_model
from engine.networks.shift_network import ShiftNetwork
from engine.training.alignment_states import (
    AtomStates,
    atom_states,
    relative_errors,
    with_errors,
)
from engine.training.alignment_tables import (
    AlignmentTensors,
    alignment_tensors,
    joined,
    library_records,
    prepared,
)
from engine.training.alignment_training import (
    EXTENDED,
    build_network,
    plan_of,
    take_shifts,
    train_alignment,
)
from engine.training.group_tables import MissingTableError, evaluation_keys
from engine.training.shift_model_training import FIRST
from engine.training.shift_model_training import prepared as shift_tables
from engine.training.shift_training import train_shifts

LICENCE = "MIT; trained on nmrshiftdb2"
NAMES = {
    "k-m3aid": "K-M3AID",
    "sp-id": "SP-ID",
    "wp-id": "WP-ID (1 ppm)",
    "no-communication": "K-M3AID without communication",
    EXTENDED: "K-M3AID, 13C and 1H",
}
_LIBRARY_MOLECULES = 24_000
# Library lines that no retrieval benchmark of up to 10^6 molecules takes.
_LIBRARY_SKIP = 1_000_000


def train_variant(
    data: Path,
    folder: Path,
    variant: str = EXTENDED,
    seed: int = 0,
    epochs: int | None = None,
    report: Callable[[str], None] = print,
) -> Path:
    """Train (or resume) in ``folder/alignment/<variant>``; returns the model's path without suffix.

    The extended form takes over the graph encoder of the shift predictor's first network, that
    without a memory, which is trained in ``folder/shifts`` where it is not there yet; ``epochs``
    shortens or lengthens what comes after.
    """
    plan = plan_of(variant, seed, epochs)
    folder, beside = folder / "alignment", folder / "shifts"
    tensors = prepared(data, folder / "prepared", ("train", "valid"), report)
    train, states, start = tensors["train"], None, None
    run = folder / (variant if seed == 0 else f"{variant}-{seed}")
    if variant == EXTENDED:
        start = first_shift_network(data, beside, report)
        train = joined(train, _library(data, folder / "prepared", report))
        states = states_of(start, train, tensors["valid"], report)
    network = train_alignment(
        plan,
        train,
        tensors["valid"],
        run,
        start=start,
        states=states,
        report=lambda line: report(f"{variant}: {json.dumps(line)}"),
    )
    if states is not None:
        network = train_alignment(
            plan_of(EXTENDED, seed, epochs, "atoms"),
            train,
            tensors["valid"],
            run / "atoms",
            states=states,
            begin_with=network,
            report=lambda line: report(f"{variant}, atoms: {json.dumps(line)}"),
        )
    path = run / ("alignment-k-m3aid" if variant == EXTENDED else f"alignment-{variant}")
    description = {
        "name": NAMES[variant],
        "version": "1",
        "licence": LICENCE,
        "variant": variant,
        "seed": seed,
        "techniques": [NUCLEI[nucleus] for nucleus in network.nuclei],
    }
    if states is not None:
        description["error_scale"] = {
            NUCLEI[nucleus]: round(error, 4) for nucleus, error in states.errors.items()
        }
    save_alignment_model(path, network, description)
    return path


def first_shift_network(data: Path, folder: Path, report: Callable[[str], None]) -> ShiftNetwork:
    """The shift predictor's first network, trained (or resumed) in ``folder/first``."""
    tensors = shift_tables(data, folder / "prepared", report)
    return train_shifts(
        FIRST,
        tensors["train"],
        tensors["valid"],
        folder / "first",
        report=lambda line: report(f"shifts: {json.dumps(line)}"),
    )


def states_of(
    start: ShiftNetwork,
    train: AlignmentTensors,
    valid: AlignmentTensors,
    report: Callable[[str], None],
) -> AtomStates:
    """The atoms of the training molecules, and how wrong their predicted shifts are."""
    network = build_network(plan_of(EXTENDED))
    take_shifts(network, start)
    report(f"finding the atoms of {len(train)} molecules")
    states = atom_states(network, train)
    errors = (
        relative_errors(states, train),
        relative_errors(atom_states(network, valid), valid),
    )
    report(f"errors of shifts over the expected, train and valid: {errors}")
    return with_errors(states, *errors)


def _library(data: Path, folder: Path, report: Callable[[str], None]) -> AlignmentTensors:
    path, library = folder / "library.npz", data / "library_smiles.txt.gz"
    if not path.exists():
        if not library.exists():
            raise MissingTableError(f"no library {library.name} in {data}")
        report(f"preparing {path.name}")
        excluded = evaluation_keys(data)
        # Their spectra are simulated: labelled data, so of the train split only.
        records = library_records(
            library, _LIBRARY_MOLECULES, _LIBRARY_SKIP,
            lambda key: key not in excluded and split_of(key) == "train",
        )  # fmt: skip
        alignment_tensors(list(records)).save(path)
    return AlignmentTensors.load(path)
