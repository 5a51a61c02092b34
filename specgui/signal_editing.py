"""Integrals, multiplets and picked peaks as they are edited: jobs that measure, then one edit each.

What needs the spectrum is measured in the background; what it gives is put into the analysis as it
is by then, so that quick edits after each other lose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from specgui.document import Problem, SpectrumEntry
from specgui.document.plot_tools import PlotTools
from specgui.workers import analysing
from specgui.workers.analysing import Picked, ShownSignals
from specgui.workers.exporting import atoms_in
from specgui.workers.job_board import Request, Verb

if TYPE_CHECKING:
    from engine.chemistry.structure import Structure
    from engine.processing import Integral, Multiplet, Peak, SignalAnalysis
    from specgui.workers.presenting import Presentation
    from specgui.workspace import Workspace

_LANE = "signals"
_NO_LINE = "No line rises from the noise there: mark a region from foot to foot of a signal."
_ANALYSIS_ADVICE = "Process the spectrum, or mark the signals by hand."

Edit = Callable[["SignalAnalysis"], "SignalAnalysis"]


class SignalEditing(QObject):
    """Edits of a workspace's spectra; ``changed`` carries the id of one to be drawn anew."""

    changed = Signal(int)
    chosen_changed = Signal()
    text_ready = Signal(str, str)  # plain, HTML
    edit_wanted = Signal()  # the chosen signal is to be edited where its values stand
    refused = Signal(str)  # why an edit is not possible, for the eye of who made it

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self.tools = PlotTools(self)
        self._calls = count(1)
        self._shown: dict[int, tuple[tuple, ShownSignals]] = {}
        self._chosen: tuple[int, tuple[float, float]] | None = None
        workspace.document.changed.connect(self._follow_document)
        workspace.presented.connect(self._on_presented)

    # what is there

    def shown(self, entry: SpectrumEntry) -> ShownSignals | None:
        """What to draw; that of the last edit but one while the last is measured, None: nothing."""
        if entry.analysis is None and entry.peaks is None:
            return None
        found = self._shown.get(entry.id)
        return found[1] if found else None

    def current(self, entry: SpectrumEntry) -> SpectrumEntry:
        """A spectrum as the document has it now."""
        return self._workspace.document.spectrum(entry.id) or entry

    def analysis(self, entry: SpectrumEntry) -> SignalAnalysis:
        """The analysis in the spectrum as it is shown now; an empty one for none."""
        from engine.processing import SignalAnalysis

        entry = self.current(entry)
        if entry.analysis is None:
            return SignalAnalysis()
        found = self._shown.get(entry.id)
        return found[1].analysis if found and found[0] == self._key(entry) else entry.analysis

    @property
    def chosen(self) -> tuple[int, tuple[float, float]] | None:
        """The spectrum's id and the region of the signal that is chosen."""
        return self._chosen

    def choose(self, entry: SpectrumEntry | None, region: Sequence[float] | None) -> None:
        chosen = None
        if entry is not None and region is not None:
            chosen = (entry.id, (float(region[0]), float(region[1])))
        if chosen != self._chosen:
            self._chosen = chosen
            self.chosen_changed.emit()

    @staticmethod
    def can_analyse(entry: SpectrumEntry | None, shown: Presentation | None) -> bool:
        """Whether integrals and multiplets have a meaning: a continuous NMR spectrum over ppm."""
        return (
            entry is not None and shown is not None and entry.spectrum.technique.is_nmr
            and shown.x_unit == "ppm" and shown.kind == "continuous"
        )  # fmt: skip

    # integrals

    def add_integral(
        self, entry: SpectrumEntry, low: float, high: float, replacing: Integral | None = None
    ) -> None:
        """Integrate a region, or move the ends of an integral that is there."""
        from engine.processing.signal_analysis import add_integral

        title = "Move integral" if replacing else "Add integral"

        def done(measured: Integral) -> None:
            self._edit(entry, lambda a: add_integral(a, measured, replacing), title)

        self._measure(entry, "Integrating", analysing.measuring_integral, (low, high), done)

    def remove_integral(self, entry: SpectrumEntry, integral: Integral) -> None:
        from engine.processing.signal_analysis import remove_integral

        self._edit(entry, lambda a: remove_integral(a, integral), "Remove integral")

    def set_nuclei(self, entry: SpectrumEntry, integral: Integral, nuclei: float) -> None:
        """Say how many nuclei an integral stands for; all others follow."""
        from engine.processing.signal_analysis import set_nuclei

        title = f"Normalise integrals to {nuclei:g}"
        self._edit(entry, lambda a: set_nuclei(a, integral, nuclei), title)

    # multiplets

    def analyse(self, entry: SpectrumEntry) -> None:
        """Find all signals: multiplets and integrals of 1H spectra, peaks of other spectra."""
        if entry.spectrum.technique.nucleus != "1H":
            self._measure(
                entry, "Picking peaks", analysing.picking_all, (),
                lambda peaks: self._workspace.document.set_peaks(entry.id, peaks),
            )  # fmt: skip
            return

        def done(found: SignalAnalysis) -> None:
            if not found:
                self._say(entry, "no signal rises above the noise", _ANALYSIS_ADVICE)
                return
            title = f"Analyse signals of {entry.title}"
            self._edit(entry, lambda _: found, title)

        known = (self._structure_of(entry),)
        title = f"Analysing signals of {entry.title}"
        self._measure(entry, title, analysing.analysing_all, known, done, is_long=True)

    def add_multiplet(self, entry: SpectrumEntry, low: float, high: float) -> None:
        """Analyse a region as one multiplet."""
        from engine.processing.signal_analysis import add_multiplet

        def done(found: tuple[Multiplet | None, Integral]) -> None:
            multiplet, integral = found
            if multiplet is None:
                self.refused.emit(_NO_LINE)
                return
            self._edit(entry, lambda a: add_multiplet(a, multiplet, integral), "Add multiplet")
            self.choose(entry, multiplet.region)

        self._measure(entry, "Analysing", analysing.analysing_region, (low, high), done)

    def remove_multiplet(self, entry: SpectrumEntry, multiplet: Multiplet) -> None:
        from engine.processing.signal_analysis import remove_multiplet

        self._edit(entry, lambda a: remove_multiplet(a, multiplet), "Remove multiplet")

    def remove(
        self,
        entry: SpectrumEntry,
        multiplets: Sequence[Multiplet] = (),
        integrals: Sequence[Integral] = (),
        peaks: Sequence[Peak] = (),
    ) -> None:
        """Take several signals away in one step."""
        from engine.processing.signal_analysis import remove_integral, remove_multiplet

        if peaks:
            now = self.current(entry).peaks or ()
            self._workspace.document.set_peaks(entry.id, [p for p in now if p not in peaks])
            return

        def edit(analysis: SignalAnalysis) -> SignalAnalysis:
            for multiplet in multiplets:
                analysis = remove_multiplet(analysis, multiplet)
            for integral in integrals:
                analysis = remove_integral(analysis, integral)
            return analysis

        count = len(multiplets) + len(integrals)
        self._edit(entry, edit, "Remove signal" if count == 1 else f"Remove {count} signals")

    def overrule(
        self,
        entry: SpectrumEntry,
        multiplet: Multiplet,
        multiplicity: str,
        j_hz: Sequence[float] | None = None,
    ) -> None:
        """Say what a multiplet is; couplings that are not given are fitted."""
        from engine.processing.signal_analysis import replace_multiplet

        def done(changed: Multiplet) -> None:
            title = f"Multiplet {changed.position:.2f} is {changed.multiplicity}"
            self._edit(entry, lambda a: replace_multiplet(a, multiplet, changed), title)

        arguments = (multiplet, multiplicity, j_hz)
        self._measure(entry, "Fitting", analysing.overruling, arguments, done, is_said=True)

    def set_protons(self, entry: SpectrumEntry, multiplet: Multiplet, protons: int | None) -> None:
        """Say how many protons a multiplet has; None: as its area says."""
        from engine.processing.signal_analysis import set_protons

        title = f"Protons of multiplet {multiplet.position:.2f}"
        self._edit(entry, lambda a: set_protons(a, multiplet, protons), title)

    def clear(self, entry: SpectrumEntry) -> None:
        """Take all integrals and multiplets away."""
        title = f"Clear integrals and multiplets of {entry.title}"
        self._workspace.document.set_analysis(entry.id, None, title)

    # peaks

    def pick(self, entry: SpectrumEntry, position: float, reach: float) -> None:
        """Pick the maximum that is nearest to a place on the axis."""

        def done(picked: Picked) -> None:
            now = self._workspace.document.spectrum(entry.id)
            if picked.peak is None:
                self.refused.emit("There is no maximum at this place.")
                return
            peaks = _peaks(now, picked)
            near = abs(picked.peak.width) * 0.1 + 1e-9
            others = [p for p in peaks if abs(p.position - picked.peak.position) > near]
            kept = sorted([*others, picked.peak], key=lambda peak: peak.position)
            self._workspace.document.set_peaks(entry.id, kept)

        self._pick(entry, position, reach, done)

    def unpick(self, entry: SpectrumEntry, position: float, reach: float) -> None:
        """Take the picked peak away that is nearest to a place on the axis."""

        def done(picked: Picked) -> None:
            peaks = _peaks(self._workspace.document.spectrum(entry.id), picked)
            nearest = min(peaks, key=lambda p: abs(p.position - position), default=None)
            if nearest is None or abs(nearest.position - position) > reach:
                self.refused.emit("There is no picked peak at this place.")
                return
            self._workspace.document.set_peaks(entry.id, [p for p in peaks if p is not nearest])

        self._pick(entry, position, reach, done)

    def _pick(self, entry, position: float, reach: float, done: Callable[[Picked], None]) -> None:
        now = self._workspace.document.spectrum(entry.id)
        arguments = (position, reach, now is not None and now.peaks is None)
        self._measure(entry, "Picking a peak", analysing.picking_at, arguments, done)

    def clear_peaks(self, entry: SpectrumEntry) -> None:
        """Label no peak of a spectrum."""
        self._workspace.document.set_peaks(entry.id, ())

    # text

    def write_text(self, entries: Sequence[SpectrumEntry], with_atoms: bool = False) -> None:
        """Write NMR spectra as lines of a paper; ``text_ready`` brings them."""
        parts, atoms = [], []
        for entry in entries:
            shown = self._workspace.presentation(entry)
            if shown is not None:
                analysis = self.analysis(entry) if entry.analysis else None
                parts.append((entry.spectrum, shown, analysis, entry.peaks))
                sample = self._workspace.document.sample_of(entry.id)
                atoms.append(atoms_in(sample, entry.id) if with_atoms and sample else ())
        if not parts:
            self.refused.emit("The spectra are still being prepared.")
            return
        verb = analysing.writing_text(parts, self._structure_of(entries[0]), atoms)
        self._workspace.jobs.submit(
            Request(
                ("signals text",), "Writing the signals as text", verb,
                _LANE, on_done=lambda text: self.text_ready.emit(*text),
                on_error=lambda error: self._say(None, _sentence(error), _ANALYSIS_ADVICE),
            )
        )  # fmt: skip

    # how

    def _structure_of(self, entry: SpectrumEntry) -> Structure | None:
        """The structure of a spectrum's compound, as far as it is known and could be read."""
        structure = self._workspace.structure_of(self._workspace.document.sample_of(entry.id))
        return None if isinstance(structure, ValueError) else structure

    def _measure(
        self,
        entry: SpectrumEntry,
        title: str,
        make: Callable[..., Verb],
        arguments: tuple,
        done: Callable[[Any], None],
        is_long: bool = False,
        is_said: bool = False,
    ) -> None:
        """Let a verb look at the spectrum as it is shown; ``is_said``: a refusal is no problem."""
        shown = self._workspace.presentation(entry)
        if shown is None:
            self.refused.emit("The spectrum is still being prepared.")
            return

        def on_done(result: Any) -> None:
            now = self._workspace.document.spectrum(entry.id)
            if now is not None and now.chain == entry.chain:
                done(result)

        def on_error(error: Exception) -> None:
            if is_said:
                self.refused.emit(_sentence(error))
            else:
                self._say(entry, _sentence(error), _ANALYSIS_ADVICE)

        key = ("signals", entry.id, "all" if is_long else next(self._calls))
        self._workspace.jobs.submit(
            Request(
                key, title, make(entry.spectrum, shown, *arguments), _LANE,
                on_done=on_done, on_error=on_error, quiet=not is_long,
            )
        )  # fmt: skip

    def _edit(self, entry: SpectrumEntry, edit: Edit, title: str) -> None:
        """One step of the document; what is not possible is said and changes nothing."""
        now = self._workspace.document.spectrum(entry.id)
        if now is None:
            return
        try:
            after = edit(self.analysis(now))
        except ValueError as error:
            self.refused.emit(_sentence(error))
            return
        self._workspace.document.set_analysis(entry.id, after or None, title)

    def _say(self, entry: SpectrumEntry | None, message: str, advice: str) -> None:
        name = (entry.spectrum.source.path or entry.title) if entry else "Signals"
        said = f"the signals cannot be read: {message}"
        self._workspace.problems.add(Problem(name, said, advice))
        self.refused.emit(said[:1].upper() + said[1:])

    # following

    def _key(self, entry: SpectrumEntry) -> tuple:
        return (entry.chain, self._workspace.options["ir_scale"], entry.analysis, entry.peaks)

    def _follow_document(self) -> None:
        entries = [e for s in self._workspace.document.samples for e in s.spectra]
        for spectrum_id in self._shown.keys() - {entry.id for entry in entries}:
            del self._shown[spectrum_id]
        for entry in entries:
            if entry.analysis is not None or entry.peaks is not None:
                self._refresh(entry)
            elif self._shown.pop(entry.id, None) is not None:
                self.changed.emit(entry.id)
        if self._chosen is not None:
            entry = self._workspace.document.spectrum(self._chosen[0])
            analysis = entry.analysis if entry is not None else None
            if analysis is None or self._chosen[1] not in [m.region for m in analysis.multiplets]:
                self.choose(None, None)

    def _on_presented(self, spectrum_id: int) -> None:
        entry = self._workspace.document.spectrum(spectrum_id)
        if entry is not None and (entry.analysis is not None or entry.peaks is not None):
            self._refresh(entry)

    def _refresh(self, entry: SpectrumEntry) -> None:
        """Measure what is drawn of a spectrum, unless that is known; only of those in view."""
        wanted = self._key(entry)
        found = self._shown.get(entry.id)
        if found is not None and found[0] == wanted:
            return
        if entry not in self._workspace.selection.shown_entries():
            return
        shown = self._workspace.presentation(entry)
        if shown is None:
            return
        verb = analysing.measuring(entry.spectrum, shown, entry.analysis, entry.peaks)

        def done(measured: ShownSignals) -> None:
            now = self._workspace.document.spectrum(entry.id)
            if now is not None and self._key(now) == wanted:
                self._shown[entry.id] = (wanted, measured)
                self.changed.emit(entry.id)

        self._workspace.jobs.submit(
            Request(
                ("signals", entry.id, "draw"), "Measuring signals", verb, "signals drawn",
                on_done=done, quiet=True,
                on_error=lambda error: self._say(entry, _sentence(error), _ANALYSIS_ADVICE),
            )
        )  # fmt: skip

    def refresh(self, entry: SpectrumEntry) -> None:
        """See to it that what is to be drawn of a spectrum will be there; ``changed`` says when."""
        if entry.analysis is not None or entry.peaks is not None:
            self._refresh(entry)


def _peaks(entry: SpectrumEntry | None, picked: Picked) -> tuple[Peak, ...]:
    """The peaks as they were edited, else as they were picked."""
    if entry is not None and entry.peaks is not None:
        return entry.peaks
    return picked.all or ()


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
