"""Products of one or two reactions of given molecules, by rules, many kinds and sizes alike."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.chemistry.reaction_rules import ReactionRule

ORGANIC_ELEMENTS = frozenset(("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I"))
HEAVY_ATOMS = (4, 40)

# Products of each of these sizes (heavy atoms of the reactants together) are asked for in turn.
_SIZES = ((3, 11), (12, 16), (17, 20), (21, 24), (25, 30), (31, 42))
_DRAWS = 12  # how often a pair is drawn anew before this size counts as used up for now
_RECENT = 4_000  # products of one reaction that may go into a second one
_MISSES = 60  # turns without a product after which a rule is left out
_TWO_STEP_SHARE = 0.4


@dataclass(frozen=True)
class EnumeratedProduct:
    """A molecule that rules made: canonical SMILES, key, the reactions' names in their order."""

    smiles: str
    key: str
    reactions: tuple[str, ...]


@dataclass(frozen=True)
class _Block:
    number: int
    molecule: object
    size: int
    reactions: tuple[str, ...] = ()


def enumerate_products(
    molecules: Iterable[str],
    rules: Mapping[str, ReactionRule] | Sequence[ReactionRule],
    limit: int,
    seed: int = 0,
    known: Iterable[str] = (),
) -> Iterator[EnumeratedProduct]:
    """At most ``limit`` different products of the SMILES ``molecules``.

    The rules take turns, and within a rule the sizes; about two in five products come of a second
    reaction on a product of a first. Products are neutral, of ``ORGANIC_ELEMENTS`` and
    ``HEAVY_ATOMS``, differ in their key, and have none of the keys ``known`` nor that of a given
    molecule. Deterministic: the first n products of a larger limit are those of limit n, and the
    pairs that a rule tries first do not depend on the other rules. Raises ``ValueError`` for a
    SMILES that is none.
    """
    from rdkit import Chem

    blocks = []
    seen = set(known)
    for smiles in molecules:
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise ValueError(f"{smiles!r} is not a valid SMILES")
        seen.add(_key(molecule))
        blocks.append(_Block(len(blocks), molecule, molecule.GetNumHeavyAtoms()))
    chance = random.Random(seed)
    reactions = rules.values() if isinstance(rules, Mapping) else rules
    turns = [_RuleTurns(rule, blocks, seed) for rule in reactions]
    recent: list[_Block] = []
    made = 0
    while turns and made < limit:
        for turn in tuple(turns):
            if made >= limit:
                return
            found = turn.next_product(recent)
            if found is None:
                if turn.misses > _MISSES:
                    turns.remove(turn)
                continue
            molecule, names = found
            key = _key(molecule)
            if key in seen or not _is_wanted(molecule):
                continue
            seen.add(key)
            turn.misses = 0
            made += 1
            if len(names) == 1:
                block = _Block(made, molecule, molecule.GetNumHeavyAtoms(), names)
                if len(recent) < _RECENT:
                    recent.append(block)
                else:
                    recent[chance.randrange(_RECENT)] = block
            yield EnumeratedProduct(Chem.MolToSmiles(molecule), key, names)


class _RuleTurns:
    """One rule and the pairs of blocks that it has not tried yet."""

    def __init__(self, rule: ReactionRule, blocks: Sequence[_Block], seed: int):
        self.rule = rule
        self.misses = 0
        # Two sources of chance: what becomes of products must not change the order of the pairs.
        self._chance = random.Random(f"{seed} {rule.name}")
        self._second_chance = random.Random(f"{seed} {rule.name}, then")
        # Sorted by size, so that the partners for a wanted size of product lie side by side.
        self._takers = [
            sorted((b for b in blocks if rule.takes(slot, b.molecule)), key=lambda b: b.size)
            for slot in range(rule.reactant_count)
        ]
        self._sizes = [[block.size for block in takers] for takers in self._takers]
        self._turn = {False: 0, True: 0}
        self._tried: set[tuple[int, ...]] = set()
        self._second_tried: set[tuple[int, int, int | None]] = set()

    def next_product(self, recent: Sequence[_Block]):
        """A product and the names of its reactions, or None when this turn brought none."""
        self.misses += 1
        second = bool(recent) and self._second_chance.random() < _TWO_STEP_SHARE
        for _ in range(len(_SIZES)):
            least, most = _SIZES[self._turn[second] % len(_SIZES)]
            self._turn[second] += 1
            reactants = (
                self._with_product(recent, least, most) if second else self._pair(least, most)
            )
            if reactants is None:
                continue
            molecule = self.rule.product([block.molecule for block in reactants])
            if molecule is not None:
                earlier = tuple(name for block in reactants for name in block.reactions)
                return molecule, (*earlier, self.rule.name)
        return None

    def _pair(self, least: int, most: int) -> tuple[_Block, ...] | None:
        takers = self._takers
        if not all(takers):
            return None
        for _ in range(_DRAWS):
            if len(takers) == 1:
                numbers = (self._drawn(0, least, most, self._chance),)
            else:
                first = self._chance.randrange(len(takers[0]))
                size = takers[0][first].size
                second = self._drawn(1, least - size, most - size, self._chance)
                numbers = (first, second)
            if numbers[-1] is not None and numbers not in self._tried:
                self._tried.add(numbers)
                return tuple(own[number] for own, number in zip(takers, numbers, strict=True))
        return None

    def _with_product(self, recent, least: int, most: int) -> tuple[_Block, ...] | None:
        slots = self.rule.reactant_count
        for _ in range(_DRAWS):
            block = recent[self._second_chance.randrange(len(recent))]
            slot = self._second_chance.randrange(slots)
            if block.size > most or self.rule.name in block.reactions:
                continue
            partner = None
            if slots == 2:
                partner = self._drawn(
                    1 - slot, least - block.size, most - block.size, self._second_chance
                )
                if partner is None:
                    continue
            elif block.size < least:
                continue
            tried = (block.number, slot, partner)
            if tried in self._second_tried or not self.rule.takes(slot, block.molecule):
                continue
            self._second_tried.add(tried)
            if partner is None:
                return (block,)
            other = self._takers[1 - slot][partner]
            return (block, other) if slot == 0 else (other, block)
        return None

    def _drawn(self, slot: int, least: int, most: int, chance: random.Random) -> int | None:
        start = bisect_left(self._sizes[slot], least)
        end = bisect_right(self._sizes[slot], most)
        return chance.randrange(start, end) if start < end else None


def _is_wanted(molecule) -> bool:
    least, most = HEAVY_ATOMS
    return least <= molecule.GetNumHeavyAtoms() <= most and all(
        atom.GetSymbol() in ORGANIC_ELEMENTS and not atom.GetIsotope()
        for atom in molecule.GetAtoms()
    )


def _key(molecule) -> str:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolToInchiKey(molecule).split("-")[0]
