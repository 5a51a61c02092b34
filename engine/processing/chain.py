"""Processing as an ordered list of steps that can be edited, saved and applied again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.processing.fid import cut_off, group_delay
from engine.processing.peaks import inverted_lines_expected
from engine.processing.steps import step_kind
from engine.spectra import Spectrum

# Line broadening (Hz) that suits the natural line width of the nucleus.
# Over a wide window the first points of the FID, where the pulse still rings, make the base line
# roll; lines of 13C are too narrow to be taken for it.
_SMOOTHNESS = {"13C": 5.0}
_LINE_BROADENING_HZ = {"1H": 0.3, "13C": 1.0}


@dataclass(frozen=True)
class Step:
    """One step by its name in ``engine.processing.steps.STEP_KINDS``, and all its parameters.

    Parameters that are not given get their defaults; a step that is not ``enabled`` keeps its
    place and does nothing. Raises ``ValueError`` for an unknown step, an unknown parameter or a
    value out of range, with what would be right.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.parameters, Mapping):
            raise ValueError(f"parameters are {self.parameters!r}; right is names with values")
        if not isinstance(self.enabled, bool):
            raise ValueError(f"enabled is {self.enabled!r}; right is true or false")
        complete = step_kind(self.name).complete(self.parameters)
        object.__setattr__(self, "parameters", MappingProxyType(complete))

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.parameters.items()), self.enabled))

    def __reduce__(self):
        return type(self), (self.name, dict(self.parameters), self.enabled)

    @property
    def title(self) -> str:
        return step_kind(self.name).title

    def __call__(self, spectrum: Spectrum) -> Spectrum:
        """The spectrum after this step; raises ``ValueError`` when it does not suit."""
        return step_kind(self.name).function(spectrum, **self.parameters)

    def to_dict(self) -> dict[str, Any]:
        form = {"name": self.name, "parameters": dict(self.parameters)}
        return form if self.enabled else {**form, "enabled": False}


@dataclass(frozen=True)
class Chain:
    """Steps in the order in which they are applied."""

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        steps = tuple(self.steps)
        for step in steps:
            if not isinstance(step, Step):
                raise ValueError(f"{step!r} is no processing step")
        object.__setattr__(self, "steps", steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def enabled_steps(self) -> tuple[Step, ...]:
        """The steps that are not switched off."""
        return tuple(step for step in self.steps if step.enabled)

    def to_dict(self) -> dict[str, Any]:
        """A form that JSON can hold."""
        return {"steps": [step.to_dict() for step in self.steps]}

    @classmethod
    def from_dict(cls, form: Any) -> Chain:
        """The chain of :meth:`to_dict`; raises ``ValueError`` for anything else."""
        if not isinstance(form, Mapping) or not isinstance(form.get("steps"), (list, tuple)):
            raise ValueError(f"a chain is {{'steps': [...]}}, got {str(form)[:80]!r}")
        steps = []
        for entry in form["steps"]:
            if not isinstance(entry, Mapping) or "name" not in entry:
                raise ValueError(
                    f"a step is {{'name': ..., 'parameters': {{...}}}}, got {str(entry)[:80]!r}"
                )
            enabled = entry.get("enabled", True)
            steps.append(Step(entry["name"], entry.get("parameters") or {}, enabled))
        return cls(tuple(steps))


def apply(chain: Chain, spectrum: Spectrum) -> Spectrum:
    """The spectrum after all steps that are enabled; the one given is never changed.

    Raises ``ValueError`` with the number and title of the step that does not suit what it gets.
    """
    for number, step in enumerate(chain.steps, 1):
        if not step.enabled:
            continue
        try:
            spectrum = step(spectrum)
        except ValueError as error:
            raise ValueError(f"step {number} ({step.title}): {error}") from error
    return spectrum


def default_chain(spectrum: Spectrum) -> Chain:
    """What turns a FID into a spectrum to look at; an empty chain for anything else.

    A FID that is still loud at its end gets a cosine window too, against the ripples that the
    cut would leave at the foot of every line. The axis is referenced to the solvent only where
    the file does not say which shift the carrier has: else the window shows the same shifts as
    the spectrometer's own software, until the chemist adds that step.
    """
    if spectrum.kind != "fid":
        return Chain()
    nucleus = spectrum.technique.nucleus
    signs = "mixed" if inverted_lines_expected(spectrum) else "positive"
    steps = [
        Step("exponential", {"line_broadening_hz": _LINE_BROADENING_HZ.get(nucleus or "", 1.0)}),
    ]
    if cut_off(spectrum):
        steps.append(Step("sine_bell", {"shift_deg": 90.0, "power": 1}))
    steps.append(Step("zero_fill", {"factor": 2}))
    if group_delay(spectrum) > 0:
        steps.append(Step("remove_group_delay"))
    level: dict[str, Any] = {"method": "signal-free" if signs == "mixed" else "aspls"}
    if nucleus in _SMOOTHNESS:
        level["smoothness"] = _SMOOTHNESS[nucleus]
    steps += [
        Step("fourier_transform"),
        Step("automatic_phase", {"signs": signs}),
        Step("baseline", level),
    ]
    if spectrum.metadata.get("carrier_ppm") is None:
        steps.append(Step("reference", {"target": "solvent anywhere"}))
    return Chain(tuple(steps))
