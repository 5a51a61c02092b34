"""``specgui benchmark``: measure the shipped models on a split of the tables."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome

HELP = "measure the models on a split of the tables, beside their baselines"

# Each module of engine.evaluation has ``benchmark(options, report) -> dict`` and
# ``format_table(dict) -> str``; options are those below.
BENCHMARKS = {
    "all": "whole_report",
    "alignment": "alignment",
    "assignment": "assignment",
    "fragments": "fragments",
    "failures": "failures",
    "fusion": "fusion",
    "groups": "groups",
    "isomers": "isomers",
    "maps": "maps",
    "retrieval": "retrieval",
    "shifts": "shifts",
    "speed": "speed",
    "unknown": "unknown",
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
    parser.add_argument(
        "--queries", type=int, metavar="N", help="for retrieval and maps: how many spectra"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("runs"), help="where predicted libraries are kept"
    )
    parser.add_argument(
        "--out", type=Path, metavar="F.html", help="for all: the report (default: benchmarks.html)"
    )
    parser.add_argument(
        "--results", type=Path, metavar="FOLDER",
        help="for all: where results are kept, NAME.json each; those of the split that are there "
        "are not run again",
    )  # fmt: skip
    parser.add_argument(
        "--study", choices=("all", "rare", "scaffold", "largest"), default="all",
        help="for fusion: which comparison (default: all networks)",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", metavar="NETWORK", help="for fusion: some of its networks"
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

    options.benchmarks = BENCHMARKS
    module = import_module(f"engine.evaluation.{BENCHMARKS[options.name]}")
    try:
        result = module.benchmark(
            options, lambda line: print(f"specgui: {line}", file=sys.stderr, flush=True)
        )
    except MissingTableError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ModuleNotFoundError as error:
        raise CommandError(
            BAD_USAGE, f"this needs {error.name}: install SpecGUI with its extra 'train'"
        ) from error
    except ValueError as error:
        raise CommandError(BAD_USAGE, str(error)) from error
    return Outcome(result, module.format_table(result))
