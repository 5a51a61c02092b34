"""``specgui inspect``: what spectra the files hold."""

from __future__ import annotations

import argparse
from typing import Any

from engine.commands.inputs import NoSpectraError, error_entries, read
from engine.commands.outcome import Outcome, table
from engine.spectra import Spectrum

HELP = "list the spectra that files, folders or zip archives hold"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as 'IR'")


def run(options: argparse.Namespace) -> Outcome:
    code = 0
    try:
        spectra, errors = read(options.files, options.technique)
    except NoSpectraError as failure:
        spectra, errors, code = [], failure.errors, failure.code
    document = {
        "spectra": [_entry(spectrum) for spectrum in spectra],
        "errors": error_entries(errors),
    }
    return Outcome(document, _text(spectra), tuple(message for _, message in errors), code)


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
    lines = table(
        ("TECHNIQUE", "KIND", "POINTS", "AXIS", "Y", "TITLE", "SOURCE"), rows
    ).splitlines()
    said = [lines[0]]
    for line, spectrum in zip(lines[1:], spectra, strict=True):
        said.append(line)
        said += [f"  warning: {' '.join(warning.split())}" for warning in spectrum.warnings]
    return "\n".join(said)
