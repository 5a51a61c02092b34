"""How far further sources of evidence are trusted beside a group network, and what follows.

Fitted on the validation split, as the trust in the memories is: one number for each source and
each count of channels that are present, since a network is surer of itself with more of them. The
calibration is fitted anew on the joined logits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_evidence import AddedSource, SourceTrust, joined_logits
from engine.library.group_model import (
    Calibration,
    GroupModel,
    default_group_model,
    load_group_model,
)
from engine.training.fragment_tables import (
    POLARITIES,
    FragmentTable,
    mean_by_molecule,
    read_fragments,
)
from engine.training.fragment_training import table_logits
from engine.training.group_calibration import (
    fit_calibration,
    fitted_calibration,
    subset_logits,
)
from engine.training.group_tables import evaluation_keys
from engine.training.group_tensors import GroupTensors
from engine.training.memory_trust import relative_weights

LEAST_MOLECULES = 50
# Sets of channels with this many molecules get a calibration of their own.
_LEAST_CALIBRATED = 60

Part = tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]
"""A set of channels, its molecules ``(n,)``, the network's logits ``(n, 37)`` and the truth."""


@dataclass(frozen=True, eq=False)
class SourceLogits:
    """A source's logits ``(m, 37)`` for the molecules of the validation tensors; 0 and not
    ``known`` ``(m,)`` where it has no spectrum."""

    source: AddedSource
    values: np.ndarray
    known: np.ndarray


def fragment_source_logits(
    model: GroupModel, name: str, table: FragmentTable, keys: Sequence[str], most: int | None = 1
) -> list[SourceLogits]:
    """What a fragment model says of molecules by their keys, for each of its channels.

    ``most`` spectra of a molecule are averaged: one, as the tensors hold one.
    """
    logits = table_logits(model.network, table)
    place = {key: index for index, key in enumerate(table.keys)}
    found = []
    for channel in model.channels:
        members, means = mean_by_molecule(table, logits, POLARITIES.get(channel), most)
        row = {int(member): index for index, member in enumerate(members)}
        values, known = np.zeros((len(keys), logits.shape[1])), np.zeros(len(keys), bool)
        for index, key in enumerate(keys):
            at = row.get(place.get(str(key), -1))
            if at is not None:
                values[index], known[index] = means[at], True
        found.append(SourceLogits(AddedSource(name, "fragments", channel), values, known))
    return found


def parts_of(network, valid: GroupTensors, sets: Sequence[tuple[str, ...]]) -> list[Part]:
    """The network's logits for each set of channels that enough molecules have."""
    parts = []
    for names in sets:
        members = np.flatnonzero(valid.presence[:, np.isin(CHANNEL_NAMES, names)].all(1))
        if len(members) >= LEAST_MOLECULES:
            logits, truth = subset_logits(network, valid, names)
            parts.append((names, members, logits, truth))
    return parts


def fit_sources(
    network, valid: GroupTensors, sources: Sequence[SourceLogits]
) -> tuple[AddedSource, ...]:
    """The sources with their trusts.

    With one channel each source is fitted by itself, and that set gets the trust as its own; with
    more, all sets of so many channels together. What is known of a molecule grows with them, so a
    count that too few molecules have takes the trust of the next smaller one, lowered in the
    proportion in which that is below its own forerunner.
    """
    read = {entry.source.channel for entry in sources}
    by_count = {index: [0.0] * len(CHANNEL_NAMES) for index in range(len(sources))}
    own: dict[int, dict[frozenset[str], float]] = {index: {} for index in range(len(sources))}
    for count in range(1, len(CHANNEL_NAMES) + 1):
        sets = [names for names in combinations(CHANNEL_NAMES, count) if read & set(names)]
        fits = [[names] for names in sets] if count == 1 else [sets]
        found: dict[int, float] = {}
        for chosen in fits:
            weights = _weights(parts_of(network, valid, chosen), sources)
            found.update(weights)
            if count == 1:
                for index, weight in weights.items():
                    own[index][frozenset(chosen[0])] = weight
        for index, trusts in by_count.items():
            trusts[count - 1] = found.get(index, _continued(trusts[: count - 1]))
    return tuple(
        replace(entry.source, trust=SourceTrust(tuple(by_count[index]), own[index]))
        for index, entry in enumerate(sources)
    )


def _continued(trusts: Sequence[float]) -> float:
    """The next of a falling series: in proportion to the last step, never more than the last."""
    if len(trusts) < 2 or trusts[-2] <= 0:
        return trusts[-1] if trusts else 0.0
    return trusts[-1] * min(1.0, trusts[-1] / trusts[-2])


def _weights(parts: Sequence[Part], sources: Sequence[SourceLogits]) -> dict[int, float]:
    seen = [
        index
        for index, entry in enumerate(sources)
        if any(
            entry.source.channel in names and entry.known[members].any()
            for names, members, _, _ in parts
        )
    ]
    if not seen:
        return {}
    inputs = [np.concatenate([logits for _, _, logits, _ in parts])]
    for index in seen:
        entry = sources[index]
        inputs.append(
            np.concatenate(
                [
                    entry.values[members] * (entry.source.channel in names)
                    for names, members, _, _ in parts
                ]
            )
        )
    truth = np.concatenate([truth for _, _, _, truth in parts])
    weights = relative_weights(np.stack(inputs), truth)
    return dict(zip(seen, weights[1:].tolist(), strict=True))


def joined_part(
    part: Part, fitted: Sequence[AddedSource], sources: Sequence[SourceLogits]
) -> np.ndarray:
    """The joined logits ``(n, 37)`` of one set of channels."""
    names, members, logits, _ = part
    added = [
        (source, entry.values[members])
        for source, entry in zip(fitted, sources, strict=True)
        if source.channel in names
    ]
    return joined_logits(logits, added, names)


def fit_joined_calibration(
    network,
    valid: GroupTensors,
    fitted: Sequence[AddedSource],
    sources: Sequence[SourceLogits],
) -> Calibration:
    """Platt scaling and thresholds of the joined logits, for the sets with a source's channel.

    Sets that enough molecules have get their own, the rest that of all of them together. The
    network alone keeps its own calibration.
    """
    read = {source.channel for source in fitted}
    sets = [
        names
        for count in range(1, len(CHANNEL_NAMES) + 1)
        for names in combinations(CHANNEL_NAMES, count)
        if read & set(names)
    ]
    by_set: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}
    for part in parts_of(network, valid, sets):
        by_set[part[0]] = joined_part(part, fitted, sources), part[3]
    logits, truth = (np.concatenate(values) for values in zip(*by_set.values(), strict=True))
    size = truth.shape[1]
    other = fitted_calibration(logits, truth, np.ones(size), np.zeros(size))
    return Calibration(
        other,
        {
            frozenset(names): fitted_calibration(*part, other.slope, other.offset)
            for names, part in by_set.items()
            if len(part[1]) >= _LEAST_CALIBRATED
        },
    )


def join_sources(
    path: Path,
    data: Path,
    valid: GroupTensors,
    doubtful: GroupTensors | None = None,
    fragments: Path | None = None,
    further: Sequence[SourceLogits] = (),
    report: Callable[[str], None] = print,
) -> None:
    """Fit the trusts beside the model at ``path`` (no suffix), and write them into its JSON.

    ``fragments`` is the fragment model's path, None for the one that ships; ``further`` are other
    sources with their logits for the molecules of ``valid``. Only the JSON changes: the sources
    with their trusts, and the calibration of the sums; with ``doubtful`` tensors the network's own
    calibration is fitted anew too (:func:`group_calibration.fit_calibration`).
    """
    model = load_group_model(path)
    branch = load_group_model(fragments) if fragments else default_group_model("groups-fragments")
    table = read_fragments(data, "esi", "valid", evaluation_keys(data))
    sources = [
        *fragment_source_logits(branch, "groups-fragments", table, valid.keys.tolist()),
        *further,
    ]
    fitted = fit_sources(model.network, valid, sources)
    for source in fitted:
        report(f"{source.channel}: {json.dumps(source.trust.to_dict())}")
    if not any(any(source.trust.by_count) for source in fitted):
        report("no source is trusted: none is joined")
        return
    joined = fit_joined_calibration(model.network, valid, fitted, sources)
    values = {"sources": [s.to_dict() for s in fitted], "joined_calibration": joined.to_dict()}
    if doubtful is not None:
        own = fit_calibration(model.network, valid, doubtful)
        values["calibration"] = own.to_dict()
    rewrite(path, **values)


def rewrite(path: Path, **values: Any) -> None:
    """Change entries of a model's JSON, by a part file and a rename."""
    target = path.with_suffix(".json")
    content = json.loads(target.read_text(encoding="utf-8")) | values
    part = path.with_suffix(".text")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(target)


def keys_to_rows(keys: Sequence[str]) -> Mapping[str, int]:
    """Where each molecule stands in the tensors; of stereoisomers measured apart the first."""
    rows: dict[str, int] = {}
    for index, key in enumerate(keys):
        rows.setdefault(str(key), index)
    return rows
