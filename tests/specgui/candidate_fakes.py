"""Stand-ins for the verbs about molecules: they answer at once with what a test put there."""

from __future__ import annotations

import sys
import threading
import types
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from types import SimpleNamespace

from engine.tasks.isomer_ranking import Candidate, read_candidates

MOLECULES = (
    ("CC(C)=O", "acetone", "C3H6O"),
    ("CCC=O", "propanal", "C3H6O"),
    ("OCC=C", "", "C3H6O"),
    ("CC(=O)c1ccccc1", "acetophenone", "C8H8O"),
)


def _chain(number: int) -> str:
    """Another small molecule for each number below a thousand."""
    parts = [int(digit) + 1 for digit in f"{number:03d}"]
    return f"{'C' * parts[0]}O{'C' * parts[1]}N{'C' * parts[2]}"


@dataclass(frozen=True)
class VerificationTest:
    name: str
    score: float
    significance: float
    detail: str


@dataclass(frozen=True)
class Verification:
    score: float
    verdict: str
    tests: tuple[VerificationTest, ...]
    warnings: tuple[str, ...] = ()


@dataclass
class FakeVerbs:
    """What was asked of the verbs, and what they answer; ``hold`` keeps them waiting."""

    searches: list = field(default_factory=list)
    ranked: list = field(default_factory=list)
    verified: list = field(default_factory=list)
    count: int = len(MOLECULES)
    differ: bool = False
    error: Exception | None = None
    hold: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    def search(self, sample, library=None, is_cancelled=lambda: False, top=25, **limits):
        self.searches.append(SimpleNamespace(sample=sample, library=library, top=top, **limits))
        self._wait(is_cancelled)
        library = library.name
        hits = []
        for number in range(min(self.count, top)):
            smiles, name, formula = MOLECULES[number % len(MOLECULES)]
            smiles = _chain(number) if self.differ else smiles
            hits.append(
                SimpleNamespace(
                    rank=number + 1, smiles=smiles, name=name, formula=formula, key="K",
                    score=0.9 / (number + 1), probability=0.6 / (number + 1), peaks=3,
                    matched=3 - number % 3,
                )
            )  # fmt: skip
        return SimpleNamespace(
            hits=tuple(hits), library_name=library, library_size=50_000,
            elapsed_ms=12.0, warnings=("a note",),
        )  # fmt: skip

    def rank(self, sample, candidates, is_cancelled=lambda: False):
        self.ranked.append(list(candidates))
        self._wait()
        hits = []
        for number, given in enumerate(candidates, 1):
            if isinstance(given, str):
                given = Candidate(*given.split(maxsplit=1))
            hits.append(
                SimpleNamespace(
                    rank=number, smiles=given.smiles, name=given.name, score=1 / number,
                    probability=0.8 if number == 1 else 0.1,
                )
            )  # fmt: skip
        return SimpleNamespace(hits=tuple(hits), warnings=())

    def verify(self, sample, structure=None, is_cancelled=lambda: False):
        self.verified.append(structure)
        self._wait(is_cancelled)
        return Verification(
            0.62, "The spectra speak for this structure.",
            (
                VerificationTest("13C shifts", 0.8, 0.9, "All 3 signals are where they should be."),
                VerificationTest("groups", -0.5, 0.4, "Ester is expected and not there."),
                VerificationTest("1H shifts", 0.0, 0.0, "There is no 1H spectrum."),
            ),
            ("no mass spectrum",),
        )  # fmt: skip

    def _wait(self, is_cancelled=lambda: False) -> None:
        while not self.hold.wait(0.01):
            if is_cancelled():
                raise CancelledError
        if self.error is not None:
            raise self.error

    def install(self, monkeypatch, folder) -> None:
        """Take the place of the engine's verbs; libraries lie in a folder of the test's own."""
        monkeypatch.setenv("SPECGUI_LIBRARIES", str(folder))
        for name, contents in {
            "engine.tasks.molecule_search": {"search": self.search},
            "engine.library.library_choice": {
                "open_library": lambda name, **_: SimpleNamespace(name=name or "Starter"),
                "shipped_model_name": lambda: "fake shifts 1",
                "STARTER": "starter",
                "build_starter": lambda **_: None,
                "is_starter_part": lambda m: m.name == "starter" and "others" not in m.source,
            },
            "engine.tasks.isomer_ranking": {"rank": self.rank, "read_candidates": read_candidates},
            "engine.tasks.verification": {
                "verify": self.verify,
                "Verification": Verification,
                "VerificationTest": VerificationTest,
            },
        }.items():
            module = types.ModuleType(name)
            module.__dict__.update(contents)
            monkeypatch.setitem(sys.modules, name, module)
