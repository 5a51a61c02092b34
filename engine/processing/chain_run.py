"""A chain applied step by step, with what each step gave, said or failed by: for its editor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.processing.chain import Chain, Step
from engine.processing.steps import STEP_KINDS, StepKind, step_kind
from engine.spectra import Spectrum

# Points; of longer spectra only the stages that are asked for are kept in memory.
_LONG = 1 << 20


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one step: the spectrum after it, its warnings, or why it failed.

    ``spectrum`` is None where the step failed or was not reached, and where it is too long to be
    kept; ``reached`` says which. ``suiting`` are the names of the steps that could follow.
    """

    spectrum: Spectrum | None = None
    notes: tuple[str, ...] = ()
    error: str = ""
    suiting: frozenset[str] = frozenset()

    @property
    def reached(self) -> bool:
        """Whether the step gave a spectrum."""
        return not self.error and bool(self.suiting or self.spectrum is not None)


@dataclass(frozen=True, eq=False)
class ChainRun:
    """The outcomes of a chain's steps; ``result`` is the last spectrum that was reached.

    ``suiting_first`` are the names of the steps that suit the spectrum as it is; ``prepared``
    are those that would suit after another one (their ``prepared_by``), with the place in the
    chain where that one can stand.
    """

    source: Spectrum
    chain: Chain
    outcomes: tuple[Outcome, ...]
    result: Spectrum
    suiting_first: frozenset[str] = frozenset()
    prepared: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int | None:
        """The number, from 0, of the step that failed, or None."""
        return next((n for n, o in enumerate(self.outcomes) if o.error), None)

    def before(self, number: int) -> Spectrum | None:
        """The spectrum that a step (counted from 0) gets; None when it is not known."""
        return self.source if number == 0 else self.outcomes[number - 1].spectrum

    def suiting(self, place: int) -> frozenset[str]:
        """The names of the steps that can stand at a place: before the step of that number."""
        return self.suiting_first if place == 0 else self.outcomes[place - 1].suiting

    def place_for(self, name: str, wanted: int) -> int | None:
        """Where a step can be put: at ``wanted`` if it suits, else the last place; None if none."""
        places = [p for p in range(len(self.outcomes) + 1) if name in self.suiting(p)]
        if wanted in places:
            return wanted
        return places[-1] if places else None


def run_chain(
    chain: Chain,
    spectrum: Spectrum,
    earlier: ChainRun | None = None,
    keep: int | None = None,
    with_offers: bool = True,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ChainRun | None:
    """Apply a chain to a spectrum, one step after the other; None when cancelled between two.

    The first steps are taken from an ``earlier`` run of the same spectrum where they are the
    same. A step that fails leaves the spectrum before it as the result. Of long spectra only the
    one that step ``keep`` gets is kept. ``with_offers`` False leaves ``prepared`` empty.
    """
    outcomes: list[Outcome] = []
    now = spectrum
    if earlier is not None and earlier.source is spectrum:
        for before, step, outcome in zip(
            earlier.chain.steps, chain.steps, earlier.outcomes, strict=False
        ):
            if before != step or outcome.spectrum is None:
                break
            outcomes.append(outcome)
            now = outcome.spectrum
    failed = False
    for number, step in enumerate(chain.steps[len(outcomes) :], len(outcomes)):
        if is_cancelled():
            return None
        if failed:
            outcomes.append(Outcome())
            continue
        outcome = _outcome(step, now)
        failed = bool(outcome.error)
        if outcome.spectrum is not None:
            now = outcome.spectrum
            if len(now) > _LONG and keep != number + 1:
                outcome = Outcome(None, outcome.notes, suiting=outcome.suiting)
        outcomes.append(outcome)
    prepared = {} if failed or not with_offers else _prepared(spectrum, outcomes)
    return ChainRun(spectrum, chain, tuple(outcomes), now, _suiting(spectrum), prepared)


def _outcome(step: Step, spectrum: Spectrum) -> Outcome:
    if not step.enabled:
        return Outcome(spectrum, suiting=_suiting(spectrum))
    try:
        after = step(spectrum)
    except ValueError as error:
        return Outcome(error=_sentence(error))
    except MemoryError:
        return Outcome(error="There is not enough memory for so many points.")
    except Exception as error:  # a fault of a step must not take the window along
        return Outcome(error=f"It failed ({type(error).__name__}): {error}")
    known = set(spectrum.warnings)
    notes = tuple(sentence for sentence in after.warnings if sentence not in known)
    return Outcome(after, notes, suiting=_suiting(after))


def _sentence(error: ValueError) -> str:
    text = " ".join(str(error).split())
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else "It does not suit."


def _suiting(spectrum: Spectrum) -> frozenset[str]:
    return frozenset(name for name, kind in STEP_KINDS.items() if kind.suits(spectrum))


def _prepared(source: Spectrum, outcomes: list[Outcome]) -> dict[str, int]:
    """The steps that suit nowhere, but would after the one that prepares for them."""
    stages = [(source, _suiting(source)), *((o.spectrum, o.suiting) for o in outcomes)]
    anywhere = frozenset().union(*(suiting for _, suiting in stages))
    found: dict[str, int] = {}
    after: dict[str, tuple[int, frozenset[str]] | None] = {}
    for name, kind in STEP_KINDS.items():
        if not kind.prepared_by or name in anywhere:
            continue
        if kind.prepared_by not in after:
            after[kind.prepared_by] = _after(step_kind(kind.prepared_by), stages)
        prepared = after[kind.prepared_by]
        if prepared is not None and name in prepared[1]:
            found[name] = prepared[0]
    return found


def _after(
    kind: StepKind, stages: list[tuple[Spectrum | None, frozenset[str]]]
) -> tuple[int, frozenset[str]] | None:
    """The last place where a step suits, and which steps suit after it."""
    for place in range(len(stages) - 1, -1, -1):
        spectrum, suiting = stages[place]
        if kind.name in suiting and spectrum is not None:
            outcome = _outcome(Step(kind.name), spectrum)
            return None if outcome.error else (place, outcome.suiting)
    return None
