"""The open samples, and every edit of them as one undoable step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from engine.spectra import Spectrum
from specgui.document.sample_entry import SampleEntry, SpectrumEntry

_UNDO_LIMIT = 200

Samples = tuple[SampleEntry, ...]


class Document(QObject):
    """The samples in the order of the tree.

    The state is one immutable tuple, so an edit is a pair of states (before, after) and undoing
    it cannot miss anything. ``changed`` follows every edit, undo and redo.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._samples: Samples = ()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(_UNDO_LIMIT)

    @property
    def samples(self) -> Samples:
        return self._samples

    def sample(self, sample_id: int | None) -> SampleEntry | None:
        return next((s for s in self._samples if s.id == sample_id), None)

    def sample_of(self, spectrum_id: int) -> SampleEntry | None:
        """The sample that holds a spectrum."""
        return next((s for s in self._samples if spectrum_id in s.key), None)

    def spectrum(self, spectrum_id: int | None) -> SpectrumEntry | None:
        for sample in self._samples:
            for entry in sample.spectra:
                if entry.id == spectrum_id:
                    return entry
        return None

    # edits

    def add_samples(
        self, contents: Iterable[tuple[str, Iterable[Spectrum]]], call: int | None = None
    ) -> list[int]:
        """Append one sample for each ``(name, spectra)``; returns the new ids.

        What comes with the same ``call`` one after the other is one step to be undone.
        """
        new = [SampleEntry.new(name, tuple(spectra)) for name, spectra in contents]
        if new:
            text = f"Open {new[0].name}" if len(new) == 1 else f"Open {len(new)} samples"
            self._edit(text, (*self._samples, *new), call)
        return [sample.id for sample in new]

    def add_empty_sample(self) -> int:
        names = {s.name for s in self._samples}
        number = next(n for n in range(1, len(names) + 2) if f"Sample {n}" not in names)
        sample = SampleEntry.new(f"Sample {number}")
        self._edit("New sample", (*self._samples, sample))
        return sample.id

    def rename(self, sample_id: int, name: str) -> None:
        """Give a sample another name; an empty one is not taken."""
        sample, name = self.sample(sample_id), name.strip()
        if sample and name and name != sample.name:
            self._replace(f"Rename to {name}", sample_id, lambda s: replace(s, name=name))

    def set_structure(self, sample_id: int, text: str | None) -> None:
        """Type a structure (SMILES or molblock); None goes back to what the files say."""
        sample = self.sample(sample_id)
        if sample and text != sample.typed_structure:
            self._replace("Set structure", sample_id, lambda s: replace(s, typed_structure=text))

    def move_spectra(self, spectrum_ids: Iterable[int], target_id: int) -> None:
        """Move spectra to the end of another sample; a sample left without spectra goes away."""
        wanted, target = set(spectrum_ids), self.sample(target_id)
        moving = [e for s in self._samples for e in s.spectra if e.id in wanted]
        if target is None or all(e.id in target.key for e in moving):
            return
        after = []
        for sample in self._samples:
            kept = tuple(e for e in sample.spectra if e.id not in wanted)
            if sample.id == target_id:
                after.append(replace(sample, spectra=(*kept, *moving)))
            elif kept or not sample.spectra:
                after.append(replace(sample, spectra=kept) if kept != sample.spectra else sample)
        noun = "spectrum" if len(moving) == 1 else f"{len(moving)} spectra"
        self._edit(f"Move {noun} to {target.name}", tuple(after))

    def move_to_new_sample(self, spectrum_ids: Iterable[int]) -> int | None:
        """Make a sample of some spectra, named after the first; returns its id."""
        ids = list(spectrum_ids)
        entry = self.spectrum(ids[0]) if ids else None
        if entry is None:
            return None
        name = str(entry.spectrum.metadata.get("name") or entry.title)
        new = SampleEntry.new(name)
        self.undo_stack.beginMacro(f"New sample {name}")
        self._edit("New sample", (*self._samples, new))
        self.move_spectra(ids, new.id)
        self.undo_stack.endMacro()
        return new.id

    def split(self, sample_id: int) -> list[int]:
        """Make one sample of each spectrum of a sample; returns their ids."""
        sample = self.sample(sample_id)
        if sample is None or len(sample.spectra) < 2:
            return []
        parts = []
        for entry in sample.spectra:
            name = str(entry.spectrum.metadata.get("name") or entry.title)
            parts.append(replace(SampleEntry.new(name), spectra=(entry,)))
        after: list[SampleEntry] = []
        for other in self._samples:
            after.extend(parts if other.id == sample_id else [other])
        self._edit(f"Split {sample.name}", tuple(after))
        return [part.id for part in parts]

    def remove(self, sample_ids: Iterable[int] = (), spectrum_ids: Iterable[int] = ()) -> None:
        """Take samples and single spectra out of the document; files are not touched."""
        samples, spectra = set(sample_ids), set(spectrum_ids)
        after = tuple(
            replace(s, spectra=tuple(e for e in s.spectra if e.id not in spectra))
            if spectra.intersection(s.key)
            else s
            for s in self._samples
            if s.id not in samples
        )
        if any(a is not b for a, b in zip(after, self._samples, strict=False)) or len(after) != len(
            self._samples
        ):
            self._edit("Remove", after)

    def _replace(
        self, text: str, sample_id: int, edit: Callable[[SampleEntry], SampleEntry]
    ) -> None:
        self._edit(text, tuple(edit(s) if s.id == sample_id else s for s in self._samples))

    def _edit(self, text: str, after: Samples, call: int | None = None) -> None:
        self.undo_stack.push(_Edit(self, text, self._samples, after, call))

    def _set_samples(self, samples: Samples) -> None:
        self._samples = samples
        self.changed.emit()


class _Edit(QUndoCommand):
    """From one state to the next. Edits of the same call that follow each other become one."""

    def __init__(
        self, document: Document, text: str, before: Samples, after: Samples, call: int | None
    ) -> None:
        super().__init__(text)
        self._document, self._before, self._after = document, before, after
        self._call = call

    def id(self) -> int:
        return -1 if self._call is None else self._call

    def mergeWith(self, other: QUndoCommand) -> bool:
        self._after = other._after
        self.setText(f"Open {len(self._after) - len(self._before)} samples")
        return True

    def redo(self) -> None:
        self._document._set_samples(self._after)

    def undo(self) -> None:
        self._document._set_samples(self._before)
