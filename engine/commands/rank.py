"""``specgui rank``: given candidate structures by how well they explain a compound's spectra."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.isomer_ranking import Ranking

HELP = "rank candidate structures by the probability that they have the spectra"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="the spectra of one compound")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as '13C NMR'")
    parser.add_argument(
        "--candidates", type=Path, required=True, metavar="FILE.smi",
        help="a SMILES and a name in each line, or an SDF",
    )  # fmt: skip
    parser.add_argument("--formula", metavar="F", help="the compound's formula, where it is known")


def run(options: argparse.Namespace) -> Outcome:
    from engine.chemistry.formula import parse_formula
    from engine.tasks.isomer_ranking import rank, read_candidates

    try:
        if options.formula is not None:
            parse_formula(options.formula)
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--formula: {error}") from error
    try:
        candidates = read_candidates(options.candidates)
    except ValueError as error:
        raise CommandError(NO_INPUT, f"--candidates: {error}") from error
    spectra, errors = read(options.files, options.technique)
    from engine.library.group_model import NoModelError

    try:
        result = rank(Sample(tuple(spectra), formula=options.formula), candidates)
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document = result.to_dict()
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, _text(result), tuple(message for _, message in errors))


def _text(result: Ranking) -> str:
    rows = [
        (str(hit.rank), f"{hit.probability:.1%}", f"{hit.score:.3f}", hit.name[:40], hit.smiles)
        for hit in result.hits
    ]
    lines = [table(("RANK", "PROBABILITY", "SCORE", "NAME", "SMILES"), rows)]
    lines += [f"Warning: {' '.join(warning.split())}" for warning in result.warnings]
    return "\n".join(lines)
