"""``specgui peaks``: the peaks of a spectrum; a FID is transformed first."""

from __future__ import annotations

import argparse

from engine.commands.inputs import read_one
from engine.commands.outcome import NO_INPUT, CommandError, Outcome, table

HELP = "list the peaks of a spectrum; a FID is processed by the default chain first"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument(
        "--spectrum", type=int, metavar="N", help="which spectrum of the file, counted from 1"
    )


def run(options: argparse.Namespace) -> Outcome:
    spectrum, _, notes = read_one(options.file, options.spectrum)
    # SciPy comes with these, which a look at the command's help should not wait for.
    from engine.processing.chain import apply, default_chain
    from engine.processing.peaks import pick_peaks

    try:
        processed = apply(default_chain(spectrum), spectrum)
        peaks = pick_peaks(processed)
    except ValueError as error:
        raise CommandError(NO_INPUT, f"{spectrum.source}: {error}") from error
    document = {
        "peaks": [
            {"position": peak.position, "height": peak.height, "width": peak.width}
            for peak in peaks
        ]
    }
    header = (f"POSITION [{processed.x_unit}]", f"WIDTH [{processed.x_unit}]", "HEIGHT")
    rows = [(f"{p.position:.6g}", f"{p.width:.4g}", f"{p.height:.6g}") for p in peaks]
    return Outcome(document, table(header, rows), notes)
