"""The trained shift predictor as it ships: networks, scale of their uncertainty, provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.chemistry.environment_codes import environment_codes
from engine.chemistry.molecular_graph import MolecularGraph, molecular_graph
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts
from engine.chemistry.shift_memory import ShiftMemory
from engine.library.group_model import ModelCard, NoModelError

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "shifts-gin"
# Atoms that go through the network at once: enough to keep it busy, few enough for the cache.
_BATCH_ATOMS = 4096


@dataclass(frozen=True, eq=False)
class ShiftModel:
    """Networks in evaluation mode, whose predictions are averaged; a :class:`ShiftPredictor`.

    ``uncertainty_scale``: for each of :data:`NUCLEI`, what the networks' expected absolute error is
    multiplied with, fitted on the validation split. ``memory``: what was measured for alike atoms,
    None for networks that do not ask for it.
    """

    networks: tuple[torch.nn.Module, ...]
    targets: tuple[str, ...]
    uncertainty_scale: dict[str, float]
    card: ModelCard
    memory: ShiftMemory | None = None

    @property
    def name(self) -> str:
        """Name and version, by which a library tells what predicted its shifts."""
        return f"{self.card.name} {self.card.version}"

    def predict(self, molecules: Sequence, solvent: str | None = None) -> list[MoleculeShifts]:
        """As :meth:`ShiftPredictor.predict`; a molecule may also be a :class:`MolecularGraph`."""
        from engine.processing.solvent_number import solvent_number

        graphs = [m if isinstance(m, MolecularGraph) else molecular_graph(m) for m in molecules]
        number = solvent_number(solvent)
        # Like sizes together, so that a batch is a batch of many small or of few large ones.
        order = sorted(range(len(graphs)), key=lambda i: len(graphs[i]))
        results: list[MoleculeShifts | None] = [None] * len(graphs)
        batch: list[int] = []
        atoms = 0
        for place, index in enumerate(order):
            batch.append(index)
            atoms += len(graphs[index])
            if atoms >= _BATCH_ATOMS or place == len(order) - 1:
                found = self._predict([graphs[i] for i in batch], number)
                for i, shifts in zip(batch, found, strict=True):
                    results[i] = shifts
                batch, atoms = [], 0
        return results

    def _predict(self, graphs: list[MolecularGraph], solvent: int) -> list[MoleculeShifts]:
        import torch

        from engine.networks.graph_batches import graph_batch

        filled = [g for g in graphs if len(g)]
        if not filled:
            return [_nothing() for _ in graphs]
        batch = graph_batch(filled)
        solvents = torch.full((len(filled), 2), solvent, dtype=torch.long)
        remembered = None
        if self.memory is not None:
            codes = environment_codes(*(t.numpy() for t in (batch.atoms, batch.bonds, batch.ends)))
            remembered = torch.from_numpy(self.memory.features(codes))
        with torch.inference_mode():
            outputs = [network(batch, solvents, remembered) for network in self.networks]
            ppm = torch.stack([o.ppm for o in outputs]).mean(0).numpy().astype(float)
            error = torch.stack([o.log_error for o in outputs]).mean(0).exp().numpy().astype(float)
            split = torch.stack([o.split for o in outputs]).mean(0).numpy().astype(float)
        sizes = np.array([len(g) for g in filled])
        starts = np.concatenate(([0], np.cumsum(sizes)))
        # Equivalent atoms get the mean of theirs.
        classes = np.concatenate([g.classes for g in filled]) + np.repeat(starts[:-1], sizes)
        _, inverse, count = np.unique(classes, return_inverse=True, return_counts=True)

        def alike(values: np.ndarray) -> np.ndarray:
            return (np.bincount(inverse, values) / count)[inverse]

        columns = {}
        for technique in NUCLEI:
            column = self.targets.index(technique)
            scale = self.uncertainty_scale[technique]
            columns[technique] = np.stack(
                [alike(ppm[:, column]), scale * alike(error[:, column])], axis=1
            )
        split = alike(split)
        parts = iter(
            _molecule_shifts(
                graph,
                columns["13C NMR"][start:end],
                columns["1H NMR"][start:end],
                split[start:end],
            )
            for graph, start, end in zip(filled, starts[:-1], starts[1:], strict=True)
        )
        return [next(parts) if len(g) else _nothing() for g in graphs]


def _molecule_shifts(graph, carbon, hydrogen, split) -> MoleculeShifts:
    carbon, hydrogen = carbon.copy(), hydrogen.copy()
    carbon[graph.elements != 6] = np.nan
    hydrogen[graph.hydrogens == 0] = np.nan
    return MoleculeShifts(
        carbon,
        hydrogen,
        np.where(graph.hydrogens == 2, split, 0.0),
        graph.classes,
        graph.hydrogens,
        graph.elements,
    )


def _nothing() -> MoleculeShifts:
    empty = np.zeros(0, np.int16)
    return MoleculeShifts(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), empty, empty, empty)


def save_shift_model(
    path: Path,
    networks: Sequence[torch.nn.Module],
    description: dict[str, Any],
    memory: ShiftMemory | None = None,
) -> None:
    """Write ``path.safetensors`` (half precision) and ``path.json``.

    ``description`` has name, version, licence and uncertainty_scale; the networks have one config.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {
        f"{number}.{name}": (value.half() if value.is_floating_point() else value).contiguous()
        for number, network in enumerate(networks)
        for name, value in network.state_dict().items()
    }
    if memory is not None:
        tensors |= {name: torch.from_numpy(v) for name, v in memory.to_arrays().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(tensors, str(part))
    part.chmod(0o644)
    content = {
        **description,
        "networks": len(networks),
        "config": networks[0].config.to_dict(),
    }
    text = path.with_suffix(".text")
    text.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path.with_suffix(".safetensors"))
    text.replace(path.with_suffix(".json"))


def load_shift_model(path: Path) -> ShiftModel:
    """Read what :func:`save_shift_model` wrote; raises :class:`NoModelError` if it is not whole."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engine.networks.shift_network import ShiftNetwork, ShiftNetworkConfig

    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        config = ShiftNetworkConfig.from_dict(content["config"])
        tensors = load_file(str(path.with_suffix(".safetensors")))
        networks = []
        for number in range(int(content["networks"])):
            network = ShiftNetwork(config)
            prefix = f"{number}."
            network.load_state_dict(
                {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}
            )
            networks.append(network.eval())
        memory = None
        if config.radii:
            memory = ShiftMemory.from_arrays({n: v.numpy() for n, v in tensors.items()})
        card = ModelCard(content["name"], content["version"], content["licence"])
        scale = {name: float(content["uncertainty_scale"][name]) for name in NUCLEI}
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise NoModelError(f"the model {path.name} cannot be loaded: {error}") from error
    return ShiftModel(tuple(networks), config.targets, scale, card, memory)


@cache
def default_shift_predictor() -> ShiftModel:
    """The model that ships; raises :class:`NoModelError` when it is not installed."""
    from engine.installation import model

    try:
        weights = model(f"{DEFAULT_MODEL}.safetensors")
    except FileNotFoundError as error:
        raise NoModelError(f"no trained model for chemical shifts: {error}") from error
    return load_shift_model(weights.with_suffix(""))
