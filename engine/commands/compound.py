"""What the commands share that ask one question about one compound's spectra."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from engine.commands.inputs import error_entries
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome


def spectra_arguments(parser: argparse.ArgumentParser) -> None:
    """The files of one compound, and what a table of plain numbers is."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="the spectra of one compound")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as '13C NMR'")


def structure_argument(parser: argparse.ArgumentParser) -> None:
    """A structure, read by :func:`structure_given`."""
    parser.add_argument(
        "--structure",
        metavar="SMILES|FILE",
        help="SMILES, InChI or a structure file (default: the one in the files)",
    )


def structure_given(text: str | None) -> str | None:
    """A structure named on the command line, as a molblock; raises ``CommandError``."""
    if text is None:
        return None
    from engine.chemistry.structure import parse_structure

    try:
        return parse_structure(text).molblock
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--structure: {error}") from error


def answer(
    ask: Callable[[], Any], text: Callable[[Any], str], errors: list[tuple[str, str]]
) -> Outcome:
    """The outcome of a verb: its result as JSON and as text, with the files that were not read.

    Raises ``CommandError`` where the verb finds no model, or nothing in the sample to work on.
    """
    from engine.library.group_model import NoModelError

    try:
        result = ask()
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document = result.to_dict()
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, text(result), tuple(message for _, message in errors))
