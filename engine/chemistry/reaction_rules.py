"""Named organic reactions as rules: which molecules each takes, and the product it gives.

A rule holds a reaction SMARTS, for each reactant the groups that would react first or spoil the
reaction, and a textbook example. The rules stand in ``resources/library/reaction_rules.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from engine.installation import resource

_PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class ReactionRule:
    """One named reaction.

    ``smarts`` is a reaction SMARTS with one product; ``avoid`` holds, for each reactant in order,
    SMARTS patterns of which it must match none; ``unstable`` the patterns of which no product may
    match any; ``example`` the SMILES of the reactants, and of the product that textbooks give.
    """

    name: str
    smarts: str
    avoid: tuple[tuple[str, ...], ...]
    example: tuple[tuple[str, ...], str]
    unstable: tuple[str, ...] = field(default=(), repr=False)

    @property
    def reactant_count(self) -> int:
        """How many molecules react: 1 or 2."""
        return len(self.avoid)

    def takes(self, reactant: int, molecule) -> bool:
        """Whether an RDKit molecule can be this reactant (0 or 1) of the rule."""
        template = self._reaction.GetReactantTemplate(reactant)
        return molecule.HasSubstructMatch(template) and not any(
            molecule.HasSubstructMatch(_pattern(smarts)) for smarts in self.avoid[reactant]
        )

    def product(self, molecules: Sequence):
        """The one product of RDKit molecules, sanitised, or None.

        None where they do not react, where the rule cannot tell between several products (regio-
        or stereoisomers), and where the product is charged, in parts, or known to be unstable.
        """
        from rdkit import Chem, rdBase

        found = {}
        with rdBase.BlockLogs():
            for (product,) in self._reaction.RunReactants(tuple(molecules)):
                # Aromatic flags of a template may be wrong for its atoms; they are found again.
                if Chem.SanitizeMol(product, catchErrors=True) != Chem.SANITIZE_NONE:
                    continue
                found.setdefault(Chem.MolToSmiles(product), product)
                if len(found) > 1:
                    return None
            for smiles in found:
                product = Chem.MolFromSmiles(smiles)
                if product is not None and self._is_stable(product):
                    return product
        return None

    def _is_stable(self, product) -> bool:
        from rdkit import Chem

        return (
            len(Chem.GetMolFrags(product)) == 1
            and Chem.GetFormalCharge(product) == 0
            and not any(atom.GetNumRadicalElectrons() for atom in product.GetAtoms())
            and not any(product.HasSubstructMatch(_pattern(smarts)) for smarts in self.unstable)
        )

    @cached_property
    def _reaction(self):
        from rdkit.Chem import rdChemReactions

        reaction = rdChemReactions.ReactionFromSmarts(self.smarts)
        reaction.Initialize()
        return reaction


@cache
def reaction_rules() -> Mapping[str, ReactionRule]:
    """The project's own rules by name."""
    return read_reaction_rules(resource("library", "reaction_rules.json"))


def read_reaction_rules(path: str | Path) -> Mapping[str, ReactionRule]:
    """The rules of a JSON file, by name, in its order.

    Its ``atoms`` are names for atom SMARTS that rules put in braces, its ``groups`` names for lists
    of SMARTS that rules avoid, its ``unstable`` what no product may hold. Raises ``ValueError``
    with the rule's name when a rule is no valid reaction or uses a name that the file lacks.
    """
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    rules: dict[str, ReactionRule] = {}
    for entry in table["rules"]:
        name = entry["name"]
        if name in rules:
            raise ValueError(f"there are two reaction rules {name!r}")
        reactants, product = entry["example"]
        try:
            rule = ReactionRule(
                name,
                _expanded(entry["smarts"], table["atoms"]),
                tuple(_patterns_of(groups, table["groups"]) for groups in entry["avoid"]),
                (tuple(reactants.split(".")), product),
                tuple(table["unstable"]),
            )
            templates = rule._reaction.GetNumReactantTemplates()
        except KeyError as error:
            raise ValueError(f"reaction rule {name!r}: {error} is not defined") from None
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"reaction rule {name!r} is no valid reaction: {error}") from None
        if templates != rule.reactant_count:
            raise ValueError(
                f"reaction rule {name!r} has {templates} reactants, but what to avoid is given "
                f"for {rule.reactant_count}"
            )
        rules[name] = rule
    return MappingProxyType(rules)


def _expanded(smarts: str, atoms: Mapping[str, str]) -> str:
    while _PLACE.search(smarts):
        smarts = _PLACE.sub(lambda place: atoms[place[1]], smarts)
    return smarts


def _patterns_of(groups: Iterable[str], patterns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(smarts for group in groups for smarts in patterns[group])


@cache
def _pattern(smarts: str):
    from rdkit import Chem

    pattern = Chem.MolFromSmarts(smarts)
    if pattern is None:
        raise ValueError(f"{smarts!r} is no valid SMARTS")
    return pattern
