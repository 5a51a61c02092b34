"""Mean shifts per atom environment as a predictor of shifts: the baseline of the NMR benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.chemistry.molecular_graph import molecular_graph
from engine.chemistry.predicted_shifts import NUCLEI, MoleculeShifts
from engine.chemistry.shift_environments import EnvironmentShifts, atom_environments

# What few observations add to the spread, in units of 13C; the shift and error of an atom whose
# surroundings were never seen; and the least error, all in ppm.
_SCALE = {"13C NMR": 1.0, "1H NMR": 0.05}
_UNKNOWN = {"13C NMR": (90.0, 50.0), "1H NMR": (4.0, 2.5)}
_LEAST = {"13C NMR": 0.3, "1H NMR": 0.03}


class EnvironmentPredictor:
    """A :class:`engine.chemistry.predicted_shifts.ShiftPredictor` of mean shifts."""

    name = "environments"

    def __init__(self, environments: Mapping[str, EnvironmentShifts]) -> None:
        self._environments = environments

    @classmethod
    def fitted(cls, data: Path) -> EnvironmentPredictor:
        """On all assigned atoms of the train split."""
        from engine.evaluation.shifts import fit_environments

        return cls(fit_environments(data))

    def predict(self, molecules: Sequence, solvent: str | None = None) -> list[MoleculeShifts]:
        """As :meth:`ShiftPredictor.predict`; the solvent plays no part."""
        return [self._predicted(molecule) for molecule in molecules]

    def _predicted(self, molecule) -> MoleculeShifts:
        graph, environments = molecular_graph(molecule), atom_environments(molecule)
        columns = []
        for technique in NUCLEI:
            shifts, scale = self._environments[technique], _SCALE[technique]
            has = graph.elements == 6 if technique == "13C NMR" else graph.hydrogens > 0
            values = np.full((len(graph), 2), np.nan)
            for atom in np.flatnonzero(has):
                found = shifts.predict(environments[atom], scale) or _UNKNOWN[technique]
                values[atom] = found[0], max(found[1], _LEAST[technique])
            for number in np.unique(graph.classes):
                own = (graph.classes == number) & has
                if own.any():
                    values[own] = values[own].mean(0)
            columns.append(values)
        return MoleculeShifts(
            *columns, np.zeros(len(graph)), graph.classes, graph.hydrogens, graph.elements
        )
