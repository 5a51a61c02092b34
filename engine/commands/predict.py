"""``specgui predict``: the functional groups of the compound whose spectra the files are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.library.group_model import GroupModel
    from engine.tasks.counterfactual import Counterfactual
    from engine.tasks.group_identification import GroupIdentification, GroupPrediction

HELP = "predict functional groups from the spectra of one compound, and where they show"

_UNITS = {"IR": "1/cm", "Raman": "1/cm", "UV-Vis": "nm", "MS": "m/z", "MS/MS": "m/z"}
_MOST_REGIONS = 3
_MOST_CHANGES = 8
_LEAST_CHANGE = 0.02


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="the spectra of one compound")
    parser.add_argument(
        "--batch", metavar="FOLDER",
        help="predict for many samples: each file and each subfolder of FOLDER is one (the files "
        "of a subfolder are one compound's spectra)",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="F.csv|F.json",
        help="for --batch: write a table, or a line of JSON for each sample (default: JSON lines "
        "on the screen)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=int, metavar="N",
        help="for --batch: processes that read files (default: one for each core)",
    )  # fmt: skip
    parser.add_argument("--technique", help="what a table of plain numbers is, such as 'IR'")
    parser.add_argument(
        "--model", choices=("open", "noncommercial"), default="open",
        help="open weights (default), or those that read mass spectra of electron ionisation too "
        "and are licensed for noncommercial use",
    )  # fmt: skip
    parser.add_argument(
        "--electron-ionisation", action="store_true",
        help="mass spectra whose files name no ionisation were made by electron ionisation",
    )  # fmt: skip
    parser.add_argument("--structure", metavar="SMILES", help="the compound, where it is known")
    parser.add_argument(
        "--example", action="store_true", help="predict for the example sample instead of files"
    )
    parser.add_argument(
        "--without", metavar="TECHNIQUE:FROM-TO",
        help="tell too what the groups would be without a region, such as IR:1650-1800",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Outcome:
    if options.batch is not None:
        from engine.commands.predict_batch import run_batch

        return run_batch(options)
    if options.out is not None or options.workers is not None:
        raise CommandError(BAD_USAGE, "--out and --workers go with --batch")
    files = options.files
    if bool(files) == options.example:
        raise CommandError(BAD_USAGE, "predict needs files, or --example and no files")
    region = _region(options.without)
    if options.example:
        from engine.chemistry.example_sample import example_files

        try:
            files = example_files()
        except FileNotFoundError as error:
            raise CommandError(NO_INPUT, str(error)) from error
    spectra, errors = read(files, options.technique)
    # torch comes with the verb: files that cannot be read are told of without waiting for it.
    from engine.tasks import NoModelError, identify_groups

    sample = Sample(tuple(spectra), structure=options.structure)
    if options.electron_ionisation:
        from engine.encoding.electron_ionisation import said_to_be_electron_ionisation

        sample = said_to_be_electron_ionisation(sample)
    try:
        result = identify_groups(sample, *_chosen(options.model))
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document, text = result.to_dict(), _text(result)
    if region is not None:
        without = _without(sample, region, options.model)
        document["counterfactual"] = without.to_dict()
        text = f"{text}\n\n{_counterfactual_text(without)}"
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, text, tuple(message for _, message in errors))


def _chosen(choice: str) -> tuple[GroupModel, ...]:
    """The model of a choice, as the verb takes it; none for the open one, which is its default."""
    from engine.library.model_choice import OPEN, chosen_group_model

    return () if choice == OPEN else (chosen_group_model(choice),)


def _region(text: str | None) -> tuple[str, float, float] | None:
    if text is None:
        return None
    from engine.tasks.counterfactual import parse_region

    try:
        return parse_region(text)
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--without: {error}") from error


def _without(
    sample: Sample, region: tuple[str, float, float], choice: str = "open"
) -> Counterfactual:
    """The groups without the region; a region that the sample does not have is bad usage."""
    from engine.tasks.counterfactual import without_region

    try:
        return without_region(sample, *region, *_chosen(choice))
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--without: {error}") from error


def _counterfactual_text(without: Counterfactual) -> str:
    unit = _UNITS.get(without.technique, "ppm")
    where = f"{without.technique} {without.start:g}–{without.end:g} {unit}"
    if without.is_empty:
        return f"Without {where}: nothing changes, there is nothing in this region."
    changed = [g for g in without.groups if abs(g.change) >= _LEAST_CHANGE][:_MOST_CHANGES]
    if not changed:
        return f"Without {where}: no group changes by {_LEAST_CHANGE:.0%} or more."
    rows = [(g.name, f"{g.before:.2f} → {g.after:.2f}") for g in changed]
    return f"Without {where} ({without.removal}):\n{table(('GROUP', 'PROBABILITY'), rows)}"


def _text(result: GroupIdentification) -> str:
    present = [group for group in result.groups if group.present]
    rows = [(group.name, f"{group.probability:.0%}", _regions(group)) for group in present]
    model = result.model
    lines = [f"Doubt: {doubt}" for doubt in result.doubts]
    if lines:
        lines += ["With spectra unlike those the network knows, trust the probabilities less.", ""]
    lines += [
        table(("GROUP", "PROBABILITY", "WHERE IT SHOWS"), rows) if rows else "No group is present.",
        "",
        f"Techniques used: {', '.join(result.techniques_used)}",
        f"Model: {model.name} {model.version} ({model.licence})",
    ]
    lines += [f"Warning: {' '.join(warning.split())}" for warning in result.warnings]
    return "\n".join(lines)


def _regions(group: GroupPrediction) -> str:
    strongest = sorted(group.evidence, key=lambda region: -region.weight)[:_MOST_REGIONS]
    return ", ".join(
        f"{region.technique} {region.start:.4g}–{region.end:.4g} "
        f"{_UNITS.get(region.technique, 'ppm')}"
        for region in strongest
    )
