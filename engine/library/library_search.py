"""Looking a spectrum's peaks up in a molecule library: a shortlist, then the best alignment.

The shortlist holds the molecules whose tabulated peak intensities
(:mod:`engine.chemistry.signal_intensities`) make the observed peaks most likely: one column of
numbers is read for each peak, over all molecules. It is scanned whole, so it misses nothing that
the tabulated score ranks high; with another score beside it (a learnt embedding), the shortlists
are united. The molecules of the shortlist are ranked by
:func:`engine.chemistry.spectrum_match.match_costs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from engine.chemistry.observed_peaks import ObservedPeak
from engine.chemistry.signal_intensities import AXES
from engine.chemistry.spectrum_match import match_costs
from engine.library.library_chunk import SHORT
from engine.library.molecule_library import MoleculeLibrary

Peaks = Mapping[str, Sequence[ObservedPeak]]
Scores = Callable[[Peaks], np.ndarray]

SHORTLIST = 4000
"""Molecules that are aligned with the peaks."""

_MOST_PEAKS = 250
_ROWS = 2000


@dataclass(frozen=True, eq=False)
class Found:
    """Molecules by rising ``costs`` (nats), ``numbers`` in the library; ``compared`` were aligned.

    ``shortlisted`` is False where all that came into question were compared.
    """

    numbers: np.ndarray
    costs: np.ndarray
    compared: int
    shortlisted: bool


def search_library(
    library: MoleculeLibrary,
    peaks: Peaks,
    among: np.ndarray | None = None,
    shortlist: int = SHORTLIST,
    other_scores: Sequence[Scores] = (),
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Found:
    """The molecules that explain the peaks of ``13C NMR`` and ``1H NMR`` best.

    ``among`` (rising numbers) are the only ones that come into question; as many as ``shortlist``
    or fewer are compared all. ``other_scores`` give further shortlists, each a score for every
    molecule, ``(size,)``, higher is better. Raises ``ValueError`` when there are no peaks and
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so.
    """
    peaks = {technique: _usable(found) for technique, found in peaks.items() if technique in SHORT}
    peaks = {technique: found for technique, found in peaks.items() if found}
    if not peaks:
        raise ValueError("a search needs peaks of a 13C or a 1H NMR spectrum")
    count = len(library) if among is None else len(among)
    shortened = count > shortlist
    if shortened:
        scores = [tabulated_scores(library, peaks), *(score(peaks) for score in other_scores)]
        if is_cancelled():
            raise CancelledError
        chosen = [_best(score, among, shortlist) for score in scores]
        numbers = chosen[0] if len(chosen) == 1 else np.unique(np.concatenate(chosen))
    else:
        numbers = np.arange(count) if among is None else np.asarray(among)
    costs = alignment_costs(library, peaks, numbers, is_cancelled)
    order = np.argsort(costs, kind="stable")
    return Found(numbers[order], costs[order], len(numbers), shortened)


def alignment_costs(
    library: MoleculeLibrary,
    peaks: Peaks,
    numbers: np.ndarray,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """The cost (nats) of the peaks for each of these molecules, all techniques together."""
    costs = np.zeros(len(numbers), np.float32)
    for technique, observed in peaks.items():
        # Molecules of like numbers of signals go together: less filling up.
        order = np.argsort(library.signal_counts_of(technique, numbers), kind="stable")
        for start in range(0, len(order), _ROWS):
            if is_cancelled():
                raise CancelledError
            part = order[start : start + _ROWS]
            rows = library.signal_rows(technique, numbers[part])
            costs[part] += match_costs(observed, rows)
    return costs


def tabulated_scores(library: MoleculeLibrary, peaks: Peaks) -> np.ndarray:
    """The logarithm of the likelihood of the peaks by tabulated intensities, ``(size,)`` float32.

    In steps of :data:`engine.chemistry.signal_intensities.STEP`, up to a constant.
    """
    total = np.zeros(len(library), np.float32)
    for technique, observed in peaks.items():
        bins = AXES[technique].bin_of(np.array([peak.ppm for peak in observed]))
        sums = _column_sums(library.arrays[f"{SHORT[technique]}_levels"], np.sort(bins))
        score = sums[: len(library)] - library.expected_signals(technique)
        total += np.float32(AXES[technique].weight) * score
    return total


def _column_sums(levels: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Of ``(blocks, bins, molecules)`` uint8 the sums over some bins, ``(blocks * molecules,)``."""
    sums = np.empty((levels.shape[0], levels.shape[2]), np.uint16)

    def add(block: int) -> None:
        np.add.reduce(levels[block][bins], axis=0, dtype=np.uint16, out=sums[block])

    # NumPy lets go of the interpreter while it adds, so that two blocks are read at once.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, range(len(sums))))
    return sums.ravel()


def _usable(peaks: Sequence[ObservedPeak]) -> tuple[ObservedPeak, ...]:
    """The peaks with a shift; of too many the highest."""
    good = [peak for peak in peaks if np.isfinite(peak.ppm)]
    good.sort(key=lambda peak: -abs(peak.height or 0.0))
    return tuple(sorted(good[:_MOST_PEAKS], key=lambda peak: peak.ppm))


def _best(score: np.ndarray, among: np.ndarray | None, count: int) -> np.ndarray:
    """The molecules with the highest scores, rising numbers."""
    values = score if among is None else score[among]
    best = np.argpartition(values, len(values) - count)[len(values) - count :]
    return np.sort(best if among is None else np.asarray(among)[best])
