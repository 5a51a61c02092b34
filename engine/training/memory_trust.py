"""Memories beside a trained network, and how far each is trusted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from engine.encoding.channels import CHANNEL_NAMES
from engine.networks.peak_set import PeakSet
from engine.networks.spectrum_memory import SpectrumMemory
from engine.networks.symspectra import SymSpectra
from engine.training.group_calibration import subset_logits
from engine.training.group_tensors import GroupTensors

# What an instrument's noise leaves in these channels after the encoding is found by its spread.
QUIET_CHANNELS = ("13C NMR", "1H NMR")
# The companion is heard where so many channels are present. On the validation split it raises
# 13C+1H much; beside 13C or 1H alone it costs rare groups, and beside three it adds nothing.
COMPANION_COUNTS = (2,)
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


def with_companion(network: SymSpectra, companion: PeakSet) -> SymSpectra:
    """The same weights, memories and their trust, with a companion, which is not trusted yet."""
    grown = _regrown(network, companion=companion.config)
    grown.companion.load_state_dict(companion.state_dict())
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


@torch.no_grad()
def _companion_votes(network: SymSpectra, tensors: GroupTensors, pattern: int) -> np.ndarray:
    """The companion's logits ``(n, 37)`` from one set of its channels; 0 where one is missing."""
    channels = network.companion.channels
    names = [name for place, name in enumerate(channels) if pattern >> place & 1]
    votes = np.zeros(tensors.labels.shape, np.float32)
    wanted = np.isin(CHANNEL_NAMES, names)
    members = np.flatnonzero((tensors.presence | ~wanted).all(1))
    for part in np.array_split(members, max(1, len(members) // 512)):
        spectra = {
            name: torch.from_numpy(
                tensors.values[name][tensors.first[name][part]].astype(np.float32)
            )
            for name in names
        }
        if len(part):
            votes[part] = network.companion_logits(spectra).numpy()
    return votes


class _Speakers:
    """What speaks beside the network: memories by their channels, the companion by the set of its
    channels that are present. ``votes``: the logits of each, ``(n, 37)``."""

    def __init__(self, network: SymSpectra, tensors: GroupTensors) -> None:
        self.companion = network.companion
        self.votes: dict[str, np.ndarray] = {
            memory.channel: _votes(network, tensors, memory.channel)
            for memory in network.config.memories
        }
        self.patterns: dict[str, int] = {}
        for pattern in range(1, 2 ** len(self.companion.channels) if self.companion else 1):
            self.patterns[f"companion {pattern}"] = pattern
            self.votes[f"companion {pattern}"] = _companion_votes(network, tensors, pattern)

    def speaks(self, name: str, channels: Collection[str]) -> bool:
        """Whether it is to be heard where just these channels are present."""
        if name in self.patterns:
            heard = len(channels) in COMPANION_COUNTS
            return heard and self.companion.pattern(channels) == self.patterns[name]
        return name in channels


def fit_trust(network: SymSpectra, valid: GroupTensors) -> dict[str, list[float]]:
    """How much each memory's logits, and the companion's, count beside the network's, fitted on
    the validation split.

    The network knows its train molecules, so only molecules that it does not know can tell. One
    number for each memory and each count of channels that are present (all sets of that many
    channels together), by logistic regression; nothing below 0. For counts that too few molecules
    have, that of the next smaller count is taken. The network keeps them; they are returned as
    ``{channel: [one present, two present, ...]}``.
    """
    speakers = _Speakers(network, valid)
    kept = {}
    for name in speakers.votes:
        if name in speakers.patterns:
            kept[name] = network.trust_companion[speakers.patterns[name]]
        else:
            kept[name] = getattr(network, f"trust_{network.key_of(name)}")
    for trust in kept.values():
        trust.zero_()
    # Nothing is kept before all is fitted: the network's own logits are asked for without votes.
    fitted = {name: [0.0] * len(CHANNEL_NAMES) for name in kept}
    for count in range(1, len(CHANNEL_NAMES) + 1):
        found = _trust_for(network, valid, speakers, count)
        for name, trusts in fitted.items():
            before = trusts[count - 2] if count > 1 and name not in speakers.patterns else 0.0
            trusts[count - 1] = found.get(name, before)
    for name, trusts in fitted.items():
        kept[name].copy_(torch.tensor(trusts))
    return fitted


def _trust_for(network, valid, speakers: _Speakers, count: int) -> dict[str, float]:
    """The trust in each memory when ``count`` channels are present; those never seen are left out.

    With a single channel every memory is fitted by itself, since each has its own network's logits
    to compete with.
    """
    groups = [
        names
        for names in combinations(CHANNEL_NAMES, count)
        if any(speakers.speaks(name, names) for name in speakers.votes)
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
        seen = [
            name
            for name in speakers.votes
            if any(speakers.speaks(name, channels) for channels, _, _ in parts)
        ]
        inputs = [np.concatenate([logits for _, _, (logits, _) in parts])]
        for name in seen:
            inputs.append(
                np.concatenate(
                    [
                        speakers.votes[name][members] * speakers.speaks(name, channels)
                        for channels, members, _ in parts
                    ]
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
