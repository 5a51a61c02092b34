"""What retrieval is compared with: mean shifts per environment, and a learnt embedding alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.chemistry.shift_environments import EnvironmentShifts, atom_environments
from engine.library.molecule_library import MoleculeLibrary

LARGEST = 10_000
"""Molecules that the environments predict, of a larger library the first: they take their time."""

LARGEST_EMBEDDED = 100_000
"""Molecules that the alignment model embeds, of a larger library the first."""

_NOT_KNOWN = 100.0
_EMBEDDED_AT_ONCE = 5_000


@dataclass(frozen=True, eq=False)
class EnvironmentLibrary:
    """13C shifts of a library and of the queries' molecules, the mean over like environments.

    ``shifts`` and ``own`` ``(molecules, longest)`` ppm, filled up with NaN; ``queries``: how many
    are looked up.
    """

    shifts: np.ndarray
    own: np.ndarray
    queries: int

    @classmethod
    def made(
        cls,
        data: Path,
        base: MoleculeLibrary,
        own: MoleculeLibrary,
        size: int,
        report: Callable[[str], None],
    ) -> EnvironmentLibrary:
        """Fitted on the train split of the tables."""
        from engine.evaluation.shifts import fit_environments

        report("fitting the environments on the train split")
        fitted = fit_environments(data)["13C NMR"]
        count = min(size, LARGEST, len(base))
        report(f"predicting {count:,} molecules by environment")
        return cls(
            _predicted(fitted, [base.smiles(k) for k in range(count)]),
            _predicted(fitted, [own.smiles(k) for k in range(len(own))]),
            len(own),
        )

    def ranks(
        self, queries: Sequence[Any], base: MoleculeLibrary, ends: Sequence[int]
    ) -> dict[str, np.ndarray]:
        """Ranks ``(queries, sizes)``, of as many sizes as were predicted."""
        ends = [end for end in ends if end <= len(self.shifts)]
        alone, together = [], []
        for query in queries:
            peaks = np.array([peak.ppm for peak in query.carbon])
            of_base = nearest_peak_distance(peaks, self.shifts)
            of_own = nearest_peak_distance(peaks, self.own)
            twin = base.with_key(query.key)
            if twin is not None and twin < len(of_base):
                of_base[twin] = np.inf
            mine = of_own[query.number]
            better = int((of_own <= mine).sum()) - 1
            counts = [1 + int((of_base[:end] <= mine).sum()) for end in ends]
            alone.append(counts)
            together.append([count + better for count in counts])
        return {"own molecule": np.array(alone), "all queries": np.array(together)}


def nearest_peak_distance(peaks: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Mean distance (ppm) of each peak to the nearest shift and of each shift to the nearest peak.

    ``peaks`` ``(m,)``; ``shifts`` ``(molecules, n)`` with NaN where a molecule has fewer; the
    result ``(molecules,)`` is infinite where it has none.
    """
    ordered = np.sort(peaks)
    filled = np.where(np.isfinite(shifts), shifts, 1e6)
    place = np.clip(np.searchsorted(ordered, filled), 1, max(len(ordered) - 1, 1))
    below, above = ordered[place - 1], ordered[np.minimum(place, len(ordered) - 1)]
    to_peak = np.minimum(np.abs(filled - below), np.abs(filled - above))
    present = np.isfinite(shifts)
    count = present.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        from_shift = np.where(present, to_peak, 0.0).sum(axis=1) / count
    from_peak = np.zeros(len(shifts))
    for peak in ordered:
        from_peak += np.abs(filled - peak).min(axis=1, initial=1e6)
    distance = from_shift + from_peak / len(ordered)
    return np.where(count > 0, distance, np.inf)


def _predicted(fitted: EnvironmentShifts, smiles: Sequence[str]) -> np.ndarray:
    """The shift of each set of carbons with equal surroundings."""
    from rdkit import Chem, rdBase

    found = []
    with rdBase.BlockLogs():
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            codes = atom_environments(molecule)
            carbons = {
                code[-1]: code
                for atom, code in zip(molecule.GetAtoms(), codes, strict=True)
                if atom.GetAtomicNum() == 6
            }
            found.append([(fitted.predict(code) or (_NOT_KNOWN,))[0] for code in carbons.values()])
    longest = max((len(values) for values in found), default=0)
    table = np.full((len(found), longest), np.nan, np.float32)
    for row, values in zip(table, found, strict=True):
        row[: len(values)] = values
    return table


def embedding_scores(
    name: str, base: MoleculeLibrary, own: MoleculeLibrary, report: Callable[[str], None]
) -> Callable[[Any], tuple[np.ndarray, np.ndarray]] | None:
    """Cosine similarities of a query's 13C spectrum with all molecules, by an alignment model.

    ``name`` is that of the model's files. The function takes a query and gives the scores of
    ``base`` (of as many as were embedded) and of ``own``; None where the model is not installed.
    Vectors are kept beside ``base``.
    """
    from engine.library.alignment_model import default_alignment_model
    from engine.library.group_model import NoModelError

    try:
        model = default_alignment_model(name)
    except NoModelError as error:
        report(str(error))
        return None
    of_base = _embedded(model, base, min(len(base), LARGEST_EMBEDDED), report)
    of_own = _embedded(model, own, len(own), report)

    def scores(query: Any) -> tuple[np.ndarray, np.ndarray]:
        vector = model.embed_spectrum({"13C NMR": query.carbon})
        return of_base @ vector, of_own @ vector

    return scores


def _embedded(
    model: Any, library: MoleculeLibrary, count: int, report: Callable[[str], None]
) -> np.ndarray:
    """Vectors of the first molecules of a library, ``(count, d)`` float32."""
    from rdkit import Chem, rdBase

    slug = "".join(c if c.isalnum() else "-" for c in model.name)
    path = library.folder / f"embedding-{slug}-{count}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False).astype(np.float32)
    parts = []
    with rdBase.BlockLogs():
        for start in range(0, count, _EMBEDDED_AT_ONCE):
            numbers = range(start, min(start + _EMBEDDED_AT_ONCE, count))
            molecules = [Chem.MolFromSmiles(library.smiles(k)) for k in numbers]
            parts.append(model.embed_molecules(molecules).astype(np.float16))
            report(f"embedded {numbers[-1] + 1:,} of {count:,} molecules")
    vectors = np.concatenate(parts)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, vectors)
    part.replace(path)
    return vectors.astype(np.float32)
