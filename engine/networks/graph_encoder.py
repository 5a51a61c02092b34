"""The graph encoder that all networks on molecules share: GIN with features on its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class GraphBatch:
    """Several molecules as one graph: V atoms, E directed edges, B molecules.

    ``atoms`` ``(V, Fa)`` and ``bonds`` ``(E, Fb)``: feature indices; ``ends`` ``(2, E)``: from and
    to which atom each edge runs; ``molecule`` ``(V,)``: the molecule of each atom, ascending.
    """

    atoms: Tensor
    bonds: Tensor
    ends: Tensor
    molecule: Tensor
    size: int

    def to(self, device: torch.device | str) -> GraphBatch:
        return GraphBatch(
            *(getattr(self, n).to(device) for n in ("atoms", "bonds", "ends", "molecule")),
            self.size,
        )


@dataclass(frozen=True)
class GraphEncoderConfig:
    """``atom_values`` and ``bond_values``: how many values each feature takes, in the order of the
    columns; ``atom_columns`` and ``bond_columns``: the columns that are read."""

    atom_values: tuple[int, ...]
    bond_values: tuple[int, ...]
    atom_columns: tuple[int, ...]
    bond_columns: tuple[int, ...]
    width: int = 128
    depth: int = 5
    expansion: int = 2
    dropout: float = 0.0
    norm: str = "batch"  # batch, as in the paper, or layer
    residual: bool = False
    every_depth: bool = False  # the atoms' vectors of all depths together, not the last alone

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GraphEncoderConfig:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


class GraphEncoder(nn.Module):
    """GIN (Xu et al., ICLR 2019) with edge embeddings: atoms ``V`` -> vectors ``V x width``.

    Layer: ``h_i <- MLP((1 + eps) h_i + sum_j relu(h_j + e_ij))``; the sum runs over the neighbours.
    """

    def __init__(self, config: GraphEncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.atom_embeddings = nn.ModuleList(
            nn.Embedding(config.atom_values[column], width) for column in config.atom_columns
        )
        self.bond_embeddings = nn.ModuleList(
            _EdgeEmbedding([config.bond_values[c] for c in config.bond_columns], width)
            for _ in range(config.depth)
        )
        self.layers = nn.ModuleList(
            _Layer(width, config.expansion, config.norm) for _ in range(config.depth)
        )
        self.dropout = nn.Dropout(config.dropout)
        depths = config.depth + 1
        self.together = nn.Linear(depths * width, width) if config.every_depth else None

    def forward(self, batch: GraphBatch, extra: Tensor | None = None) -> Tensor:
        """A vector for each atom, ``V x width``; ``extra`` ``V x width`` is added to the first."""
        config = self.config
        h = sum(
            embedding(batch.atoms[:, column].long())
            for embedding, column in zip(self.atom_embeddings, config.atom_columns, strict=True)
        )
        if extra is not None:
            h = h + extra
        columns = list(config.bond_columns)
        bonds = batch.bonds[:, columns].long()
        source, target = batch.ends[0].long(), batch.ends[1].long()
        depths = [h]
        for number, (embed, layer) in enumerate(
            zip(self.bond_embeddings, self.layers, strict=True)
        ):
            message = torch.relu(h.index_select(0, source) + embed(bonds))
            around = torch.zeros_like(h).index_add_(0, target, message.to(h.dtype))
            new = layer(h, around)
            if number < config.depth - 1:
                new = torch.relu(new)
            new = self.dropout(new)
            h = h + new if config.residual else new
            depths.append(h)
        return h if self.together is None else self.together(torch.cat(depths, dim=1))


def sum_over_molecules(vectors: Tensor, batch: GraphBatch) -> Tensor:
    """The sum of the atoms' vectors of each molecule, ``V x d -> B x d``."""
    sums = vectors.new_zeros(batch.size, vectors.shape[1])
    return sums.index_add_(0, batch.molecule.long(), vectors)


class _EdgeEmbedding(nn.Module):
    def __init__(self, values: Sequence[int], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(count, width) for count in values)

    def forward(self, bonds: Tensor) -> Tensor:
        # Few different bonds in a batch of many: each kind is looked up once.
        code = bonds[:, 0]
        for column, table in zip(range(1, bonds.shape[1]), list(self.tables)[1:], strict=True):
            code = code * table.num_embeddings + bonds[:, column]
        kinds, inverse = torch.unique(code, return_inverse=True)
        first = torch.zeros_like(kinds).scatter_(
            0, inverse, torch.arange(len(code), device=code.device)
        )
        rows = bonds[first]
        embedded = sum(table(rows[:, c]) for c, table in enumerate(self.tables))
        return embedded.index_select(0, inverse)


class _Layer(nn.Module):
    def __init__(self, width: int, expansion: int, norm: str) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        inner = expansion * width
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
        self.norm = nn.BatchNorm1d(width) if norm == "batch" else nn.LayerNorm(width)

    def forward(self, h: Tensor, around: Tensor) -> Tensor:
        return self.norm(self.mlp((1 + self.eps) * h + around))
