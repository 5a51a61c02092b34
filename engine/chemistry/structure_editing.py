"""How a sketch of a structure grows as a chemist draws: chains, rings, snapped bonds; undoing."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.chemistry.structure_sketch import Sketch, SketchAtom, SketchBond

ELEMENTS = ("C", "N", "O", "S", "F", "P", "Cl", "Br", "I", "H")
"""Those at hand in an editor; any element of the periodic table can be set."""

RINGS: Mapping[str, tuple[int, bool]] = {
    "benzene": (6, True), "cyclohexane": (6, False), "cyclopentane": (5, False),
    "cyclobutane": (4, False), "cyclopropane": (3, False), "cycloheptane": (7, False),
}  # fmt: skip
"""Ring templates: size, and whether double bonds alternate."""

_SAME_PLACE = 0.3
_STEP = math.pi / 6


def snapped(x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
    """The end of a bond of standard length from (x, y) toward a place, at a multiple of 30°."""
    angle = round(math.atan2(to_y - y, to_x - x) / _STEP) * _STEP
    return x + math.cos(angle), y + math.sin(angle)


def sprout_place(sketch: Sketch, atom: int) -> tuple[float, float]:
    """Where a new atom that is bonded to this one has most room, in steps of 30 degrees."""
    here = sketch.atom(atom)
    around = [sketch.atoms[n] for n in sketch.neighbours(atom)]
    taken = [math.atan2(o.y - here.y, o.x - here.x) for o in around]
    if not taken:
        angle = _STEP
    elif len(taken) == 1:
        linear = any(b.order == 3 for b in sketch.bonds if atom in (b.first, b.second))
        turns = [math.pi] if linear else [2 * math.pi / 3, -2 * math.pi / 3]
        angle = max((taken[0] + turn for turn in turns), key=lambda a: _room(sketch, here, a))
    else:
        ordered = sorted(taken)
        gaps = [
            ((ordered[(k + 1) % len(ordered)] - start) % (2 * math.pi) or 2 * math.pi, start)
            for k, start in enumerate(ordered)
        ]
        gap, start = max(gaps)
        angle = start + gap / 2
    return here.x + math.cos(angle), here.y + math.sin(angle)


def _room(sketch: Sketch, here: SketchAtom, angle: float) -> float:
    x, y = here.x + math.cos(angle), here.y + math.sin(angle)
    nearest = min((math.hypot(a.x - x, a.y - y) for a in sketch.atoms if a is not here), default=9)
    # Of two that are alike the chain goes on in a zigzag to the right.
    return round(min(nearest, 2.0), 3) + 0.001 * math.cos(angle)


def sprout(
    sketch: Sketch, atom: int, element: str = "C", order: int = 1, stereo: str = ""
) -> Sketch:
    """Bond a new atom to one, where there is most room."""
    return grow(sketch, atom, *sprout_place(sketch, atom), element, order, stereo)


def grow(
    sketch: Sketch,
    atom: int,
    x: float,
    y: float,
    element: str = "C",
    order: int = 1,
    stereo: str = "",
) -> Sketch:
    """Bond an atom to what is at a place: an atom that is there, else a new one."""
    there = sketch.atom_near(x, y, _SAME_PLACE)
    if there is not None and there != atom:
        return sketch.add_bond(atom, there, order, stereo)
    return sketch.add_atom(element, x, y).add_bond(atom, len(sketch.atoms), order, stereo)


def add_ring(
    sketch: Sketch,
    name: str,
    x: float = 0.0,
    y: float = 0.0,
    atom: int | None = None,
    bond: int | None = None,
) -> Sketch:
    """Add a ring template: fused to a bond, at an atom, or around a place.

    An atom with one bond or none becomes a corner of the ring; one with more gets the ring by a
    new bond. Corners that fall on atoms that are there become those atoms.
    """
    if name not in RINGS:
        raise ValueError(f"ring {name!r}; right is {', '.join(RINGS)}")
    size, alternating = RINGS[name]
    radius = 0.5 / math.sin(math.pi / size)
    if bond is not None:
        known = sketch.bond(bond)
        corners = _fused_corners(sketch, known, size, radius)
    elif atom is not None:
        here = sketch.atom(atom)
        away_x, away_y = sprout_place(sketch, atom)
        angle = math.atan2(away_y - here.y, away_x - here.x)
        if len(sketch.neighbours(atom)) == 1:
            # The ring continues the bond in line.
            (other,) = (sketch.atoms[n] for n in sketch.neighbours(atom))
            angle = math.atan2(here.y - other.y, here.x - other.x)
        start = 0.0 if len(sketch.neighbours(atom)) < 2 else 1.0
        centre = (
            here.x + (start + radius) * math.cos(angle),
            here.y + (start + radius) * math.sin(angle),
        )
        corners = _polygon(centre, radius, size, angle + math.pi)
        if start:
            grown = grow(sketch, atom, *corners[0])
            return _ring(grown, corners, alternating)
    else:
        corners = _polygon((x, y), radius, size, math.pi / 2)
    return _ring(sketch, corners, alternating)


def _fused_corners(sketch: Sketch, bond: SketchBond, size: int, radius: float):
    a, b = sketch.atoms[bond.first], sketch.atoms[bond.second]
    middle = ((a.x + b.x) / 2, (a.y + b.y) / 2)
    length = math.hypot(b.x - a.x, b.y - a.y) or 1.0
    normal = (-(b.y - a.y) / length, (b.x - a.x) / length)
    # To the side with fewer atoms near by.
    sides = []
    for sign in (1, -1):
        centre = tuple(
            m + sign * n * radius * math.cos(math.pi / size) * length
            for m, n in zip(middle, normal, strict=True)
        )
        crowd = sum(math.hypot(o.x - centre[0], o.y - centre[1]) < 1.4 for o in sketch.atoms)
        sides.append((crowd, -sign, centre))
    _, _, centre = min(sides)
    start = math.atan2(a.y - centre[1], a.x - centre[0])
    second = math.atan2(b.y - centre[1], b.x - centre[0])
    turn = 1 if (second - start) % (2 * math.pi) < math.pi else -1
    return _polygon(centre, radius * length, size, start, turn)


def _ring(before: Sketch, corners: list[tuple[float, float]], alternating: bool) -> Sketch:
    sketch, members = before, []
    for x, y in corners:
        there = sketch.atom_near(x, y, _SAME_PLACE)
        if there is None:
            sketch, there = sketch.add_atom("C", x, y), len(sketch.atoms)
        members.append(there)
    if len(set(members)) != len(corners):
        raise ValueError("there is no room for the ring: two of its corners fall on one atom")
    pairs = list(zip(members, members[1:] + members[:1], strict=True))
    for one, other in pairs:
        if sketch.bond_between(one, other) is None:
            sketch = sketch.add_bond(one, other)
    if not alternating:
        return sketch
    trials = [_alternated(sketch, pairs[start::2]) for start in (0, 1)]
    return min(trials, key=lambda trial: (len(trial.problems()), -_doubles(trial, pairs)))


def _alternated(before: Sketch, pairs: list[tuple[int, int]]) -> Sketch:
    """Double bonds between pairs whose atoms have none yet."""
    sketch = before
    for one, other in pairs:
        doubled = {a for b in sketch.bonds if b.order > 1 for a in (b.first, b.second)}
        if not {one, other} & doubled:
            sketch = sketch.add_bond(one, other, 2)
    return sketch


def _polygon(
    centre: tuple[float, float], radius: float, size: int, start: float, turn: int = 1
) -> list[tuple[float, float]]:
    angles = [start + turn * 2 * math.pi * k / size for k in range(size)]
    return [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles]


def _doubles(sketch: Sketch, pairs: list[tuple[int, int]]) -> int:
    return sum(b.order == 2 for b in sketch.bonds if any(b.joins(*pair) for pair in pairs))


class SketchHistory:
    """A sketch with what it was before, to be undone and done again."""

    def __init__(self, sketch: Sketch | None = None) -> None:
        self.present = sketch or Sketch()
        self._undone: list[Sketch] = []
        self._before: list[Sketch] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def push(self, sketch: Sketch) -> None:
        """Take up an edit; one that changes nothing is no step."""
        if sketch != self.present:
            self._before.append(self.present)
            self._undone.clear()
            self.present = sketch

    def undo(self) -> None:
        if self._before:
            self._undone.append(self.present)
            self.present = self._before.pop()

    def redo(self) -> None:
        if self._undone:
            self._before.append(self.present)
            self.present = self._undone.pop()
