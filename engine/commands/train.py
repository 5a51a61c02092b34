"""``specgui train``: train a network on the tables, or go on with a training."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.commands.outcome import BAD_USAGE, NO_INPUT, CommandError, Outcome

HELP = "train a network on the tables; the same command again resumes it"
NAMES = ("groups",)
NETWORKS = ("symspectra", "cnn-1d")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, metavar="NAME", help="what to predict: groups")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the tables")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs"), help="prepared tensors and checkpoints"
    )
    parser.add_argument("--network", choices=NETWORKS, default="symspectra")
    parser.add_argument("--epochs", type=int, help="of each stage (default: as shipped)")
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Outcome:
    if options.epochs is not None and options.epochs < 1:
        raise CommandError(BAD_USAGE, f"--epochs is {options.epochs}: at least 1 is needed")
    from engine.training.group_tables import MissingTableError
    from engine.training.group_training import train_groups

    try:
        path = train_groups(
            options.data,
            options.folder,
            options.network,
            options.epochs,
            options.seed,
            report=lambda line: print(f"specgui: {line}", file=sys.stderr, flush=True),
        )
    except ModuleNotFoundError as error:
        raise CommandError(
            BAD_USAGE, f"training needs {error.name}: install SpecGUI with its extra 'train'"
        ) from error
    except MissingTableError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    except ValueError as error:
        raise CommandError(BAD_USAGE, str(error)) from error
    return Outcome({"model": str(path)}, f"The model is {path}.safetensors")
