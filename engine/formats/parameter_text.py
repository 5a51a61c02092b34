"""The text of the parameter files that spectrometers write beside their data."""

from __future__ import annotations

from pathlib import Path

from engine.formats.errors import FormatError


def read_parameter_text(path: Path, most: int, expected: str) -> str:
    """The first ``most`` bytes of a file as text, UTF-8 or else Latin-1, lines ended by newlines.

    Raises ``FormatError`` with what was ``expected`` when the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most)
    except OSError as error:
        raise FormatError(path, expected, str(error)) from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
