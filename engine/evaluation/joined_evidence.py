"""What a group model says of prepared tensors, with the further sources that it listens to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.encoding.channels import CHANNEL_NAMES
from engine.library.group_evidence import joined_logits
from engine.library.group_model import GroupModel, LabelCalibration, default_group_model
from engine.training.fragment_tables import read_fragments
from engine.training.group_calibration import members_of
from engine.training.group_tensors import GroupTensors
from engine.training.source_trust import SourceLogits, fragment_source_logits
from engine.training.train_groups import predict_tensors


@dataclass(frozen=True, eq=False)
class JoinedModel:
    """A model, some tensors, and what its sources say of their molecules."""

    model: GroupModel
    tensors: GroupTensors
    sources: tuple[SourceLogits, ...] = ()

    @classmethod
    def of(cls, model: GroupModel, tensors: GroupTensors, data: Path, split: str) -> JoinedModel:
        """With the fragments of the split's ESI table, for a model that listens to them.

        Raises :class:`NoModelError` when a source of the model is not installed.
        """
        found = []
        for name in dict.fromkeys(s.model for s in model.sources if s.channel in CHANNEL_NAMES):
            branch = default_group_model(name)
            table = read_fragments(data, "esi", split)
            found += fragment_source_logits(branch, name, table, tensors.keys.tolist())
        return cls(model, tensors, tuple(found))

    def with_tensors(self, tensors: GroupTensors) -> JoinedModel:
        """The same molecules with other renderings."""
        return JoinedModel(self.model, tensors, self.sources)

    def subset(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Logits ``(n, 37)`` and truth bool ``(n, 37)`` of molecules that have all these
        channels."""
        members, _ = members_of(self.tensors, names)
        return self.logits(names, members), self.tensors.labels[members] > 0

    def calibration(self, names: Sequence[str]) -> LabelCalibration:
        """What :meth:`logits` of these channels are calibrated with."""
        heard = {s.source.channel for s in self.sources}
        return self.model.calibration_of(names, bool(heard & set(names)))

    def logits(self, names: Sequence[str], members: np.ndarray) -> np.ndarray:
        """Logits ``(len(members), 37)`` from these channels of these molecules."""
        pattern = tuple(name in names for name in CHANNEL_NAMES)
        own = predict_tensors(self.model.network, self.tensors, pattern, members)
        said = {(s.source.model, s.source.channel): s.values for s in self.sources}
        added = [
            (source, said[source.model, source.channel][members])
            for source in self.model.sources
            if source.channel in names and (source.model, source.channel) in said
        ]
        return joined_logits(own, added, names) if added else own
