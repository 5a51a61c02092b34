"""Where a group network finds each group as a rule, kept beside its weights.

One sample's masking effects are noisy: bands overlap, and a network may lean on a band once that it
seldom minds. The mean map of many training molecules that hold the group tells where the network's
evidence for it usually lies; a sample's map is weighed by it. Nothing of it comes from tables of
known bands, so that these can still judge the maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

Typical = Mapping[str, np.ndarray]
_LEVELS = 255


def typical_path(path: Path) -> Path:
    """The file that belongs to the model ``path`` (without suffix)."""
    return path.with_name(f"{path.name}-maps.safetensors")


def save_typical_evidence(path: Path, typical: Typical, labels: tuple[str, ...]) -> Path:
    """Write ``{channel: (600, K)}``, 0 to 1, beside the model ``path``, in 8 bits a number."""
    from safetensors.numpy import save_file

    file = typical_path(path)
    part = file.with_suffix(".part")
    levels = {
        name: np.round(np.clip(weights, 0, 1) * _LEVELS).astype(np.uint8)
        for name, weights in typical.items()
    }
    save_file(levels, str(part), metadata={"labels": "\n".join(labels)})
    part.chmod(0o644)
    part.replace(file)
    return file


def load_typical_evidence(path: Path, labels: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What :func:`save_typical_evidence` wrote for the model ``path``; empty when there is none.

    Raises ``ValueError`` for a file that is not of this model's labels.
    """
    from safetensors import SafetensorError, safe_open

    file = typical_path(path)
    if not file.is_file():
        return {}
    try:
        with safe_open(str(file), "np") as stored:
            said = tuple((stored.metadata() or {}).get("labels", "").split("\n"))
            names = list(stored.keys())
            tensors = {name: stored.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{file.name} cannot be read: {error}") from error
    shapes = {name: values.shape for name, values in tensors.items()}
    if said != labels or any(shape != (600, len(labels)) for shape in shapes.values()):
        raise ValueError(
            f"{file.name} holds {shapes} for {len(said)} groups; right is (600, {len(labels)}) for "
            "the groups of its model: make it again with 'specgui train group-maps'"
        )
    return {name: values.astype(np.float64) / _LEVELS for name, values in tensors.items()}
