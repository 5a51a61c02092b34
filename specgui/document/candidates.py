"""What was found about a sample's molecule: candidates of a search or a ranking, verifications."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from specgui.document.findings import DONE, NONE, RUNNING
from specgui.document.sample_entry import SampleEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.tasks.verification import Verification

NUCLEI = ("13C NMR", "1H NMR")
SEARCH, RANK = "search", "rank"

MOST_HITS = 1000


@dataclass(frozen=True)
class Query:
    """What a library is searched for.

    ``library`` is its name, empty for the newest, without one the starter library; ``mass_range``
    the lowest and highest monoisotopic mass in u; ``groups`` are functional groups that a molecule
    must have; ``nuclei`` the techniques whose peaks count.
    """

    library: str = ""
    formula: str = ""
    mass_range: tuple[float, float] | None = None
    groups: tuple[str, ...] = ()
    nuclei: tuple[str, ...] = NUCLEI
    top: int = 100


@dataclass(frozen=True)
class Candidate:
    """One card: a molecule and how well it fits.

    ``score`` is that of the verb, higher is better; ``probability`` that of this molecule if the
    right one is among those compared, None where a verb does not say; ``matched`` counts the
    observed peaks that were given a predicted signal, of ``peaks``; both None after a ranking.
    """

    rank: int
    smiles: str
    name: str
    formula: str
    score: float
    probability: float | None = None
    matched: int | None = None
    peaks: int | None = None

    @property
    def title(self) -> str:
        return self.name or self.smiles


@dataclass(frozen=True)
class CandidateFinding:
    """The candidates of a sample; ``message`` says why there are none.

    ``origin`` is ``search`` or ``rank``, ``source`` the library's or the list's name, ``size`` the
    number of molecules that were compared.
    """

    state: str = NONE
    origin: str = SEARCH
    source: str = ""
    size: int = 0
    candidates: tuple[Candidate, ...] = ()
    elapsed_ms: float | None = None
    warnings: tuple[str, ...] = ()
    message: str = ""
    query: Query | None = None


@dataclass(frozen=True, eq=False)
class CheckFinding:
    """The verification of one structure; ``title`` is what to call the structure."""

    state: str = NONE
    smiles: str = ""
    title: str = ""
    verification: Verification | None = None
    message: str = ""


def evidence_of(sample: SampleEntry) -> tuple:
    """What a finding about a molecule rests on: the spectra, processed how, and edited signals."""
    return tuple(
        (e.id, e.chain, e.peaks, None if e.analysis is None else e.analysis.multiplets)
        for e in sample.spectra
    )


class CandidateFindings(QObject):
    """Candidates by what they rest on; those of a sample's earlier spectra are known as stale."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_basis: dict[tuple, CandidateFinding] = {}
        self._last: dict[int, tuple] = {}

    def of(self, sample: SampleEntry | None) -> CandidateFinding:
        """The candidates of a sample: of its spectra, else the last of earlier ones."""
        if sample is None:
            return CandidateFinding()
        now = self._by_basis.get(evidence_of(sample))
        return now or self._by_basis.get(self._last.get(sample.id), CandidateFinding())

    def is_stale(self, sample: SampleEntry | None) -> bool:
        """Whether the candidates were found with other spectra than the sample has now."""
        return (
            sample is not None
            and evidence_of(sample) not in self._by_basis
            and sample.id in self._last
        )

    def put(self, sample_id: int, basis: tuple, finding: CandidateFinding) -> None:
        self._by_basis[basis] = finding
        if finding.state == DONE:
            self._last[sample_id] = basis
        self.changed.emit()

    def mark_running(self, sample_id: int, basis: tuple, finding: CandidateFinding) -> None:
        """Note what is looked for; an earlier result stays in view meanwhile."""
        earlier = self._by_basis.get(basis, CandidateFinding())
        if earlier.candidates:
            finding = replace(earlier, state=RUNNING, message="")
        self.put(sample_id, basis, replace(finding, state=RUNNING))

    def at(self, basis: tuple) -> CandidateFinding:
        return self._by_basis.get(basis, CandidateFinding())

    def forget(self, basis: tuple) -> None:
        self._by_basis.pop(basis, None)
        self.changed.emit()

    def replace_all(self, findings: Iterable[tuple[SampleEntry, CandidateFinding]]) -> None:
        """Forget every finding and take these: another project is open."""
        findings = list(findings)
        self._by_basis = {evidence_of(sample): finding for sample, finding in findings}
        self._last = {sample.id: evidence_of(sample) for sample, _ in findings}
        self.changed.emit()


class CheckFindings(QObject):
    """Verifications by their spectra and structure; the last of a sample is shown."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_key: dict[tuple[tuple, str], CheckFinding] = {}
        self._last: dict[int, tuple[tuple, str]] = {}

    def of(self, sample: SampleEntry | None) -> CheckFinding:
        """The verification of a sample that was asked for last."""
        key = self._last.get(sample.id) if sample else None
        if key is None:
            return CheckFinding()
        fresh = self._by_key.get((evidence_of(sample), key[1]))
        return fresh or self._by_key.get(key, CheckFinding())

    def is_stale(self, sample: SampleEntry | None) -> bool:
        """Whether the last verification was made with other spectra than the sample has now."""
        key = self._last.get(sample.id) if sample else None
        return key is not None and (evidence_of(sample), key[1]) not in self._by_key

    def at(self, basis: tuple, smiles: str) -> CheckFinding:
        """The verification of exactly this structure against exactly these spectra."""
        return self._by_key.get((basis, smiles), CheckFinding())

    def put(self, sample_id: int, basis: tuple, finding: CheckFinding) -> None:
        key = (basis, finding.smiles)
        self._by_key[key] = finding
        self._last[sample_id] = key
        self.changed.emit()

    def forget(self, sample_id: int, basis: tuple, smiles: str) -> None:
        self._by_key.pop((basis, smiles), None)
        if self._last.get(sample_id) == (basis, smiles):
            del self._last[sample_id]
        self.changed.emit()

    def results_of(self, sample: SampleEntry) -> tuple[CheckFinding, ...]:
        """Every verification of a sample as it is now, the one asked for last at the end."""
        evidence = evidence_of(sample)
        found = [f for (basis, _), f in self._by_key.items() if basis == evidence]
        last = self.of(sample)
        return tuple(sorted((f for f in found if f.verification), key=lambda f: f is last))

    def replace_all(self, findings: Iterable[tuple[SampleEntry, Iterable[CheckFinding]]]) -> None:
        """Forget every finding and take these: another project is open."""
        self._by_key, self._last = {}, {}
        for sample, found in findings:
            for finding in found:
                self._by_key[(evidence_of(sample), finding.smiles)] = finding
                self._last[sample.id] = (evidence_of(sample), finding.smiles)
        self.changed.emit()
