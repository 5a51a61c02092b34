"""Ions that a molecule makes in a mass spectrometer: names such as ``[M+H]+``, and their m/z."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.chemistry.formula import Formula, parse_formula
from engine.installation import resource

_NAME = re.compile(
    r"(?:\[(?P<inside>[^\[\]]+)\]|(?P<bare>\d?M(?:[+-]\d*[A-Z][A-Za-z0-9]*)*))"
    r"[.•·*]?(?P<charge>\d*[+-]|\++|-+)?[.•·*]?$"
)
_INSIDE = re.compile(r"(?P<molecules>\d*)M(?P<changes>(?:[+-]\d*[A-Z(][A-Za-z0-9()]*)*)$")
_CHANGE = re.compile(r"(?P<sign>[+-])(?P<times>\d*)(?P<what>[A-Z(][A-Za-z0-9()]*)")
_POLARITIES = {"positive": 1, "negative": -1}


@dataclass(frozen=True)
class Adduct:
    """An ion of ``molecules`` molecules M that gained and lost atoms, with its charge.

    ``gained`` and ``lost`` are neutral formulae: the electrons follow from ``charge``.
    """

    name: str
    molecules: int
    gained: Formula
    lost: Formula
    charge: int

    @property
    def polarity(self) -> str:
        return "positive" if self.charge > 0 else "negative"

    def mz(self, neutral_mass: float) -> float:
        """The m/z of the ion of a molecule of this mass in u."""
        return (self.molecules * neutral_mass + self._change) / abs(self.charge)

    def neutral_mass(self, mz: float) -> float:
        """The mass in u of the molecule whose ion has this m/z."""
        return (mz * abs(self.charge) - self._change) / self.molecules

    def ion(self, molecule: Formula) -> Formula:
        """The ion's formula; raises ``ValueError`` when the molecule lacks what it would lose."""
        whole = molecule * self.molecules + self.gained - self.lost
        return Formula(whole.atoms, self.charge)

    @property
    def _change(self) -> float:
        """Mass in u of what is gained less what is lost, electrons included."""
        electrons = Formula((), self.charge).monoisotopic_mass
        return self.gained.monoisotopic_mass - self.lost.monoisotopic_mass + electrons


def parse_adduct(name: str, polarity: str | None = None) -> Adduct:
    """The ion of a name: ``[M+H]+``, ``[2M+Na]+``, ``[M-H2O+H]+``, ``[M+2H]2+``, ``M+.``, ``M-H``.

    ``polarity`` (``positive`` or ``negative``) gives the charge of a name that has none. Raises
    ``ValueError`` for anything else.
    """
    right = "'[M+H]+', '[M-H]-', '[2M+Na]+', 'M+.'"
    text = "".join(name.split()).translate(str.maketrans("−–⁺⁻²³", "--+-23"))
    found = _NAME.match(text)
    inside = _INSIDE.match(found["inside"] or found["bare"]) if found else None
    if not found or not inside:
        raise ValueError(f"{name!r} is no ion of a molecule M; right is {right}")
    charge = _charge(found["charge"] or "")
    if charge == 0:
        if polarity not in _POLARITIES:
            raise ValueError(f"{name!r} has no charge; right is {right}")
        charge = _POLARITIES[polarity]
    molecules = int(inside["molecules"] or 1)
    if not 1 <= molecules <= 20 or abs(charge) > 100:
        raise ValueError(f"{name!r} has {molecules} molecules and charge {charge}: too many")
    gained, lost = Formula(), Formula()
    for change in _CHANGE.finditer(inside["changes"]):
        what = abbreviations().get(change["what"]) or parse_formula(change["what"])
        times = int(change["times"] or 1)
        if change["sign"] == "+":
            gained = gained + what * times
        else:
            lost = lost + what * times
    return Adduct(name, molecules, gained, lost, charge)


def _charge(text: str) -> int:
    if not text:
        return 0
    sign = 1 if text[-1] == "+" else -1
    digits = text.rstrip("+-")
    return sign * (int(digits) if digits else len(text))


@cache
def _table() -> Mapping:
    return json.loads(resource("tables", "adducts.json").read_text(encoding="utf-8"))


@cache
def abbreviations() -> Mapping[str, Formula]:
    """Formulae of the abbreviations that names of ions use (``ACN``, ``FA``)."""
    return {name: parse_formula(text) for name, text in _table()["abbreviations"].items()}


@cache
def usual_adducts(polarity: str) -> tuple[Adduct, ...]:
    """The usual ions of a polarity, the most usual first; raises ``ValueError`` for another."""
    if polarity not in _POLARITIES:
        raise ValueError(f"polarity {polarity!r}; right is positive or negative")
    return tuple(parse_adduct(name) for name in _table()[polarity])
