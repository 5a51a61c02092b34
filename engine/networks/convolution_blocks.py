"""What the fusion baselines share: the 1D-CNN's two convolution blocks, and the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class FusionConfig:
    """Everything that rebuilds an early, mid-level or late fusion network.

    ``features`` is the length of what a spectrum (or the joined spectra) is encoded to, ``hidden``
    the width of the classifier.
    """

    channels: tuple[str, ...]
    labels: tuple[str, ...]
    points: int = 600
    filters: tuple[int, int] = (16, 32)
    kernel: int = 11
    features: int = 96
    hidden: int = 192
    dropout: float = 0.3

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


class ConvolutionEncoder(nn.Module):
    """Two blocks of Conv1d, BatchNorm, ReLU, MaxPool(2), then a linear map: ``B x N -> B x F``.

    The blocks of Jung, Jung and Cole (Chem. Sci. 2023, 14, 3600), with half their 31 and 62 filters
    by default, since here each spectrum has its own.
    """

    def __init__(self, config: FusionConfig, points: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        planes = 1
        for filters in config.filters:
            layers += [
                nn.Conv1d(planes, filters, config.kernel, padding=config.kernel // 2),
                nn.BatchNorm1d(filters),
                nn.ReLU(),
                nn.MaxPool1d(2),
            ]
            planes, points = filters, points // 2
        self.blocks = nn.Sequential(*layers, nn.Flatten())
        self.project = nn.Linear(planes * points, config.features)

    def forward(self, spectrum: Tensor) -> Tensor:
        return self.project(self.blocks(spectrum.unsqueeze(1)))


def classifier(config: FusionConfig, size: int) -> nn.Sequential:
    """The baselines' MLP: ``B x size -> B x K`` logits."""
    return nn.Sequential(
        nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(size, config.hidden),
        nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, len(config.labels)),
    )  # fmt: skip


def present_channels(config: Any, spectra: Mapping[str, Tensor]) -> list[str]:
    """The configuration's channels that are in ``spectra``; raises ``ValueError`` if none is."""
    present = [name for name in config.channels if name in spectra]
    if not present:
        raise ValueError(f"no channel is present: expected one of {config.channels}")
    return present


def presence_mask(config: Any, spectra: Mapping[str, Tensor]) -> Tensor:
    """1 for each channel that is present, else 0, ``B x channels``."""
    example = spectra[present_channels(config, spectra)[0]]
    here = [float(name in spectra) for name in config.channels]
    return example.new_tensor(here).expand(len(example), -1)


def module_name(channel: str) -> str:
    """A channel's name as a module's name: no blanks, slashes or signs."""
    signs = {"+": "_positive", "-": "_negative", "/": "_", " ": "_"}
    return "".join(signs.get(letter, letter) for letter in channel)


def absent_like(spectra: Mapping[str, Tensor], name: str, config: Any) -> Tensor:
    """The spectrum of a channel, or zeros in its place, ``B x 600``."""
    if name in spectra:
        return spectra[name]
    return torch.zeros_like(spectra[present_channels(config, spectra)[0]])
