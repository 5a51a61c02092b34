"""``specgui rank``: given candidate structures by how well they explain a compound's spectra."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.compound import answer, spectra_arguments
from engine.commands.inputs import read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.isomer_ranking import Ranking

HELP = "rank candidate structures by the probability that they have the spectra"


def arguments(parser: argparse.ArgumentParser) -> None:
    spectra_arguments(parser)
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

    sample = Sample(tuple(spectra), formula=options.formula)
    return answer(lambda: rank(sample, candidates), _text, errors)


def _text(result: Ranking) -> str:
    rows = [
        (str(hit.rank), f"{hit.probability:.1%}", f"{hit.score:.3f}", hit.name[:40], hit.smiles)
        for hit in result.hits
    ]
    lines = [table(("RANK", "PROBABILITY", "SCORE", "NAME", "SMILES"), rows)]
    lines += [f"Warning: {' '.join(warning.split())}" for warning in result.warnings]
    return "\n".join(lines)
