"""The importance maps that are shown: what each region costs a group, this group above others.

Three steps, each measured by ``specgui benchmark maps``: the logit that a group loses without a
stretch of the spectrum (:func:`engine.encoding.attribution.masking_map`); how far it loses more
than the groups on the whole, since a stretch without which everything falls says little of one
group; and where the network finds this group as a rule (:mod:`engine.library.typical_evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.encoding.attribution import Maps, Spectra, gate_map, masking_map, specific
from engine.library.group_model import GroupModel
from engine.tasks.group_sources import alone_gate

# What is left of the weight of a place where the network never found a group.
_LEAST_WEIGHT = 0.05
# Standard deviation in points, so that a line of one point is a region: 12 1/cm, 0.6 and 0.035 ppm.
_BLUR = {"IR": 2.0, "13C NMR": 1.5, "1H NMR": 1.5}


@dataclass(frozen=True, eq=False)
class NetworkReading:
    """What the network says of one sample: ``logits`` ``(K,)``, and on each channel's grid its
    ``gates`` ``{channel: (600,)}`` and the ``effects`` of taking stretches away ``(600, K)``."""

    logits: np.ndarray
    gates: Maps
    effects: Maps


def read_network(model: GroupModel, spectra: Spectra) -> NetworkReading:
    """Ask the network for a sample's encoded spectra, whole and with stretches taken away.

    A network without gates gets its effects in their place, see :func:`alone_gate`.
    """
    import torch

    known = {n: np.asarray(v, np.float32) for n, v in spectra.items() if n in model.channels}
    seen: list = []

    def function(batch: dict) -> torch.Tensor:
        with torch.no_grad():
            output = model.network(batch)
        if not seen:
            seen.append(output)
        return getattr(output, "logits", output)

    effects = masking_map(function, known)
    first = seen[0]
    logits = getattr(first, "logits", first)[0].double().numpy()
    gates = {
        name: gate_map(gate[0].double().numpy(), len(known[name]))
        for name, gate in getattr(first, "gates", {}).items()
    }
    for name, lost in effects.items():
        gates.setdefault(name, alone_gate(lost))
    return NetworkReading(logits, gates, effects)


def group_maps(effects: Maps, typical: Mapping[str, np.ndarray]) -> Maps:
    """The maps that are shown, ``{channel: (600, K)}``, not negative, on one scale per group."""
    from scipy.ndimage import gaussian_filter1d

    maps = {}
    for name, lost in effects.items():
        values = specific(lost)
        if name in typical:
            values = values * (_LEAST_WEIGHT + typical[name])
        blur = _BLUR.get(name, 0.0)
        maps[name] = gaussian_filter1d(values, blur, axis=0, mode="constant") if blur else values
    return maps
