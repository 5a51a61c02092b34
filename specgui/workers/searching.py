"""Looking for a sample's molecule off the GUI thread: search, ranking, verification, shifts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specgui.document.candidates import (
    MOST_HITS,
    NUCLEI,
    RANK,
    SEARCH,
    Candidate,
    CandidateFinding,
    Query,
)
from specgui.document.findings import DONE
from specgui.document.sample_entry import SampleEntry
from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.chemistry.predicted_shifts import PredictedSignal
    from engine.spectra import Sample
    from engine.tasks.verification import Verification

Verb = Callable[[Ticket], Generator[None, None, Any]]


@dataclass(frozen=True, eq=False)
class PredictedSpectra:
    """The signals that are expected of a molecule; ``title`` is what to call it."""

    title: str
    signals: tuple[PredictedSignal, ...]


def searching(sample: SampleEntry, query: Query) -> Verb:
    """The verb: searches a library; returns a :class:`CandidateFinding`.

    Where there is none yet the library of the molecules that ship is made first. Raises
    ``ValueError`` without peaks to search with, and what the library raises.
    """

    def verb(ticket: Ticket) -> Generator[None, None, CandidateFinding]:
        ticket.report(None, "Searching the library")
        yield
        from engine.library.edited_sample import edited_sample
        from engine.library.library_choice import open_library
        from engine.tasks.molecule_search import search

        evidence = _with_nuclei(edited_sample(sample), query.nuclei)
        yield
        library = open_library(
            query.library or None, is_cancelled=ticket.is_cancelled,
            report=lambda progress: ticket.report(progress.done, building_text(progress)),
        )  # fmt: skip
        ticket.report(None, f"Searching {library.name}")
        yield
        result = search(
            evidence, library=library, formula=query.formula,
            mass_range=query.mass_range, groups=query.groups, top=query.top,
            is_cancelled=ticket.is_cancelled,
        )  # fmt: skip
        yield
        return CandidateFinding(
            DONE, SEARCH, result.library_name, result.library_size,
            tuple(_searched(hit) for hit in result.hits), result.elapsed_ms,
            tuple(result.warnings), query=query,
        )  # fmt: skip

    return verb


def ranking(sample: SampleEntry, candidates: Path | str, source: str) -> Verb:
    """The verb: ranks the molecules of a file, or of a text with a SMILES or InChI on each line.

    Returns a :class:`CandidateFinding`; raises ``ValueError`` when there is none to be ranked.
    """

    def verb(ticket: Ticket) -> Generator[None, None, CandidateFinding]:
        ticket.report(None, "Ranking candidates")
        yield
        from engine.library.edited_sample import edited_sample
        from engine.tasks.isomer_ranking import rank, read_candidates

        if isinstance(candidates, Path):
            molecules = read_candidates(candidates)
        else:
            lines = [line.strip() for line in candidates.splitlines()]
            molecules = [line for line in lines if line and not line.startswith("#")]
        yield
        result = rank(edited_sample(sample), molecules, is_cancelled=ticket.is_cancelled)
        yield
        hits = result.hits[:MOST_HITS]
        cards = []
        for hit in hits:
            cards.append(_ranked(hit))
            yield
        warnings = list(result.warnings)
        if len(hits) < len(result.hits):
            warnings.append(f"The first {len(hits):,} of {len(result.hits):,} are shown.")
        return CandidateFinding(
            DONE, RANK, source, len(result.hits), tuple(cards), None, tuple(warnings)
        )

    return verb


def verifying(sample: SampleEntry, smiles: str) -> Verb:
    """The verb: returns the :class:`Verification` of a structure against a sample."""

    def verb(ticket: Ticket) -> Generator[None, None, Verification]:
        ticket.report(None, "Verifying the structure")
        yield
        from engine.library.edited_sample import edited_sample
        from engine.tasks.verification import verify

        evidence = edited_sample(sample)
        yield
        return verify(evidence, structure=smiles, is_cancelled=ticket.is_cancelled)

    return verb


def predicting(smiles: str, title: str, techniques: Sequence[str], solvent: str | None) -> Verb:
    """The verb: returns the :class:`PredictedSpectra` of a structure's text."""

    def verb(ticket: Ticket) -> Generator[None, None, PredictedSpectra]:
        yield
        from engine.tasks.shifts import predict_shifts

        return PredictedSpectra(title, predict_shifts(smiles, tuple(techniques), solvent))

    return verb


def building_text(progress) -> str:
    """What is being done by a ``BuildProgress``, with which the first search begins."""
    if progress.stage != "predicting":
        return f"Making the starter library: {progress.stage}"
    return f"Making the starter library: {progress.molecules:,} molecules"


def _with_nuclei(sample: Sample, nuclei: Sequence[str]) -> Sample:
    """The sample without the NMR spectra whose peaks are not to count."""
    kept = tuple(
        s for s in sample.spectra if str(s.technique) not in NUCLEI or s.technique in nuclei
    )
    return replace(sample, spectra=kept)


def _searched(hit) -> Candidate:
    return Candidate(
        hit.rank, hit.smiles, hit.name, hit.formula, hit.score, hit.probability, hit.matched,
        hit.peaks,
    )  # fmt: skip


def _ranked(hit) -> Candidate:
    from rdkit import Chem, rdBase
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    smiles, formula = hit.smiles, ""
    with rdBase.BlockLogs():
        is_inchi = smiles.startswith("InChI=")
        molecule = (Chem.MolFromInchi if is_inchi else Chem.MolFromSmiles)(smiles)
        if molecule is not None:
            smiles = Chem.MolToSmiles(molecule) if is_inchi else smiles
            formula = CalcMolFormula(molecule)
    return Candidate(hit.rank, smiles, hit.name, formula, hit.score, hit.probability)
