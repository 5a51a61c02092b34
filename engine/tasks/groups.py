"""Which functional groups are in a sample, how sure that is, and where its spectra say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError

import numpy as np

from engine.encoding.channels import channel
from engine.encoding.sample_encoding import EncodedSample, encode_sample
from engine.library.group_model import GroupModel, default_group_model
from engine.spectra import Sample
from engine.tasks.familiarity import doubts
from engine.tasks.group_identification import (
    Evidence,
    GroupIdentification,
    GroupPrediction,
    ImportanceMap,
)
from engine.tasks.group_sources import alone_gate, read_sources
from engine.tasks.importance import NetworkReading, group_maps, read_network

_REGION_LEVEL = 0.4
_MAXIMUM_REGIONS = 6


def identify_groups(
    sample: Sample | Sequence[Sample],
    model: GroupModel | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> GroupIdentification | list[GroupIdentification]:
    """Functional groups with calibrated probabilities and the regions that speak for them.

    Takes one sample, or a list and then returns a list. Raises ``ValueError`` when nothing in a
    sample can be used, :class:`NoModelError` when no weights are installed, and
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so.
    """
    model = model or default_group_model()
    if not isinstance(sample, Sample):
        return [identify_groups(one, model, is_cancelled) for one in sample]
    _stop_if(is_cancelled)
    encoded = encode_sample(sample, model.reads_electron_ionisation)
    _stop_if(is_cancelled)
    if not encoded.sources:
        reasons = "; ".join(encoded.warnings) or "the sample holds no spectra"
        raise ValueError(f"no functional groups can be predicted: {reasons}")
    reading = _read(model, encoded)
    _stop_if(is_cancelled)
    further = read_sources(model, sample, encoded, with_effects=True)
    _stop_if(is_cancelled)
    if reading is None and not further.readings:
        raise ValueError(f"no channel is present: expected one of {', '.join(model.channels)}")
    calibration = further.calibration(model)
    probabilities = calibration.probabilities(further.joined(reading.logits if reading else None))
    maps = _importance_maps(model, encoded, reading, further.effects)
    evidence = _evidence(model, maps)
    groups = [
        GroupPrediction(
            name, float(probabilities[k]), float(calibration.threshold[k]), evidence[name]
        )
        for k, name in enumerate(model.labels)
    ]
    groups.sort(key=lambda group: (-group.present, -group.probability))
    used = dict.fromkeys(
        str(sample.spectra[index].technique)
        for name in encoded.sources
        if name in further.channels
        for index in encoded.sources[name]
    )
    return GroupIdentification(
        tuple(groups), tuple(used), model.card, encoded.warnings, maps, doubts(encoded)
    )


def _stop_if(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise CancelledError


def _read(model: GroupModel, encoded: EncodedSample) -> NetworkReading | None:
    """What the network says, None where it has nothing to read."""
    spectra = {n: encoded.values[n] for n in model.channels if n in encoded.values}
    return read_network(model, spectra) if spectra else None


def _importance_maps(model, encoded, reading, further) -> tuple[ImportanceMap, ...]:
    """Gates and per-group maps on each channel's grid, one for each spectrum that was read.

    ``further`` ``{channel: (600, 37)}`` is what the signals do by way of the further sources.
    """
    gates = dict(reading.gates) if reading is not None else {}
    effects = dict(reading.effects) if reading is not None else {}
    for name, lost in further.items():
        gates.setdefault(name, alone_gate(lost))
        effects[name] = effects.get(name, 0.0) + lost
    by_channel = group_maps(effects, model.typical)
    if not by_channel:
        return ()
    fine = {name: (gates[name], by_label) for name, by_label in by_channel.items()}
    tops = np.max([by_label.max(0) for _, by_label in fine.values()], axis=0)
    maps = []
    for name, (gate, by_label) in fine.items():
        scaled = by_label / np.where(tops > 0, tops, 1.0)
        groups = {label: scaled[:, k] for k, label in enumerate(model.labels)}
        for index in encoded.sources[name]:
            maps.append(
                ImportanceMap(channel(name).technique, index, channel(name).centres, gate, groups)
            )
    return tuple(sorted(maps, key=lambda m: m.spectrum))


def _evidence(model: GroupModel, maps: Sequence[ImportanceMap]) -> dict[str, tuple[Evidence, ...]]:
    """For each group its strongest regions over all spectra, heaviest first."""
    evidence = {}
    # MS/MS spectra that were merged share one map: it counts once.
    distinct = {id(m.gate): m for m in maps}.values()
    for label in model.labels:
        total = sum(m.by_group[label].sum() for m in distinct)
        regions = []
        for importance in distinct:
            values = importance.by_group[label]
            step = importance.x[1] - importance.x[0]
            for start, stop in _runs(values >= _REGION_LEVEL):
                regions.append(
                    Evidence(
                        importance.technique,
                        round(float(importance.x[start] - step / 2), 3),
                        round(float(importance.x[stop - 1] + step / 2), 3),
                        float(values[start:stop].sum() / total) if total > 0 else 0.0,
                        importance.spectrum,
                    )
                )
        regions.sort(key=lambda region: -region.weight)
        evidence[label] = tuple(regions[:_MAXIMUM_REGIONS])
    return evidence


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """The half-open index ranges where ``flags`` is True."""
    padded = np.concatenate([[False], flags, [False]]).astype(np.int8)
    change = np.flatnonzero(np.diff(padded))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))
