"""Chemical shifts of every atom, with an uncertainty each, from the shared graph encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.networks.graph_encoder import GraphBatch, GraphEncoder, GraphEncoderConfig

# Known or not, mean, spread and count of the shifts of alike atoms.
MEMORY_COLUMNS = 4

# The centre (ppm) of each output and the size of its unit; the memory's means are in the same.
_CENTRE = {"13C NMR": 90.0, "1H NMR": 4.0, "13C DFT": 90.0, "1H DFT": 4.0}
_UNIT = {"13C NMR": 50.0, "1H NMR": 2.5, "13C DFT": 50.0, "1H DFT": 2.5}


@dataclass(frozen=True)
class ShiftNetworkConfig:
    """``targets`` names the outputs, the two measured nuclei first; ``solvents`` counts the values
    of the solvent's number, the first for one that is not known; ``inner``: width of the heads;
    ``radii``: how many means of alike atoms are remembered for each nucleus, 0 for no memory."""

    encoder: GraphEncoderConfig
    targets: tuple[str, ...]
    solvents: int
    inner: int = 256
    dropout: float = 0.1
    radii: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder.to_dict(),
            "targets": list(self.targets),
            "solvents": self.solvents,
            "inner": self.inner,
            "dropout": self.dropout,
            "radii": self.radii,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ShiftNetworkConfig:
        return cls(
            **{
                **values,
                "encoder": GraphEncoderConfig.from_dict(values["encoder"]),
                "targets": tuple(values["targets"]),
            }
        )


@dataclass(frozen=True)
class ShiftOutput:
    """``ppm`` ``(V, T)``; ``log_error`` ``(V, T)``: logarithm of the expected absolute error in
    ppm; ``split`` ``(V,)``: ppm between the two hydrogens of an atom."""

    ppm: Tensor
    log_error: Tensor
    split: Tensor


class ShiftNetwork(nn.Module):
    """Atoms ``V`` and the solvents ``B x 2`` (for 13C, for 1H) -> shifts ``V x T``.

    One trunk for all outputs; each has its head, so that the DFT shifts teach the trunk (an
    auxiliary task) without being mixed up with experiment. With a memory (``V x 2 x R x 4``, see
    :class:`engine.chemistry.shift_memory.ShiftMemory`, flattened; without one nothing is known of
    alike atoms) the trunk reads it, and a
    measured shift is a weighted mean of the head's own value and the remembered means; the head
    chooses the weights.
    """

    def __init__(self, config: ShiftNetworkConfig) -> None:
        super().__init__()
        self.config = config
        width = config.encoder.width
        self.encoder = GraphEncoder(config.encoder)
        self.solvent = nn.Embedding(config.solvents, width)
        nn.init.zeros_(self.solvent.weight)
        self.heads = nn.ModuleDict(
            {
                name: _Head(
                    width,
                    config.inner,
                    2 + (1 + config.radii if config.radii and number < 2 else 0),
                    config.dropout,
                )
                for number, name in enumerate(config.targets)
            }
        )
        self.split = _Head(width, config.inner, 1, config.dropout)
        features = 2 * config.radii * MEMORY_COLUMNS
        self.memory = nn.Linear(features, width) if features else None
        self.register_buffer("centre", torch.tensor([_CENTRE[n] for n in config.targets]))
        self.register_buffer("unit", torch.tensor([_UNIT[n] for n in config.targets]))

    def forward(
        self, batch: GraphBatch, solvents: Tensor, memory: Tensor | None = None
    ) -> ShiftOutput:
        if self.memory is not None and memory is None:
            memory = self.centre.new_zeros(len(batch.atoms), self.memory.in_features)
        read = None if self.memory is None else self.memory(memory)
        h = self.encoder(batch, read)
        of_atom = self.solvent(solvents.long()).index_select(0, batch.molecule.long())
        parts = []
        for number, head in enumerate(self.heads.values()):
            if number >= 2:
                parts.append(head(h))
                continue
            outputs = head(h + of_atom[:, number])
            if self.memory is not None:
                remembered = memory.view(len(memory), 2, self.config.radii, MEMORY_COLUMNS)
                outputs = _with_memory(outputs, remembered[:, number])
            parts.append(outputs)
        outputs = torch.stack(parts, dim=1).float()
        ppm = self.centre + self.unit * outputs[..., 0]
        log_error = outputs[..., 1].clamp(-6.0, 3.0) + torch.log(self.unit / 25)
        split = nn.functional.softplus(self.split(h).float()[:, 0] - 2.0)
        return ShiftOutput(ppm, log_error, split)


def _with_memory(outputs: Tensor, remembered: Tensor) -> Tensor:
    """``V x (2 + 1 + R)`` and ``V x R x 4`` -> ``V x 2``: the mean of own value and memory."""
    known = remembered[..., 0] > 0
    choices = torch.cat([outputs[:, :1], remembered[..., 1]], dim=1)
    logits = outputs[:, 2:]
    masked = torch.cat([logits[:, :1], logits[:, 1:].masked_fill(~known, -1e4)], dim=1)
    own = (masked.softmax(1) * choices).sum(1)
    return torch.stack([own, outputs[:, 1]], dim=1)


class _Head(nn.Sequential):
    def __init__(self, width: int, inner: int, outputs: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(width),
            nn.Linear(width, inner),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(inner, outputs),
        )
