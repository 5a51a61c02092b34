"""Decoders that name functional groups one after another (SymSpectra, 2.2.4 and appendix P)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def heard(logit: Tensor, truth: Tensor | None, teaching: float) -> Tensor:
    """What the next label hears of one label, ``B``: the network's own probability, or with
    probability ``teaching`` (scheduled sampling) its ``truth``, 0 or 1."""
    probability = torch.sigmoid(logit)
    if truth is not None and teaching > 0:
        taught = torch.rand_like(probability) < teaching
        probability = torch.where(taught, truth, probability)
    return probability


class RecurrentLabelDecoder(nn.Module, ABC):
    """Groups in a fixed order, each seeing those before it (eq. 13).

    ``order`` lists the ``K`` label indices in the order of prediction. The hidden state starts
    from the fused representation ``B x D``; each step embeds the previous label. Returns logits
    ``B x K`` in the labels' own order.

    ``truth`` (``B x K``, 0 or 1) is fed back with probability ``teaching`` for each label
    (scheduled sampling), else the network's own probability, as the mixture of the embeddings of
    yes and no: deterministic, and differentiable for attribution.
    """

    cell_type: type[nn.RNNCellBase]

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
        self.cell = self.cell_type(embedding, hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, labels)

    def forward(
        self, fused: Tensor, prior: Tensor, truth: Tensor | None = None, teaching: float = 0.0
    ) -> Tensor:
        """``prior`` ``B x K``: the main predictor's logits, which the decoder corrects."""
        hidden = self.start(fused)
        memory = torch.zeros_like(hidden)
        # The embedding of a label is linear in its probability, so what it adds to the cell's gates
        # is found once for all labels.
        inputs = self._from_input(self.previous)
        rises = (inputs[:, 1] - inputs[:, 0]).unbind()
        levels = inputs[:, 0].unbind()
        added = self._from_input(self.first).expand(len(fused), -1)
        priors, weights, biases = prior.unbind(1), self.out.weight.unbind(), self.out.bias.unbind()
        logits: list[Tensor] = [prior] * len(priors)
        for label in self.order.tolist():
            hidden, memory = self._step(added, hidden, memory)
            logit = priors[label] + self.dropout(hidden) @ weights[label] + biases[label]
            logits[label] = logit
            told = heard(logit, None if truth is None else truth[:, label], teaching)
            added = torch.addcmul(levels[label], told.unsqueeze(-1), rises[label])
        return torch.stack(logits, 1)

    @abstractmethod
    def _from_input(self, embedded: Tensor) -> Tensor:
        """What an embedding adds to the cell's gates, before the hidden state is heard."""

    @abstractmethod
    def _step(self, added: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The cell's next hidden state and memory."""


class LabelDecoder(RecurrentLabelDecoder):
    """The LSTM decoder, the best of the paper's Table 9."""

    cell_type = nn.LSTMCell

    def _from_input(self, embedded: Tensor) -> Tensor:
        return embedded @ self.cell.weight_ih.T + self.cell.bias_ih + self.cell.bias_hh

    def _step(self, added: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        gates = torch.addmm(added, hidden, self.cell.weight_hh.T)
        enter, forget, candidate, leave = gates.chunk(4, 1)
        memory = torch.sigmoid(forget) * memory + torch.sigmoid(enter) * torch.tanh(candidate)
        return torch.sigmoid(leave) * torch.tanh(memory), memory


class GruLabelDecoder(RecurrentLabelDecoder):
    """The GRU decoder."""

    cell_type = nn.GRUCell

    def _from_input(self, embedded: Tensor) -> Tensor:
        return embedded @ self.cell.weight_ih.T + self.cell.bias_ih

    def _step(self, added: Tensor, hidden: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        said = torch.addmm(self.cell.bias_hh, hidden, self.cell.weight_hh.T)
        own_reset, own_update, own_new = said.chunk(3, 1)
        reset, update, new = added.chunk(3, 1)
        reset, update = torch.sigmoid(reset + own_reset), torch.sigmoid(update + own_update)
        candidate = torch.tanh(new + reset * own_new)
        return candidate + update * (hidden - candidate), memory


class CausalLayer(nn.Module):
    """One layer of a Transformer decoder, a place at a time: ``B x H -> B x H``.

    ``cache`` holds the keys and values of the places before, ``B x heads x 1 x H/heads`` each, and
    grows by this place's.
    """

    def __init__(self, hidden: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(hidden)
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(hidden), nn.Linear(hidden, 2 * hidden), nn.GELU(),
            nn.Linear(2 * hidden, hidden), nn.Dropout(dropout),
        )  # fmt: skip

    def forward(self, place: Tensor, cache: list[tuple[Tensor, Tensor]]) -> Tensor:
        parts = self.query_key_value(self.norm(place)).unflatten(1, (3, self.heads, 1, -1))
        query, key, value = parts.unbind(1)
        cache.append((key, value))
        keys, values = (torch.cat(which, 2) for which in zip(*cache, strict=True))
        attended = nn.functional.scaled_dot_product_attention(query, keys, values)
        place = place + self.dropout(self.out(attended.flatten(1)))
        return place + self.feed_forward(place)


class TransformerLabelDecoder(nn.Module):
    """The Transformer decoder: each label attends to the fused representation, which is the first
    place, and to the labels before it. In and out as :class:`RecurrentLabelDecoder`."""

    def __init__(
        self, fused: int, order: Sequence[int], hidden: int = 128, heads: int = 4, depth: int = 2,
        dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.register_buffer("order", torch.tensor(list(order)), persistent=False)
        labels = len(order)
        self.start = nn.Linear(fused, hidden)
        self.previous = nn.Parameter(torch.randn(labels, 2, hidden) * 0.1)
        self.asked = nn.Parameter(torch.randn(labels, hidden) * 0.1)
        self.layers = nn.ModuleList(CausalLayer(hidden, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, labels)

    def forward(
        self, fused: Tensor, prior: Tensor, truth: Tensor | None = None, teaching: float = 0.0
    ) -> Tensor:
        """``prior`` ``B x K``: the main predictor's logits, which the decoder corrects."""
        caches: list[list[tuple[Tensor, Tensor]]] = [[] for _ in self.layers]
        before = self.start(fused)
        priors = prior.unbind(1)
        logits: list[Tensor] = [prior] * len(priors)
        for label in self.order.tolist():
            place = before + self.asked[label]
            for layer, cache in zip(self.layers, caches, strict=True):
                place = layer(place, cache)
            hidden = self.dropout(self.norm(place))
            logit = priors[label] + hidden @ self.out.weight[label] + self.out.bias[label]
            logits[label] = logit
            told = heard(logit, None if truth is None else truth[:, label], teaching)
            no, yes = self.previous[label]
            before = torch.addcmul(no, told.unsqueeze(-1), yes - no)
        return torch.stack(logits, 1)


DECODERS: dict[str, type[nn.Module]] = {
    "lstm": LabelDecoder,
    "gru": GruLabelDecoder,
    "transformer": TransformerLabelDecoder,
}


def label_decoder(kind: str, fused: int, order: Sequence[int]) -> nn.Module:
    """A decoder of :data:`DECODERS`; raises ``ValueError`` with the known kinds for another."""
    if kind not in DECODERS:
        raise ValueError(f"decoder {kind!r} is none of {', '.join(DECODERS)}")
    return DECODERS[kind](fused, order)
