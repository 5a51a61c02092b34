"""Processing off the GUI thread: step by step, an automatic phase, one chain on many spectra."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.spectra import Spectrum
from specgui.workers.job_board import Ticket
from specgui.workers.presenting import Presentation, present

if TYPE_CHECKING:
    from engine.library.project import SpectrumEntry
    from engine.processing import Chain
    from engine.processing.chain_run import ChainRun

Verb = Callable[[Ticket], Generator]


@dataclass(frozen=True, eq=False)
class Processed:
    """The outcomes of a chain, and its result as it is drawn (None where a step failed)."""

    run: ChainRun
    presentation: Presentation | None


@dataclass(frozen=True)
class FoundPhase:
    """Angles in degrees that turn a spectrum upright, k/n counted from its first point.

    ``said`` is what the engine remarked: nothing better was found, or the phase is doubtful.
    """

    zero: float
    first: float
    said: str = ""


@dataclass(frozen=True)
class Tried:
    """The ids of the spectra that a chain suits, and ``(path, title, why not)`` of the others."""

    good: tuple[int, ...]
    bad: tuple[tuple[str, str, str], ...]


def processing(
    spectrum: Spectrum,
    chain: Chain | None,
    ir_scale: str,
    earlier: ChainRun | None = None,
    keep: int | None = None,
    is_preview: bool = False,
) -> Verb:
    """The verb: returns ``Processed``, None when cancelled; without a chain the default one.

    ``earlier`` and ``keep`` are those of ``engine.processing.chain_run.run_chain``.
    """

    def verb(ticket: Ticket) -> Generator[None, None, Processed | None]:
        yield
        from engine.processing import Chain, default_chain
        from engine.processing.chain_run import run_chain

        steps = default_chain(spectrum) if chain is None else chain
        run = run_chain(
            steps, spectrum, earlier, keep, with_offers=not is_preview,
            is_cancelled=ticket.is_cancelled,
        )  # fmt: skip
        if run is None:
            return None
        if not is_preview or run.failed is not None:
            return Processed(run, None)
        made, _ = present(run.result, ir_scale, Chain())
        return Processed(run, replace(made, note="Preview", note_detail="Not applied yet"))

    return verb


def phasing(spectrum: Spectrum, signs: str | None = None) -> Verb:
    """The verb: returns the ``FoundPhase`` of a complex spectrum.

    ``signs`` as in ``engine.processing.phasing.automatic_phase``; None: as the experiment says.
    """

    def verb(ticket: Ticket) -> Generator[None, None, FoundPhase]:
        yield
        from engine.processing.peaks import inverted_lines_expected
        from engine.processing.phasing import automatic_phase

        expected = "mixed" if inverted_lines_expected(spectrum) else "positive"
        found = automatic_phase(spectrum, signs or expected, magnitude_below=0.0)
        said = " ".join(s for s in found.warnings if s not in spectrum.warnings)
        angles = found.metadata.get("phase_deg")
        if angles is None or angles is spectrum.metadata.get("phase_deg"):
            return FoundPhase(0.0, 0.0, said)
        return FoundPhase(float(angles[0]), float(angles[1]), said)

    return verb


def trying(entries: Sequence[SpectrumEntry], chain: Chain) -> Verb:
    """The verb: returns ``Tried``: which of many spectra a chain can be applied to."""

    def verb(ticket: Ticket) -> Generator[None, None, Tried]:
        from engine.processing.chain_run import run_chain

        good, bad = [], []
        for number, entry in enumerate(entries):
            ticket.report(number / len(entries), entry.title)
            yield
            run = run_chain(
                chain, entry.spectrum, with_offers=False, is_cancelled=ticket.is_cancelled
            )
            if run is None:
                break
            if run.failed is None:
                good.append(entry.id)
            else:
                step, outcome = chain.steps[run.failed], run.outcomes[run.failed]
                path = entry.spectrum.source.path or entry.title
                bad.append((path, entry.title, f"{step.title}: {outcome.error}"))
        return Tried(tuple(good), tuple(bad))

    return verb
