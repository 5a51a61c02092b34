"""Learns where a group network finds each group as a rule, from train molecules that hold it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_model import GroupModel
from engine.library.typical_evidence import save_typical_evidence
from engine.training.group_tensors import GroupTensors

PER_GROUP = 24
# Standard deviation (points) of the smoothing: 18 1/cm of infrared, 1.6 ppm of 13C, 0.1 ppm of 1H.
_SMOOTHING = {"IR": 3.0, "MS/MS+": 0.7, "MS/MS-": 0.7}
_OTHER_SMOOTHING = 4.0
# So many molecules' worth of "anywhere", which few positives hardly outweigh.
_SHRINKAGE = 3.0


def fit_typical_evidence(
    model: GroupModel,
    tensors: GroupTensors,
    per_group: int = PER_GROUP,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, np.ndarray]:
    """The mean maps ``{channel: (600, K)}``, 0 to 1, each channel seen alone.

    For each channel up to ``per_group`` molecules of every group are asked. A molecule counts for
    the groups that it holds and that the network names, each map of a molecule as much as another.
    A group that was never found is typical anywhere.
    """
    rng = np.random.default_rng(seed)
    return {
        name: _of_channel(model, tensors, name, per_group, rng, report)
        for name in model.channels
        if name in CHANNEL_NAMES and (tensors.count[name] > 0).any()
    }


def _of_channel(model, tensors, name, per_group, rng, report) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    from engine.encoding.attribution import logits_of, masking_map, specific

    chosen = molecules_of_each_group(tensors, name, per_group, rng)
    report(f"{name}: {len(chosen)} molecules")
    calibration = model.calibration.for_channels((name,))
    function = logits_of(model.network)
    labels = len(model.labels)
    total, found = np.zeros((tensors.values[name].shape[1], labels)), np.zeros(labels)
    for index in chosen.tolist():
        values = tensors.values[name][tensors.first[name][index]].astype(np.float32)
        if not values.any():
            continue
        effects, logits = masking_map(function, {name: values}, with_logits=True)
        named = calibration.probabilities(logits) >= calibration.threshold
        maps = specific(effects[name])
        tops = maps.max(0)
        counted = (tensors.labels[index] > 0) & named & (tops > 0)
        total[:, counted] += maps[:, counted] / tops[counted]
        found += counted
    smooth = gaussian_filter1d(total, _SMOOTHING.get(name, _OTHER_SMOOTHING), axis=0)
    typical = smooth / np.maximum(smooth.max(0), 1e-12)
    return (found * typical + _SHRINKAGE) / (found + _SHRINKAGE)


def molecules_of_each_group(
    tensors: GroupTensors, name: str, per_group: int, rng: np.random.Generator
) -> np.ndarray:
    """Indices of molecules with a channel, up to ``per_group`` of every group, at random."""
    present = np.flatnonzero(tensors.count[name] > 0)
    chosen: set[int] = set()
    for label in range(tensors.labels.shape[1]):
        positives = present[tensors.labels[present, label] > 0]
        chosen.update(rng.permutation(positives)[:per_group].tolist())
    return np.array(sorted(chosen), dtype=np.int64)


def train_group_maps(
    data: Path,
    folder: Path,
    model: Path | None = None,
    per_group: int = PER_GROUP,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> Path:
    """Fit for ``model`` (without suffix; default: the one that ships) and write beside it.

    For the model that ships, which may not be written to, the file goes to ``folder/group-maps``.
    Uses the train tensors of ``folder/prepared``, rendered from ``data`` where they are missing.
    """
    from engine.library.group_model import DEFAULT_MODEL, default_group_model, load_group_model
    from engine.training.group_tables import evaluation_keys, read_group_records
    from engine.training.group_tensors import TRAINING_VARIANTS, prepare

    prepared = folder / "prepared" / "train.npz"
    if not prepared.exists():
        report("rendering train")
        records = read_group_records(data, "train", evaluation_keys(data))
        prepare(records, TRAINING_VARIANTS, training=True).save(prepared)
    loaded = load_group_model(model) if model else default_group_model()
    typical = fit_typical_evidence(loaded, GroupTensors.load(prepared), per_group, seed, report)
    path = model or folder / "group-maps" / DEFAULT_MODEL
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_typical_evidence(path, typical, loaded.labels)
