"""The solvent as an input of networks: a number for each of the usual ones."""

from __future__ import annotations

import re
from functools import cache

# 0: not known; the number after the last name: any other solvent.
SOLVENTS = (
    "chloroform-d", "DMSO-d6", "methanol-d4", "acetone-d6", "deuterium oxide", "benzene-d6",
    "pyridine-d5",
)  # fmt: skip
SOLVENT_VALUES = len(SOLVENTS) + 2


@cache
def solvent_number(text: str | None) -> int:
    """The number of a solvent as files and tables name it, ``Chloroform-D1 (CDCl3)`` included.

    Mixtures count as their first known solvent; 0 when the text is empty or says nothing.
    """
    from engine.processing.referencing import find_solvent

    if not text or not text.strip():
        return 0
    for part in (text, *re.split(r"\s*[(),+;]\s*|\s+and\s+|\s+or\s+", text)):
        found = find_solvent(part.strip() or None)
        if found is not None:
            return SOLVENTS.index(found.name) + 1 if found.name in SOLVENTS else SOLVENT_VALUES - 1
    vague = text.strip().lower() in ("unreported", "unknown", "none", "no", "-")
    return 0 if vague else SOLVENT_VALUES - 1
