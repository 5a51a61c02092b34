"""The one error that readers raise."""

from __future__ import annotations

from pathlib import Path


class FormatError(Exception):
    """A file cannot be read: which, what was expected, and what was found instead.

    Its text is one line: ``<file name>: expected <expected>, found <found>``. Line ends and runs of
    blanks in what is given, which may come out of the file or its name, become one blank.
    """

    def __init__(self, path: str | Path, expected: str, found: str) -> None:
        self.path = str(path)
        self.expected = _one_line(expected)
        self.found = _one_line(found)
        name = _one_line(Path(path).name or self.path)
        super().__init__(f"{name}: expected {self.expected}, found {self.found}")

    def __reduce__(self):
        return type(self), (self.path, self.expected, self.found)


def _one_line(text: str) -> str:
    words = str(text).split()
    # Terminal codes, from a file or a name that wants to draw on the screen, are no words.
    return "".join(c if c.isprintable() else "�" for c in " ".join(words))
