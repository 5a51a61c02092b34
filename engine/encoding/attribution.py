"""Attribution: which points of a spectrum a network's logits rest on, by several methods.

Every method works on encoded spectra ``{channel: (600,)}`` and gives maps ``{channel: (600, K)}``,
positive where a point speaks for a label.

- :func:`gate_map`: the network's importance gates (MSpecTmol, eqs 6-8; SymSpectra, eq. 5). They are
  the same for all labels.
- :func:`gradient_times_input`: the gradient of a logit times what stands over the baseline
  (Shrikumar et al., arXiv:1605.01713).
- :func:`integrated_gradients`: that gradient's mean on the straight way from the empty spectrum to
  this one (Sundararajan, Taly, Yan, ICML 2017, eq. 1).
- :func:`masking_map`: what a logit loses when a stretch of the spectrum is taken away (occlusion:
  Zeiler, Fergus, ECCV 2014).

Masking asks the network only for its logits, so it serves any function of the spectra; the
gradient's methods see only what is differentiable in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.encoding.removal import removed

if TYPE_CHECKING:
    from torch import Tensor, nn

Spectra = Mapping[str, np.ndarray]
Maps = dict[str, np.ndarray]
LogitsOf = Callable[[dict[str, "Tensor"]], "Tensor"]

# Points on each stretch of infrared that is taken away at once, and from one stretch to the next:
# 120 and 60 1/cm. Narrower ones leave too much of a band, and of its neighbours in one group.
INFRARED_WIDTH = 20
INFRARED_STEP = 10
MOST_LINES = 40
INTEGRATION_STEPS = 16
_AT_ONCE = 128
_LEAST_TAKEN = 0.015
# Squared logits: a stretch that costs no group more than this tells nothing.
_NOTHING = 1e-3


def logits_of(network: nn.Module) -> LogitsOf:
    """The network as a function ``{channel: B x 600} -> B x K``, without gradients kept.

    A network gives a tensor of logits, or an output that has them as ``logits``.
    """
    import torch

    def function(spectra: dict[str, Tensor]) -> Tensor:
        with torch.no_grad():
            return _logits(network(spectra))

    return function


def _logits(output: Any) -> Tensor:
    return getattr(output, "logits", output)


@dataclass(frozen=True, eq=False)
class Stretches:
    """The parts of one channel that are taken away, one at a time.

    ``masks`` bool ``(m, 600)``: the points of each; ``without`` ``(m, 600)``: the spectrum
    without it.
    """

    masks: np.ndarray
    without: np.ndarray

    def __len__(self) -> int:
        return len(self.masks)


def stretches_of(
    channel: str,
    values: np.ndarray,
    width: int = INFRARED_WIDTH,
    step: int = INFRARED_STEP,
    most_lines: int = MOST_LINES,
) -> Stretches:
    """The stretches of an encoded spectrum ``(600,)`` that are worth taking away.

    Infrared is cut in windows of ``width`` points that overlap, each ``step`` points after the one
    before; every other technique, which is mostly empty, in its lines: from minimum to minimum, the
    strongest ``most_lines``. A stretch that takes away next to nothing (1.5 % of the tallest band)
    is left out.
    """
    if channel == "IR":
        starts = np.arange(-(width // 2), len(values) - width // 2, step)
        spans = [(max(0, s), min(len(values), s + width)) for s in starts.tolist()]
    else:
        spans = _lines(values)
        if len(spans) > most_lines:
            strength = [values[start:stop].max() for start, stop in spans]
            spans = [spans[i] for i in sorted(np.argsort(strength)[-most_lines:].tolist())]
    masks, without = [], []
    least = _LEAST_TAKEN * float(np.abs(values).max(initial=0.0))
    for start, stop in spans:
        rest = removed(channel, values, start, stop)
        if np.abs(values - rest).max(initial=0.0) > least:
            mask = np.zeros(len(values), bool)
            mask[start:stop] = True
            masks.append(mask)
            without.append(rest)
    shape = (len(masks), len(values))
    return Stretches(np.reshape(masks, shape).astype(bool), np.reshape(without, shape))


def _lines(values: np.ndarray) -> list[tuple[int, int]]:
    """Half-open ranges of a spectrum's lines: above 0, and parted at the minima in between."""
    above = values > 0
    inner = np.zeros(len(values), bool)
    inner[1:-1] = (values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:]) & above[1:-1]
    # A dip in the noise on a line is none of its minima.
    inner &= values < 0.7 * _neighbourhood_top(values)
    begins = np.flatnonzero((above & ~np.concatenate([[False], above[:-1]])) | inner)
    ends = np.flatnonzero(above & ~np.concatenate([above[1:], [False]])) + 1
    spans = []
    for number, start in enumerate(begins.tolist()):
        end = int(ends[np.searchsorted(ends, start, side="right")])
        following = int(begins[number + 1]) if number + 1 < len(begins) else len(values)
        spans.append((start, min(end, following)))
    return spans


def _neighbourhood_top(values: np.ndarray, reach: int = 3) -> np.ndarray:
    padded = np.pad(values, reach)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(1)


def masking_map(
    function: LogitsOf, spectra: Spectra, with_logits: bool = False, **cutting: int
) -> Maps | tuple[Maps, np.ndarray]:
    """What each logit loses without the stretch around a point, ``{channel: (600, K)}``.

    A stretch's loss is spread over its points as what was taken away there, and where stretches
    overlap the mean counts. ``cutting`` as in :func:`stretches_of`. ``with_logits`` returns the
    logits of the whole spectra ``(K,)`` too.
    """
    stretches = {name: stretches_of(name, values, **cutting) for name, values in spectra.items()}
    logits, effects = stretch_effects(function, spectra, stretches)
    maps = {name: spread(spectra[name], stretches[name], effects[name]) for name in spectra}
    return (maps, logits) if with_logits else maps


def stretch_effects(
    function: LogitsOf, spectra: Spectra, stretches: Mapping[str, Stretches]
) -> tuple[np.ndarray, Maps]:
    """The logits of the whole spectra ``(K,)``, and what each loses without each stretch,
    ``{channel: (m, K)}``.

    The function is asked once for the whole (a batch of one), then once for the stretches of each
    channel. The other channels' spectra are the same in all rows of such a batch, which is an
    expanded view of one row: a network may see that and read them once.
    """
    import torch

    whole = {n: torch.from_numpy(np.asarray(v, np.float32))[None] for n, v in spectra.items()}
    logits = function(dict(whole)).double().numpy()[0]
    effects = {}
    for name, cut in stretches.items():
        parts = [np.zeros((0, len(logits)))]
        for first in range(0, len(cut), _AT_ONCE):
            rows = torch.from_numpy(cut.without[first : first + _AT_ONCE].astype(np.float32))
            batch = {n: rows if n == name else v.expand(len(rows), -1) for n, v in whole.items()}
            parts.append(logits - function(batch).double().numpy())
        effects[name] = np.concatenate(parts)
    return logits, effects


def spread(values: np.ndarray, cut: Stretches, effects: np.ndarray) -> np.ndarray:
    """Effects ``(m, K)`` of stretches over the points of their spectrum, ``(600, K)``.

    Each point of a stretch gets the effect times what was taken away there, over the most that was
    taken away in it; where several stretches lie over a point, their mean.
    """
    if not len(cut):
        return np.zeros((len(values), effects.shape[1]))
    taken = np.abs(values[None] - cut.without)
    weight = taken / np.maximum(taken.max(1, keepdims=True), 1e-12)
    covered = np.maximum(1, cut.masks.sum(0))
    return (weight.T @ effects) / covered[:, None]


def specific(effects: np.ndarray) -> np.ndarray:
    """Losses ``(600, K)`` times how they stand to the root mean square over all groups."""
    lost = np.clip(effects, 0, None)
    return lost * lost / np.sqrt((effects**2).mean(1, keepdims=True) + _NOTHING)


def gradient_times_input(
    network: nn.Module, spectra: Spectra, labels: Sequence[int] | None = None
) -> Maps:
    """Gradient times spectrum for some labels (default: all), ``{channel: (600, labels)}``."""
    return _path_gradients(network, spectra, labels, np.array([1.0]))


def integrated_gradients(
    network: nn.Module,
    spectra: Spectra,
    labels: Sequence[int] | None = None,
    steps: int = INTEGRATION_STEPS,
) -> Maps:
    """Integrated gradients from the empty spectrum, ``{channel: (600, labels)}``.

    The integral is the mean at the middles of ``steps`` parts of the way. The maps of one label
    add up to what its logit gains on the way (completeness), as far as the network is
    differentiable.
    """
    return _path_gradients(network, spectra, labels, (np.arange(steps) + 0.5) / steps)


def _path_gradients(network, spectra, labels, shares: np.ndarray) -> Maps:
    import torch

    names = list(spectra)
    whole = {n: torch.from_numpy(np.asarray(v, np.float32)) for n, v in spectra.items()}
    along = torch.from_numpy(shares).float()[:, None]
    inputs = {n: (along * v[None]).requires_grad_(True) for n, v in whole.items()}
    with torch.enable_grad():
        logits = _logits(network(inputs))
        chosen = range(logits.shape[1]) if labels is None else labels
        columns: dict[str, list[np.ndarray]] = {n: [] for n in names}
        for label in chosen:
            gradients = torch.autograd.grad(
                logits[:, label].sum(), list(inputs.values()), retain_graph=True, allow_unused=True
            )
            for name, gradient in zip(names, gradients, strict=True):
                # A root or a normalisation of nothing has no finite gradient: it counts as none.
                mean = torch.zeros_like(whole[name])
                if gradient is not None:
                    mean = gradient.nan_to_num(0.0, 0.0, 0.0).mean(0)
                columns[name].append((mean * whole[name]).double().numpy())
    return {n: np.stack(parts, 1) if parts else np.zeros((len(whole[n]), 0))
            for n, parts in columns.items()}  # fmt: skip


def gate_map(gates: np.ndarray, points: int) -> np.ndarray:
    """Gates of a channel's tokens ``(L,)`` on the points of its spectrum, ``(points,)``."""
    tokens = np.linspace(0, points, len(gates) + 1)
    middles = (tokens[1:] + tokens[:-1]) / 2 - 0.5
    return np.interp(np.arange(points), middles, gates)
