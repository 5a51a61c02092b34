"""``specgui assign``: the NMR peaks of a compound matched to the atoms of its structure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.commands.compound import (
    answer,
    spectra_arguments,
    structure_argument,
    structure_given,
)
from engine.commands.inputs import read
from engine.commands.outcome import BAD_USAGE, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.assignment import Assignment, FixedPair

HELP = "assign the peaks of 13C and 1H spectra to the atoms of a structure"


def arguments(parser: argparse.ArgumentParser) -> None:
    spectra_arguments(parser)
    structure_argument(parser)
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="ELEMENT:ATOM=PPM",
        help="keep a pair, such as C:4=128.3, or C:4=none for an atom without a peak; repeatable",
    )


def run(options: argparse.Namespace) -> Outcome:
    fixed = tuple(_pair(text) for text in options.fix)
    structure = structure_given(options.structure)
    spectra, errors = read(options.files, options.technique)
    from engine.tasks.assignment import assign

    sample = Sample(tuple(spectra), structure=structure)
    return answer(lambda: assign(sample, fixed=fixed), _text, errors)


def _pair(text: str) -> FixedPair:
    element, _, rest = text.partition(":")
    atom, _, ppm = rest.partition("=")
    try:
        return element.strip().upper(), int(atom), None if ppm == "none" else float(ppm)
    except ValueError:
        raise CommandError(
            BAD_USAGE, f"--fix {text!r}; right is 'C:4=128.3', 'H:7=2.31' or 'C:4=none'"
        ) from None


def _text(result: Assignment) -> str:
    rows = []
    for one in result.assignments:
        measured = "-" if one.peak is None else f"{one.peak:.2f}"
        off = "" if one.peak is None else f"{one.peak - one.predicted:+.2f}"
        sure = "fixed" if one.fixed else f"{one.confidence:.0%}"
        rows.append((f"{one.element}{one.atom}", measured, f"{one.predicted:.2f}", off, sure))
    lines = [table(("ATOM", "PEAK", "PREDICTED", "DIFFERENCE", "CONFIDENCE"), rows)]
    lines += [f"No atom: {technique} {ppm:.2f} ppm" for technique, ppm in result.unassigned]
    lines += [f"Warning: {warning}" for warning in result.warnings]
    return "\n".join(lines)
