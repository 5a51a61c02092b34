"""One assignment of a peak to an atom, as a project keeps it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Assignment:
    """A peak at ``position`` (in the unit of x) of the spectrum with this id belongs to an atom.

    Atoms are those of the structure as the sample has it, counted from 0; in a 1H spectrum the atom
    that carries the hydrogens. ``position`` None: the atom shows no peak there. ``predicted`` and
    ``uncertainty`` in ppm and ``confidence`` from 0 to 1 are those of the program, None where it
    said nothing; ``fixed``: a person said it.
    """

    atom: int
    spectrum: int
    position: float | None
    predicted: float | None = None
    uncertainty: float | None = None
    confidence: float | None = None
    fixed: bool = False

    def line(self, spectrum: str) -> str:
        """Python that makes this again; ``spectrum`` is Python for the spectrum's id."""
        parts = [repr(self.atom), spectrum, repr(self.position)]
        parts += [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)[3:]
            if getattr(self, field.name) != field.default
        ]
        return f"Assignment({', '.join(parts)})"

    def to_json(self) -> list:
        """The values in their order, those of a person's plain assignment short."""
        values = [getattr(self, field.name) for field in fields(self)]
        plain = values[2] is not None and values[3:] == [None, None, None, False]
        return values[:3] if plain else values

    @classmethod
    def from_json(cls, values: Any) -> Assignment | None:
        """What :meth:`to_json` wrote; None for what it cannot have written."""
        if not isinstance(values, list) or len(values) not in (3, 7):
            return None
        if not all(isinstance(v, int) and not isinstance(v, bool) for v in values[:2]):
            return None
        told = values[2:6]
        if not all(v is None or (_is_number(v) and math.isfinite(v)) for v in told):
            return None
        numbers = [None if v is None else float(v) for v in told]
        return cls(values[0], values[1], *numbers, fixed=len(values) == 7 and values[6] is True)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
