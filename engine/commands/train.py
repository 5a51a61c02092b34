"""``specgui train``: train a network on the tables, or go on with a training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from engine.commands.outcome import BAD_USAGE, NO_INPUT, CommandError, Outcome

HELP = "train a network on the tables; the same command again resumes it"
NETWORKS = ("symspectra", "cnn-1d")
VARIANTS = ("extended", "k-m3aid", "sp-id", "wp-id", "no-communication")


def arguments(parser: argparse.ArgumentParser) -> None:
    names = tuple(TRAININGS)
    parser.add_argument(
        "name", choices=names, metavar="NAME", help=f"what to train: {', '.join(names)}"
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the tables")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs"), help="prepared tensors and checkpoints"
    )
    parser.add_argument(
        "--network", choices=NETWORKS, default="symspectra", help="for groups: which network"
    )
    parser.add_argument("--epochs", type=int, help="of each stage (default: as shipped)")
    parser.add_argument(
        "--members", type=int, default=1, help="for shifts: networks whose mean is predicted"
    )
    parser.add_argument(
        "--variant", choices=VARIANTS, default=VARIANTS[0], help="for alignment: which form"
    )
    parser.add_argument(
        "--study", choices=("all", "rare", "scaffold", "largest"), default="all",
        help="for fusion: which comparison (default: all networks)",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", metavar="NETWORK", help="for fusion: some of its networks"
    )
    parser.add_argument(
        "--model", type=Path, metavar="PATH",
        help="for group-maps: a trained model without its suffix (default: the one that ships)",
    )  # fmt: skip
    parser.add_argument(
        "--ionization", choices=("esi", "ei"), default="esi", help="for fragments: which spectra"
    )
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Outcome:
    if options.epochs is not None and options.epochs < 1:
        raise CommandError(BAD_USAGE, f"--epochs is {options.epochs}: at least 1 is needed")
    if options.members < 1:
        raise CommandError(BAD_USAGE, f"--members is {options.members}: at least 1 is needed")
    from engine.training.group_tables import MissingTableError

    try:
        path = TRAININGS[options.name](
            options, lambda line: print(f"specgui: {line}", file=sys.stderr, flush=True)
        )
    except ModuleNotFoundError as error:
        raise CommandError(
            BAD_USAGE, f"training needs {error.name}: install SpecGUI with its extra 'train'"
        ) from error
    except MissingTableError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    except ValueError as error:
        raise CommandError(BAD_USAGE, str(error)) from error
    if path.is_dir():
        return Outcome({"model": str(path)}, f"The models are in {path}")
    whole = path if path.suffix else f"{path}.safetensors"
    return Outcome({"model": str(path)}, f"The model is {whole}")


def _groups(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.group_training import train_groups

    return train_groups(
        options.data, options.folder, options.network, options.epochs, options.seed, report=report
    )


def _group_maps(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.typical_evidence_fit import train_group_maps

    return train_group_maps(
        options.data, options.folder, options.model, seed=options.seed, report=report
    )


def _fragments(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.fragment_models import train_fragment_model

    return train_fragment_model(
        options.data, options.folder, options.ionization, options.epochs, options.seed, report
    )


def _shifts(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.shift_model_training import train_shift_model
    from engine.training.shift_training import ShiftPlan

    plan = ShiftPlan(seed=options.seed)
    if options.epochs is not None:
        plan = ShiftPlan(seed=options.seed, epochs=options.epochs)
    return train_shift_model(options.data, options.folder, plan, options.members, report)


def _alignment(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.alignment_runs import train_variant

    return train_variant(
        options.data, options.folder, options.variant, options.seed, options.epochs, report
    )


def _fusion(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.fusion_study import train_study

    return train_study(
        options.data, options.folder, options.study, options.only, options.seed, options.epochs,
        report,
    )  # fmt: skip


def _familiarity(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.familiarity_training import train_familiarity

    return train_familiarity(options.data, options.folder, options.epochs, options.seed, report)


def _matching(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.training.matching_fit import fit_matching

    path = options.folder / "peak_matching.json"
    fit_matching(options.data, path, report=report)
    return path


def _verification(options: argparse.Namespace, report: Callable[[str], None]) -> Path:
    from engine.evaluation.verification_fit import fit_verification

    path = options.folder / "verification.json"
    fit_verification(options.data, path, report=report)
    return path


# Each takes the options and what reports progress, and returns the model's path without suffix.
TRAININGS: dict[str, Callable[[argparse.Namespace, Callable[[str], None]], Path]] = {
    "fusion": _fusion,
    "group-maps": _group_maps,
    "fragments": _fragments,
    "groups": _groups,
    "shifts": _shifts,
    "alignment": _alignment,
    "familiarity": _familiarity,
    "matching": _matching,
    "verification": _verification,
}
