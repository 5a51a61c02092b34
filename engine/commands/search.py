"""``specgui search``: the molecules of a library that have the spectra of the files."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.molecule_search import SearchResult

HELP = "look the spectra of one compound up in a library of molecules"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="the spectra of one compound")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as '13C NMR'")
    parser.add_argument(
        "--library", metavar="L", help="name or folder of a library (default: the newest)"
    )
    parser.add_argument("--formula", metavar="F", help="only molecules of this formula")
    parser.add_argument(
        "--mass-range", metavar="A:B", help="only monoisotopic masses from A to B, in u"
    )
    parser.add_argument(
        "--group", action="append", default=[], metavar="NAME", dest="groups",
        help="only molecules with this functional group, such as Ketone; may be repeated",
    )  # fmt: skip
    parser.add_argument("--top", type=int, default=25, metavar="K", help="how many (default: 25)")


def run(options: argparse.Namespace) -> Outcome:
    if options.top < 1:
        raise CommandError(BAD_USAGE, f"--top is {options.top}; right is 1 or more")
    mass_range = _mass_range(options.mass_range)
    _check_conditions(options)
    spectra, errors = read(options.files, options.technique)
    from engine.library.group_model import NoModelError
    from engine.library.library_choice import open_library
    from engine.library.library_files import LibraryError
    from engine.tasks import search

    try:
        library = open_library(options.library, report=_progress)
        result = search(
            Sample(tuple(spectra)), library, options.formula, mass_range, options.groups,
            options.top,
        )  # fmt: skip
    except (LibraryError, NoModelError) as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document = result.to_dict()
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, _text(result), tuple(message for _, message in errors))


def _mass_range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        least, _, most = text.partition(":")
        found = (float(least), float(most))
    except ValueError:
        found = (1.0, 0.0)
    if not 0 <= found[0] <= found[1]:
        raise CommandError(
            BAD_USAGE, f"--mass-range is {text!r}; right is two masses in u, such as 180:190"
        )
    return found


def _check_conditions(options: argparse.Namespace) -> None:
    from engine.chemistry.formula import parse_formula
    from engine.chemistry.functional_groups import GROUP_NAMES

    if options.formula is not None:
        try:
            parse_formula(options.formula)
        except ValueError as error:
            raise CommandError(BAD_USAGE, f"--formula: {error}") from error
    by_name = {name.lower(): name for name in GROUP_NAMES}
    for number, name in enumerate(options.groups):
        if name.lower() not in by_name:
            raise CommandError(
                BAD_USAGE, f"--group is {name!r}; right is one of {', '.join(GROUP_NAMES)}"
            )
        options.groups[number] = by_name[name.lower()]


def _progress(progress) -> None:
    done = "" if progress.done is None else f", {progress.done:.0%}"
    print(
        f"specgui: making the starter library: {progress.molecules:,} molecules{done}",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def _text(result: SearchResult) -> str:
    rows = [
        (
            str(hit.rank), f"{hit.score:.3f}", f"{hit.probability:.1%}",
            f"{hit.matched}/{hit.peaks}", hit.formula, hit.name[:40], hit.smiles,
        )
        for hit in result.hits
    ]  # fmt: skip
    header = ("RANK", "SCORE", "PROBABILITY", "PEAKS", "FORMULA", "NAME", "SMILES")
    lines = [
        table(header, rows) if rows else "No molecule was found.",
        "",
        f"Library: {result.library_name}, {result.library_size:,} molecules; "
        f"{result.elapsed_ms:.0f} ms",
    ]
    lines += [f"Warning: {' '.join(warning.split())}" for warning in result.warnings]
    return "\n".join(lines)
