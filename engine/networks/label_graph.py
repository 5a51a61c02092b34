"""The graph network that scores labels for an order of prediction (SymSpectra, appendix L.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def normalised_adjacency(weights: Tensor) -> Tensor:
    """D^-1/2 (W + I) D^-1/2 of a graph's weights ``K x K`` (Kipf and Welling, ICLR 2017)."""
    looped = weights + torch.eye(len(weights), dtype=weights.dtype)
    root = looped.sum(1).rsqrt()
    return root.unsqueeze(1) * looped * root


class GraphConvolution(nn.Module):
    """A layer of a graph convolutional network: ``K x F -> K x D`` (eqs 48 and 50)."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inside, outside, bias=False)
        self.bias = nn.Parameter(torch.zeros(outside))

    def forward(self, nodes: Tensor, adjacency: Tensor) -> Tensor:
        return adjacency @ self.linear(nodes) + self.bias


class GraphAttention(nn.Module):
    """A layer of a graph attention network with one head: ``K x F -> K x D`` (eq. 49).

    ``edges`` bool ``K x K``; a node always attends to itself (Velickovic et al., ICLR 2018).
    """

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inside, outside, bias=False)
        self.source = nn.Linear(outside, 1, bias=False)
        self.target = nn.Linear(outside, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(outside))

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        values = self.linear(nodes)
        scores = nn.functional.leaky_relu(self.target(values) + self.source(values).T, 0.2)
        open_to = edges | torch.eye(len(nodes), dtype=torch.bool)
        shares = scores.masked_fill(~open_to, float("-inf")).softmax(1)
        return shares @ values + self.bias


class LabelGraphNetwork(nn.Module):
    """Embeddings ``K x D`` and scores ``K`` of labels from their co-occurrence (eqs 48 to 51).

    ``weights`` ``K x K``: the phi coefficients of the edges, 0 elsewhere. Labels are one-hot nodes.
    """

    def __init__(self, labels: int, hidden: int = 64, embedding: int = 32) -> None:
        super().__init__()
        self.first = GraphConvolution(labels, hidden)
        self.second = GraphAttention(hidden, hidden)
        self.third = GraphConvolution(hidden, embedding)
        self.importance = nn.Linear(embedding, 1)

    def forward(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        edges = weights > 0
        plain = normalised_adjacency(edges.to(weights.dtype))
        nodes = torch.eye(len(weights), dtype=weights.dtype)
        nodes = torch.relu(self.first(nodes, normalised_adjacency(weights)))
        nodes = torch.relu(self.second(nodes, edges))
        embeddings = self.third(nodes, plain)
        return embeddings, self.importance(embeddings).squeeze(1)
