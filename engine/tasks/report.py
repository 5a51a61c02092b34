"""A report on one sample: its spectra, groups, structure, peaks, processing and provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.spectra import Sample, Spectrum
from engine.tasks.report_content import (
    GroupRow,
    Table,
    group_rows,
    group_sentences,
    peak_table,
    plain,
    printed_formula,
    signal_table,
    spectrum_facts,
    spectrum_title,
    step_sentences,
)
from engine.tasks.report_drawing import Plot, draw_panels, print_style, solvent_cut

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.library.group_model import GroupModel
    from engine.processing import Chain, Peak, SignalAnalysis
    from engine.tasks.assignment import Assignment
    from engine.tasks.group_identification import GroupIdentification

REPORT_SUFFIXES = (".pdf", ".html", ".htm")
FIGURE_SUFFIXES = (".svg", ".png", ".pdf")
MOST_SPECTRA = 40
"""Spectra of one sample that a report shows."""

MOST_GROUP_STRIPS = 6
_SMALLEST_MM, _LARGEST_MM = 20.0, 2000.0
_MOST_PIXELS = 100_000_000
_LONGEST_LINE = 12_000


@dataclass(frozen=True, eq=False)
class SpectrumSection:
    """What a report says of one spectrum; ``steps`` is empty where it is shown as recorded.

    ``line`` is that of a paper for 1H and 13C signals, "" where there are none.
    """

    plot: Plot
    facts: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    warnings: tuple[str, ...]
    signals: Table | None
    peaks: Table
    line: str = ""

    @property
    def title(self) -> str:
        return f"{self.plot.spectrum.technique} · {spectrum_title(self.plot.spectrum)}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "technique": self.plot.spectrum.technique,
            "title": spectrum_title(self.plot.spectrum),
            "source": str(self.plot.spectrum.source),
            "steps": list(self.steps),
            "peaks": len(self.plot.peaks),
            "line": self.line,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a report shows, the same as PDF and as HTML.

    ``groups`` are those present, ``group_notes`` what else there is to say of groups; ``model`` is
    "" when none spoke. ``date`` is printed as it is given, "" for none.
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    structure: Structure | None
    groups: tuple[GroupRow, ...]
    group_notes: tuple[str, ...]
    model: str
    warnings: tuple[str, ...]
    sections: tuple[SpectrumSection, ...]
    program: str
    date: str = ""
    identification: GroupIdentification | None = None
    assignment: Table | None = None

    def to_dict(self) -> dict[str, Any]:
        found = self.identification
        return {
            "name": self.name,
            "structure": None if self.structure is None else self.structure.smiles,
            "groups": [] if found is None else found.to_dict()["groups"],
            "model": None if found is None else found.model.to_dict(),
            "spectra": [section.to_dict() for section in self.sections],
            "warnings": list(self.warnings),
            "program": self.program,
        }


def prepare_report(
    sample: Sample,
    model: GroupModel | None = None,
    *,
    with_groups: bool = True,
    date: str = "",
    analyses: Mapping[int, SignalAnalysis] | None = None,
    assignment: Assignment | None = None,
    chains: Mapping[int, Chain] | None = None,
    peaks: Mapping[int, Sequence[Peak]] | None = None,
    identification: GroupIdentification | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
    on_progress: Callable[[float, str], None] = lambda share, what: None,
) -> Report:
    """Process and pick the spectra, identify the groups, and put it all in words.

    The structure is the sample's, else the one on which its files agree. FIDs get their default
    chain; all other spectra are shown as recorded. A sample of techniques that the network does not
    read has a report that says so. ``analyses`` are the integrals and multiplets that a person read
    from the spectra, by their index: they take the place of those found. ``assignment`` is that of
    the NMR peaks to the atoms of the structure, for a table of its own. ``chains`` and ``peaks``
    are, by a spectrum's index too, the processing and the peaks that a person chose in the place of
    the default chain and of those picked. ``identification`` is one that is known already of the
    sample processed so. ``on_progress`` is told the share that is done and what comes next. Raises
    ``ValueError`` for
    a sample without spectra and for a structure that is none, :class:`NoModelError` when groups are
    wanted and no model is installed, and :class:`concurrent.futures.CancelledError` soon after
    ``is_cancelled`` says so.
    """
    if not sample.spectra:
        raise ValueError("a report needs spectra, and the sample holds none")
    warnings: list[str] = []
    if len(sample.spectra) > MOST_SPECTRA:
        warnings.append(
            f"The sample holds {len(sample.spectra)} spectra: the first {MOST_SPECTRA} are shown."
        )
        sample = replace(sample, spectra=sample.spectra[:MOST_SPECTRA])
    structure = _structure(sample, warnings)
    chains, peaks = chains or {}, peaks or {}
    if with_groups and identification is None:
        from engine.tasks.groups import identify_groups

        try:
            on_progress(0.0, "naming the groups")
            identification = identify_groups(_processed(sample, chains), model, is_cancelled)
        except ValueError as error:
            warnings.append(_sentence(error))
    if identification is not None:
        warnings += [plain(text, 400) for text in identification.warnings]
    sections = []
    assigned = {} if assignment is None else _pairs(assignment)
    for index, spectrum in enumerate(sample.spectra):
        _stop_if(is_cancelled)
        on_progress(index / len(sample.spectra), spectrum_title(spectrum))
        analysis = analyses.get(index) if analyses else None
        pairs = assigned.pop(str(spectrum.technique), ())
        chosen = (chains.get(index), peaks.get(index))
        section = _section(spectrum, index, identification, structure, analysis, pairs, *chosen)
        sections.append(section)
    model_line = ""
    if identification is not None:
        card = identification.model
        used = ", ".join(identification.techniques_used)
        model_line = f"{card.name} {card.version} ({card.licence}); techniques used: {used}"
    return Report(
        name=_name(sample, structure),
        facts=tuple(_compound_facts(sample, structure)),
        structure=structure,
        groups=() if identification is None else group_rows(identification, structure),
        group_notes=()
        if identification is None
        else tuple(group_sentences(identification, structure)),
        model=model_line,
        warnings=tuple(warnings),
        sections=tuple(sections),
        program=f"SpecGUI {__version__}",
        date=plain(date),
        identification=identification,
        assignment=None if assignment is None else _assignment_table(assignment),
    )


def write_report(report: Report, path: str | Path) -> None:
    """Write a report as PDF or HTML, by the suffix of ``path``, replacing the file in one step.

    The same report gives the same bytes. Raises ``ValueError`` for another suffix and ``OSError``.
    """
    from engine.formats.jcamp_writer import write_atomically

    path = Path(path)
    check_suffix(path, REPORT_SUFFIXES)
    if path.suffix.lower() == ".pdf":
        from engine.tasks.report_pages import pdf_of

        write_atomically(path, pdf_of(report))
    else:
        from engine.tasks.report_html import html_of

        write_atomically(path, html_of(report))


def prepare_plot(spectrum: Spectrum, x_range: tuple[float, float] | None = None) -> Plot:
    """A spectrum as a figure shows it: a FID transformed by its default chain, its peaks picked.

    ``x_range``: the ends of the axis in its unit, in either order. Raises ``ValueError`` when the
    FID cannot be processed.
    """
    from engine.processing.chain import apply, default_chain
    from engine.processing.peaks import pick_peaks

    shown = apply(default_chain(spectrum), spectrum)
    return Plot(shown, tuple(pick_peaks(shown)), x_range=x_range)


def write_figure(
    plots: Sequence[Plot],
    path: str | Path,
    width_mm: float = 170.0,
    height_mm: float | None = None,
    dpi: float = 300.0,
) -> None:
    """Write spectra, one under the other, as SVG, PDF or PNG (by suffix) in the size of print.

    ``height_mm`` None: 62 mm a panel, and more for its strips. ``dpi`` counts for PNG. The same
    spectra give the same bytes. Raises ``ValueError`` for another suffix, no spectrum, and sizes
    out of range; ``OSError``.
    """
    from io import BytesIO

    from engine.formats.jcamp_writer import write_atomically

    path = Path(path)
    check_suffix(path, FIGURE_SUFFIXES)
    if not plots:
        raise ValueError("a figure needs a spectrum")
    height_mm = sum(plot.height_mm for plot in plots) if height_mm is None else height_mm
    check_size(width_mm, height_mm, dpi, len(plots))
    kind = path.suffix.lower().removeprefix(".")
    metadata: dict[str, Any] = {"Title": "; ".join(spectrum_title(p.spectrum) for p in plots)}
    metadata |= {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    file = BytesIO()
    with print_style():
        figure = draw_panels(plots, width_mm, height_mm)
        figure.savefig(file, format=kind, dpi=dpi if kind == "png" else 72, metadata=metadata)
    write_atomically(path, file.getvalue())


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Raise ``ValueError`` unless the file's suffix is one of those that can be written."""
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{path.name} ends in {path.suffix!r}; right is {', '.join(suffixes)}")


def check_size(width_mm: float, height_mm: float, dpi: float, panels: int = 1) -> None:
    """Raise ``ValueError`` for a figure that is no print's, or too many pixels for memory."""
    if not _SMALLEST_MM * 2 <= width_mm <= _LARGEST_MM:
        raise ValueError(f"a width of {width_mm:g} mm; right is 40 to {_LARGEST_MM:g}")
    least = (_SMALLEST_MM + 15) * panels
    if not least <= height_mm <= max(_LARGEST_MM, 120.0 * panels):
        raise ValueError(f"a height of {height_mm:g} mm; right is {least:g} or more")
    if not 30 <= dpi <= 2400:
        raise ValueError(f"{dpi:g} dots an inch; right is 30 to 2400")
    if width_mm / 25.4 * dpi * height_mm / 25.4 * dpi > _MOST_PIXELS:
        raise ValueError(f"{width_mm:g} by {height_mm:g} mm at {dpi:g} dpi is too many pixels")


def _pairs(assignment: Assignment) -> dict[str, list[tuple[float, int]]]:
    """Shift and atom of each assigned peak, by the technique of its spectrum."""
    from engine.tasks.assignment_records import pairs_of

    found = pairs_of(assignment)
    return {"13C NMR": found.get("C", []), "1H NMR": found.get("H", [])}


def _assignment_table(assignment: Assignment) -> Table:
    from engine.tasks.assignment_records import assignment_table

    return assignment_table(assignment)


def _with_atoms(
    spectrum: Spectrum, signals: list[dict[str, Any]], pairs: Sequence[tuple[float, int]]
) -> list[dict[str, Any]]:
    """Signals with the atoms that they were assigned to; without an assignment as they are."""
    from engine.tasks.assignment_records import with_atoms

    if not pairs:
        return signals
    told = replace(spectrum, metadata={**spectrum.metadata, "peaks": signals})
    return with_atoms(told, pairs).metadata["peaks"]


def _processed(sample: Sample, chains: Mapping[int, Chain]) -> Sample:
    """The sample after the chains that were chosen; raises ``ValueError`` as a step does."""
    from engine.processing.chain import apply

    spectra = enumerate(sample.spectra)
    return replace(
        sample, spectra=tuple(apply(chains[i], s) if i in chains else s for i, s in spectra)
    )


def _stop_if(is_cancelled: Callable[[], bool]) -> None:
    from concurrent.futures import CancelledError

    if is_cancelled():
        raise CancelledError


def _section(
    spectrum: Spectrum,
    index: int,
    identification: GroupIdentification | None,
    structure: Structure | None,
    analysis: SignalAnalysis | None = None,
    pairs: Sequence[tuple[float, int]] = (),
    chain: Chain | None = None,
    edited: Sequence[Peak] | None = None,
) -> SpectrumSection:
    from engine.processing.chain import Chain, apply, default_chain
    from engine.processing.peaks import pick_peaks
    from engine.tasks.report_signals import nmr_signals, said_signals, signal_line

    warnings = [plain(text, 400) for text in spectrum.warnings]
    chain = default_chain(spectrum) if chain is None else chain
    shown, line = spectrum, ""
    try:
        shown = apply(chain, spectrum)
        warnings += [plain(text, 400) for text in shown.warnings[len(spectrum.warnings) :]]
        peaks = tuple(pick_peaks(shown) if edited is None else edited)
        signals = []
        if analysis or shown.metadata.get("peaks") or _is_proton(shown):
            signals = _with_atoms(shown, nmr_signals(shown, structure, analysis), pairs)
            # Numbers of nuclei that are only the ratio of the areas belong in no paper.
            sure = structure or analysis or shown.metadata.get("peaks")
            named = signals if sure else [{**signal, "n_h": None} for signal in signals]
            line = signal_line(shown, named, "unicode", with_labels=bool(pairs))
        elif shown.technique.is_nmr and shown.x_unit == "ppm":
            named = _with_atoms(shown, said_signals(shown, None, edited), pairs)
            line = signal_line(shown, named, "unicode", with_labels=bool(pairs))
    except ValueError as error:
        warnings.append(f"{_sentence(error)} It is shown as recorded.")
        shown, chain, peaks, signals = spectrum, Chain(), (), []
    importance, groups = None, ()
    if identification is not None:
        importance = next((m for m in identification.maps if m.spectrum == index), None)
        groups = tuple(
            group.name
            for group in identification.groups
            if group.present and any(region.spectrum == index for region in group.evidence)
        )[:MOST_GROUP_STRIPS]
    counted = bool(structure or analysis or shown.metadata.get("peaks"))
    plot = Plot(shown, peaks, importance, groups if importance is not None else ())
    cut = solvent_cut(plot)
    return SpectrumSection(
        plot=plot,
        facts=tuple(spectrum_facts(spectrum)),
        steps=tuple(step_sentences(chain)),
        warnings=(*warnings, cut) if cut else tuple(warnings),
        signals=signal_table(shown, signals, counted) if signals else None,
        peaks=peak_table(shown, peaks),
        line=plain(line, _LONGEST_LINE),
    )


def _is_proton(spectrum: Spectrum) -> bool:
    return spectrum.technique.nucleus == "1H" and spectrum.kind == "continuous"


def _structure(sample: Sample, warnings: list[str]) -> Structure | None:
    """The structure that was given; else that on which the files agree, if it can be read."""
    from engine.chemistry.structure import parse_structure

    if sample.structure:
        return parse_structure(sample.structure)
    for key in ("molblock", "smiles"):
        told = {str(s.metadata[key]) for s in sample.spectra if s.metadata.get(key)}
        if len(told) == 1:
            try:
                return parse_structure(told.pop())
            except ValueError as error:
                warnings.append(f"The structure in the file is not used: {error}.")
    return None


def _name(sample: Sample, structure: Structure | None) -> str:
    names = {plain(s.metadata["name"]) for s in sample.spectra if s.metadata.get("name")}
    shortest = min(names, key=lambda name: (len(name), name)) if names else ""
    # "Vanillin" and "Vanillin; 4-hydroxy-..." are one compound, unlike the names of a library.
    if not all(shortest.casefold() in name.casefold() for name in names):
        shortest = plain(PurePath(sample.spectra[0].source.path).name)
    return (
        plain(sample.name)
        or plain("" if structure is None else structure.name)
        or shortest
        or spectrum_title(sample.spectra[0])
        or "Sample"
    )


def _compound_facts(sample: Sample, structure: Structure | None) -> list[tuple[str, str]]:
    from engine.chemistry.formula import parse_formula

    told = {str(s.metadata["formula"]) for s in sample.spectra if s.metadata.get("formula")}
    text = sample.formula or (structure.formula if structure else None)
    if text is None and len(told) == 1:
        text = told.pop()
    facts = []
    if text:
        try:
            formula = parse_formula(text)
        except ValueError:
            facts.append(("Formula", plain(text)))
        else:
            facts += [
                ("Formula", printed_formula(str(formula))),
                ("Monoisotopic mass", f"{formula.monoisotopic_mass:.4f}"),
                ("Molar mass", f"{formula.average_mass:.2f} g/mol"),
            ]
    if structure is not None:
        facts.append(("SMILES", plain(structure.smiles, 2000)))
        facts.append(("InChIKey, first block", structure.key))
    spectra = ", ".join(dict.fromkeys(str(s.technique) for s in sample.spectra))
    facts.append(("Spectra", f"{len(sample.spectra)} ({spectra})"))
    return facts


def _sentence(error: Exception) -> str:
    text = plain(error, 400)
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."
