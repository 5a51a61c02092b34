"""JCAMP-DX peak assignments: positions with multiplicities and what they belong to."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from engine.formats.jcamp_asdf import TableError

_ENTRY = re.compile(r"\(([^()<]*)(?:<([^>]*)>)?[^()<]*\)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$")
MAX_PEAKS = 1 << 18


def read_assignments(table: str, form: str) -> tuple[np.ndarray, np.ndarray, list[dict[str, Any]]]:
    """Positions, heights ``(n,)`` and peaks of a ``(XYA)``, ``(XYMA)`` or ``(XYMWA)`` table.

    Each peak is a dict with ``position`` and, where given, ``multiplicity``, ``width`` and
    ``assignment``. Raises ``TableError`` when there is none.
    """
    symbols = (re.match(r"\(([XYMWA]+)", form.upper()) or re.match("(XYA)", "XYA")).group(1)
    rows: list[tuple[float, float]] = []
    peaks: list[dict[str, Any]] = []
    for found in _ENTRY.finditer(table):
        fields = [part.strip() for part in found.group(1).split(",")]
        if not fields or not _NUMBER.match(fields[0]):
            continue
        position = float(fields[0])
        height = 1.0
        peak: dict[str, Any] = {"position": position}
        for symbol, text in zip(symbols[1:], fields[1:], strict=False):
            if symbol == "Y" and _NUMBER.match(text):
                height = float(text)
            elif symbol == "W" and _NUMBER.match(text):
                peak["width"] = float(text)
            elif symbol == "M" and text:
                peak["multiplicity"] = text.lower()
        if found.group(2):
            peak["assignment"] = " ".join(found.group(2).split())
        rows.append((position, height))
        peaks.append(peak)
        if len(rows) > MAX_PEAKS:
            raise TableError(f"more than {MAX_PEAKS} peak assignments")
    if not rows:
        raise TableError("peak assignments without a single entry (position, height, <assignment>)")
    values = np.array(rows)
    return values[:, 0], values[:, 1], peaks
