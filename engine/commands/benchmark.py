"""``specgui benchmark``: measure the shipped models on a split of the tables."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from engine.commands.outcome import NO_INPUT, NO_MODEL, CommandError, Outcome

HELP = "measure the models on a split of the tables, beside their baselines"

# Each module of engine.evaluation has ``benchmark(options, report) -> dict`` and
# ``format_table(dict) -> str``; options are those below.
BENCHMARKS = {
    "alignment": "alignment",
    "assignment": "assignment",
    "groups": "groups",
    "isomers": "isomers",
    "retrieval": "retrieval",
    "shifts": "shifts",
    "verification": "verification",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    names = tuple(BENCHMARKS)
    parser.add_argument("name", choices=names, metavar="NAME", help=f"which: {', '.join(names)}")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the tables")
    parser.add_argument("--split", default="test", help="which split (default: test)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", metavar="N", help="for retrieval: sizes of the libraries"
    )
    parser.add_argument("--queries", type=int, metavar="N", help="for retrieval: how many spectra")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs"), help="where predicted libraries are kept"
    )
    for option, kind in (("--model", "model"), ("--baseline", "baseline")):
        parser.add_argument(
            option, type=Path, metavar="PATH",
            help=f"a trained {kind} without its suffix, as 'train' writes it (default: the "
            "one that ships)",
        )  # fmt: skip


def run(options: argparse.Namespace) -> Outcome:
    from engine.library.group_model import NoModelError
    from engine.training.group_tables import MissingTableError

    module = import_module(f"engine.evaluation.{BENCHMARKS[options.name]}")
    try:
        result = module.benchmark(
            options, lambda line: print(f"specgui: {line}", file=sys.stderr, flush=True)
        )
    except MissingTableError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    return Outcome(result, module.format_table(result))
