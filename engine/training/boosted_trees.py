"""Gradient-boosted trees on the 600-point vectors, one booster a group: the baseline without a
network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_model import Calibration
from engine.training.group_batches import Source, epoch_batches
from engine.training.group_tensors import GroupTensors

_SETTINGS = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.3,
    "max_bin": 31,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}
ROUNDS = 150


@dataclass(frozen=True)
class TreesConfig:
    """``width`` neighbouring points are one feature, their largest value."""

    channels: tuple[str, ...]
    labels: tuple[str, ...]
    width: int = 4

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class BoostedTrees(nn.Module):
    """``{channel: B x 600} -> B x K`` logits of one booster a group, None where a group was never
    seen; called like a network, so that calibration and scores are the same code."""

    def __init__(self, config: TreesConfig, boosters: list[Any], prior: np.ndarray) -> None:
        super().__init__()
        self.config = config
        self.boosters = boosters
        self.prior = prior

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        features = tree_features(spectra, self.config)
        columns = [
            np.full(len(features), prior) if booster is None
            else booster.predict(features, raw_score=True)
            for booster, prior in zip(self.boosters, self.prior, strict=True)
        ]  # fmt: skip
        return torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))


def tree_features(spectra: Mapping[str, Tensor], config: TreesConfig) -> np.ndarray:
    """Features ``(B, channels x 600 / width)``: NaN, a missing value, for an absent channel."""
    present = [name for name in config.channels if name in spectra]
    if not present:
        raise ValueError(f"no channel is present: expected one of {config.channels}")
    parts = []
    for name in config.channels:
        values = spectra[name] if name in spectra else torch.full_like(spectra[present[0]], np.nan)
        parts.append(values.unflatten(1, (-1, config.width)).amax(2))
    return torch.cat(parts, dim=1).numpy()


def fit_trees(
    tensors: GroupTensors, channels: tuple[str, ...], seed: int = 0, passes: int = 4
) -> BoostedTrees:
    """Boosters fitted to ``passes`` epochs of the batches that the networks see, with their
    modality dropout and augmentation."""
    import lightgbm

    config = TreesConfig(channels, GROUP_NAMES)
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    batches = [b for _ in range(passes) for b in epoch_batches([Source(tensors)], 512, rng)]
    features = np.concatenate([tree_features(batch.spectra, config) for batch in batches])
    labels = np.concatenate([batch.labels.numpy() for batch in batches])
    frequency = np.clip(labels.mean(0), 1e-6, 1 - 1e-6)
    whole = lightgbm.Dataset(features, params=_SETTINGS, free_raw_data=False)
    boosters = []
    for label in range(labels.shape[1]):
        if labels[:, label].min() == labels[:, label].max():
            boosters.append(None)
            continue
        whole.set_label(labels[:, label].copy())
        boosters.append(lightgbm.train({**_SETTINGS, "seed": seed}, whole, ROUNDS))
    return BoostedTrees(config, boosters, np.log(frequency / (1 - frequency)))


def save_trees(
    path: Path, trees: BoostedTrees, calibration: Calibration, description: dict[str, Any]
) -> None:
    """Write ``path.json``, the boosters in LightGBM's own text form within it."""
    content = {
        **description,
        "config": trees.config.to_dict(),
        "calibration": calibration.to_dict(),
        "prior": trees.prior.tolist(),
        "boosters": [booster and booster.model_to_string() for booster in trees.boosters],
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path.with_suffix(".json"))


def load_trees(path: Path, content: Mapping[str, Any]) -> BoostedTrees:
    """The trees of what :func:`save_trees` wrote; raises ``ValueError`` when it is not whole."""
    import lightgbm

    try:
        config = TreesConfig(
            tuple(content["config"]["channels"]),
            tuple(content["config"]["labels"]),
            content["config"]["width"],
        )
        boosters = [text and lightgbm.Booster(model_str=text) for text in content["boosters"]]
        prior = np.array(content["prior"])
    except (KeyError, TypeError, lightgbm.basic.LightGBMError) as error:
        raise ValueError(f"{path}.json holds no boosted trees: {error}") from error
    if not set(config.channels) <= set(CHANNEL_NAMES) or len(boosters) != len(config.labels):
        raise ValueError(f"{path}.json holds {len(boosters)} boosters of {config.channels}")
    return BoostedTrees(config, boosters, prior)
