"""Formulae that a measured mass may have: all within a tolerance, sifted by heuristic rules.

The rules are those of T. Kind and O. Fiehn, BMC Bioinformatics 8 (2007) 105, "Seven Golden Rules":
numbers of atoms, Lewis and Senior's check of the valences, isotope pattern, ratios of hydrogen and
of heteroatoms to carbon, and combinations of heteroatoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.chemistry.adducts import Adduct, parse_adduct
from engine.chemistry.formula import Formula, isotopes
from engine.chemistry.isotope_pattern import compare_isotopes

ELEMENTS = ("C", "H", "N", "O", "P", "S", "F", "Cl", "Br", "I")
RULES = ("atoms", "valences", "ratios", "combinations")
STRICT_RULES = (*RULES, "common ratios")
LARGEST_MASS = 1500.0

# About 70 bytes a row, so that no choice of elements takes more than a gigabyte.
_MOST_ROWS = 12_000_000
_MOST_HITS = 4_000_000
_MOST_COMPARED = 5000
_VALENCES = {"C": 4, "H": 1, "N": 3, "O": 2, "P": 5, "S": 6, "F": 1, "Cl": 1, "Br": 1, "I": 1}
# Rule 1: the most atoms seen in molecules up to these masses (u); four fluorines more than in the
# paper up to 500 u, for the perfluorinated surfactants that have become common analytes.
_MOST_ATOMS = {  # in the order of ELEMENTS
    500: (39, 72, 20, 20, 9, 10, 20, 10, 5, 5),
    1000: (78, 126, 25, 27, 9, 14, 34, 12, 8, 8),
    2000: (156, 236, 32, 63, 9, 14, 48, 12, 10, 10),
}
# Rules 4 and 5: ratios to carbon that 99.99 % of the known molecules keep, and 99.7 % (iodine, of
# which the paper does not speak, as bromine).
_MOST_PER_CARBON = {
    "H": 6.0, "N": 4.0, "O": 3.0, "P": 2.0, "S": 3.0, "F": 6.0, "Cl": 2.0, "Br": 2.0, "I": 2.0,
}  # fmt: skip
_COMMON_PER_CARBON = {
    "H": 3.1, "N": 1.3, "O": 1.2, "P": 0.3, "S": 0.8, "F": 1.5, "Cl": 0.8, "Br": 0.8, "I": 0.8,
}  # fmt: skip
_LEAST_HYDROGENS_PER_CARBON = 0.1
_COMMON_HYDROGENS_PER_CARBON = 0.2
# What a formula outside the common ratios is worth beside one within them.
_UNCOMMON_SHARE = 0.1
# Rule 6: where all of these elements have more atoms than the number, they have fewer than those.
_COMBINATIONS = (
    (1, {"N": 10, "O": 20, "P": 4, "S": 3}),
    (3, {"N": 11, "O": 22, "P": 6}),
    (1, {"O": 14, "P": 3, "S": 3}),
    (1, {"N": 4, "P": 3, "S": 3}),
    (6, {"N": 19, "O": 14, "S": 8}),
)


@dataclass(frozen=True)
class FormulaCandidate:
    """A formula that a mass may have.

    ``formula`` is the neutral molecule's; ``error_ppm`` is measured less computed mass, of the
    ion; ``unsaturation`` counts rings and double bonds; ``isotope_score`` is that of
    :func:`engine.chemistry.isotope_pattern.compare_isotopes`, None without measured peaks;
    ``uncommon`` says that its ratios of atoms to carbon are outside those of 99.7 % of the known
    molecules; ``score`` (0 to 1) is the likelihood of the mass error times that of the isotope
    pattern, relative to no deviations, and a tenth of it for uncommon ratios.
    """

    formula: Formula
    error_ppm: float
    unsaturation: float
    isotope_score: float | None
    score: float
    uncommon: bool


def formula_candidates(
    mass: float,
    tolerance_ppm: float = 5.0,
    adduct: Adduct | str | None = None,
    elements: Mapping[str, tuple[int, int]] | Sequence[str] = ("C", "H", "N", "O", "P", "S"),
    rules: Sequence[str] = RULES,
    isotope_peaks: tuple[np.ndarray, np.ndarray] | None = None,
    limit: int | None = 1000,
) -> list[FormulaCandidate]:
    """The formulae within ``tolerance_ppm`` of a mass that keep the rules, best first.

    ``mass`` is the m/z of the ion named by ``adduct``, or of the neutral molecule in u when that is
    None. ``elements``: which of ``ELEMENTS`` may occur, or the least and most atoms of each.
    ``rules``: which of ``STRICT_RULES`` hold: ``atoms`` (rule 1: usual numbers), ``valences``
    (rule 2: Senior's theorem, with whole degrees of unsaturation: the nitrogen rule is a case of
    it), ``ratios`` (4 and 5, the ranges of 99.99 % of the molecules), ``combinations`` (6) and
    ``common ratios`` (4 and 5, those of 99.7 %, which ATP and taurine break). ``isotope_peaks``:
    m/z and intensities ``(n,)`` of the measured ion and its isotopologues (rule 3; needs
    ``adduct``), with which the 5000 formulae nearest in mass are compared. ``limit`` keeps the
    best.

    The rules are heuristics: a few true formulae break them (CCl4 does). Raises
    ``ValueError`` for a mass or a choice of elements that gives too many, and for unknown names.
    """
    ion = parse_adduct(adduct) if isinstance(adduct, str) else adduct
    if isotope_peaks is not None and ion is None:
        raise ValueError("isotope peaks are those of an ion: name its adduct")
    for rule in rules:
        if rule not in STRICT_RULES:
            raise ValueError(f"unknown rule {rule!r}; right is {', '.join(STRICT_RULES)}")
    if not (np.isfinite(mass) and mass > 0) or not 0 < tolerance_ppm <= 1000:
        raise ValueError(
            f"mass {mass} within {tolerance_ppm} ppm; right is above 0, within up to 1000 ppm"
        )
    neutral = ion.neutral_mass(mass) if ion else mass
    if not 0 < neutral <= LARGEST_MASS:
        raise ValueError(
            f"a molecule of {neutral:.4f} u; formulae are sought up to {LARGEST_MASS:g} u"
        )
    per_molecule = abs(ion.charge) / ion.molecules if ion else 1.0
    window = mass * tolerance_ppm * 1e-6 * per_molecule
    ranges = _ranges(elements, neutral + window, rules)
    found = _keeping_rules(_enumerate(neutral, window, ranges, rules), rules)
    errors = (neutral - found @ _masses()) / per_molecule / mass * 1e6
    # A tolerance is usually two and a half to three standard deviations of a calibrated instrument.
    likelihood = np.exp(-0.5 * (errors / (tolerance_ppm / 2.5)) ** 2)
    uncommon = ~_keeping_ratios(found, _COMMON_PER_CARBON, _COMMON_HYDROGENS_PER_CARBON)
    likelihood = np.where(uncommon, _UNCOMMON_SHARE * likelihood, likelihood)
    order = np.argsort(-likelihood, kind="stable")
    candidates = []
    for row in order[: limit if isotope_peaks is None else _MOST_COMPARED]:
        formula = Formula.of(dict(zip(ELEMENTS, found[row].tolist(), strict=True)))
        fit, sharp = None, 1.0
        if isotope_peaks is not None:
            try:
                match = compare_isotopes(ion.ion(formula), *isotope_peaks, tolerance_ppm)
            except ValueError:  # it has not the atoms that the ion lost
                continue
            fit, sharp = match.score, match.likelihood
        candidates.append(
            FormulaCandidate(
                formula, float(errors[row]), formula.unsaturation, fit,
                float(likelihood[row]) * sharp, bool(uncommon[row]),
            )
        )  # fmt: skip
    candidates.sort(key=lambda c: (-c.score, abs(c.error_ppm)))
    return candidates[:limit]


def obeys_nitrogen_rule(formula: Formula) -> bool:
    """Whether the nominal mass is even with an even number of nitrogens, odd with an odd one.

    So it is for neutral molecules and radical ions of the usual elements; for ions with an even
    number of electrons it is the other way round, which the charge of the formula and its degree
    of unsaturation tell.
    """
    even_electron = formula.unsaturation is not None and formula.unsaturation % 1 != 0
    parity = (formula.nominal_mass + formula["N"]) % 2
    return parity == (1 if even_electron else 0)


def _masses() -> np.ndarray:
    return np.array([isotopes(element)[0].mass for element in ELEMENTS])


def _ranges(
    elements: Mapping[str, tuple[int, int]] | Sequence[str], mass: float, rules: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """The least and most atoms of every element, as asked, as rule 1 and as the mass allows."""
    asked = elements if isinstance(elements, Mapping) else dict.fromkeys(elements, (0, 10**6))
    for element in asked:
        if element not in ELEMENTS:
            raise ValueError(f"element {element!r}; right is {', '.join(ELEMENTS)}")
    usual = next(most for limit, most in _MOST_ATOMS.items() if mass <= limit)
    ranges = {}
    for element, atom_mass in zip(ELEMENTS, _masses(), strict=True):
        least, most = asked.get(element, (0, 0))
        if not 0 <= least <= most:
            raise ValueError(f"{least} to {most} atoms of {element}; right is rising from 0")
        most = min(most, int(mass / atom_mass))
        if "atoms" in rules:
            most = min(most, usual[ELEMENTS.index(element)])
        ranges[element] = (least, most)
    return ranges


def _enumerate(
    mass: float, window: float, ranges: Mapping[str, tuple[int, int]], rules: Sequence[str]
) -> np.ndarray:
    """All compositions within ``window`` of ``mass``, int64 of shape ``(n, 10)``.

    C, H, N and O on one side and the other elements on the other are listed with their masses,
    and each sum that fits is found by bisection.
    """
    if any(least > most for least, most in ranges.values()):
        return np.zeros((0, len(ELEMENTS)), np.int64)
    top = mass + window
    heavy, heavy_mass = _heavy_side(top, ranges, rules)
    light, light_mass = _light_side(mass, window, ranges, rules, heavy_mass)
    first = np.searchsorted(light_mass, mass - window - heavy_mass)
    last = np.searchsorted(light_mass, mass + window - heavy_mass, side="right")
    counts = last - first
    total = int(counts.sum())
    if total > _MOST_HITS:
        raise ValueError(f"{total} formulae fit the mass: allow fewer elements or less tolerance")
    rows = np.repeat(np.arange(len(heavy)), counts)
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + first[rows]
    found = np.empty((total, len(ELEMENTS)), np.int64)
    found[:, :4] = light[within]
    found[:, 4:] = heavy[rows]
    return found


def _heavy_side(
    top: float, ranges: Mapping[str, tuple[int, int]], rules: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of P, S, F, Cl, Br and I, ``(n, 6)``, and their masses, up to ``top``."""
    masses = dict(zip(ELEMENTS, _masses(), strict=True))
    ratios = _ratios(rules)
    rows, weights, carbons = np.zeros((1, 0), np.int16), np.zeros(1), np.zeros(1)
    for element in ELEMENTS[4:]:
        least, most = ranges[element]
        numbers = np.arange(least, most + 1)
        weight = (weights[:, None] + numbers * masses[element]).ravel()
        # The carbons that the ratio asks for weigh too.
        per_carbon = ratios.get(element, np.inf)
        needed = np.maximum(carbons[:, None], numbers / per_carbon).ravel()
        keep = np.flatnonzero(weight + 12.0 * needed <= top + 1e-9)
        if len(keep) > _MOST_ROWS // 4:
            raise ValueError("too many combinations of heteroatoms: allow fewer elements")
        rows = np.concatenate(
            [rows[keep // len(numbers)], numbers[keep % len(numbers), None].astype(np.int16)],
            axis=1,
        )
        weights, carbons = weight[keep], needed[keep]
    return rows, weights


def _light_side(
    mass: float,
    window: float,
    ranges: Mapping[str, tuple[int, int]],
    rules: Sequence[str],
    heavy_mass: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of C, H, N and O, ``(n, 4)``, and their masses, rising.

    Only those are listed that some combination of the other elements can fill up to the mass.
    """
    masses = dict(zip(ELEMENTS, _masses(), strict=True))
    most_left = mass + window - float(heavy_mass.min(initial=np.inf))
    carbon, nitrogen, oxygen = (
        np.arange(ranges[e][0], ranges[e][1] + 1, dtype=np.int32) for e in "CNO"
    )
    c, n, o = (axis.ravel() for axis in np.meshgrid(carbon, nitrogen, oxygen, indexing="ij"))
    without = c * 12.0 + n * masses["N"] + o * masses["O"]
    keep = without <= most_left
    ratios = _ratios(rules)
    if ratios:
        keep &= (n <= ratios["N"] * c + 1e-9) & (o <= ratios["O"] * c + 1e-9)
    c, n, o, without = c[keep], n[keep], o[keep], without[keep]
    least, most = ranges["H"]
    highest = np.minimum(most, np.floor((most_left - without) / masses["H"]).astype(np.int64))
    if ratios:
        highest = np.minimum(highest, np.floor(ratios["H"] * c + 1e-9).astype(np.int64))
    if "valences" in rules:
        spare = sum(max(0, _VALENCES[e] - 2) * ranges[e][1] for e in ("P", "S"))
        highest = np.minimum(highest, 2 * c + n + 2 + spare)
    lowest = np.full(len(c), least, np.int64)
    if len(heavy_mass) == 1:
        # Nothing but hydrogen fills the rest: at most one number of them fits.
        rest = (mass - window - float(heavy_mass[0]) - without) / masses["H"]
        lowest = np.maximum(lowest, np.ceil(rest - 1e-9).astype(np.int64))
    counts = np.maximum(0, highest - lowest + 1)
    total = int(counts.sum())
    if total > _MOST_ROWS:
        raise ValueError(
            f"{total} compositions of C, H, N and O up to {mass:.1f} u: allow fewer atoms"
        )
    rows = np.repeat(np.arange(len(c)), counts)
    h = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + lowest[rows]
    weights = without[rows] + h * masses["H"]
    order = np.argsort(weights)
    rows, h = rows[order], h[order]
    return np.stack([c[rows], h, n[rows], o[rows]], axis=1).astype(np.int16), weights[order]


def _keeping_rules(found: np.ndarray, rules: Sequence[str]) -> np.ndarray:
    number = dict(zip(ELEMENTS, found.T, strict=True))
    keep = found.sum(axis=1) > 0
    if "valences" in rules:
        valences = np.array([_VALENCES[e] for e in ELEMENTS])
        total = found @ valences
        largest = np.where(found > 0, valences, 0).max(axis=1, initial=0)
        atoms = found.sum(axis=1)
        keep &= (total % 2 == 0) & (total >= 2 * largest) & (total >= 2 * (atoms - 1))
    if "ratios" in rules:
        keep &= _keeping_ratios(found, _MOST_PER_CARBON, _LEAST_HYDROGENS_PER_CARBON)
    if "common ratios" in rules:
        keep &= _keeping_ratios(found, _COMMON_PER_CARBON, _COMMON_HYDROGENS_PER_CARBON)
    if "combinations" in rules:
        for above, below in _COMBINATIONS:
            applies = np.logical_and.reduce([number[e] > above for e in below])
            broken = np.logical_or.reduce([number[e] >= most for e, most in below.items()])
            keep &= ~(applies & broken)
    return found[keep]


def _ratios(rules: Sequence[str]) -> Mapping[str, float]:
    """The most atoms per carbon that the rules allow; empty where they say nothing of it."""
    if "common ratios" in rules:
        return _COMMON_PER_CARBON
    return _MOST_PER_CARBON if "ratios" in rules else {}


def _keeping_ratios(found: np.ndarray, most: Mapping[str, float], least: float) -> np.ndarray:
    number = dict(zip(ELEMENTS, found.T, strict=True))
    carbon = number["C"]
    keep = carbon > 0
    for element, ratio in most.items():
        keep &= number[element] <= ratio * carbon + 1e-9
    # What stands in the place of a hydrogen counts as one.
    monovalent = sum(number[element] for element in ("H", "F", "Cl", "Br", "I"))
    return keep & (monovalent >= least * carbon)
