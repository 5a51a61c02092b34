"""The LSTM decoder that names functional groups one after another (SymSpectra, section 2.2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LabelDecoder(nn.Module):
    """Groups in a fixed order, each seeing those before it (eq. 13).

    ``order`` lists the ``K`` label indices in the order of prediction. The hidden state starts
    from the fused representation ``B x D``; each step embeds the previous label. Returns logits
    ``B x K`` in the labels' own order.

    ``truth`` (``B x K``, 0 or 1) is fed back with probability ``teaching`` for each label
    (scheduled sampling), else the network's own probability, as the mixture of the embeddings of
    yes and no: deterministic, and differentiable for attribution.
    """

    def __init__(
        self, fused: int, order: Sequence[int], hidden: int = 128, embedding: int = 32,
        dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("order", torch.tensor(list(order)), persistent=False)
        labels = len(order)
        self.start = nn.Sequential(nn.Linear(fused, hidden), nn.Tanh())
        self.previous = nn.Parameter(torch.randn(labels, 2, embedding) * 0.1)
        self.first = nn.Parameter(torch.zeros(embedding))
        self.cell = nn.LSTMCell(embedding, hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, labels)

    def forward(
        self, fused: Tensor, prior: Tensor, truth: Tensor | None = None, teaching: float = 0.0
    ) -> Tensor:
        """``prior`` ``B x K``: the main predictor's logits, which the decoder corrects."""
        hidden = self.start(fused)
        cell = torch.zeros_like(hidden)
        # The embedding of a label is linear in its probability, so what it adds to the cell's gates
        # is found once for all labels.
        inputs = self.previous @ self.cell.weight_ih.T + self.cell.bias_ih + self.cell.bias_hh
        rises = (inputs[:, 1] - inputs[:, 0]).unbind()
        levels = inputs[:, 0].unbind()
        added = self.first @ self.cell.weight_ih.T + self.cell.bias_ih + self.cell.bias_hh
        added = added.expand(len(fused), -1)
        priors, weights, biases = prior.unbind(1), self.out.weight.unbind(), self.out.bias.unbind()
        logits: list[Tensor] = [prior] * len(priors)
        for label in self.order.tolist():
            gates = torch.addmm(added, hidden, self.cell.weight_hh.T)
            enter, forget, candidate, leave = gates.chunk(4, 1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
            hidden = torch.sigmoid(leave) * torch.tanh(cell)
            logit = priors[label] + self.dropout(hidden) @ weights[label] + biases[label]
            logits[label] = logit
            probability = torch.sigmoid(logit)
            if truth is not None and teaching > 0:
                taught = torch.rand_like(probability) < teaching
                probability = torch.where(taught, truth[:, label], probability)
            added = torch.addcmul(levels[label], probability.unsqueeze(-1), rises[label])
        return torch.stack(logits, 1)
