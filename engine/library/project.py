"""A project: samples with their spectra, structures, chains, peaks and assignments, and its edits.

The state is immutable, so an undo is going back to an earlier state, and every edit notes the
line of Python that repeats it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from engine.library import project_script as script
from engine.library.assignment_entry import Assignment
from engine.library.spectrum_2d_entry import Spectrum2DEntry, files_of, reading_2d
from engine.spectra import Sample, Spectrum, Spectrum2D

if TYPE_CHECKING:
    from engine.formats.run_file import ScanChoice
    from engine.processing import Chain, Peak, SignalAnalysis

_ids = count(1)

_ORDER = ("IR", "Raman", "UV-Vis", "1H NMR", "13C NMR", "19F NMR", "31P NMR", "MS", "MS/MS")


@dataclass(frozen=True, eq=False)
class SpectrumEntry:
    """One spectrum, by a number that is its own as long as the program runs.

    ``chain`` is the processing that the chemist chose (None: the default of its kind), ``peaks``
    the peaks as the chemist edited them (None: as they are picked), ``analysis`` the integrals and
    multiplets of an NMR spectrum (None: not analysed).
    """

    id: int
    spectrum: Spectrum
    chain: Chain | None = None
    peaks: tuple[Peak, ...] | None = None
    analysis: SignalAnalysis | None = None

    @classmethod
    def new(cls, spectrum: Spectrum) -> SpectrumEntry:
        return cls(next(_ids), spectrum)

    @property
    def title(self) -> str:
        """What to call it: the file's own title, else the file's name."""
        title = self.spectrum.title.strip()
        return " ".join(title.split()) if title else self.file_name or str(self.spectrum.technique)

    @property
    def name(self) -> str:
        """What to call a sample of this spectrum alone."""
        return str(self.spectrum.metadata.get("name") or self.title)

    @property
    def file_name(self) -> str:
        return Path(self.spectrum.source.path).name

    def processed(self) -> Spectrum:
        """The spectrum after its chain; raises ``ValueError`` when a step does not suit it."""
        if self.chain is None:
            return self.spectrum
        from engine.processing import apply

        return apply(self.chain, self.spectrum)


@dataclass(frozen=True, eq=False)
class RunEntry:
    """A run (LC-MS, GC-MS), by a number as that of a spectrum; the project keeps its path alone."""

    id: int
    path: str

    @classmethod
    def new(cls, path: str | os.PathLike[str]) -> RunEntry:
        return cls(next(_ids), os.path.abspath(path))

    @property
    def title(self) -> str:
        return Path(self.path).name


@dataclass(frozen=True, eq=False)
class SampleEntry:
    """One compound: name, spectra, and the structure the chemist typed (None: the files' own).

    ``runs`` are looked at and scans of them kept among the spectra; a run itself is no spectrum.
    ``spectra_2d`` are shown beside the spectra; no verb of the engine takes them.
    ``number`` names the sample in the project's script and is never given twice in a project.
    """

    id: int
    name: str
    spectra: tuple[SpectrumEntry, ...] = ()
    typed_structure: str | None = None
    assignments: tuple[Assignment, ...] = ()
    number: int = 0
    runs: tuple[RunEntry, ...] = ()
    spectra_2d: tuple[Spectrum2DEntry, ...] = ()

    @classmethod
    def new(cls, name: str, spectra: Iterable[Spectrum] = (), number: int = 0) -> SampleEntry:
        return cls(next(_ids), name, tuple(SpectrumEntry.new(s) for s in spectra), number=number)

    @property
    def key(self) -> tuple[int, ...]:
        """The ids of its spectra."""
        return tuple(entry.id for entry in self.spectra)

    @property
    def basis(self) -> tuple:
        """What a finding about this sample depends on: which spectra it holds, processed how."""
        return tuple(e.id if e.chain is None else (e.id, e.chain) for e in self.spectra)

    @property
    def techniques(self) -> tuple[str, ...]:
        """The techniques present, each once, in the order in which they are stacked."""
        present = dict.fromkeys(entry.spectrum.technique for entry in self.spectra)
        return tuple(sorted(present, key=_stacking_order))

    @property
    def warning_count(self) -> int:
        return sum(len(entry.spectrum.warnings) for entry in self.spectra)

    @property
    def structure(self) -> str | None:
        """The structure's text: as typed, else the one on which the files agree, else None."""
        if self.typed_structure is not None:
            return self.typed_structure or None
        for key in ("molblock", "smiles"):
            said = {
                str(e.spectrum.metadata[key]) for e in self.spectra if e.spectrum.metadata.get(key)
            }
            if len(said) == 1:
                return said.pop()
        return None

    def of_technique(self, technique: str) -> tuple[SpectrumEntry, ...]:
        return tuple(e for e in self.spectra if e.spectrum.technique == technique)

    def as_sample(self) -> Sample:
        """The engine's view of this sample, its spectra as they were read."""
        return self._sample(entry.spectrum for entry in self.spectra)

    def processed(self) -> Sample:
        """The same after the chains that were chosen; raises ``ValueError`` as a step does."""
        return self._sample(entry.processed() for entry in self.spectra)

    def _sample(self, spectra: Iterable[Spectrum]) -> Sample:
        formulae = {e.spectrum.metadata.get("formula") for e in self.spectra} - {None}
        return Sample(
            tuple(spectra),
            formula=formulae.pop() if len(formulae) == 1 else None,
            structure=self.structure,
            name=self.name,
        )


def _stacking_order(technique: str) -> tuple[float, str]:
    position = _ORDER.index(technique) if technique in _ORDER else _ORDER.index("MS") - 0.5
    return (position, technique)


@dataclass(frozen=True)
class Action:
    """One edit: its title, and the Python that repeats it."""

    title: str
    line: str


@dataclass(frozen=True, eq=False)
class ProjectState:
    """The samples in their order, and the edits that made them; ``numbered`` is the last number."""

    samples: tuple[SampleEntry, ...] = ()
    history: tuple[Action, ...] = ()
    numbered: int = 0


@dataclass(eq=False)
class Project:
    """The edits of a project; each replaces ``state`` by the next one and notes an ``Action``.

    Samples and spectra are named by their ids. An edit that changes nothing leaves the state as
    it is. Raises ``ValueError`` for an id that the project does not have.
    """

    state: ProjectState = field(default_factory=ProjectState)

    @property
    def samples(self) -> tuple[SampleEntry, ...]:
        return self.state.samples

    def sample(self, sample_id: int) -> SampleEntry:
        for sample in self.samples:
            if sample.id == sample_id:
                return sample
        raise ValueError(f"the project has no sample {sample_id}")

    def spectra(self, sample_id: int) -> list[int]:
        """The ids of a sample's spectra, in their order."""
        return list(self.sample(sample_id).key)

    def as_samples(self) -> list[Sample]:
        """Every sample for the engine's verbs, its spectra after the chains that were chosen."""
        return [sample.processed() for sample in self.samples]

    # edits

    def add_sample(
        self,
        name: str,
        spectra: Iterable[Spectrum] = (),
        files: Sequence[str | os.PathLike[str]] | None = None,
        runs: Sequence[str | os.PathLike[str]] = (),
        spectra_2d: Iterable[Spectrum2D] = (),
    ) -> int:
        """Append a sample; returns its id.

        ``files`` are the paths that gave the spectra, ``runs`` those of runs to be looked at.
        """
        entries_2d = tuple(Spectrum2DEntry(next(_ids), s) for s in spectra_2d)
        new = replace(
            self._new(name, tuple(spectra)), runs=tuple(map(RunEntry.new, runs)),
            spectra_2d=entries_2d,
        )  # fmt: skip
        held, held_2d = [e.spectrum for e in new.spectra], [e.spectrum for e in entries_2d]
        said = script.reading(held, files_of(held, held_2d, files)) + reading_2d(held_2d)
        said += f", runs={[run.path for run in new.runs]!r}" if new.runs else ""
        line = f"{_name(new)} = project.add_sample({name!r}{said})"
        title = f"Open {name}" if new.spectra or new.runs or new.spectra_2d else "New sample"
        self._become((*self.samples, new), title, line, new.number)
        return new.id

    def keep_scan(self, sample_id: int, run: str, choice: ScanChoice, spectrum: Spectrum) -> int:
        """Append what was chosen of a run to a sample's spectra; returns the spectrum's id."""
        sample, entry = self.sample(sample_id), SpectrumEntry.new(spectrum)
        line = (
            f"project.keep_scan({_name(sample)}, {script.scan_text(os.path.abspath(run), choice)})"
        )
        kept = replace(sample, spectra=(*sample.spectra, entry))
        self._replace(kept, f"Keep {entry.title}", line)
        return entry.id

    def rename(self, sample_id: int, name: str) -> None:
        """Give a sample another name; an empty one is not taken."""
        sample, name = self.sample(sample_id), name.strip()
        if name and name != sample.name:
            line = f"project.rename({_name(sample)}, {name!r})"
            self._replace(replace(sample, name=name), f"Rename to {name}", line)

    def set_structure(self, sample_id: int, text: str | None) -> None:
        """Type a structure (SMILES or molblock); None goes back to what the files say."""
        sample = self.sample(sample_id)
        if text != sample.typed_structure:
            line = f"project.set_structure({_name(sample)}, {text!r})"
            # Atom numbers of another structure mean other atoms.
            edited = replace(sample, typed_structure=text, assignments=())
            self._replace(edited, "Set structure", line)

    def set_chain(self, spectrum_id: int, chain: Chain | None) -> None:
        """Choose the processing of a spectrum; None goes back to the default of its kind."""
        sample, entry = self._entry(spectrum_id)
        if chain == entry.chain:
            return
        line = f"project.set_chain({self._spectrum_name(spectrum_id)}, {script.chain_text(chain)})"
        edited = replace(entry, chain=chain)
        self._replace(_with_entry(sample, edited), f"Process {entry.title}", line)

    def set_peaks(self, spectrum_id: int, peaks: Iterable[Peak] | None) -> None:
        """Set the peaks of a spectrum as edited; None goes back to those that are picked."""
        sample, entry = self._entry(spectrum_id)
        peaks = None if peaks is None else tuple(peaks)
        if peaks == entry.peaks:
            return
        line = f"project.set_peaks({self._spectrum_name(spectrum_id)}, {script.peaks_text(peaks)})"
        edited = replace(entry, peaks=peaks)
        self._replace(_with_entry(sample, edited), f"Edit peaks of {entry.title}", line)

    def set_analysis(
        self, spectrum_id: int, analysis: SignalAnalysis | None, title: str = ""
    ) -> None:
        """Set the integrals and multiplets of a spectrum; None takes them away."""
        sample, entry = self._entry(spectrum_id)
        if analysis == entry.analysis:
            return
        name = self._spectrum_name(spectrum_id)
        line = f"project.set_analysis({name}, {script.analysis_text(analysis)})"
        edited = replace(entry, analysis=analysis)
        title = title or f"Analyse signals of {entry.title}"
        self._replace(_with_entry(sample, edited), title, line)

    def set_assignments(
        self, sample_id: int, assignments: Iterable[Assignment], title: str = ""
    ) -> None:
        """Set which peaks belong to which atoms; raises ``ValueError`` for a foreign spectrum."""
        sample, assignments = self.sample(sample_id), tuple(assignments)
        if assignments == sample.assignments:
            return
        parts = []
        for one in assignments:
            if one.spectrum not in sample.key:
                raise ValueError(f"sample {sample.name!r} has no spectrum {one.spectrum}")
            parts.append(one.line(self._spectrum_name(one.spectrum)))
        line = f"project.set_assignments({_name(sample)}, [{', '.join(parts)}])"
        self._replace(replace(sample, assignments=assignments), title or "Assign peaks", line)

    def move(self, spectrum_ids: Iterable[int], target_id: int) -> None:
        """Move spectra to the end of another sample; a sample left without spectra goes away."""
        wanted, target = list(dict.fromkeys(spectrum_ids)), self.sample(target_id)
        if all(self._holding(spectrum_id)[0] is target for spectrum_id in wanted):
            return
        what = "spectrum" if len(wanted) == 1 else f"{len(wanted)} spectra"
        line = f"project.move({self._spectrum_names(wanted)}, {_name(target)})"
        self._become(self._moved(wanted, target), f"Move {what} to {target.name}", line)

    def move_to_new_sample(self, spectrum_ids: Iterable[int], name: str | None = None) -> int:
        """Make a sample of some spectra, named after the first unless said; returns its id."""
        wanted = list(dict.fromkeys(spectrum_ids))
        if not wanted:
            raise ValueError("no spectrum is named")
        name = name or self._holding(wanted[0])[1].name
        new = self._new(name)
        line = (
            f"{_name(new)} = project.move_to_new_sample({self._spectrum_names(wanted)}, {name!r})"
        )
        after = self._moved(wanted, new)
        self._become(after, f"New sample {name}", line, new.number)
        return new.id

    def split(self, sample_id: int) -> list[int]:
        """Make one sample of each spectrum of a sample; returns their ids."""
        sample = self.sample(sample_id)
        held = (*sample.spectra, *sample.spectra_2d)
        if len(held) < 2:
            return [sample.id]
        parts = []
        for number, entry in enumerate(held, self.state.numbered + 1):
            kind = "spectra_2d" if isinstance(entry, Spectrum2DEntry) else "spectra"
            parts.append(replace(SampleEntry.new(entry.name, number=number), **{kind: (entry,)}))
        parts[0] = replace(parts[0], runs=sample.runs)
        after: list[SampleEntry] = []
        for other in self.samples:
            after.extend(parts if other.id == sample_id else [other])
        line = f"{', '.join(map(_name, parts))} = project.split({_name(sample)})"
        self._become(tuple(after), f"Split {sample.name}", line, parts[-1].number)
        return [part.id for part in parts]

    def remove(
        self, samples: Iterable[int] = (), spectra: Iterable[int] = (), runs: Iterable[int] = ()
    ) -> None:
        """Take samples, single spectra and runs out; files are not touched."""
        gone = [self.sample(sample_id) for sample_id in dict.fromkeys(samples)]
        wanted = [i for i in dict.fromkeys(spectra) if self._holding(i)[0] not in gone]
        left = [(s, r) for s in self.samples if s not in gone for r in s.runs if r.id in set(runs)]
        if not gone and not wanted and not left:
            return
        away = [run for _, run in left]
        after = tuple(_without(s, wanted, away) for s in self.samples if s not in gone)
        names = ", ".join(map(_name, gone))
        line = f"project.remove([{names}], {self._spectrum_names(wanted)}"
        if left:
            line += f", [{', '.join(_run_name(sample, run) for sample, run in left)}]"
        line += ")"
        if len(gone) == 1 and not wanted and not left:
            title = f"Remove {gone[0].name}"
        elif len(wanted) + len(left) == 1 and not gone:
            title = f"Remove {(away or [self._holding(i)[1] for i in wanted])[0].title}"
        else:
            title = "Remove"
        self._become(after, title, line)

    # how

    def _new(self, name: str, spectra: tuple[Spectrum, ...] = ()) -> SampleEntry:
        return SampleEntry.new(name, spectra, self.state.numbered + 1)

    def _entry(self, spectrum_id: int) -> tuple[SampleEntry, SpectrumEntry]:
        for sample in self.samples:
            for entry in sample.spectra:
                if entry.id == spectrum_id:
                    return sample, entry
        raise ValueError(f"the project has no spectrum {spectrum_id}")

    def _holding(self, spectrum_id: int) -> tuple[SampleEntry, SpectrumEntry | Spectrum2DEntry]:
        """The sample and the entry of a spectrum of either kind."""
        for sample in self.samples:
            for entry in (*sample.spectra, *sample.spectra_2d):
                if entry.id == spectrum_id:
                    return sample, entry
        raise ValueError(f"the project has no spectrum {spectrum_id}")

    def _moved(self, wanted: list[int], target: SampleEntry) -> tuple[SampleEntry, ...]:
        entries = [self._holding(spectrum_id)[1] for spectrum_id in wanted]
        moving = [entry for entry in entries if isinstance(entry, SpectrumEntry)]
        moving_2d = [entry for entry in entries if isinstance(entry, Spectrum2DEntry)]
        after = []
        samples = self.samples if target in self.samples else (*self.samples, target)
        for sample in samples:
            left = _without(sample, wanted)
            if sample is target:
                after.append(
                    replace(
                        left, spectra=(*left.spectra, *moving),
                        spectra_2d=(*left.spectra_2d, *moving_2d),
                    )
                )  # fmt: skip
            elif left is sample or left.spectra or left.runs or left.spectra_2d:
                after.append(left)
        return tuple(after)

    def _replace(self, edited: SampleEntry, title: str, line: str) -> None:
        after = tuple(edited if s.id == edited.id else s for s in self.samples)
        self._become(after, title, line)

    def _become(
        self, samples: tuple[SampleEntry, ...], title: str, line: str, numbered: int | None = None
    ) -> None:
        history = (*self.state.history, Action(title, line))
        last = self.state.numbered if numbered is None else numbered
        self.state = ProjectState(samples, history, last)

    def _spectrum_name(self, spectrum_id: int) -> str:
        sample, entry = self._holding(spectrum_id)
        if isinstance(entry, Spectrum2DEntry):
            place = sample.spectra_2d.index(entry)
            return f"project.sample({_name(sample)}).spectra_2d[{place}].id"
        return f"project.spectra({_name(sample)})[{sample.key.index(spectrum_id)}]"

    def _spectrum_names(self, spectrum_ids: list[int]) -> str:
        return f"[{', '.join(map(self._spectrum_name, spectrum_ids))}]"


def _name(sample: SampleEntry) -> str:
    return f"sample_{sample.number}"


def _run_name(sample: SampleEntry, run: RunEntry) -> str:
    return f"project.sample({_name(sample)}).runs[{sample.runs.index(run)}].id"


def _with_entry(sample: SampleEntry, edited: SpectrumEntry) -> SampleEntry:
    spectra = tuple(edited if e.id == edited.id else e for e in sample.spectra)
    return replace(sample, spectra=spectra)


def _without(
    sample: SampleEntry, spectrum_ids: list[int], away: Sequence[RunEntry] = ()
) -> SampleEntry:
    """The sample without some spectra, their assignments, and runs; the same one if it has none."""
    kept = tuple(e for e in sample.spectra if e.id not in spectrum_ids)
    kept_2d = tuple(e for e in sample.spectra_2d if e.id not in spectrum_ids)
    runs = tuple(run for run in sample.runs if run not in away)
    if (len(kept), len(runs), len(kept_2d)) == tuple(
        map(len, (sample.spectra, sample.runs, sample.spectra_2d))
    ):
        return sample
    assigned = tuple(a for a in sample.assignments if a.spectrum not in spectrum_ids)
    return replace(sample, spectra=kept, assignments=assigned, runs=runs, spectra_2d=kept_2d)


def renumbered(state: ProjectState) -> ProjectState:
    """The same state under ids that this program has not used yet."""
    samples = []
    for sample in state.samples:
        ids = {entry.id: next(_ids) for entry in sample.spectra}
        spectra = tuple(replace(e, id=ids[e.id]) for e in sample.spectra)
        assigned = tuple(replace(a, spectrum=ids[a.spectrum]) for a in sample.assignments)
        runs = tuple(replace(run, id=next(_ids)) for run in sample.runs)
        entries_2d = tuple(replace(e, id=next(_ids)) for e in sample.spectra_2d)
        samples.append(
            replace(
                sample, id=next(_ids), spectra=spectra, assignments=assigned, runs=runs,
                spectra_2d=entries_2d,
            )
        )  # fmt: skip
    return replace(state, samples=tuple(samples))
