"""``specgui predict``: the functional groups of the compound whose spectra the files are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome, table
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.group_identification import GroupIdentification, GroupPrediction

HELP = "predict functional groups from the spectra of one compound, and where they show"

_UNITS = {"IR": "1/cm", "Raman": "1/cm", "UV-Vis": "nm", "MS": "m/z", "MS/MS": "m/z"}
_MOST_REGIONS = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="the spectra of one compound")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as 'IR'")
    parser.add_argument("--structure", metavar="SMILES", help="the compound, where it is known")
    parser.add_argument(
        "--example", action="store_true", help="predict for the example sample instead of files"
    )


def run(options: argparse.Namespace) -> Outcome:
    files = options.files
    if bool(files) == options.example:
        raise CommandError(BAD_USAGE, "predict needs files, or --example and no files")
    if options.example:
        from engine.chemistry.example_sample import example_files

        try:
            files = example_files()
        except FileNotFoundError as error:
            raise CommandError(NO_INPUT, str(error)) from error
    spectra, errors = read(files, options.technique)
    # torch comes with the verb: files that cannot be read are told of without waiting for it.
    from engine.tasks import NoModelError, identify_groups

    try:
        result = identify_groups(Sample(tuple(spectra), structure=options.structure))
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    document = result.to_dict()
    if errors:
        document["errors"] = error_entries(errors)
    return Outcome(document, _text(result), tuple(message for _, message in errors))


def _text(result: GroupIdentification) -> str:
    present = [group for group in result.groups if group.present]
    rows = [(group.name, f"{group.probability:.0%}", _regions(group)) for group in present]
    model = result.model
    lines = [
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
