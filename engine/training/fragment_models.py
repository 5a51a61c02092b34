"""The fragment models as ``specgui train fragments`` makes them: network, baseline and trusts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.library.group_model import NoModelError, default_group_model
from engine.training.electron_ionisation_trust import join_electron_ionisation
from engine.training.fragment_baseline import train_baseline
from engine.training.fragment_tables import read_fragments
from engine.training.fragment_training import train_fragments
from engine.training.group_tables import evaluation_keys, read_group_records
from engine.training.group_tensors import EVALUATION_VARIANTS, GroupTensors, prepare
from engine.training.source_trust import fragment_source_logits


def train_fragment_model(
    data: Path,
    folder: Path,
    ionization: str = "esi",
    epochs: int | None = None,
    seed: int = 0,
    report: Callable[[str], None] = print,
) -> Path:
    """Train the network and its baseline in ``folder/fragments``; returns the model's path.

    For electron ionisation its trust beside the open model that ships is fitted too, where that is
    installed. What the other network counts beside a model for groups is fitted when that model is
    made (:func:`engine.training.source_trust.join_sources`).
    """
    path = train_fragments(data, folder, ionization, epochs, seed, report)
    excluded = evaluation_keys(data)
    baseline = path.parent / f"baseline-{ionization}.safetensors"
    if not baseline.exists():
        report("training the baseline")
        train = read_fragments(data, ionization, "train", excluded)
        train_baseline(train, baseline, seed=seed, report=report)
    if ionization == "ei":
        try:
            join_with_open_model(path, data, folder, report)
        except NoModelError as error:
            report(f"not fitted beside an open model: {error}")
    return path


def join_with_open_model(
    path: Path, data: Path, folder: Path, report: Callable[[str], None] = print
) -> None:
    """Fit what the EI model at ``path`` counts beside the open model, on the validation split.

    Raises :class:`NoModelError` when the open model, or one of its sources, is not installed.
    """
    base = default_group_model()
    path_of_valid = folder / "prepared" / "valid.npz"
    if path_of_valid.exists():
        valid = GroupTensors.load(path_of_valid)
    else:
        report("rendering valid")
        records = read_group_records(data, "valid", evaluation_keys(data))
        valid = prepare(records, EVALUATION_VARIANTS)
    table = read_fragments(data, "esi", "valid", evaluation_keys(data))
    by_channel = {}
    for name in dict.fromkeys(s.model for s in base.sources if s.reader == "fragments"):
        for entry in fragment_source_logits(
            default_group_model(name), name, table, valid.keys.tolist()
        ):
            by_channel[name, entry.source.channel] = entry
    sources = [
        by_channel[source.model, source.channel]
        for source in base.sources
        if (source.model, source.channel) in by_channel
    ]
    join_electron_ionisation(path, data, valid, base, sources, report)
