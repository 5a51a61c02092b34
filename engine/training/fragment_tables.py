"""The mass-spectrum tables as sets of fragments with the groups of their molecules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.encoding.fragments import FragmentSets, assumed_precursors, fragment_sets
from engine.training.group_tables import OPEN_LICENCES, table_rows

ALL_LICENCES = (*OPEN_LICENCES, "noncommercial")
# Which rows weights of an ionization are trained on: nearly all EI rows are noncommercial.
LICENCES = {"esi": OPEN_LICENCES, "ei": ALL_LICENCES}
POLARITIES = {"MS/MS+": 1, "MS/MS-": -1}


@dataclass(frozen=True, eq=False)
class FragmentTable:
    """All spectra of a split: ``sets`` of ``n`` spectra, ``molecule`` int ``(n,)`` of each.

    ``keys`` and ``labels`` bool ``(m, 37)`` are of the molecules.
    """

    sets: FragmentSets
    molecule: np.ndarray
    keys: tuple[str, ...]
    labels: np.ndarray

    def rows_by_molecule(self, polarity: int | None = None) -> dict[int, np.ndarray]:
        """The spectra of each molecule (of one polarity: 1 or -1), in the table's order."""
        wanted = np.ones(len(self.sets), bool)
        if polarity is not None:
            wanted = self.sets.polarity == polarity
        rows = np.flatnonzero(wanted)
        if len(rows) == 0:
            return {}
        order = rows[np.argsort(self.molecule[rows], kind="stable")]
        numbers, first = np.unique(self.molecule[order], return_index=True)
        return dict(zip(numbers.tolist(), np.split(order, first[1:]), strict=True))


def read_fragments(
    data: Path,
    ionization: str,
    split: str,
    excluded: Collection[str] = frozenset(),
    licences: Collection[str] | None = None,
) -> FragmentTable:
    """The spectra of ``ms_<ionization>`` of a split; ``ionization`` is ``esi`` or ``ei``.

    Only rows of ``licences`` (None: those of :data:`LICENCES`), and no molecule of ``excluded``.
    Raises :class:`MissingTableError` when the table is not there.
    """
    from rdkit import Chem, RDLogger

    from engine.chemistry.functional_groups import groups_of

    RDLogger.DisableLog("rdApp.*")
    licences = LICENCES[ionization] if licences is None else licences
    places: dict[str, int] = {}
    rows, molecule, labels = [], [], []
    for row in table_rows(data, f"ms_{ionization}", split):
        key = row["key"]
        if key in excluded or row.get("licence_class") not in licences:
            continue
        if key not in places:
            structure = Chem.MolFromSmiles(row["smiles"])
            if structure is None:
                continue
            places[key] = len(places)
            labels.append(groups_of(structure))
        rows.append(row)
        molecule.append(places[key])
    sets = fragment_sets(rows)
    if ionization == "ei":
        sets = assumed_precursors(sets)
    return FragmentTable(sets, np.array(molecule, int), tuple(places), np.array(labels, bool))


def mean_by_molecule(
    table: FragmentTable, logits: np.ndarray, polarity: int | None, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``(n, 37)`` of spectra averaged over each molecule's (its first ``most``).

    Returns the molecules and their logits ``(m, 37)``; ``polarity`` chooses spectra as in
    :meth:`FragmentTable.rows_by_molecule`.
    """
    by_molecule = table.rows_by_molecule(polarity)
    means = [logits[rows[:most]].mean(0) for rows in by_molecule.values()]
    return np.array(list(by_molecule), int), np.array(means).reshape(-1, logits.shape[1])
