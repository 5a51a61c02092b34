"""``specgui convert``: a spectrum into another format."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from engine.commands.inputs import read_one
from engine.commands.outcome import BAD_USAGE, NO_INPUT, CommandError, Outcome
from engine.spectra import Spectrum

HELP = "write a spectrum as JCAMP-DX or CSV"

_WRITERS = {
    "jcamp": ("engine.formats.jcamp_writer", "write_jcamp"),
    "csv": ("engine.formats.csv_writer", "write_csv"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--to", required=True, choices=tuple(_WRITERS), help="the format")
    parser.add_argument("--out", required=True, metavar="F", help="the file to write")
    parser.add_argument(
        "--spectrum", type=int, metavar="N", help="which spectrum of the file, counted from 1"
    )


def run(options: argparse.Namespace) -> Outcome:
    out = Path(options.out)
    if out.is_dir():
        raise CommandError(BAD_USAGE, f"--out {out} is a folder: name a file")
    if not out.absolute().parent.is_dir():
        raise CommandError(BAD_USAGE, f"--out {out}: the folder {out.parent} does not exist")
    spectrum, _, notes = read_one(options.file, options.spectrum)
    if out.exists() and out.samefile(options.file):
        raise CommandError(BAD_USAGE, f"--out {out} is the file that is read")
    try:
        _writer(options.to)(spectrum, out)
    except OSError as error:
        raise CommandError(BAD_USAGE, f"{out} cannot be written: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(NO_INPUT, f"{spectrum.source}: {error}") from error
    text = f"{out}: {spectrum.technique}, {len(spectrum)} points"
    return Outcome({"written": str(out), "source": str(spectrum.source)}, text, notes)


def _writer(name: str) -> Callable[[Spectrum, Path], None]:
    module, function = _WRITERS[name]
    return getattr(import_module(module), function)
