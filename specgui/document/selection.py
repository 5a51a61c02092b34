"""What is chosen: a sample, the spectrum shown for each of its techniques, and a group."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from specgui.document.document import Document
from specgui.document.sample_entry import SampleEntry, SpectrumEntry


class Selection(QObject):
    """Follows the document: what is removed is no longer chosen."""

    sample_changed = Signal()
    spectra_changed = Signal()
    group_changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._sample_id: int | None = None
        self._position = 0
        self._shown: dict[tuple[int, str], int] = {}
        self._group: str | None = None
        self._followed: SampleEntry | None = None
        document.changed.connect(self._follow_document)

    @property
    def sample(self) -> SampleEntry | None:
        return self._document.sample(self._sample_id)

    @property
    def sample_id(self) -> int | None:
        return self._sample_id

    @property
    def group(self) -> str | None:
        """The chosen functional group's name; None shows the gates."""
        return self._group

    def choose_sample(self, sample_id: int | None) -> None:
        if sample_id == self._sample_id:
            return
        self._sample_id = sample_id
        self._followed = self.sample
        self._remember_position()
        self.sample_changed.emit()

    def choose_spectrum(self, spectrum_id: int) -> None:
        """Choose a spectrum's sample and show the spectrum in the plot of its technique."""
        sample, entry = self._document.sample_of(spectrum_id), self._document.spectrum(spectrum_id)
        if sample is None or entry is None:
            return
        self._shown[(sample.id, str(entry.spectrum.technique))] = spectrum_id
        if sample.id != self._sample_id:
            self.choose_sample(sample.id)
        else:
            self.spectra_changed.emit()

    def choose_group(self, name: str | None) -> None:
        if name != self._group:
            self._group = name
            self.group_changed.emit()

    def step_sample(self, step: int) -> None:
        """Choose the next (1) or previous (-1) sample of the tree."""
        ids = [s.id for s in self._document.samples]
        if self._sample_id in ids:
            position = ids.index(self._sample_id) + step
            if 0 <= position < len(ids):
                self.choose_sample(ids[position])
        elif ids:
            self.choose_sample(ids[0])

    def shown(self, technique: str) -> SpectrumEntry | None:
        """The spectrum of the chosen sample that the plot of a technique shows."""
        sample = self.sample
        entries = sample.of_technique(technique) if sample else ()
        if not entries:
            return None
        wanted = self._shown.get((sample.id, str(technique)))
        return next((e for e in entries if e.id == wanted), entries[0])

    def shown_entries(self) -> tuple[SpectrumEntry, ...]:
        """What the stack of plots shows, top to bottom."""
        sample = self.sample
        return tuple(self.shown(t) for t in sample.techniques) if sample else ()

    def _remember_position(self) -> None:
        ids = [s.id for s in self._document.samples]
        if self._sample_id in ids:
            self._position = ids.index(self._sample_id)

    def _follow_document(self) -> None:
        samples = self._document.samples
        if self.sample is None:
            # The neighbour takes over, as in a file list.
            self._sample_id = samples[min(self._position, len(samples) - 1)].id if samples else None
        self._remember_position()
        # Entries are immutable: the same one has not changed, whatever became of the others.
        if self.sample is not self._followed or self._followed is None:
            self._followed = self.sample
            self.sample_changed.emit()
