"""``specgui convert``: a spectrum, or the mass spectra of a library, into another format."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from engine.commands.inputs import read, read_one
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome
from engine.commands.outputs import checked_output, written
from engine.spectra import Spectrum

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.tasks.assignment import Assignment

HELP = "write a spectrum as JCAMP-DX or CSV, mass spectra as MGF or MSP, NMR signals as NMReDATA"

_WRITERS = {
    "jcamp": ("engine.formats.jcamp_writer", "write_jcamp"),
    "csv": ("engine.formats.csv_writer", "write_csv"),
    "mgf": ("engine.formats.mgf_writer", "write_mgf"),
    "msp": ("engine.formats.msp_writer", "write_msp"),
    "nmredata": ("engine.formats.nmredata_writer", "write_nmredata"),
}
_LIBRARIES = ("mgf", "msp")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--to", required=True, choices=tuple(_WRITERS), help="the format")
    parser.add_argument("--out", required=True, metavar="F", help="the file to write")
    parser.add_argument(
        "--spectrum", type=int, metavar="N",
        help="which spectrum of the file, counted from 1 (default: the first; for mgf and msp all "
        "mass spectra, for nmredata all 1-D NMR spectra)",
    )  # fmt: skip
    parser.add_argument(
        "--structure", metavar="S",
        help="for nmredata: SMILES, InChI or a structure file (default: what the file says)",
    )  # fmt: skip
    parser.add_argument(
        "--assign", action="store_true",
        help="for nmredata: assign the 13C and 1H peaks to the atoms of the structure first",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Outcome:
    if options.structure is not None and options.to != "nmredata":
        raise CommandError(BAD_USAGE, f"--structure goes with --to nmredata, not {options.to}")
    if options.assign and options.to != "nmredata":
        raise CommandError(BAD_USAGE, f"--assign goes with --to nmredata, not {options.to}")
    out = checked_output(options.out)
    if options.to in ("jcamp", "csv") or options.spectrum is not None:
        spectrum, _, notes = read_one(options.file, options.spectrum)
        spectra = [spectrum]
    else:
        spectra, errors = read([options.file])
        notes = tuple(message for _, message in errors)
    checked_output(out, [options.file])
    try:
        if options.to == "nmredata":
            spectra, structure, more = _record(options, spectra)
            written(out, lambda: _writer("nmredata")(spectra, structure, out))
        elif options.to in _LIBRARIES:
            spectra, more = _sticks(spectra)
            written(out, lambda: _writer(options.to)(spectra, out))
        else:
            more = ()
            written(out, lambda: _writer(options.to)(spectra[0], out))
    except ValueError as error:
        raise CommandError(NO_INPUT, f"{spectra[0].source}: {error}") from error
    if len(spectra) > 1:
        count = f"{len(spectra)} spectra"
    elif options.to == "nmredata":
        count = f"{len(spectra[0].metadata['peaks'])} signals"
    else:
        count = f"{len(spectra[0])} points"
    text = f"{out}: {spectra[0].technique}, {count}"
    document = {"written": str(out), "source": str(spectra[0].source), "spectra": len(spectra)}
    return Outcome(document, text, (*notes, *more))


def _sticks(spectra: list[Spectrum]) -> tuple[list[Spectrum], tuple[str, ...]]:
    """The mass spectra among these as sticks, and what is to be noted of the others."""
    mass = [spectrum for spectrum in spectra if spectrum.x_unit == "m/z"]
    if not mass:
        raise ValueError(f"it holds no mass spectra, but {spectra[0].technique}")
    profiles = sum(spectrum.kind != "sticks" for spectrum in mass)
    notes = []
    if len(mass) < len(spectra):
        notes.append(f"{len(spectra) - len(mass)} spectra that are not over m/z are left out")
    if profiles:
        from engine.processing.mass import centroid

        mass = [centroid(spectrum) for spectrum in mass]
        notes.append(f"{profiles} profile spectra are written as their centroids")
    return mass, tuple(notes)


def _record(
    options: argparse.Namespace, spectra: list[Spectrum]
) -> tuple[list[Spectrum], Structure, tuple[str, ...]]:
    """The NMR spectra among these with their signals, their structure, and what is to be noted."""
    # rdkit and SciPy come with these.
    from engine.formats.nmredata import RECORD
    from engine.tasks.assignment_records import record_spectra

    nmr = [spectrum for spectrum in spectra if spectrum.technique.is_nmr]
    if not nmr:
        raise ValueError(f"it holds no NMR spectra, but {spectra[0].technique}")
    notes = []
    if len(nmr) < len(spectra):
        notes.append(f"{len(spectra) - len(nmr)} spectra that are not NMR are left out")
    # A record's own signals go before those of the spectrum from which they were taken.
    listed = {spectrum.technique for spectrum in nmr if spectrum.metadata.get("peaks")}
    nmr = [s for s in nmr if not (RECORD in s.metadata and s.technique in listed)]
    structure = _structure(options, nmr)
    assignment = None
    if options.assign:
        assignment = _assigned(nmr, structure)
        notes += assignment.warnings
    return record_spectra(nmr, structure, assignment), structure, tuple(notes)


def _assigned(spectra: list[Spectrum], structure: Structure) -> Assignment:
    from engine.library.group_model import NoModelError
    from engine.spectra import Sample
    from engine.tasks.assignment import assign

    try:
        return assign(Sample(tuple(spectra)), structure)
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error


def _structure(options: argparse.Namespace, spectra: list[Spectrum]) -> Structure:
    from engine.chemistry.structure import parse_structure

    text = options.structure
    for key in ("molblock", "smiles"):
        told = {str(s.metadata[key]) for s in spectra if s.metadata.get(key)}
        if text is None and len(told) == 1:
            text = told.pop()
    if text is None:
        raise CommandError(
            BAD_USAGE, "an NMReDATA record needs a structure, and the file has none: --structure S"
        )
    try:
        return parse_structure(text)
    except ValueError as error:
        raise CommandError(BAD_USAGE, f"--structure: {error}") from error


def _writer(name: str) -> Callable[..., None]:
    module, function = _WRITERS[name]
    return getattr(import_module(module), function)
