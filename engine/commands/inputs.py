"""Reads the files that a command names: the spectra of some beside the errors of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.commands.outcome import BAD_USAGE, NO_INPUT, CommandError
from engine.formats import open_many
from engine.spectra import Spectrum, Spectrum2D, Technique


def read(
    files: Sequence[str | Path],
    technique: str | None = None,
    spectra_2d: list[Spectrum2D] | None = None,
) -> tuple[list[Spectrum], list[tuple[str, str]]]:
    """The spectra of all files, and ``(path, message)`` of those that gave none.

    A list that is given as ``spectra_2d`` gets the two-dimensional spectra; else each is named
    among the messages as one that is not used. Raises ``CommandError`` for an unknown technique,
    and when no file gave a spectrum.
    """
    try:
        wanted = None if technique is None else Technique(technique)
    except ValueError as error:
        raise CommandError(BAD_USAGE, str(error)) from error
    found: list[Spectrum2D] = []
    spectra, errors = open_many(files, technique=wanted, spectra_2d=found)
    if spectra_2d is not None:
        spectra_2d += found
    else:
        errors += [(str(spectrum.source), _not_used(spectrum)) for spectrum in found]
    if not spectra and not spectra_2d:
        raise NoSpectraError(errors)
    return spectra, errors


def _not_used(spectrum: Spectrum2D) -> str:
    return (
        f"{Path(spectrum.source.path).name}: a two-dimensional spectrum ({spectrum.name}, "
        f"{spectrum.size_text} points), which is not used here"
    )


class NoSpectraError(CommandError):
    """No file gave a spectrum; ``errors`` holds ``(path, message)`` of each."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__(NO_INPUT, *(message for _, message in errors))
        self.errors = errors


def error_entries(errors: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"source": path, "message": message} for path, message in errors]


def read_one(file: str, number: int | None) -> tuple[Spectrum, int, tuple[str, ...]]:
    """One spectrum of a file (``number`` counts from 1; the first by default), how many it holds.

    The notes say which one was taken when there was a choice. Raises ``CommandError``.
    """
    spectra, errors = read([file])
    if number is not None and not 1 <= number <= len(spectra):
        raise CommandError(
            BAD_USAGE,
            f"{Path(file).name} holds {len(spectra)} spectra: there is no number {number}",
        )
    notes = tuple(message for _, message in errors)
    if number is None and len(spectra) > 1:
        notes += (
            f"{Path(file).name} holds {len(spectra)} spectra: taking the first "
            f"(--spectrum N takes another, inspect lists them)",
        )
    return spectra[(number or 1) - 1], len(spectra), notes
