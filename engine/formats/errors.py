"""The one error that readers raise."""

from __future__ import annotations

from pathlib import Path


class FormatError(Exception):
    """A file cannot be read: which, what was expected, and what was found instead.

    Its text is one line: ``<file name>: expected <expected>, found <found>``.
    """

    def __init__(self, path: str | Path, expected: str, found: str) -> None:
        self.path = str(path)
        self.expected = expected
        self.found = found
        super().__init__(f"{Path(self.path).name or self.path}: expected {expected}, found {found}")
