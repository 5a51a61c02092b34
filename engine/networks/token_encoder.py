"""A spectrum of 600 points as a row of tokens: the encoder of SymSpectra and of MSpecTmol."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


class TokenGrid:
    """What the size of convolutions makes of ``points``; for configs with these fields."""

    points: int
    kernel: int
    pools: tuple[int, int]
    max_pooling: bool

    @property
    def tokens(self) -> int:
        length = self.points
        for pool in self.pools:
            if self.max_pooling:
                length //= pool
            else:
                length = (length + 2 * self.padding(pool) - self.kernel) // pool + 1
        return length

    def padding(self, stride: int) -> int:
        """What keeps a token over the middle of its own ``stride`` points."""
        return (self.kernel - stride + 1) // 2

    def points_of(self, hidden: Tensor) -> Tensor:
        """The points of the spectrum behind tokens, bool ``... x L -> ... x points``."""
        each = self.points // self.tokens
        points = hidden.repeat_interleave(each, dim=-1)
        missing = self.points - points.shape[-1]
        return nn.functional.pad(points, (0, max(0, missing)))[..., : self.points]


class EncoderConfig(Protocol):
    stem: int
    width: int
    kernel: int
    pools: tuple[int, int]
    max_pooling: bool

    @property
    def tokens(self) -> int: ...

    def padding(self, stride: int) -> int: ...


class SpectrumEncoder(nn.Module):
    """Two blocks of Conv1D, BatchNorm, ReLU: ``B x 600 -> B x L x C`` (SymSpectra eq. 2, MSpecTmol
    eqs 4 and 5).

    The papers shorten by MaxPool (``max_pooling``), which forgets where in its window a line was,
    1.6 ppm of 13C after both. Without it the convolutions stride instead, which keeps it.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inside, outside, pool in zip(
            (1, config.stem), (config.stem, config.width), config.pools, strict=True
        ):
            stride = 1 if config.max_pooling else pool
            layers += [
                nn.Conv1d(inside, outside, config.kernel, stride, config.padding(stride)),
                nn.BatchNorm1d(outside),
                nn.ReLU(),
            ]
            if config.max_pooling:
                layers.append(nn.MaxPool1d(pool))
        self.blocks = nn.Sequential(*layers)
        self.position = nn.Parameter(torch.randn(config.tokens, config.width) * 0.02)

    def forward(self, spectrum: Tensor) -> Tensor:
        return self.blocks(spectrum.unsqueeze(1)).transpose(1, 2) + self.position


def module_name(channel: str) -> str:
    """A channel's name as a module's name: no blanks, slashes or signs."""
    return (
        channel.replace("+", "_positive").replace("-", "_negative").replace("/", "_")
        .replace(" ", "_")
    )  # fmt: skip
