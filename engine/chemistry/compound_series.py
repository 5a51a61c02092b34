"""Homologous series and positional isomers, named and drawn by rule.

Each compound gets its SMILES, its IUPAC name and, from a condensed formula and so apart from the
SMILES, its molecular formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

from engine.chemistry.formula import parse_formula

_STEMS = (
    "meth", "eth", "prop", "but", "pent", "hex", "hept", "oct", "non", "dec", "undec", "dodec",
    "tridec", "tetradec", "pentadec", "hexadec", "heptadec", "octadec", "nonadec", "icos",
)  # fmt: skip

# Class, least and most carbons n; SMILES, name and condensed formula of the member with n carbons.
# {c-2} is a chain of n - 2 carbons, {stem-1} the name of n - 1 carbons, {n-1} that number.
_CHAINS = (
    ("alkane", 1, 20, "{c}", "{stem}ane", "H(CH2){n}H"),
    ("alkane", 4, 12, "CC(C){c-3}", "2-methyl{stem-1}ane", "H(CH2){n}H"),
    ("alkane", 6, 12, "CCC(C){c-4}", "3-methyl{stem-1}ane", "H(CH2){n}H"),
    ("alkene", 4, 16, "C=C{c-2}", "{stem}-1-ene", "(CH2){n}"),
    ("alkene", 4, 10, r"C/C=C/{c-3}", "(2E)-{stem}-2-ene", "(CH2){n}"),
    ("alkene", 4, 10, r"C/C=C\{c-3}", "(2Z)-{stem}-2-ene", "(CH2){n}"),
    ("alkene", 5, 10, "C=C{c-4}C=C", "{stem}a-1,{n-1}-diene", "C2H2(CH2){n-2}"),
    ("alkyne", 3, 14, "C#C{c-2}", "{stem}-1-yne", "C2H2(CH2){n-2}"),
    ("alkyne", 4, 10, "CC#C{c-3}", "{stem}-2-yne", "C2H2(CH2){n-2}"),
    ("cycloalkane", 3, 12, "C1{c-2}C1", "cyclo{stem}ane", "(CH2){n}"),
    ("alcohol", 3, 18, "O{c}", "{stem}an-1-ol", "H(CH2){n}OH"),
    ("alcohol", 4, 12, "CC(O){c-2}", "{stem}an-2-ol", "H(CH2){n}OH"),
    ("alcohol", 5, 10, "CCC(O){c-3}", "{stem}an-3-ol", "H(CH2){n}OH"),
    ("alcohol", 4, 9, "CC(C)(O){c-3}", "2-methyl{stem-1}an-2-ol", "H(CH2){n}OH"),
    ("alcohol", 4, 10, "C1{c-2}C1O", "cyclo{stem}anol", "(CH2){n}O"),
    ("alcohol", 3, 12, "O{c}O", "{stem}ane-1,{n}-diol", "(CH2){n}(OH)2"),
    ("aldehyde", 3, 14, "O=C{c-1}", "{stem}anal", "(CH2){n}O"),
    ("ketone", 5, 13, "CC(=O){c-2}", "{stem}an-2-one", "(CH2){n}O"),
    ("ketone", 5, 10, "CCC(=O){c-3}", "{stem}an-3-one", "(CH2){n}O"),
    ("ketone", 7, 10, "CCCC(=O){c-4}", "{stem}an-4-one", "(CH2){n}O"),
    ("ketone", 4, 12, "C1{c-2}C1=O", "cyclo{stem}anone", "(CH2){n-1}CO"),
    ("carboxylic acid", 3, 18, "OC(=O){c-1}", "{stem}anoic acid", "(CH2){n}O2"),
    ("carboxylic acid", 4, 10, "OC(=O)C(C){c-3}", "2-methyl{stem-1}anoic acid", "(CH2){n}O2"),
    ("amide", 3, 12, "NC(=O){c-1}", "{stem}anamide", "H(CH2){n-1}CONH2"),
    ("amide", 3, 8, "CNC(=O){c-1}", "N-methyl{stem}anamide", "H(CH2){n-1}CONHCH3"),
    ("amide", 3, 8, "CN(C)C(=O){c-1}", "N,N-dimethyl{stem}anamide", "H(CH2){n-1}CON(CH3)2"),
    ("amine", 3, 14, "N{c}", "{stem}an-1-amine", "H(CH2){n}NH2"),
    ("amine", 4, 10, "CC(N){c-2}", "{stem}an-2-amine", "H(CH2){n}NH2"),
    ("amine", 3, 10, "CN{c}", "N-methyl{stem}an-1-amine", "H(CH2){n}NHCH3"),
    ("amine", 3, 10, "CN(C){c}", "N,N-dimethyl{stem}an-1-amine", "H(CH2){n}N(CH3)2"),
    ("amine", 3, 8, "C1{c-2}C1N", "cyclo{stem}anamine", "H(CH2){n-1}CNH2"),
    ("nitrile", 3, 14, "N#C{c-1}", "{stem}anenitrile", "H(CH2){n-1}CN"),
    ("nitrile", 3, 10, "N#C{c-2}C#N", "{stem}anedinitrile", "(CH2){n-2}(CN)2"),
    ("nitro compound", 3, 10, "[O-][N+](=O){c}", "1-nitro{stem}ane", "H(CH2){n}NO2"),
    ("thiol", 3, 12, "S{c}", "{stem}ane-1-thiol", "H(CH2){n}SH"),
    ("ether", 3, 12, "CO{c}", "1-methoxy{stem}ane", "H(CH2){n}OCH3"),
    ("ether", 3, 10, "CCO{c}", "1-ethoxy{stem}ane", "H(CH2){n}OC2H5"),
    ("halide", 3, 12, "F{c}", "1-fluoro{stem}ane", "H(CH2){n}F"),
    ("halide", 3, 16, "Cl{c}", "1-chloro{stem}ane", "H(CH2){n}Cl"),
    ("halide", 3, 16, "Br{c}", "1-bromo{stem}ane", "H(CH2){n}Br"),
    ("halide", 3, 12, "I{c}", "1-iodo{stem}ane", "H(CH2){n}I"),
    ("halide", 4, 10, "CC(Cl){c-2}", "2-chloro{stem}ane", "H(CH2){n}Cl"),
    ("halide", 4, 10, "CC(Br){c-2}", "2-bromo{stem}ane", "H(CH2){n}Br"),
    ("halide", 3, 10, "Cl{c}Cl", "1,{n}-dichloro{stem}ane", "(CH2){n}Cl2"),
    ("halide", 3, 10, "Br{c}Br", "1,{n}-dibromo{stem}ane", "(CH2){n}Br2"),
    ("halide", 3, 8, "C1{c-2}C1Br", "bromocyclo{stem}ane", "H(CH2){n-1}CBr"),
    ("halide", 3, 8, "C1{c-2}C1Cl", "chlorocyclo{stem}ane", "H(CH2){n-1}CCl"),
    ("acyl chloride", 3, 12, "ClC(=O){c-1}", "{stem}anoyl chloride", "H(CH2){n-1}COCl"),
    ("aromatic", 3, 12, "c1ccccc1{c}", "{stem}ylbenzene", "C6H5(CH2){n}H"),
    ("aromatic", 3, 10, "c1ccccc1C(=O){c-1}", "1-phenyl{stem}an-1-one", "C6H5CO(CH2){n-1}H"),
    ("aromatic", 3, 10, "c1ccccc1{c}O", "{n}-phenyl{stem}an-1-ol", "C6H5(CH2){n}OH"),
    ("aromatic", 3, 8, "c1ccccc1{c-1}C(=O)O", "{n}-phenyl{stem}anoic acid", "C6H5(CH2){n-1}COOH"),
)

# Alkyl groups of the esters of straight acids: name, SMILES, carbons.
_ESTER_ALKYLS = (
    ("methyl", "C", 1),
    ("ethyl", "CC", 2),
    ("propyl", "CCC", 3),
    ("propan-2-yl", "C(C)C", 3),
    ("butyl", "CCCC", 4),
    ("2-methylpropyl", "CC(C)C", 4),
    ("pentyl", "CCCCC", 5),
    ("hexyl", "CCCCCC", 6),
)

# A substituent that a benzene ring is named after: its SMILES, its condensed formula, the name of
# the ring with it and one more substituent.
_PRINCIPAL_GROUPS = (
    ("C(=O)O", "COOH", "{}benzoic acid"),
    ("C(=O)OC", "COOCH3", "methyl {}benzoate"),
    ("C(N)=O", "CONH2", "{}benzamide"),
    ("C#N", "CN", "{}benzonitrile"),
    ("C=O", "CHO", "{}benzaldehyde"),
    ("C(C)=O", "COCH3", "1-[{}phenyl]ethan-1-one"),
    ("O", "OH", "{}phenol"),
    ("N", "NH2", "{}aniline"),
)
# SMILES, condensed formula, prefix; in the order of the alphabet.
_SUBSTITUENTS = (
    ("Br", "Br", "bromo"),
    ("Cl", "Cl", "chloro"),
    ("CC", "C2H5", "ethyl"),
    ("F", "F", "fluoro"),
    ("I", "I", "iodo"),
    ("OC", "OCH3", "methoxy"),
    ("C", "CH3", "methyl"),
    ("[N+](=O)[O-]", "NO2", "nitro"),
    ("C(F)(F)F", "CF3", "(trifluoromethyl)"),
)
_JUNIOR_GROUPS = (("N", "NH2", "amino"), ("O", "OH", "hydroxy"))
_TWO_PLACES = {2: "c1ccc({})c({})c1", 3: "c1cc({})cc({})c1", 4: "c1cc({})ccc1{}"}

# A ring with one place for a substituent: SMILES, locant, name, formula less one hydrogen.
_RINGS = (
    ("c1ccnc({})c1", 2, "pyridine", "C5H4N"),
    ("c1cncc({})c1", 3, "pyridine", "C5H4N"),
    ("c1cnccc1{}", 4, "pyridine", "C5H4N"),
    ("c1ccsc1{}", 2, "thiophene", "C4H3S"),
    ("c1cscc1{}", 3, "thiophene", "C4H3S"),
    ("c1ccoc1{}", 2, "furan", "C4H3O"),
    ("c1cccc2c1cccc2{}", 1, "naphthalene", "C10H7"),
    ("c1ccc2c(c1)ccc({})c2", 2, "naphthalene", "C10H7"),
)
_RING_SUFFIXES = (
    ("C(=O)O", "COOH", "carboxylic acid"),
    ("C#N", "CN", "carbonitrile"),
    ("C=O", "CHO", "carbaldehyde"),
    ("C(N)=O", "CONH2", "carboxamide"),
)

_BLANK = re.compile(r"\{(c|n|stem)([+-]\d+)?\}")


@dataclass(frozen=True)
class NamedCompound:
    """A compound with its SMILES, name, class ("alcohol") and molecular formula in Hill order."""

    smiles: str
    name: str
    compound_class: str
    formula: str


def compound_series() -> Iterator[NamedCompound]:
    """Every compound that the rules of this module make, series by series."""
    yield from _chains()
    yield from _esters()
    yield from _disubstituted_benzenes()
    yield from _ring_derivatives()


def _chains() -> Iterator[NamedCompound]:
    for kind, least, most, smiles, name, condensed in _CHAINS:
        for carbons in range(least, most + 1):
            filled = (_filled(template, carbons) for template in (smiles, name))
            yield NamedCompound(*filled, kind, _hill(_filled(condensed, carbons)))


def _esters() -> Iterator[NamedCompound]:
    for carbons in range(1, 13):
        acid = {1: "form", 2: "acet"}.get(carbons, f"{_STEMS[carbons - 1]}ano")
        for alkyl, smiles, more in _ESTER_ALKYLS:
            if carbons + more <= 13:
                yield NamedCompound(
                    f"{'C' * (carbons - 1)}C(=O)O{smiles}",
                    f"{alkyl} {acid}ate",
                    "ester",
                    _hill(f"(CH2){carbons + more}O2"),
                )


def _disubstituted_benzenes() -> Iterator[NamedCompound]:
    for group, group_atoms, parent in _PRINCIPAL_GROUPS:
        junior = _JUNIOR_GROUPS if group not in "ON" else ()
        for smiles, atoms, prefix in (*junior, *_SUBSTITUENTS):
            for place, ring in _TWO_PLACES.items():
                name = parent.format(f"{place}-{prefix}")
                if "(" not in prefix:
                    name = name.replace("[", "(").replace("]", ")")
                formula = _hill(f"C6H4({group_atoms})({atoms})")
                yield NamedCompound(ring.format(smiles, group), name, "aromatic", formula)
    for one, other in combinations_with_replacement(_SUBSTITUENTS, 2):
        for place, ring in _TWO_PLACES.items():
            name = f"1-{one[2]}-{place}-{other[2]}benzene"
            if one == other:
                times = "bis" if "(" in one[2] else "di"
                name = f"1,{place}-{times}{one[2]}benzene"
            formula = _hill(f"C6H4({one[1]})({other[1]})")
            yield NamedCompound(ring.format(one[0], other[0]), name, "aromatic", formula)


def _ring_derivatives() -> Iterator[NamedCompound]:
    for ring, place, name, ring_atoms in _RINGS:
        kind = "aromatic" if name == "naphthalene" else "heterocycle"
        for smiles, atoms, prefix in _SUBSTITUENTS:
            whole = f"{place}-{prefix}{name}"
            yield NamedCompound(ring.format(smiles), whole, kind, _hill(ring_atoms + atoms))
        for smiles, atoms, suffix in _RING_SUFFIXES:
            whole = f"{name}-{place}-{suffix}"
            yield NamedCompound(ring.format(smiles), whole, kind, _hill(ring_atoms + atoms))


def _filled(template: str, carbons: int) -> str:
    def fill(blank: re.Match[str]) -> str:
        number = carbons + int(blank[2] or 0)
        return {"c": "C" * number, "n": str(number), "stem": _STEMS[number - 1]}[blank[1]]

    return _BLANK.sub(fill, template)


def _hill(condensed: str) -> str:
    return str(parse_formula(condensed))
