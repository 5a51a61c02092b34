"""``specgui assign``: the NMR peaks of a compound matched to the atoms of its structure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.assignment import Assignment, FixedPair

HELP = "assign the peaks of 13C and 1H spectra to the atoms of a structure"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="the spectra of one compound")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as '13C NMR'")
    parser.add_argument(
        "--structure",
        metavar="SMILES|FILE",
        help="SMILES, InChI or a structure file (default: the one in the files)",
    )
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
    from engine.library.group_model import NoModelError
    from engine.tasks.assignment import assign

    try:
        result = assign(Sample(tuple(spectra), structure=structure), fixed=fixed)
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document = result.to_dict()
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, _text(result), tuple(message for _, message in errors))


def structure_given(text: str | None) -> str | None:
    """A structure named on the command line, as a molblock; raises ``CommandError``."""
    if text is None:
        return None
    from engine.chemistry.structure import parse_structure

    try:
        return parse_structure(text).molblock
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--structure: {error}") from error


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
