"""The molecules of the fusion comparison: those with IR, 13C and 1H, and their other splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES, POINTS
from engine.training.group_tables import evaluation_keys, read_group_records, table_rows
from engine.training.group_tensors import (
    EVALUATION_VARIANTS,
    TRAINING_VARIANTS,
    GroupTensors,
    prepare,
)
from engine.training.molecule_splits import largest_split, scaffold_split

STUDY_CHANNELS = ("IR", "13C NMR", "1H NMR")


@dataclass(frozen=True, eq=False)
class StudyData:
    """Molecules that have all of ``channels``; ``table_positives`` ``(37,)`` are those of the
    whole train split, which set the tiers of frequency.

    ``test`` is given where a study splits the train molecules anew, else None: then the test
    split's tables are measured.
    """

    train: GroupTensors
    valid: GroupTensors
    channels: tuple[str, ...]
    table_positives: np.ndarray
    test: GroupTensors | None = None


def subset(tensors: GroupTensors, molecules: np.ndarray) -> GroupTensors:
    """Some molecules, all their spectra where they lie."""
    return GroupTensors(
        tensors.keys[molecules],
        tensors.labels[molecules],
        tensors.values,
        {name: rows[molecules] for name, rows in tensors.first.items()},
        {name: rows[molecules] for name, rows in tensors.count.items()},
    )


def complete(tensors: GroupTensors, channels: tuple[str, ...] = STUDY_CHANNELS) -> GroupTensors:
    """The molecules that have all ``channels``, with just these."""
    wanted = np.isin(CHANNEL_NAMES, channels)
    members = np.flatnonzero((tensors.presence | ~wanted).all(1))
    values, first, count = {}, {}, {}
    for name, kept in zip(CHANNEL_NAMES, wanted, strict=True):
        numbers = tensors.count[name][members] if kept else np.zeros(len(members), np.int64)
        begins = np.concatenate([[0], np.cumsum(numbers)])[:-1].astype(np.int64)
        source = np.repeat(tensors.first[name][members] - begins, numbers)
        rows = source + np.arange(numbers.sum())
        values[name] = tensors.values[name][rows] if kept else np.zeros((0, POINTS), np.float16)
        first[name], count[name] = begins, numbers
    return GroupTensors(tensors.keys[members], tensors.labels[members], values, first, count)


def _prepared_part(path: Path) -> tuple[GroupTensors, np.ndarray]:
    """The complete molecules of a prepared file, read array by array, and all its positives.

    The file may hold gigabytes; only one channel's spectra are in memory at a time.
    """
    labelled = {name: name.replace("/", "_").replace(" ", "_") for name in CHANNEL_NAMES}
    empty = np.zeros((0, POINTS), np.float16)
    with np.load(path, allow_pickle=False) as arrays:
        labels = arrays["labels"]
        bare = GroupTensors(
            arrays["keys"],
            labels,
            dict.fromkeys(CHANNEL_NAMES, empty),
            {name: arrays[f"{label}|first"] for name, label in labelled.items()},
            {name: arrays[f"{label}|count"] for name, label in labelled.items()},
        )
        wanted = np.isin(CHANNEL_NAMES, STUDY_CHANNELS)
        members = np.flatnonzero((bare.presence | ~wanted).all(1))
        kept = subset(bare, members)
        for name in STUDY_CHANNELS:
            single = {**bare.values, name: arrays[f"{labelled[name]}|values"]}
            part = complete(replace(kept, values=single), (name,))
            for field in ("values", "first", "count"):
                getattr(kept, field)[name] = getattr(part, field)[name]
        for name in set(CHANNEL_NAMES) - set(STUDY_CHANNELS):
            kept.first[name] = np.zeros(len(members), np.int64)
            kept.count[name] = np.zeros(len(members), np.int64)
    return kept, labels.sum(0, dtype=np.int64)


def study_data(
    tables: Path, folder: Path, part: str, report: Callable[[str], None] = lambda line: None
) -> StudyData:
    """The data of a part of the study: "all", "rare-25" (per cent), "scaffold" or "largest".

    They are taken from the tensors in ``folder/prepared`` where ``specgui train groups`` has made
    them, else rendered from the tables, and kept in ``folder/fusion``.
    """
    own = folder / "fusion" / "data"
    if not (own / "train.npz").exists():
        _make_data(tables, folder, own, report)
    train = GroupTensors.load(own / "train.npz")
    valid = GroupTensors.load(own / "valid.npz")
    positives = np.load(own / "positives.npy", allow_pickle=False)
    data = StudyData(train, valid, STUDY_CHANNELS, positives)
    if part.startswith("rare-"):
        groups = rare_groups(train.labels, valid.labels)
        return replace(data, train=with_fewer_positives(train, groups, int(part[5:]) / 100))
    if part in ("scaffold", "largest"):
        divide = scaffold_split if part == "scaffold" else largest_split
        smiles = train_smiles(tables, set(train.keys.tolist()))
        parts = divide(smiles)
        names = np.array([parts[key] for key in train.keys.tolist()])
        split = [subset(train, np.flatnonzero(names == n)) for n in ("train", "valid", "test")]
        return replace(data, train=split[0], valid=split[1], test=split[2])
    if part != "all":
        raise ValueError(f"{part!r} is no part of the study")
    return data


def _make_data(tables: Path, folder: Path, own: Path, report: Callable[[str], None]) -> None:
    report("gathering the molecules with IR, 13C and 1H")
    prepared = folder / "prepared"
    own.mkdir(parents=True, exist_ok=True)
    excluded = evaluation_keys(tables)
    if (prepared / "valid.npz").exists():
        valid, _ = _prepared_part(prepared / "valid.npz")
    else:
        valid = complete(
            prepare(_complete_records(tables, "valid", excluded)[0], EVALUATION_VARIANTS)
        )
    if (prepared / "train.npz").exists():
        train, positives = _prepared_part(prepared / "train.npz")
    else:
        records, positives = _complete_records(tables, "train", excluded)
        train = complete(prepare(records, TRAINING_VARIANTS, training=True))
    np.save(own / "positives.npy", positives)
    valid.save(own / "valid.npz")
    train.save(own / "train.npz")


def _complete_records(tables: Path, split: str, excluded: set[str]):
    """The records that have IR, 13C and 1H, and the positives of all records of the split."""
    records = read_group_records(tables, split, excluded)
    positives = np.sum([record.labels for record in records], axis=0, dtype=np.int64)
    return [r for r in records if r.infrared and r.carbon and r.proton], positives


def test_tensors(tables: Path, split: str, seed: int) -> GroupTensors:
    """The complete molecules of a split, rendered for evaluation."""
    return complete(prepare(_complete_records(tables, split, set())[0], EVALUATION_VARIANTS, seed))


def train_smiles(tables: Path, keys: set[str]) -> dict[str, str]:
    """The SMILES of molecules of the train split by key."""
    return {
        row["key"]: row["smiles"]
        for row in table_rows(tables, "nmr", "train")
        if row["key"] in keys
    }


def rare_groups(train: np.ndarray, valid: np.ndarray, count: int = 4) -> tuple[int, ...]:
    """The rarest groups that can still be studied: 20 positives in train, 3 in valid, at least."""
    positives = (train > 0).sum(0)
    eligible = np.flatnonzero((positives >= 20) & ((valid > 0).sum(0) >= 3))
    return tuple(eligible[np.argsort(positives[eligible], kind="stable")][:count].tolist())


def with_fewer_positives(
    tensors: GroupTensors, groups: tuple[int, ...], share: float, seed: int = 0
) -> GroupTensors:
    """Tensors with only that share of the molecules of each of some groups.

    A smaller share is a part of a greater one (SymSpectra, section 3.3, Obs 6).
    """
    kept = np.ones(len(tensors), bool)
    for group in groups:
        members = np.flatnonzero(tensors.labels[:, group])
        order = np.random.default_rng([seed, group]).permutation(members)
        kept[order[round(share * len(order)) :]] = False
    return subset(tensors, np.flatnonzero(kept))
