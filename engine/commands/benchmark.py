"""``specgui benchmark``: measure the shipped models on a split of the tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.commands.outcome import NO_INPUT, NO_MODEL, CommandError, Outcome

HELP = "measure the models on a split of the tables, beside their baselines"
NAMES = ("groups",)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, metavar="NAME", help="which: groups")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the tables")
    parser.add_argument("--split", default="test", help="which split (default: test)")
    for option, kind in (("--model", "SymSpectra"), ("--baseline", "1D-CNN")):
        parser.add_argument(
            option, type=Path, metavar="PATH",
            help=f"a trained {kind} without its suffix, as 'train groups' writes it (default: the "
            "one that ships)",
        )  # fmt: skip


def run(options: argparse.Namespace) -> Outcome:
    from engine.evaluation.groups import format_table, group_benchmark
    from engine.library.group_model import NoModelError
    from engine.training.group_tables import MissingTableError

    try:
        result = group_benchmark(
            options.data,
            options.split,
            options.model,
            options.baseline,
            report=lambda line: print(f"specgui: {line}", file=sys.stderr),
        )
    except MissingTableError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    return Outcome(result, format_table(result))
