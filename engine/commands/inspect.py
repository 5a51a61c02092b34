"""``specgui inspect``: what spectra the files hold."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from engine.commands.inputs import NoSpectraError, error_entries, read
from engine.commands.outcome import Outcome, table
from engine.spectra import Spectrum, Spectrum2D

HELP = "list the spectra that files, folders or zip archives hold"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as 'IR'")


def run(options: argparse.Namespace) -> Outcome:
    code = 0
    spectra_2d: list[Spectrum2D] = []
    try:
        spectra, errors = read(options.files, options.technique, spectra_2d)
    except NoSpectraError as failure:
        spectra, errors, code = [], failure.errors, failure.code
    document = {
        "spectra": [_entry(spectrum) for spectrum in spectra],
        "spectra_2d": [_entry_2d(spectrum) for spectrum in spectra_2d],
        "errors": error_entries(errors),
    }
    text = "\n\n".join(part for part in (_text(spectra), _text_2d(spectra_2d)) if part)
    return Outcome(document, text, tuple(message for _, message in errors), code)


def _entry(spectrum: Spectrum) -> dict[str, Any]:
    return {
        "technique": spectrum.technique,
        "title": spectrum.title,
        "kind": spectrum.kind,
        "points": len(spectrum),
        "x_unit": spectrum.x_unit,
        "x_first": float(spectrum.x[0]),
        "x_last": float(spectrum.x[-1]),
        "y_unit": spectrum.y_unit,
        "metadata": spectrum.metadata,
        "source": str(spectrum.source),
        "warnings": spectrum.warnings,
    }


def _entry_2d(spectrum: Spectrum2D) -> dict[str, Any]:
    return {
        "technique": spectrum.technique,
        "technique_y": spectrum.technique_y,
        "title": spectrum.title,
        "kind": spectrum.kind,
        "points": list(spectrum.shape),
        "x_unit": spectrum.x_unit,
        "x_first": float(spectrum.x[0]),
        "x_last": float(spectrum.x[-1]),
        "y_unit": spectrum.y_unit,
        "y_first": float(spectrum.y[0]),
        "y_last": float(spectrum.y[-1]),
        "metadata": spectrum.metadata,
        "source": str(spectrum.source),
        "warnings": spectrum.warnings,
    }


def _text(spectra: list[Spectrum]) -> str:
    if not spectra:
        return ""
    rows = [
        (
            spectrum.technique, spectrum.kind, str(len(spectrum)),
            f"{spectrum.x[0]:.6g} to {spectrum.x[-1]:.6g} {spectrum.x_unit}", spectrum.y_unit,
            " ".join(spectrum.title.split())[:60], str(spectrum.source),
        )
        for spectrum in spectra
    ]  # fmt: skip
    return _with_warnings(
        table(("TECHNIQUE", "KIND", "POINTS", "AXIS", "Y", "TITLE", "SOURCE"), rows), spectra
    )


def _text_2d(spectra: list[Spectrum2D]) -> str:
    if not spectra:
        return ""
    rows = [
        (
            spectrum.name, spectrum.kind, spectrum.size_text,
            f"{spectrum.x[0]:.6g} to {spectrum.x[-1]:.6g} {spectrum.x_unit}",
            f"{spectrum.y[0]:.6g} to {spectrum.y[-1]:.6g} {spectrum.y_unit}",
            " ".join(spectrum.title.split())[:60], str(spectrum.source),
        )
        for spectrum in spectra
    ]  # fmt: skip
    return _with_warnings(
        table(("TWO-DIMENSIONAL", "KIND", "POINTS", "F2", "F1", "TITLE", "SOURCE"), rows), spectra
    )


def _with_warnings(listed: str, spectra: Sequence[Spectrum] | Sequence[Spectrum2D]) -> str:
    """A table with the warnings of each spectrum under its row."""
    lines = listed.splitlines()
    said = [lines[0]]
    for line, spectrum in zip(lines[1:], spectra, strict=True):
        said.append(line)
        said += [f"  warning: {' '.join(warning.split())}" for warning in spectrum.warnings]
    return "\n".join(said)
