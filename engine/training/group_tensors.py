"""Tables rendered once into tensors, so that a training needs neither tables nor RDKit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.chemistry.infrared_rendering import render_infrared, vibrations_of
from engine.chemistry.nmr_rendering import render_carbon, render_list, render_proton
from engine.encoding.channels import CHANNEL_NAMES, CHANNELS, POINTS
from engine.encoding.vectors import encode_masses, normalise_infrared, normalise_nmr
from engine.training.group_tables import GroupRecord

_LISTS = 100
GRID = {channel.name: channel.edges for channel in CHANNELS}


@dataclass(frozen=True, eq=False)
class GroupTensors:
    """Encoded spectra of ``n`` molecules.

    ``labels`` uint8 ``(n, 37)``. For each channel name: ``values`` float16 ``(rows, 600)``, and
    ``first`` and ``count`` int64 ``(n,)``: the rows of molecule ``i`` are ``first[i]`` to
    ``first[i] + count[i]``, its renderings or its repeated measurements.
    """

    keys: np.ndarray
    labels: np.ndarray
    values: dict[str, np.ndarray]
    first: dict[str, np.ndarray]
    count: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def presence(self) -> np.ndarray:
        """Which channels each molecule has, bool ``(n, 5)``."""
        return np.stack([self.count[name] > 0 for name in CHANNEL_NAMES], axis=1)

    def save(self, path: Path) -> None:
        arrays = {"keys": self.keys, "labels": self.labels}
        for name in CHANNEL_NAMES:
            label = name.replace("/", "_").replace(" ", "_")
            arrays[f"{label}|values"] = self.values[name]
            arrays[f"{label}|first"] = self.first[name]
            arrays[f"{label}|count"] = self.count[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **arrays)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> GroupTensors:
        with np.load(path, allow_pickle=False) as arrays:
            labelled = {n: n.replace("/", "_").replace(" ", "_") for n in CHANNEL_NAMES}
            return cls(
                arrays["keys"],
                arrays["labels"],
                {name: arrays[f"{label}|values"] for name, label in labelled.items()},
                {name: arrays[f"{label}|first"] for name, label in labelled.items()},
                {name: arrays[f"{label}|count"] for name, label in labelled.items()},
            )


def generator_for(key: str, seed: int) -> np.random.Generator:
    """The random generator of a molecule's renderings: the same in every run and process."""
    return np.random.default_rng([zlib.crc32(key.encode()), seed])


def encode_carbon(peaks, rng, solvent=None, spread=0.15) -> np.ndarray:
    return normalise_nmr(render_carbon(peaks, GRID["13C NMR"], rng, solvent=solvent, spread=spread))


def encode_proton(peaks, rng, solvent=None, mhz=None, spread=0.02) -> np.ndarray:
    return normalise_nmr(
        render_proton(peaks, GRID["1H NMR"], rng, solvent=solvent, frequency_mhz=mhz, spread=spread)
    )


def encode_list(peaks, rng, channel: str, spread: float) -> np.ndarray:
    nucleus = channel.split()[0]
    return normalise_nmr(render_list(peaks, GRID[channel], rng, nucleus=nucleus, spread=spread))


def encode_computed_infrared(vibrations, rng, phase=None, correct=True, doubt=1.0) -> np.ndarray:
    means = render_infrared(vibrations, GRID["IR"], rng, phase=phase, correct=correct, doubt=doubt)
    return normalise_infrared(means)


def drawn_doubt(rng: np.random.Generator) -> float:
    """The doubt of a training rendering: log-uniform, 0.7 to 2.2.

    What the corrections leave of the computation's error is not known, so training sees more of
    it, and less, than the renderings that are evaluated.
    """
    return float(np.exp(rng.uniform(np.log(0.7), np.log(2.2))))


# Standard deviations (ppm) of the shifts in renderings that are evaluated, and in those that are
# trained on: more than solvents and concentrations make, against learning molecules by heart.
MEASURED_SPREAD = {"13C NMR": 0.15, "1H NMR": 0.02}
TRAINING_SPREAD = {"13C NMR": 0.40, "1H NMR": 0.04}
# Of the training renderings, so many more are peak lists as papers print them.
TRAINING_LISTS = 3


def renderings(
    record: GroupRecord,
    variants: dict[str, int],
    seed: int,
    training: bool = False,
    doubt: float = 1.0,
) -> dict[str, list[np.ndarray]]:
    """The encoded spectra of one molecule: ``variants[channel]`` renderings of each that it has.

    For ``training`` shifts vary more, and the doubt of computed infrared is drawn for each.
    """
    spread = TRAINING_SPREAD if training else MEASURED_SPREAD
    rng = generator_for(record.key, seed)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in CHANNEL_NAMES}
    if record.carbon:
        solvent = record.solvents.get("13C")
        rows["13C NMR"] = [
            encode_carbon(record.carbon, rng, solvent, spread["13C NMR"])
            for _ in range(variants["13C NMR"])
        ]
    if record.proton:
        solvent = record.solvents.get("1H")
        rows["1H NMR"] = [
            encode_proton(record.proton, rng, solvent, record.proton_mhz, spread["1H NMR"])
            for _ in range(variants["1H NMR"])
        ]
    for channel, peaks in (("13C NMR", record.carbon), ("1H NMR", record.proton)):
        if training and peaks:
            lists_rng = generator_for(record.key, seed + _LISTS)
            rows[channel] += [
                encode_list(peaks, lists_rng, channel, spread[channel] / 2)
                for _ in range(TRAINING_LISTS)
            ]
    if record.infrared:
        vibrations = vibrations_of(record.infrared)
        rows["IR"] = [
            encode_computed_infrared(vibrations, rng, doubt=drawn_doubt(rng) if training else doubt)
            for _ in range(variants["IR"])
        ]
    for name, spectra in (("MS/MS+", record.positive), ("MS/MS-", record.negative)):
        encoded = [encode_masses(s["mz"], s["intensity"]) for s in spectra[: variants[name]]]
        rows[name] = [vector for vector in encoded if vector.any()]
    return rows


def stack(
    molecules: Iterable[tuple[str, np.ndarray, dict[str, list[np.ndarray]]]],
    on_progress: Callable[[int], None] | None = None,
) -> GroupTensors:
    """Gather ``(key, labels, rows by channel)`` of many molecules in one set of arrays."""
    keys, labels = [], []
    values: dict[str, list[np.ndarray]] = {name: [] for name in CHANNEL_NAMES}
    first: dict[str, list[int]] = {name: [] for name in CHANNEL_NAMES}
    count: dict[str, list[int]] = {name: [] for name in CHANNEL_NAMES}
    for key, label, rows in molecules:
        keys.append(key)
        labels.append(label)
        for name in CHANNEL_NAMES:
            first[name].append(len(values[name]))
            count[name].append(len(rows[name]))
            values[name].extend(row.astype(np.float16) for row in rows[name])
        if on_progress and len(keys) % 1000 == 0:
            on_progress(len(keys))
    return GroupTensors(
        np.array(keys),
        np.array(labels, dtype=np.uint8),
        {n: np.array(v, dtype=np.float16).reshape(-1, POINTS) for n, v in values.items()},
        {n: np.array(v, dtype=np.int64) for n, v in first.items()},
        {n: np.array(v, dtype=np.int64) for n, v in count.items()},
    )


TRAINING_VARIANTS = {"IR": 16, "1H NMR": 10, "13C NMR": 10, "MS/MS+": 6, "MS/MS-": 6}
EVALUATION_VARIANTS = dict.fromkeys(CHANNEL_NAMES, 1)


def prepare(
    records: Iterable[GroupRecord],
    variants: dict[str, int],
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
    training: bool = False,
    doubt: float = 1.0,
) -> GroupTensors:
    """Render and encode the records; the same seed gives the same tensors."""
    return stack(
        (
            (record.key, record.labels, renderings(record, variants, seed, training, doubt))
            for record in records
        ),
        on_progress,
    )
