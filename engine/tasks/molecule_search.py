"""Search: which molecule of a library has these NMR spectra."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.library.library_files import LibraryError
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.library.molecule_library import MoleculeLibrary

PRICE_OF_A_BAD_PEAK = 6.0
"""Nats: a score of 1/e for each peak that is explained so much worse than without any error."""


@dataclass(frozen=True)
class SearchHit:
    """A molecule of the library.

    ``score`` (0 to 1) falls with what the peaks leave unexplained, 1 for no error at all;
    ``probability`` is that of this molecule if the compound is in the library and each molecule is
    as likely beforehand; ``matched`` counts the peaks that one of its signals explains, of
    ``peaks``; ``key`` is the first block of the InChIKey.
    """

    rank: int
    smiles: str
    name: str
    score: float
    formula: str
    key: str
    matched: int
    peaks: int = 0
    probability: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "smiles": self.smiles,
            "name": self.name,
            "score": round(self.score, 4),
            "formula": self.formula,
            "key": self.key,
            "matched": self.matched,
            "peaks": self.peaks,
            "probability": float(f"{self.probability:.4g}"),
        }


@dataclass(frozen=True)
class SearchResult:
    """Hits, best first; ``compared`` molecules were aligned with the peaks."""

    hits: tuple[SearchHit, ...]
    library_name: str
    library_size: int
    elapsed_ms: float
    warnings: tuple[str, ...] = ()
    compared: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "hits": [hit.to_dict() for hit in self.hits],
            "library": {"name": self.library_name, "size": self.library_size},
            "elapsed_ms": round(self.elapsed_ms, 1),
            "compared": self.compared,
            "warnings": list(self.warnings),
        }


def search(
    sample: Sample | Sequence[Sample],
    library: MoleculeLibrary | str | None = None,
    formula: str | None = None,
    mass_range: tuple[float, float] | None = None,
    groups: Sequence[str] = (),
    top: int = 25,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> SearchResult | list[SearchResult]:
    """The molecules of a library that explain a sample's 13C and 1H spectra best.

    Takes one sample, or a list and then returns a list. ``library``: one that is open, a name or
    a folder; None: the only or the last made of the user's, else the one that ships. ``formula``
    (any notation; None: that of the sample, ``""``: none), ``mass_range`` (u, monoisotopic, ends
    included) and ``groups`` (names of the 37) say which molecules come into question.

    Raises ``ValueError`` for a sample without peaks, a formula, range or group that is none, and a
    ``top`` below 1; :class:`LibraryError` when there is no such library; and
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so.
    """
    from engine.library.library_choice import open_library
    from engine.library.library_search import search_library
    from engine.tasks.sample_peaks import observed_peaks

    opened = open_library(library, is_cancelled=is_cancelled)
    if not isinstance(sample, Sample):
        return [
            search(one, opened, formula, mass_range, groups, top, is_cancelled) for one in sample
        ]
    if top < 1:
        raise ValueError(f"top is {top}; right is 1 or more hits")
    peaks = observed_peaks(sample)
    if not peaks:
        raise ValueError(
            "the sample has no peaks to search with: it needs a 13C or a 1H NMR spectrum"
        )
    if is_cancelled():
        raise CancelledError
    start = time.perf_counter()
    said = sample.formula if formula is None else formula
    among, warnings = _candidates(opened, said, mass_range, groups)
    if formula is None and said:
        warnings.append(f"Only molecules of the sample's formula, {said}, were looked through.")
    if among is not None and len(among) == 0:
        warnings.append("No molecule of the library meets the conditions.")
        return _result((), opened, start, warnings, 0)
    found = search_library(opened, peaks, among, is_cancelled=is_cancelled)
    hits = _hits(opened, peaks, found, top)
    return _result(hits, opened, start, warnings, found.compared)


def _result(hits, library, start: float, warnings: list[str], compared: int) -> SearchResult:
    from engine.library.library_choice import library_notes

    elapsed = (time.perf_counter() - start) * 1000
    told = (*warnings, *library_notes(library))
    return SearchResult(tuple(hits), library.name, len(library), elapsed, told, compared)


def _candidates(
    library: MoleculeLibrary,
    formula: str | None,
    mass_range: tuple[float, float] | None,
    groups: Sequence[str],
) -> tuple[np.ndarray | None, list[str]]:
    """The numbers that come into question, None for all."""
    among: np.ndarray | None = None
    if formula and formula.strip():
        among = library.with_formula(_library_formula(formula))
    if mass_range is not None:
        least, most = mass_range
        if not 0 <= least <= most:
            raise ValueError(
                f"the mass range is {least:g} to {most:g}; right is two masses in u, the lower "
                "one first"
            )
        by_mass = library.with_mass(least, most)
        among = by_mass if among is None else np.intersect1d(among, by_mass)
    if groups:
        among = library.with_groups(groups, among)
    return among, []


def _library_formula(text: str) -> str:
    """A formula as the library writes it: Hill order, the charge behind it (``C5H12N+``)."""
    from engine.chemistry.formula import parse_formula

    formula = parse_formula(text)
    if not formula.charge:
        return str(formula)
    size = abs(formula.charge)
    sign = "+" if formula.charge > 0 else "-"
    return f"{replace(formula, charge=0)}{sign}{size if size > 1 else ''}"


def _hits(library, peaks, found, top: int) -> list[SearchHit]:
    from engine.chemistry.spectrum_match import ideal_cost, matched_peaks, posterior

    best = found.numbers[:top]
    probabilities = posterior(found.costs)
    ideal = sum(ideal_cost(technique, observed) for technique, observed in peaks.items())
    count = sum(len(observed) for observed in peaks.values())
    matched = np.zeros(len(best), np.int64)
    for technique, observed in peaks.items():
        matched += matched_peaks(observed, library.signal_rows(technique, best))
    price = PRICE_OF_A_BAD_PEAK * count
    return [
        SearchHit(
            rank,
            library.smiles(number),
            library.molecule_name(number),
            float(np.exp(-max(float(cost) - ideal, 0.0) / price)),
            library.formula(number),
            library.key(number),
            int(explained),
            count,
            float(probability),
        )
        for rank, (number, cost, explained, probability) in enumerate(
            zip(best.tolist(), found.costs[:top], matched, probabilities[:top], strict=True), 1
        )
    ]


__all__ = ["LibraryError", "SearchHit", "SearchResult", "search"]
