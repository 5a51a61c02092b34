"""Molecular graphs put together into the batch that the graph networks take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.chemistry.molecular_graph import ATOM_FEATURES, BOND_FEATURES, MolecularGraph
from engine.networks.graph_encoder import GraphBatch

ATOM_VALUES = tuple(ATOM_FEATURES.values())
BOND_VALUES = tuple(BOND_FEATURES.values())


def atom_columns(names: Sequence[str] = tuple(ATOM_FEATURES)) -> tuple[int, ...]:
    """The columns of atom features by name."""
    return tuple(list(ATOM_FEATURES).index(name) for name in names)


def bond_columns(names: Sequence[str] = tuple(BOND_FEATURES)) -> tuple[int, ...]:
    """The columns of bond features by name."""
    return tuple(list(BOND_FEATURES).index(name) for name in names)


def graph_batch(graphs: Sequence[MolecularGraph]) -> GraphBatch:
    """One graph of all; the atoms of each molecule follow those of the one before."""
    sizes = np.array([len(g) for g in graphs], np.int64)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])) if len(sizes) else sizes
    ends = [g.ends.astype(np.int64) + start for g, start in zip(graphs, starts, strict=True)]
    return GraphBatch(
        torch.from_numpy(np.concatenate([g.atoms for g in graphs])),
        torch.from_numpy(np.concatenate([g.bonds for g in graphs])),
        torch.from_numpy(np.concatenate(ends, axis=1)),
        torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes)),
        len(graphs),
    )
