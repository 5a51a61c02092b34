"""A Transformer encoder on patches of spectra, the baseline in the manner of Wu et al. (2025)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.convolution_blocks import module_name, present_channels


@dataclass(frozen=True)
class PatchTransformerConfig:
    """All that rebuilds the network; ``patch`` is how many points make a token."""

    channels: tuple[str, ...]
    labels: tuple[str, ...]
    points: int = 600
    patch: int = 30
    embedding: int = 96
    feedforward: int = 192
    layers: int = 2
    heads: int = 4
    hidden: int = 256
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.points % self.patch:
            raise ValueError(f"{self.points} points are no whole number of patches of {self.patch}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PatchTransformerConfig:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


class PatchTransformer(nn.Module):
    """``{channel: B x 600} -> B x K`` logits.

    Each present spectrum is cut into patches, each patch mapped linearly to a token and given a
    learned place (Wu et al., J. Phys. Chem. A 2025, 129, 8: self-attention over patches of an
    infrared spectrum). The tokens of all present spectra, told apart by their places, go through
    the same encoder layers. Their network writes structures. Here, in place of its decoder, the
    tokens of each spectrum are laid side by side and projected, and the sum over the present
    spectra is classified. A single token that gathers from all others learnt nothing in the few
    steps of our comparison.
    """

    def __init__(self, config: PatchTransformerConfig) -> None:
        super().__init__()
        self.config = config
        tokens = config.points // config.patch
        names = [module_name(channel) for channel in config.channels]
        self.embed = nn.ModuleDict(
            {name: nn.Linear(config.patch, config.embedding) for name in names}
        )
        self.place = nn.ParameterDict(
            {name: nn.Parameter(torch.randn(tokens, config.embedding) * 0.02) for name in names}
        )
        layer = nn.TransformerEncoderLayer(
            config.embedding, config.heads, config.feedforward, config.dropout,
            activation="gelu", batch_first=True, norm_first=True,
        )  # fmt: skip
        self.encoder = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.embedding)
        self.project = nn.ModuleDict(
            {name: nn.Linear(tokens * config.embedding, config.hidden) for name in names}
        )
        self.classify = nn.Sequential(
            nn.LayerNorm(config.hidden), nn.ReLU(), nn.Dropout(config.dropout),
            nn.Linear(config.hidden, len(config.labels)),
        )  # fmt: skip

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        present = [(n, module_name(n)) for n in present_channels(self.config, spectra)]
        tokens = [
            self.embed[name](spectra[channel].unflatten(1, (-1, self.config.patch)))
            + self.place[name]
            for channel, name in present
        ]
        encoded = self.norm(self.encoder(torch.cat(tokens, dim=1)))
        parts = encoded.chunk(len(present), dim=1)
        projected = [
            self.project[name](part.flatten(1))
            for (_, name), part in zip(present, parts, strict=True)
        ]
        return self.classify(torch.stack(projected).sum(0))
