"""How often inputs far from training are detected, and ordinary ones doubted, on one split."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES
from engine.encoding.sample_encoding import EncodedSample
from engine.encoding.vectors import encode_masses
from engine.evaluation.groups import (
    PEAK_LISTS,
    PHASES,
    RENDERING_SEED,
    listed_peaks,
    measured_infrared,
)
from engine.library.familiarity import Familiarity, default_familiarity
from engine.library.group_model import NoModelError
from engine.tasks.familiarity import NOISE_CLARITY, doubts
from engine.training.group_calibration import SUBSETS, members_of
from engine.training.group_tables import (
    GroupRecord,
    MissingTableError,
    read_group_records,
    table_rows,
)
from engine.training.group_tensors import EVALUATION_VARIANTS, GroupTensors, prepare
from engine.training.strange_inputs import POSITIVE, STRANGE_INPUTS

_COUNT = 500
_TIMED = 200


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The table as ``specgui benchmark unknown`` asks for it."""
    return unknown_benchmark(options.data, options.split, report=report)


def unknown_benchmark(
    data: Path,
    split: str,
    measures: Path | None = None,
    seed: int = RENDERING_SEED,
    count: int = _COUNT,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Detection of each strange input made from the split, and false alarms on ordinary ones.

    ``measures`` is the file of another fit. Raises :class:`MissingTableError` when the split's
    tables are not in ``data``, and :class:`NoModelError` without measures.
    """
    familiarity = Familiarity.load(measures) if measures else default_familiarity()
    if familiarity is None:
        raise NoModelError("no measures of familiarity are installed (models/familiarity.npz)")
    report(f"rendering the spectra of the {split} split")
    records = read_group_records(data, split)
    tensors = prepare(records, EVALUATION_VARIANTS, seed)
    ordinary = {
        name: values[np.any(values, axis=1)].astype(np.float32)
        for name, values in tensors.values.items()
        if np.any(values)
    }
    report("looking at ordinary spectra")
    false_alarms = _ordinary_rows(familiarity, tensors, records, data)
    report("looking at strange spectra")
    detections = _strange_rows(familiarity, ordinary, data, split, seed, count)
    return {
        "benchmark": "unknown",
        "split": split,
        "seed": seed,
        "aimed_false_alarms": familiarity.false_alarms,
        "milliseconds_a_sample": round(_milliseconds(familiarity, tensors), 3),
        "ordinary": false_alarms,
        "strange": detections,
    }


def sample_alarms(familiarity: Familiarity, spectra: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which samples with these channels, ``{channel: (n, 600)}``, are doubted: bool ``(n,)``."""
    known = [name for name in spectra if name in familiarity.channels]
    alarmed = np.zeros(len(next(iter(spectra.values()))), bool)
    for name in known:
        verdicts = familiarity.verdicts(name, spectra[name], len(known))
        alarmed |= np.array([verdict is not None for verdict in verdicts], bool)
    return alarmed


def _ordinary_rows(
    familiarity: Familiarity, tensors: GroupTensors, records: list[GroupRecord], data: Path
) -> list[dict[str, Any]]:
    rows = []

    def add(task: str, spectra: Mapping[str, np.ndarray]) -> None:
        if len(next(iter(spectra.values()))):
            alarms = sample_alarms(familiarity, spectra)
            rows.append({"input": task, "samples": len(alarms), "doubted": float(alarms.mean())})

    for task, names in SUBSETS.items():
        members, _ = members_of(tensors, names)
        spectra = {
            n: tensors.values[n][tensors.first[n][members]].astype(np.float32) for n in names
        }
        some = np.all([np.any(values, axis=1) for values in spectra.values()], axis=0)
        add(task, {name: values[some] for name, values in spectra.items()})
    for name in PEAK_LISTS:
        listed = listed_peaks(records, tensors, name)
        rows_of_it = tensors.first[name][tensors.count[name] > 0]
        add(f"{name.split()[0]}, peak list", {name: listed[rows_of_it].astype(np.float32)})
    try:
        encoded, _, phases = measured_infrared(data)
    except MissingTableError:
        return rows
    if len(encoded):
        for phase in PHASES:
            add(f"measured IR, {phase}", {"IR": encoded[phases == phase]})
        add("measured IR, all phases", {"IR": encoded})
    return rows


def _strange_rows(familiarity, ordinary, data, split, seed, count) -> list[dict[str, Any]]:
    rows = []
    for number, strange in enumerate(STRANGE_INPUTS):
        for name in strange.channels:
            if name not in familiarity.channels:
                continue
            rng = np.random.default_rng([seed, number, CHANNEL_NAMES.index(name)])
            try:
                values, clarity = strange.encoded(name, ordinary, count, rng)
            except KeyError:  # the split has none of what it is made of
                continue
            rows.append(
                _row(
                    familiarity, strange.name, name, strange.fitted, values, clarity, ordinary[name]
                )
            )
    electron = _electron_ionisation(data, split, count)
    if len(electron) and POSITIVE in ordinary and POSITIVE in familiarity.channels:
        rows.append(
            _row(
                familiarity, "electron ionisation filed as MS/MS", POSITIVE, False, electron,
                np.full(len(electron), np.inf), ordinary[POSITIVE],
            )
        )  # fmt: skip
    return rows


def _row(
    familiarity: Familiarity,
    task: str,
    name: str,
    fitted: bool,
    values: np.ndarray,
    clarity: np.ndarray,
    ordinary: np.ndarray,
) -> dict[str, Any]:
    """Detection of one kind in one channel that stands alone.

    What is empty is refused by the encoding, and counts as detected; the ROC area ranks the rest
    by the measures, noise by its clarity before them.
    """
    refused = ~np.any(values, axis=1)
    strange = np.zeros(len(values), bool)
    scores = np.full(len(values), np.inf)
    if not refused.all():
        strange[~refused] = sample_alarms(familiarity, {name: values[~refused]})
        scores[~refused] = familiarity.scores(name, values[~refused])
    unclear = clarity < NOISE_CLARITY
    scores[unclear] = np.inf
    return {
        "input": task,
        "channel": name,
        "fitted": fitted,
        "samples": len(values),
        "refused": float(refused.mean()),
        "detected": float((strange | unclear | refused).mean()),
        "roc_area": roc_area(familiarity.scores(name, ordinary), scores),
    }


def roc_area(ordinary: np.ndarray, strange: np.ndarray) -> float:
    """The chance that a strange input scores above an ordinary one, ties counting half."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([ordinary, strange]))[len(ordinary) :]
    n, m = len(ordinary), len(strange)
    return float((ranks.sum() - m * (m + 1) / 2) / max(1, n * m))


def _electron_ionisation(data: Path, split: str, count: int) -> np.ndarray:
    try:
        encoded = [
            encode_masses(row["mz"], row["intensity"])
            for row, _ in zip(table_rows(data, "ms_ei", split), range(count), strict=False)
        ]
    except MissingTableError:
        return np.zeros((0, 600), np.float32)
    values = np.array(encoded, dtype=np.float32)
    return values[np.any(values, axis=1)] if len(values) else values


def _milliseconds(familiarity: Familiarity, tensors: GroupTensors) -> float:
    """Of one sample, with all the channels that it has."""
    members = np.flatnonzero(tensors.presence.any(1))[:_TIMED]
    samples = [
        EncodedSample(
            {
                name: tensors.values[name][tensors.first[name][i]].astype(float)
                for name in CHANNEL_NAMES
                if tensors.count[name][i]
            },
            {},
            (),
        )
        for i in members
    ]
    doubts(samples[0], familiarity)
    started = time.perf_counter()
    for sample in samples:
        doubts(sample, familiarity)
    return 1000 * (time.perf_counter() - started) / len(samples)


def format_table(result: dict[str, Any]) -> str:
    """The benchmark as Markdown tables."""
    lines = ["| ordinary input | n | doubted |", "|---|--:|--:|"]
    for row in result["ordinary"]:
        lines.append(f"| {row['input']} | {row['samples']} | {row['doubted']:.3f} |")
    lines += [
        "",
        "| strange input | technique | n | detected | ROC area | seen when fitted |",
        "|---|---|--:|--:|--:|---|",
    ]
    for row in result["strange"]:
        lines.append(
            f"| {row['input']} | {row['channel']} | {row['samples']} | {row['detected']:.3f} | "
            f"{row['roc_area']:.3f} | {'yes' if row['fitted'] else 'no'} |"
        )
    lines += [
        "",
        f"split {result['split']}, rendering seed {result['seed']}; limits fitted on valid for "
        f"{result['aimed_false_alarms']:.0%} false alarms; "
        f"{result['milliseconds_a_sample']:.2f} ms a sample",
    ]
    return "\n".join(lines)
