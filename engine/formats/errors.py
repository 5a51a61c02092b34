"""The error that readers raise."""

from __future__ import annotations

from pathlib import Path


class FormatError(Exception):
    """A file cannot be read: which, what was expected, and what was found instead.

    Its text is one line: ``<file name>: expected <expected>, found <found>``. Line ends and runs of
    blanks in what is given, which may come out of the file or its name, become one blank; what is
    longer than a few lines of a window is cut.
    """

    def __init__(self, path: str | Path, expected: str, found: str) -> None:
        self.path = str(path)
        self.expected = _one_line(expected)
        self.found = _one_line(found)
        name = _one_line(Path(path).name or self.path)
        super().__init__(f"{name}: expected {self.expected}, found {self.found}")

    def __reduce__(self):
        return type(self), (self.path, self.expected, self.found)


class Only2DError(FormatError):
    """The path holds two-dimensional data and no others, which ``open_spectra_2d`` gives."""


_LONGEST = 800


def _one_line(text: str) -> str:
    words = str(text)[: 4 * _LONGEST].split()
    # Terminal codes, from a file or a name that wants to draw on the screen, are no words.
    line = "".join(c if c.isprintable() else "�" for c in " ".join(words))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
