"""``specgui figure``: spectra as a vector figure, or as pixels, in the size of print."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.commands.inputs import error_entries, read, read_one
from engine.commands.outcome import BAD_USAGE, NO_INPUT, NO_MODEL, CommandError, Outcome
from engine.commands.outputs import checked_output, written
from engine.spectra import Sample, Spectrum

if TYPE_CHECKING:
    from engine.tasks.report_drawing import Plot

HELP = "draw the spectra of one compound as SVG, PDF or PNG in the size of print"
_MOST_PANELS = 12


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="each spectrum becomes a panel, one under another"
    )
    parser.add_argument("--out", required=True, metavar="F.svg|F.pdf|F.png", help="the figure")
    parser.add_argument(
        "--width-mm", type=float, default=170.0, metavar="W",
        help="width in print (default: 170, two columns of a journal; 84 is one)",
    )  # fmt: skip
    parser.add_argument(
        "--height-mm", type=float, metavar="H", help="height of the whole (default: 62 a panel)"
    )
    parser.add_argument(
        "--dpi", type=float, default=300.0, help="dots an inch of a PNG (default: 300)"
    )
    parser.add_argument(
        "--range", type=float, nargs=2, metavar=("FROM", "TO"), help="the part of the axis to draw"
    )
    parser.add_argument(
        "--spectrum", type=int, metavar="N", help="which spectrum of one file, counted from 1"
    )
    parser.add_argument("--technique", help="what a table of plain numbers is, such as 'IR'")
    parser.add_argument("--no-labels", action="store_true", help="leave the peaks unlabelled")
    parser.add_argument(
        "--importance", action="store_true",
        help="draw under each trace what the network of the functional groups looked at",
    )  # fmt: skip
    parser.add_argument(
        "--group", action="append", default=[], metavar="NAME",
        help="and what speaks for this functional group; may be given several times",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Outcome:
    out = checked_output(options.out, options.files)
    spectra, errors, notes = _spectra(options)
    # matplotlib comes with these: what cannot be read is told without it.
    from engine.tasks.report import FIGURE_SUFFIXES, check_size, check_suffix, write_figure

    try:
        check_suffix(out, FIGURE_SUFFIXES)
        plots = _plots(options, spectra)
        height = options.height_mm or sum(plot.height_mm for plot in plots)
        check_size(options.width_mm, height, options.dpi, len(plots))
    except ValueError as error:
        raise CommandError(BAD_USAGE, str(error)) from error
    written(out, lambda: write_figure(plots, out, options.width_mm, height, options.dpi))
    document = {
        "written": str(out),
        "width_mm": options.width_mm,
        "height_mm": height,
        "spectra": [{"technique": s.technique, "source": str(s.source)} for s in spectra],
        "errors": error_entries(errors),
    }
    text = f"{out}: {len(spectra)} spectra, {options.width_mm:g} by {height:g} mm"
    return Outcome(document, text, notes)


def _spectra(
    options: argparse.Namespace,
) -> tuple[list[Spectrum], list[tuple[str, str]], tuple[str, ...]]:
    if options.spectrum is not None:
        if len(options.files) > 1:
            raise CommandError(BAD_USAGE, "--spectrum chooses one of a single FILE")
        spectrum, _, notes = read_one(options.files[0], options.spectrum)
        return [spectrum], [], notes
    spectra, errors = read(options.files, options.technique)
    notes = tuple(message for _, message in errors)
    if len(spectra) > _MOST_PANELS:
        notes += (
            f"{len(spectra)} spectra: drawing the first {_MOST_PANELS} (--spectrum N takes one)",
        )
    return spectra[:_MOST_PANELS], errors, notes


def _plots(options: argparse.Namespace, spectra: list[Spectrum]) -> list[Plot]:
    from engine.tasks.report import prepare_plot

    ends = None if options.range is None else tuple(options.range)
    if ends is not None and not ends[0] != ends[1]:
        raise CommandError(BAD_USAGE, "--range needs two different ends")
    maps = _maps(options, spectra) if options.importance or options.group else {}
    plots = []
    for index, spectrum in enumerate(spectra):
        try:
            plot = prepare_plot(spectrum, ends)
        except ValueError as error:
            raise CommandError(NO_INPUT, f"{spectrum.source}: {error}") from error
        if options.no_labels:
            plot = replace(plot, peaks=())
        if index in maps:
            plot = replace(plot, importance=maps[index], groups=tuple(dict.fromkeys(options.group)))
        plots.append(plot)
    return plots


def _maps(options: argparse.Namespace, spectra: list[Spectrum]) -> dict:
    """The importance map of each spectrum that the network reads, by its index."""
    from engine.chemistry.functional_groups import GROUP_NAMES
    from engine.library.group_model import NoModelError
    from engine.tasks.groups import identify_groups

    for name in options.group:
        if name not in GROUP_NAMES:
            raise CommandError(
                BAD_USAGE, f"--group {name!r} is not one of {', '.join(GROUP_NAMES)}"
            )
    try:
        found = identify_groups(Sample(tuple(spectra)))
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    except ValueError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    return {importance.spectrum: importance for importance in found.maps}
