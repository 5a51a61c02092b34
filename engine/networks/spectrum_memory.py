"""Spectra remembered: what the most similar spectra of known molecules say of a new one.

A chemist who has seen a spectrum like this one names its groups from that memory; a network of
weights alone has to generalise. The memory maps a spectrum into a space in which spectra of
molecules with the same groups lie together (neighbourhood components analysis: Goldberger, Roweis,
Hinton, Salakhutdinov, NIPS 2004, here with many labels), and takes the vote of the nearest ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, normalize, pad

_SCALE = 127.0


@dataclass(frozen=True)
class MemoryConfig:
    """One channel's memory of ``entries`` spectra.

    ``blur`` is the standard deviation, in points, of the Gaussian that makes neighbouring lines
    alike, ``step`` how many points apart the blurred spectrum is sampled, and ``power`` what the
    ordinate is raised to, so that weak lines count too. The ``share`` of the vote is always that of
    all entries: without it a group that no neighbour has would be impossible.
    """

    channel: str
    entries: int
    labels: int
    points: int = 600
    blur: float = 2.5
    step: int = 2
    power: float = 0.6
    width: int = 128
    hidden: int = 256
    neighbours: int = 30
    share: float = 0.03
    dropout: float = 0.1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MemoryConfig:
        return cls(**values)


class SpectrumMemory(nn.Module):
    """Votes of the nearest spectra: ``B x 600 -> B x K``, as logits.

    ``keys`` ``entries x width`` are the places of the remembered spectra (8 bits a number),
    ``packed`` ``entries x K/8`` their molecules' groups, a bit each. Both are empty until
    :meth:`remember`.
    """

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__()
        self.config = config
        places = torch.arange(config.points, dtype=torch.float32)
        centres = torch.arange(0, config.points, config.step, dtype=torch.float32)
        blur = torch.exp(-0.5 * ((places[:, None] - centres[None]) / config.blur) ** 2)
        self.register_buffer("blur", blur, persistent=False)
        size = len(centres)
        self.weight = nn.Parameter(torch.zeros(size))
        self.sharpness = nn.Parameter(torch.tensor(math.log(25.0)))
        self.linear = nn.Linear(size, config.width, bias=False)
        self.enter = nn.Linear(size, config.hidden)
        self.leave = nn.Linear(config.hidden, config.width)
        nn.init.orthogonal_(self.linear.weight)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("keys", torch.zeros(config.entries, config.width, dtype=torch.int8))
        size = -(-config.labels // 8)
        self.register_buffer("packed", torch.zeros(config.entries, size, dtype=torch.uint8))

    def blurred(self, spectra: Tensor) -> Tensor:
        """What the embedding starts from, ``B x 600 -> B x size``, each of length 1."""
        raised = spectra.clamp_min(1e-6) ** self.config.power
        return normalize((raised @ self.blur).clamp_min(1e-9).sqrt(), dim=1)

    def embed(self, blurred: Tensor, learning: bool = False) -> Tensor:
        """Places in the space of the memory, ``B x size -> B x width``, each of length 1.

        Dropout is for ``learning`` the space, not for a network that learns with it.
        """
        share = self.config.dropout
        weighted = dropout(blurred * torch.exp(self.weight), share, learning) * 20
        bent = self.leave(dropout(torch.relu(self.enter(weighted)), share, learning))
        return normalize(self.linear(weighted) + bent, dim=1)

    @torch.no_grad()
    def remember(self, blurred: Tensor, truth: Tensor) -> None:
        """Fill the memory: ``entries x size`` of :meth:`blurred`, and ``entries x K``."""
        places = torch.cat([self.embed(part) for part in blurred.split(2048)])
        self.keys.copy_((places * _SCALE).round().to(torch.int8))
        padded = pad(truth.to(torch.uint8), (0, -truth.shape[1] % 8)).unflatten(1, (-1, 8))
        self.packed.copy_((padded << torch.arange(8, dtype=torch.uint8)).sum(2).to(torch.uint8))

    @property
    def truth(self) -> Tensor:
        """The groups of the remembered molecules, 0 or 1, ``entries x K``."""
        bits = torch.arange(8, dtype=torch.uint8, device=self.packed.device)
        unpacked = (self.packed.unsqueeze(2) >> bits) & 1
        return unpacked.flatten(1)[:, : self.config.labels].to(self.linear.weight.dtype)

    def vote(
        self, places: Tensor, keys: Tensor, truth: Tensor, own: Tensor | None = None
    ) -> Tensor:
        """Probabilities ``B x K`` by all ``keys``; ``own`` ``B x entries`` may not vote.

        For training the embedding; :meth:`forward` takes the nearest ones alone.
        """
        likeness = places @ keys.T * self.sharpness.exp()
        if own is not None:
            likeness = likeness.masked_fill(own, -1e4)
        return self._mixed(likeness.softmax(1) @ truth, truth)

    @torch.no_grad()
    def forward(self, spectra: Tensor) -> Tensor:
        """Logits of the vote of the nearest entries."""
        places = self.embed(self.blurred(spectra))
        # The keys are many and the places few: these are scaled.
        scaled = places * (self.sharpness.exp() / _SCALE)
        likeness = scaled @ self.keys.to(places.dtype).T
        nearest, index = likeness.topk(min(self.config.neighbours, likeness.shape[1]), dim=1)
        truth = self.truth
        votes = (nearest.softmax(1).unsqueeze(-1) * truth[index]).sum(1)
        return torch.logit(self._mixed(votes, truth), eps=1e-4)

    def _mixed(self, votes: Tensor, truth: Tensor) -> Tensor:
        share = self.config.share
        return (1 - share) * votes + share * truth.mean(0)
