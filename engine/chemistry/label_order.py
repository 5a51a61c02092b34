"""The order in which the decoder names functional groups."""

from __future__ import annotations

from engine.chemistry.functional_groups import GROUP_NAMES

# Seniority of classes for a suffix (IUPAC, Nomenclature of Organic Chemistry 2013, P-41), then the
# groups that are named by prefixes or as parent hydrides only.
_IUPAC = (
    "Carboxylic acid", "Sulfonic acid", "Acid anhydride", "Ester", "Sulfonate", "Acyl halide",
    "Amide", "Imide", "Carbamate", "Thioamide", "Sulfonamide", "Hydrazine", "Hydrazone",
    "Nitrile", "Isocyanate", "Isothiocyanate", "Aldehyde", "Thial", "Ketone", "Phenol", "Enol",
    "Alcohol", "Thiol", "Amine", "Enamine", "Imine", "Azo compound", "Phosphine", "Sulfone",
    "Sulfoxide", "Ether", "Sulfide", "Haloalkane", "Arene", "Alkene", "Alkyne", "Alkane",
)  # fmt: skip


def iupac_order() -> tuple[int, ...]:
    """Indices into ``GROUP_NAMES``, most senior group first."""
    return tuple(GROUP_NAMES.index(name) for name in _IUPAC)
