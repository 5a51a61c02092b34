"""What a command gives: a JSON document, the same as text, and notes; or why it failed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

DONE, FAULT, BAD_USAGE, NO_INPUT, NO_MODEL, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""The exit codes that scripts may rely on."""


@dataclass(frozen=True)
class Outcome:
    """``document`` is what ``--json`` prints, ``text`` what a reader gets, ``notes`` go to stderr.

    ``code`` is not 0 when the document only holds errors.
    """

    document: dict[str, Any]
    text: str
    notes: tuple[str, ...] = ()
    code: int = DONE


class CommandError(Exception):
    """A command cannot do its work: the exit code, and a sentence for each reason."""

    def __init__(self, code: int, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.code = code
        self.messages = messages


def to_json(document: Mapping[str, Any]) -> str:
    """Strict JSON (RFC 8259) in ASCII: NaN and infinities, which it does not know, become null."""
    return json.dumps(_plain(document), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, PathLike):
        return fspath(value)
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays
        return _plain(value.tolist())
    if hasattr(value, "__iter__"):
        return [_plain(item) for item in value]
    return str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two blanks apart; the last column is left as it is."""
    cells = [list(header), *(list(map(str, row)) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        .rstrip()
        for row in cells
    )  # fmt: skip
