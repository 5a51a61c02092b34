"""Which functional groups are in a sample, how sure that is, and where its spectra say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError

import numpy as np

from engine.encoding.channels import channel
from engine.encoding.sample_encoding import EncodedSample, encode_sample
from engine.library.group_model import GroupModel, default_group_model
from engine.spectra import Sample
from engine.tasks.group_identification import (
    Evidence,
    GroupIdentification,
    GroupPrediction,
    ImportanceMap,
)

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
    encoded = encode_sample(sample)
    _stop_if(is_cancelled)
    if not encoded.values:
        reasons = "; ".join(encoded.warnings) or "the sample holds no spectra"
        raise ValueError(f"no functional groups can be predicted: {reasons}")
    logits, gates, effects = _run(model, encoded)
    _stop_if(is_cancelled)
    calibration = model.calibration.for_channels(gates)
    probabilities = calibration.probabilities(logits)
    maps = _importance_maps(model, encoded, gates, effects)
    evidence = _evidence(model, maps)
    groups = [
        GroupPrediction(
            name, float(probabilities[k]), float(calibration.threshold[k]), evidence[name]
        )
        for k, name in enumerate(model.labels)
    ]
    groups.sort(key=lambda group: (-group.present, -group.probability))
    used = dict.fromkeys(
        str(sample.spectra[index].technique) for name in gates for index in encoded.sources[name]
    )
    return GroupIdentification(tuple(groups), tuple(used), model.card, encoded.warnings, maps)


def _stop_if(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise CancelledError


def _run(model: GroupModel, encoded: EncodedSample):
    """Logits ``(37,)``, gates ``{channel: (L,)}`` and masking effects ``{channel: (L, 37)}``."""
    import torch

    spectra = {
        name: torch.from_numpy(encoded.values[name].astype(np.float32)).unsqueeze(0)
        for name in model.channels
        if name in encoded.values
    }
    with torch.no_grad():
        output, effects = model.network.masking_effects(spectra)
    return (
        output.logits[0].double().numpy(),
        {name: gate[0].double().numpy() for name, gate in output.gates.items()},
        {name: effect.double().numpy() for name, effect in effects.items()},
    )


def _importance_maps(model, encoded, gates, effects) -> tuple[ImportanceMap, ...]:
    """Gates and per-group maps on each channel's grid, one for each spectrum that was read."""
    fine: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, gate in gates.items():
        centres = channel(name).centres
        tokens = np.linspace(0, len(centres), len(gate) + 1)
        middles = (tokens[1:] + tokens[:-1]) / 2 - 0.5
        places = np.arange(len(centres))
        along = np.clip(effects[name], 0, None) * gate[:, None]
        by_label = np.stack(
            [np.interp(places, middles, along[:, k]) for k in range(along.shape[1])], axis=1
        )
        fine[name] = np.interp(places, middles, gate), by_label
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
