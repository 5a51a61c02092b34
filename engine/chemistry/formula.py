"""Molecular formulae: read, written in Hill order, added, weighed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

ELECTRON_MASS = 0.000548579909  # u, CODATA 2018

_LONGEST_TEXT = 500
_LARGEST_COUNT = 1_000_000
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉−–", "0123456789--")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
# "[...]2+", "^2+", "++", "+", each with a radical's dot before or after it.
_CHARGE = re.compile(
    r"(?:(?P<bracket>(?<=\]))|\^)?[.•·*]?(?P<number>(?:(?<=\])|(?<=\^))\d{1,3})?"
    r"(?P<signs>\++|-+)[.•·*]?$"
)
_SUPERSCRIPT_CHARGE = re.compile(r"[•·.]?[⁰¹²³⁴⁵⁶⁷⁸⁹]*[⁺⁻]+[•·.]?$")
_TOKEN = re.compile(
    r"\[(?P<mass>\d{1,3})(?P<labelled>[A-Z][a-z]?)\](?P<n1>\d*)"
    r"|(?P<element>[A-Z][a-z]?)(?P<n2>\d*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])(?P<n3>\d*)"
    r"|(?P<dot>[.·•*∙⋅])(?P<n4>\d*)"
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_HYDROGEN_NAMES = {"D": "2H", "T": "3H"}
_HYDROGEN_LETTERS = {"2H": "D", "3H": "T"}

# How many bonds an atom of a neutral molecule has at least, for the degree of unsaturation.
_LEAST_VALENCES = {
    "C": 4, "Si": 4, "Ge": 4, "Sn": 4, "Pb": 4, "N": 3, "P": 3, "As": 3, "Sb": 3, "B": 3, "Al": 3,
    "O": 2, "S": 2, "Se": 2, "Te": 2, "H": 1, "F": 1, "Cl": 1, "Br": 1, "I": 1, "At": 1, "Li": 1,
    "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Ag": 1, "Mg": 2, "Ca": 2, "Sr": 2, "Ba": 2, "Zn": 2,
    "Cd": 2, "Hg": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Isotope:
    """One isotope: its mass number, mass in u, and share of the element (0 to 1)."""

    number: int
    mass: float
    abundance: float


@cache
def element_symbols() -> frozenset[str]:
    """The symbols of the 118 elements."""
    from rdkit.Chem import GetPeriodicTable

    table = GetPeriodicTable()
    return frozenset(table.GetElementSymbol(number) for number in range(1, 119))


@cache
def isotopes(atom: str) -> tuple[Isotope, ...]:
    """The natural isotopes of an element (``C``), or the one of a labelled atom (``13C``).

    Masses and abundances are those of RDKit's periodic table; an element that nature has not gets
    its longest known isotope with abundance 1. Raises ``ValueError`` for another symbol.
    """
    from rdkit.Chem import GetPeriodicTable

    label, symbol = _split_label(_HYDROGEN_NAMES.get(atom, atom))
    if symbol not in element_symbols():
        raise ValueError(f"{atom!r} is no element")
    table = GetPeriodicTable()
    number = table.GetAtomicNumber(symbol)
    if label:
        mass = table.GetMassForIsotope(number, label)
        if mass <= 0:
            raise ValueError(f"no isotope {label} of {symbol} is known")
        return (Isotope(label, mass, 1.0),)
    natural = [
        Isotope(a, table.GetMassForIsotope(number, a), table.GetAbundanceForIsotope(number, a))
        for a in range(number, 3 * number + 3)
        if table.GetAbundanceForIsotope(number, a) > 0
    ]
    total = sum(isotope.abundance for isotope in natural)
    if not natural:
        common = table.GetMostCommonIsotope(number)
        return (Isotope(common, table.GetMostCommonIsotopeMass(number), 1.0),)
    return tuple(Isotope(i.number, i.mass, i.abundance / total) for i in natural)


@cache
def _common_isotope(atom: str) -> Isotope:
    return max(isotopes(atom), key=lambda isotope: isotope.abundance)


def _split_label(atom: str) -> tuple[int, str]:
    """Mass number (0: natural) and symbol of ``C`` or ``13C``."""
    symbol = atom.lstrip("0123456789")
    digits = atom[: len(atom) - len(symbol)]
    return int(digits or 0), symbol


def _hill_key(atom: str, with_carbon: bool) -> tuple[int, str, int]:
    label, symbol = _split_label(atom)
    first = {"C": 0, "H": 1}.get(symbol, 2) if with_carbon else 2
    return first, symbol, label


@dataclass(frozen=True)
class Formula:
    """How many atoms of each element, and the charge in elementary charges.

    ``atoms`` holds ``(element, count)`` pairs in Hill order, counts above 0; a labelled atom is
    named with its mass number (``13C``, ``2H``). Make one with :func:`parse_formula` or
    :meth:`of`; ``str`` writes it back.
    """

    atoms: tuple[tuple[str, int], ...] = ()
    charge: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int], charge: int = 0) -> Formula:
        """The formula of these counts; raises ``ValueError`` for one below 0, or no element."""
        known = element_symbols()
        kept: dict[str, int] = {}
        for atom, count in counts.items():
            atom = _HYDROGEN_NAMES.get(atom, atom)
            if _split_label(atom)[1] not in known:
                raise ValueError(f"{atom!r} is no element")
            if count < 0:
                raise ValueError(f"{count} atoms of {atom}: a formula has none or more")
            if count:
                kept[atom] = kept.get(atom, 0) + int(count)
        with_carbon = any(_split_label(atom)[1] == "C" for atom in kept)
        ordered = sorted(kept, key=lambda atom: _hill_key(atom, with_carbon))
        return cls(tuple((atom, kept[atom]) for atom in ordered), int(charge))

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self.atoms)

    def __getitem__(self, atom: str) -> int:
        """The number of atoms so named, 0 where there are none."""
        return dict(self.atoms).get(_HYDROGEN_NAMES.get(atom, atom), 0)

    def __str__(self) -> str:
        text = "".join(_written(atom) + (str(n) if n > 1 else "") for atom, n in self.atoms)
        if not self.charge:
            return text
        size = str(abs(self.charge)) if abs(self.charge) > 1 else ""
        return f"[{text}]{size}{'+' if self.charge > 0 else '-'}"

    def __add__(self, other: Formula) -> Formula:
        counts = dict(self.atoms)
        for atom, count in other.atoms:
            counts[atom] = counts.get(atom, 0) + count
        return Formula.of(counts, self.charge + other.charge)

    def __sub__(self, other: Formula) -> Formula:
        """Raises ``ValueError`` when ``other`` has more of an element."""
        counts = dict(self.atoms)
        for atom, count in other.atoms:
            counts[atom] = counts.get(atom, 0) - count
        if any(count < 0 for count in counts.values()):
            raise ValueError(f"{other} is not part of {self}")
        return Formula.of(counts, self.charge - other.charge)

    def __mul__(self, times: int) -> Formula:
        return Formula.of({a: n * times for a, n in self.atoms}, self.charge * times)

    def contains(self, other: Formula) -> bool:
        """Whether it has at least as many atoms of each element."""
        return all(self[atom] >= count for atom, count in other.atoms)

    @property
    def atom_count(self) -> int:
        return sum(count for _, count in self.atoms)

    @property
    def monoisotopic_mass(self) -> float:
        """Mass in u with the most abundant isotope of each element, electrons counted."""
        total = sum(count * _common_isotope(atom).mass for atom, count in self.atoms)
        return total - self.charge * ELECTRON_MASS

    @property
    def average_mass(self) -> float:
        """Mean mass in u over the natural isotopes, electrons counted."""
        total = sum(
            count * sum(isotope.mass * isotope.abundance for isotope in isotopes(atom))
            for atom, count in self.atoms
        )
        return total - self.charge * ELECTRON_MASS

    @property
    def nominal_mass(self) -> int:
        """The sum of the mass numbers of the most abundant isotopes."""
        return sum(count * _common_isotope(atom).number for atom, count in self.atoms)

    @property
    def mz(self) -> float:
        """Monoisotopic mass over charge; raises ``ValueError`` for a neutral formula."""
        if not self.charge:
            raise ValueError(f"{self} has no charge, so no m/z")
        return self.monoisotopic_mass / abs(self.charge)

    @property
    def unsaturation(self) -> float | None:
        """Rings plus double bonds: 1 + the sum of count * (valence - 2) / 2.

        Each element counts with its least valence (N and P 3, S 2), and the charge not at all, so
        that an ion with an even number of electrons ends in one half. None when an element has no
        usual valence (most metals).
        """
        twice = 2
        for atom, count in self.atoms:
            valence = _LEAST_VALENCES.get(_split_label(atom)[1])
            if valence is None:
                return None
            twice += count * (valence - 2)
        return twice / 2


def _written(atom: str) -> str:
    label, symbol = _split_label(atom)
    if not label:
        return symbol
    return _HYDROGEN_LETTERS.get(atom) or f"[{atom}]"


def parse_formula(text: str) -> Formula:
    """The formula in a text: ``C6H12O6``, ``Ca(OH)2``, ``CuSO4·5H2O``, ``[13C]H4``, ``[C6H7]+``.

    ``D`` and ``T`` are hydrogen isotopes; subscripts and superscripts may be Unicode ones. A
    charge is ``+``, ``++``, or ``2+`` after a closing bracket or ``^`` (in ``C6H13O6+`` the 6
    counts oxygens). Raises ``ValueError`` that names the place where it stops being a formula.
    """
    original = text
    text = "".join(text.split()).translate(_SUBSCRIPTS)
    if not text:
        raise ValueError("a formula is expected, got an empty text")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"a formula of {len(text)} characters; at most {_LONGEST_TEXT} are read")
    text, charge = _take_charge(text)
    stack: list[dict[str, int]] = [{}]
    brackets: list[str] = []
    # A hydrate's parts add up, each times the number before it: CuSO4.5H2O.
    total: dict[str, int] = {}
    leading = re.match(r"\d+(?=[A-Z(\[{])", text)
    factor = _count(leading.group(), original) if leading else 1
    position = leading.end() if leading else 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise ValueError(f"{original!r} is no formula: {text[position:][:12]!r} is unclear")
        position = found.end()
        if found["labelled"] or found["element"]:
            atom = f"{found['mass']}{found['labelled']}" if found["labelled"] else found["element"]
            atom = _HYDROGEN_NAMES.get(atom, atom)
            isotopes(atom)  # raises for what is no element
            count = _count(found["n1"] if found["labelled"] else found["n2"], original)
            stack[-1][atom] = stack[-1].get(atom, 0) + count
        elif found["open"]:
            brackets.append(found["open"])
            stack.append({})
        elif found["close"]:
            if not brackets or _CLOSING[brackets.pop()] != found["close"]:
                raise ValueError(f"{original!r} is no formula: its brackets do not match")
            _add(stack[-2], stack.pop(), _count(found["n3"], original))
        else:
            if brackets:
                raise ValueError(f"{original!r} is no formula: its brackets do not match")
            if not stack[-1]:
                raise ValueError(f"{original!r} is no formula: nothing stands before a dot")
            _add(total, stack.pop(), factor)
            stack = [{}]
            factor = _count(found["n4"], original)
    if brackets:
        raise ValueError(f"{original!r} is no formula: its brackets do not match")
    _add(total, stack.pop(), factor)
    if not any(total.values()):
        raise ValueError(f"{original!r} is no formula: it names no element")
    if max(total.values()) > _LARGEST_COUNT:
        raise ValueError(f"{original!r} counts more than {_LARGEST_COUNT} atoms of an element")
    return Formula.of(total, charge)


def _take_charge(text: str) -> tuple[str, int]:
    """The text without its charge, and the charge."""
    raised = _SUPERSCRIPT_CHARGE.search(text)
    if raised:
        inside = raised.group().strip("•·.").translate(_SUPERSCRIPTS)
        text, charge = text[: raised.start()], inside
        signs, number = charge.lstrip("0123456789"), charge.rstrip("+-")
    else:
        found = _CHARGE.search(text)
        if not found:
            return _without_outer_brackets(text.rstrip("•")), 0
        text, signs, number = text[: found.start()], found["signs"], found["number"] or ""
    size = int(number) if number else len(signs)
    return _without_outer_brackets(text), size if signs[0] == "+" else -size


def _without_outer_brackets(text: str) -> str:
    """``C6H7`` for ``[C6H7]``; ``[13C]H4`` stays."""
    if text.startswith("[") and text.endswith("]") and not re.match(r"\[\d+[A-Z][a-z]?\]", text):
        inside = text[1:-1]
        if inside.count("[") == inside.count("]"):
            return inside
    return text


def _count(digits: str | None, original: str) -> int:
    if not digits:
        return 1
    if len(digits) > 7:
        raise ValueError(f"{original!r} counts more than {_LARGEST_COUNT} atoms of an element")
    return int(digits)


def _add(to: dict[str, int], more: Mapping[str, int], times: int) -> None:
    for atom, count in more.items():
        to[atom] = to.get(atom, 0) + count * times
