"""The 1D-CNN of Jung, Jung and Cole (Chem. Sci. 2023, 14, 3600), the baseline for groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Cnn1dConfig:
    """All that rebuilds the network; with ``rank`` its dense layers are kept as two factors."""

    channels: tuple[str, ...]
    labels: tuple[str, ...]
    points: int = 600
    filters: tuple[int, int] = (31, 62)
    kernel: int = 11
    dense: tuple[int, ...] = (4927, 2785, 1574)
    dropout: float = 0.486
    rank: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Cnn1dConfig:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


class Cnn1d(nn.Module):
    """``{channel: B x 600} -> B x K`` logits; channels are the input planes, absent ones zero."""

    def __init__(self, config: Cnn1dConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        planes, length = len(config.channels), config.points
        for filters in config.filters:
            layers += [
                nn.Conv1d(planes, filters, config.kernel, padding=config.kernel // 2),
                nn.BatchNorm1d(filters),
                nn.ReLU(),
                nn.MaxPool1d(2),
            ]
            planes, length = filters, length // 2
        layers.append(nn.Flatten())
        size = planes * length
        for units in config.dense:
            layers += [_dense(size, units, config.rank), nn.ReLU(), nn.Dropout(config.dropout)]
            size = units
        layers.append(nn.Linear(size, len(config.labels)))
        self.layers = nn.Sequential(*layers)

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        example = next((spectra[n] for n in self.config.channels if n in spectra), None)
        if example is None:
            raise ValueError(f"no channel is present: expected one of {self.config.channels}")
        zero = torch.zeros_like(example)
        planes = [spectra.get(name, zero) for name in self.config.channels]
        return self.layers(torch.stack(planes, dim=1))


def _dense(size: int, units: int, rank: int | None) -> nn.Module:
    if rank is None:
        return nn.Linear(size, units)
    rank = min(rank, size, units)
    return nn.Sequential(nn.Linear(size, rank, bias=False), nn.Linear(rank, units))


@torch.no_grad()
def factored(network: Cnn1d, rank: int) -> Cnn1d:
    """The same network with each dense layer's weights cut to ``rank`` by singular values.

    The published network has 64 million weights, nearly all in its dense layers, and most of them
    unused after training on tens of thousands of spectra: this makes it small enough to ship.
    """
    small = Cnn1d(replace(network.config, rank=rank)).eval()
    for own, new in zip(network.layers, small.layers, strict=True):
        if not isinstance(new, nn.Sequential):
            new.load_state_dict(own.state_dict())
            continue
        kept = new[0].out_features
        spare = min(kept + 32, *own.weight.shape)
        # A randomised decomposition: the whole one of the first layer takes many minutes.
        left, values, right = torch.svd_lowrank(own.weight, q=spare, niter=4)
        root = values[:kept].sqrt()
        new[0].weight.copy_(root[:, None] * right[:, :kept].T)
        new[1].weight.copy_(left[:, :kept] * root)
        new[1].bias.copy_(own.bias)
    return small
