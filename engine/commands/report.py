"""``specgui report``: all that is known of one compound, as PDF or HTML."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome
from engine.commands.outputs import checked_output, written
from engine.spectra import Sample

if TYPE_CHECKING:
    from engine.tasks.assignment import Assignment

HELP = "write spectra, groups, structure, peaks and processing as a PDF or HTML report"
FORMATS = ("pdf", "html")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE",
        help="the spectra of one compound; with --batch each FILE (a file, a folder, or a zip of "
        "one) is a compound of its own",
    )  # fmt: skip
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--out", metavar="F.pdf|F.html", help="the report to write")
    place.add_argument(
        "--batch", metavar="FOLDER",
        help="several samples: write one report for each FILE into FOLDER (made if need be), named "
        "after the FILE; reports of these names are replaced",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS, help="the format of --batch reports (default: pdf)"
    )
    parser.add_argument(
        "--structure", metavar="S", help="the compound: SMILES, InChI or a structure file "
        "(default: what the files say)",
    )  # fmt: skip
    parser.add_argument(
        "--assign", action="store_true",
        help="assign the 13C and 1H peaks to the atoms of the structure, and list that too",
    )  # fmt: skip
    parser.add_argument("--name", help="what to call the sample (default: what the files say)")
    parser.add_argument("--technique", help="what a table of plain numbers is, such as 'IR'")
    parser.add_argument(
        "--no-groups", action="store_true", help="leave the functional groups out (no model needed)"
    )
    parser.add_argument(
        "--date", default="", metavar="TEXT", help="a date to print (default: none, so that the "
        "same spectra give the same report)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Outcome:
    if options.batch is None:
        return _single(options)
    return _batch(options)


def _single(options: argparse.Namespace) -> Outcome:
    if options.format is not None:
        raise CommandError(BAD_USAGE, "--format goes with --batch: --out says it by its suffix")
    out = checked_output(options.out, options.files)
    _check_suffix(out)
    _check_structure(options.structure)
    document, notes = _write(options, options.files, out)
    return Outcome(document, _line(document), notes)


def _batch(options: argparse.Namespace) -> Outcome:
    for option in ("structure", "name"):
        if getattr(options, option) is not None:
            raise CommandError(BAD_USAGE, f"--{option} is of one compound, and --batch has several")
    folder = Path(options.batch)
    if folder.exists() and not folder.is_dir():
        raise CommandError(BAD_USAGE, f"--batch {folder} is a file: name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(BAD_USAGE, f"{folder} cannot be made: {error.strerror}") from error
    reports, errors, notes = [], [], []
    taken: set[str] = set()
    for file in options.files:
        out = folder / _free_name(file, options.format or FORMATS[0], taken)
        try:
            document, said = _write(options, [file], checked_output(out, [file]))
        except CommandError as failure:
            if failure.code == NO_MODEL:
                raise
            errors += [(file, message) for message in failure.messages]
            notes += failure.messages
            continue
        reports.append(document)
        notes += said
    if not reports:
        raise CommandError(NO_INPUT, *(message for _, message in errors))
    text = "\n".join(map(_line, reports))
    return Outcome({"reports": reports, "errors": error_entries(errors)}, text, tuple(notes))


def _write(options: argparse.Namespace, files: list[str], out: Path) -> tuple[dict, tuple]:
    """Read, identify and write one report: its document, and what is to be noted."""
    spectra, errors = read(files, options.technique)
    # torch, matplotlib and rdkit come with these: what cannot be read is told without them.
    from engine.library.group_model import NoModelError
    from engine.tasks.report import prepare_report, write_report

    sample = Sample(tuple(spectra), structure=options.structure, name=options.name or "")
    try:
        report = prepare_report(
            sample, with_groups=not options.no_groups, date=options.date,
            assignment=_assigned(sample) if options.assign else None,
        )  # fmt: skip
    except NoModelError as error:
        raise CommandError(NO_MODEL, f"{error} (--no-groups leaves them out)") from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    written(out, lambda: write_report(report, out))
    document = {"written": str(out), **report.to_dict(), "errors": error_entries(errors)}
    return document, tuple(message for _, message in errors)


def _assigned(sample: Sample) -> Assignment:
    """The peaks of a sample assigned; raises ``ValueError`` without a structure or peaks."""
    from engine.tasks.assignment import assign

    return assign(sample)


def _check_suffix(out: Path) -> None:
    if out.suffix.lower() not in (".pdf", ".html", ".htm"):
        raise CommandError(BAD_USAGE, f"--out {out} ends neither in .pdf nor in .html")


def _check_structure(text: str | None) -> None:
    if text is None:
        return
    from engine.chemistry.structure import parse_structure

    try:
        parse_structure(text)
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--structure: {error}") from error


def _free_name(file: str, suffix: str, taken: set[str]) -> str:
    """The report's name after its file; a number tells apart files of the same name."""
    path = Path(file).absolute()
    stem = (path.name if path.is_dir() else path.stem) or "report"
    name, number = f"{stem}.{suffix}", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}.{suffix}"
    taken.add(name.casefold())
    return name


def _line(document: dict) -> str:
    return f"{document['written']}: {document['name']}, {len(document['spectra'])} spectra"
