"""A trained K-M3AID as it ships: molecules and spectra as vectors of one space."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.chemistry.molecular_graph import MolecularGraph, molecular_graph
from engine.chemistry.observed_peaks import ObservedPeak
from engine.library.group_model import ModelCard, NoModelError

if TYPE_CHECKING:
    import torch

    from engine.chemistry.predicted_shifts import MoleculeShifts
    from engine.networks.k_m3aid import KM3AID

DEFAULT_MODEL = "alignment-k-m3aid"
PAPER_MODEL = "alignment-k-m3aid-paper"
# Atoms that go through the network at once.
_BATCH_ATOMS = 4096


@dataclass(frozen=True, eq=False)
class AlignmentModel:
    """``network`` in evaluation mode; ``techniques`` names those that it reads.

    ``error_scale`` by technique: mean errors of its own shifts, in units of those that it expects;
    uncertainties given from elsewhere, which are means, are brought to the same scale.
    """

    network: KM3AID
    techniques: tuple[str, ...]
    card: ModelCard
    error_scale: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name and version, by which a library tells what made its vectors."""
        return f"{self.card.name} {self.card.version}"

    @property
    def dimensions(self) -> int:
        """The width ``d`` of the vectors."""
        config = self.network.config
        return config.projection if config.form == "paper" else config.embedding

    def embed_molecules(
        self, molecules: Sequence[Any], shifts: Sequence[MoleculeShifts] | None = None
    ) -> np.ndarray:
        """Unit vectors float32 ``(n, d)`` of RDKit molecules without explicit hydrogens, or graphs.

        ``shifts``: of each molecule, by a better predictor than the model's own, if they are known
        anyway. A molecule without atoms gets a vector of zeros.
        """
        import torch

        from engine.networks.graph_batches import graph_batch
        from engine.networks.peak_batches import signal_weights

        graphs = [m if isinstance(m, MolecularGraph) else molecular_graph(m) for m in molecules]
        vectors = np.zeros((len(graphs), self.dimensions), np.float32)
        # Like sizes together, so that a batch is one of many small or of few large molecules.
        filled = (i for i in range(len(graphs)) if len(graphs[i]))
        order = sorted(filled, key=lambda i: len(graphs[i]))
        start = 0
        while start < len(order):
            count = max(1, _BATCH_ATOMS // len(graphs[order[start]]))
            members = order[start : start + count]
            start += count
            batch = [graphs[i] for i in members]
            known = None if shifts is None else self._known([shifts[i] for i in members])
            with torch.inference_mode():
                found = self.network.molecules(graph_batch(batch), signal_weights(batch), known)
            vectors[members] = _unit(found.embedding.float().numpy())
        return vectors

    def _known(self, shifts: Sequence[MoleculeShifts]) -> dict[int, torch.Tensor] | None:
        """Shifts as the network takes them; the paper's form takes none."""
        import torch

        if self.network.config.form == "paper":
            return None
        found = {}
        for nucleus, technique in enumerate(self.techniques):
            parts = [s.carbon if technique == "13C NMR" else s.hydrogen for s in shifts]
            # Atoms that have none are not looked at, but NaN would spread.
            values = np.nan_to_num(np.concatenate(parts)).astype(np.float32)
            values[:, 1] /= self.error_scale.get(technique, 1.0)
            found[nucleus] = torch.from_numpy(values)
        return found

    def peak_scores(
        self,
        molecule: Any,
        peaks: Mapping[str, Iterable[ObservedPeak]],
        shifts: MoleculeShifts | None = None,
    ) -> dict[str, np.ndarray]:
        """How well each atom and each peak belong together, float32 ``(V, P)`` by technique.

        Logits: only those of one atom compare. ``molecule`` and ``shifts`` as in
        :meth:`embed_molecules`; peaks in their order; techniques without peaks, or that are not
        read, are left out.
        """
        import torch

        from engine.networks.graph_batches import graph_batch
        from engine.networks.peak_batches import peak_batch, signal_weights

        graph = molecule if isinstance(molecule, MolecularGraph) else molecular_graph(molecule)
        scores = {}
        with torch.inference_mode():
            known = None if shifts is None else self._known([shifts])
            out = self.network.molecules(graph_batch([graph]), signal_weights([graph]), known)
            atoms = torch.arange(len(graph))
            for nucleus, technique in enumerate(self.techniques):
                given = tuple(peaks.get(technique, ()))
                if given:
                    vectors = self.network.peak_vectors(peak_batch([{technique: given}]))
                    own = self.network.node_vectors(out, atoms, nucleus)
                    scores[technique] = (own @ vectors.T).float().numpy()
        return scores

    def embed_spectrum(self, peaks: Mapping[str, Iterable[ObservedPeak]]) -> np.ndarray:
        """The unit vector float32 ``(d,)`` of a compound's peaks by technique.

        Raises ``ValueError`` when there is no peak of a technique that the model reads.
        """
        return self.embed_spectra([peaks])[0]

    def embed_spectra(self, spectra: Sequence[Mapping[str, Iterable[ObservedPeak]]]) -> np.ndarray:
        """Unit vectors float32 ``(n, d)``; as :meth:`embed_spectrum`."""
        import torch

        from engine.networks.peak_batches import peak_batch

        read = [{t: tuple(s.get(t, ())) for t in self.techniques} for s in spectra]
        for spectrum, given in zip(read, spectra, strict=True):
            if not any(spectrum.values()):
                raise ValueError(
                    f"peaks of {' or '.join(self.techniques)} are needed, but the spectra have "
                    f"{', '.join(t for t in given if given[t]) or 'none'}"
                )
        with torch.inference_mode():
            return _unit(self.network.spectra(peak_batch(read)).float().numpy())


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


def save_alignment_model(path: Path, network: KM3AID, description: dict[str, Any]) -> None:
    """Write ``path.safetensors`` (half precision) and ``path.json``; ``description`` has name,
    version, licence and techniques, and may say more."""
    from safetensors.torch import save_file

    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(tensors, str(part))
    part.chmod(0o644)
    content = {**description, "config": network.config.to_dict()}
    text = path.with_suffix(".text")
    text.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path.with_suffix(".safetensors"))
    text.replace(path.with_suffix(".json"))


def load_alignment_model(path: Path) -> AlignmentModel:
    """Read what :func:`save_alignment_model` wrote; raises :class:`NoModelError` if it is not
    whole."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engine.networks.k_m3aid import KM3AID, KM3AIDConfig

    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        network = KM3AID(KM3AIDConfig.from_dict(content["config"]))
        network.load_state_dict(load_file(str(path.with_suffix(".safetensors"))))
        card = ModelCard(content["name"], content["version"], content["licence"])
        techniques = tuple(content["techniques"])
        scale = {name: float(value) for name, value in content.get("error_scale", {}).items()}
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise NoModelError(f"the model {path.name} cannot be loaded: {error}") from error
    return AlignmentModel(network.eval(), techniques, card, scale)


@cache
def default_alignment_model(name: str = DEFAULT_MODEL) -> AlignmentModel:
    """A model that ships; raises :class:`NoModelError` when it is not installed."""
    from engine.installation import model

    try:
        weights = model(f"{name}.safetensors")
    except FileNotFoundError as error:
        raise NoModelError(f"no trained model for search by embedding: {error}") from error
    return load_alignment_model(weights.with_suffix(""))
