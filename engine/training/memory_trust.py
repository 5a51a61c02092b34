"""Memories beside a trained network, and how far each is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.spectrum_memory import SpectrumMemory
from engine.networks.symspectra import SymSpectra
from engine.training.group_calibration import subset_logits
from engine.training.group_tensors import GroupTensors

# What an instrument's noise leaves in these channels after the encoding is found by its spread.
QUIET_CHANNELS = ("13C NMR", "1H NMR")
_LEAST_MOLECULES = 50
LIMIT = 10.0


def with_noise_floor(network: SymSpectra, channels: Sequence[str]) -> SymSpectra:
    """The same weights behind a noise floor on ``channels``."""
    return _regrown(network, quiet=tuple(channels))


def with_memories(network: SymSpectra, memories: Sequence[SpectrumMemory]) -> SymSpectra:
    """The same weights with memories, which are not trusted yet."""
    grown = _regrown(network, memories=tuple(memory.config for memory in memories))
    for memory in memories:
        place = SymSpectra.key_of(memory.config.channel)
        grown.memories[place].load_state_dict(memory.state_dict())
    return grown.eval()


def _regrown(network: SymSpectra, **changes) -> SymSpectra:
    """A network of a changed configuration with all the weights that both have."""
    grown = SymSpectra(replace(network.config, **changes))
    state = grown.state_dict()
    state.update({name: v for name, v in network.state_dict().items() if name in state})
    grown.load_state_dict(state)
    return grown


@torch.no_grad()
def _votes(network: SymSpectra, tensors: GroupTensors, channel: str) -> np.ndarray:
    """The memory's logits for every molecule ``(n, 37)``; 0 where it lacks the channel."""
    votes = np.zeros(tensors.labels.shape, np.float32)
    members = np.flatnonzero(tensors.count[channel] > 0)
    for part in np.array_split(members, max(1, len(members) // 512)):
        rows = tensors.first[channel][part]
        values = torch.from_numpy(tensors.values[channel][rows].astype(np.float32))
        votes[part] = network.votes({channel: values})[channel].numpy()
    return votes


def fit_trust(network: SymSpectra, valid: GroupTensors) -> dict[str, list[float]]:
    """How much each memory's logits count beside the network's, fitted on the validation split.

    The network knows its train molecules, so only molecules that it does not know can tell. One
    number for each memory and each count of channels that are present (all sets of that many
    channels together), by logistic regression; nothing below 0. For counts that too few molecules
    have, that of the next smaller count is taken. The network keeps them; they are returned as
    ``{channel: [one present, two present, ...]}``.
    """
    remembered = [memory.channel for memory in network.config.memories]
    kept = {name: getattr(network, f"trust_{network.key_of(name)}") for name in remembered}
    for trust in kept.values():
        trust.zero_()
    votes = {channel: _votes(network, valid, channel) for channel in remembered}
    # Nothing is kept before all is fitted: the network's own logits are asked for without votes.
    fitted = {channel: [0.0] * len(CHANNEL_NAMES) for channel in remembered}
    for count in range(1, len(CHANNEL_NAMES) + 1):
        found = _trust_for(network, valid, votes, count)
        for channel, trusts in fitted.items():
            trusts[count - 1] = found.get(channel, trusts[count - 2] if count > 1 else 0.0)
    for channel, trusts in fitted.items():
        kept[channel].copy_(torch.tensor(trusts))
    return fitted


def _trust_for(network, valid, votes, count: int) -> dict[str, float]:
    """The trust in each memory when ``count`` channels are present; those never seen are left out.

    With a single channel every memory is fitted by itself, since each has its own network's logits
    to compete with.
    """
    groups = [
        names for names in combinations(CHANNEL_NAMES, count) if any(n in votes for n in names)
    ]
    fits = [[names] for names in groups] if count == 1 else [groups]
    found: dict[str, float] = {}
    for sets in fits:
        parts = []
        for names in sets:
            members = np.flatnonzero(valid.presence[:, np.isin(CHANNEL_NAMES, names)].all(1))
            if len(members) >= _LEAST_MOLECULES:
                parts.append((names, members, subset_logits(network, valid, names)))
        if not parts:
            continue
        seen = [channel for channel in votes if any(channel in names for names, _, _ in parts)]
        inputs = [np.concatenate([logits for _, _, (logits, _) in parts])]
        for channel in seen:
            inputs.append(
                np.concatenate(
                    [votes[channel][members] * (channel in names) for names, members, _ in parts]
                )
            )
        truth = np.concatenate([truth for _, _, (_, truth) in parts])
        weights = relative_weights(np.stack(inputs), truth)
        found.update(zip(seen, weights[1:].tolist(), strict=True))
    return found


def relative_weights(inputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What each of ``inputs`` ``(k, n, 37)`` counts beside the first, ``(k,)``, 0 to ``LIMIT``.

    By logistic regression on ``truth`` bool ``(n, 37)``, with an offset for each label.
    """
    values, target = torch.from_numpy(inputs).double(), torch.from_numpy(truth).double()
    weights = torch.full((len(inputs),), 0.5, dtype=torch.double, requires_grad=True)
    offset = torch.zeros(truth.shape[1], dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, offset], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        mixed = torch.einsum("k,knl->nl", weights.clamp_min(0), values) + offset
        entropy = cross_entropy(mixed, target)
        entropy.backward()
        return entropy

    optimizer.step(loss)
    found = weights.detach().clamp_min(0).numpy()
    return np.minimum(found / max(found[0], 1e-9), LIMIT)
