"""First-order coupling patterns: their names (``ddt``) and where their lines stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np

# Letters of a splitting by so many equivalent spins of one half.
LETTERS = {1: "d", 2: "t", 3: "q", 4: "p", 5: "sext", 6: "sept", 7: "oct", 8: "non"}
_SPELLINGS = {
    **{letters: partners for partners, letters in LETTERS.items()},
    "quint": 4, "quin": 4, "pent": 4, "hex": 5, "hept": 6,
}  # fmt: skip
# "bs" and "brd" are written in one word, too; no name of a splitting begins with b.
_PREFIX = re.compile(
    r"^\s*(?:app?|br|apparent|broad|ps)\b\.?\s*|^br?\.?(?=[a-z])|\s*\b(?:br|broad)\.?\s*$"
)
_TOKEN = re.compile("|".join(sorted(_SPELLINGS, key=len, reverse=True)))
_MOST_PARTNERS = 12


@dataclass(frozen=True, eq=False)
class CouplingPattern:
    """A first-order pattern: how many equivalent partners each coupling has, largest J first.

    ``factors`` ``(lines, couplings)`` times the couplings in Hz gives the offsets of the lines
    from the centre; ``shares`` ``(lines,)`` are their parts of the whole, summing to 1.
    """

    partners: tuple[int, ...]
    factors: np.ndarray
    shares: np.ndarray

    @property
    def name(self) -> str:
        """``s``, ``d``, ``dt``, ...: one word for each coupling, largest first."""
        return "".join(LETTERS[n] for n in self.partners) or "s"

    @property
    def line_count(self) -> int:
        return len(self.shares)


@cache
def coupling_pattern(partners: tuple[int, ...]) -> CouplingPattern:
    """The pattern of couplings to these numbers of equivalent spins of one half, e.g. ``(1, 2)``.

    Raises ``ValueError`` for a number without a name, or more than 12 partners in all.
    """
    if any(n not in LETTERS for n in partners) or sum(partners) > _MOST_PARTNERS:
        raise ValueError(f"partners {partners}; right is 1 to 8 each, {_MOST_PARTNERS} at most")
    factors, shares = np.zeros((1, 0)), np.ones(1)
    for n in partners:
        steps = np.arange(n + 1) - n / 2
        weights = np.array([comb(n, k) for k in range(n + 1)]) / 2.0**n
        factors = np.hstack(
            [np.repeat(factors, n + 1, axis=0), np.tile(steps, len(shares))[:, None]]
        )
        shares = np.outer(shares, weights).ravel()
    for values in (factors, shares):
        values.setflags(write=False)
    return CouplingPattern(partners, factors, shares)


def pattern_named(name: str) -> CouplingPattern:
    """The pattern of a multiplicity such as ``s``, ``dd``, ``br d``, ``bs``, ``app t``, ``dquint``.

    Raises ``ValueError`` for ``m`` and for what is no multiplicity.
    """
    word = name.lower().strip()
    while (shorter := _PREFIX.sub("", word)) != word:
        word = shorter
    word = re.sub(r"[\s.]|of", "", word)
    if word == "s":
        return coupling_pattern(())
    found = _TOKEN.findall(word)
    if not word or "".join(found) != word:
        raise ValueError(f"{name!r} is no first-order multiplicity; right is s, d, t, dd, ddt, ...")
    return coupling_pattern(tuple(_SPELLINGS[token] for token in found))


def lines_of(
    pattern: CouplingPattern, j_hz: Sequence[float], merge_within_hz: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets in Hz from the centre, rising, and shares of the lines of a pattern.

    Lines within ``merge_within_hz`` of each other become one at their mean, so that the number is
    that of the lines to be seen. Raises ``ValueError`` for a wrong number of couplings.
    """
    couplings = np.asarray(j_hz, dtype=float)
    if couplings.shape != (len(pattern.partners),):
        raise ValueError(f"{len(couplings)} couplings for {pattern.name!r}")
    offsets = pattern.factors @ couplings
    order = np.argsort(offsets, kind="stable")
    offsets, shares = offsets[order], pattern.shares[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(offsets) > merge_within_hz + 1e-9) + 1])
    total = np.add.reduceat(shares, starts)
    return np.add.reduceat(offsets * shares, starts) / total, total
