"""``specgui verify``: does a structure fit the spectra of a compound?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.commands.assign import structure_given
from engine.commands.inputs import error_entries, read
from engine.commands.outcome import NO_INPUT, NO_MODEL, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.verification import Verification

HELP = "test whether a structure fits the spectra of a compound"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="the spectra of one compound")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as '13C NMR'")
    parser.add_argument(
        "--structure",
        metavar="SMILES|FILE",
        help="SMILES, InChI or a structure file (default: the one in the files)",
    )


def run(options: argparse.Namespace) -> Outcome:
    structure = structure_given(options.structure)
    spectra, errors = read(options.files, options.technique)
    from engine.library.group_model import NoModelError
    from engine.tasks.verification import verify

    try:
        result = verify(Sample(tuple(spectra), structure=structure))
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document = result.to_dict()
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, _text(result), tuple(message for _, message in errors))


def _text(result: Verification) -> str:
    rows = [
        (test.name, f"{test.score:+.2f}", f"{test.significance:.2f}", test.detail)
        for test in result.tests
    ]
    lines = [
        f"{result.verdict} Score {result.score:+.2f}.",
        "",
        table(("TEST", "SCORE", "SIGNIFICANCE", "WHY"), rows),
    ]
    lines += [f"Warning: {' '.join(warning.split())}" for warning in result.warnings]
    return "\n".join(lines)
