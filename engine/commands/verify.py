"""``specgui verify``: does a structure fit the spectra of a compound?"""

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
from engine.commands.outcome import Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.verification import Verification

HELP = "test whether a structure fits the spectra of a compound"


def arguments(parser: argparse.ArgumentParser) -> None:
    spectra_arguments(parser)
    structure_argument(parser)


def run(options: argparse.Namespace) -> Outcome:
    structure = structure_given(options.structure)
    spectra, errors = read(options.files, options.technique)
    from engine.tasks.verification import verify

    sample = Sample(tuple(spectra), structure=structure)
    return answer(lambda: verify(sample), _text, errors)


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
