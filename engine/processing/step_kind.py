"""What a kind of processing step declares: its parameters with ranges, and what it suits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.spectra import Spectrum

PARAMETER_TYPES = ("float", "int", "bool", "choice")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a step, as an editor needs it.

    ``type`` is one of ``PARAMETER_TYPES``; ``minimum`` and ``maximum`` hold for numbers,
    ``choices`` for a choice; ``optional`` allows None, which means what ``none_means`` says.
    ``increment`` is by how much an editor's arrows change a number (None: the editor chooses).
    ``only_if`` names another parameter and the values of it for which this one counts.
    """

    name: str
    title: str
    type: str
    default: Any
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()
    optional: bool = False
    none_means: str = "found by the step"
    increment: float | None = None
    only_if: tuple[str, tuple[Any, ...]] | None = None

    def check(self, value: Any) -> Any:
        """``value`` in this parameter's type; raises ``ValueError`` with what is right."""
        if value is None and self.optional:
            return None
        if self.type == "bool":
            if isinstance(value, bool):
                return value
            raise self._wrong(value, "true or false")
        if self.type == "choice":
            if value in self.choices and not isinstance(value, bool):
                return value
            raise self._wrong(value, ", ".join(map(str, self.choices)))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(value, "a number")
        if not math.isfinite(value):
            raise self._wrong(value, "a finite number")
        if self.type == "int" and value != int(value):
            raise self._wrong(value, "a whole number")
        if self.minimum is not None and value < self.minimum:
            raise self._wrong(value, f"at least {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise self._wrong(value, f"at most {self.maximum:g}")
        return int(value) if self.type == "int" else float(value)

    def counts(self, parameters: Mapping[str, Any]) -> bool:
        """Whether this parameter matters beside these values of the others."""
        return self.only_if is None or parameters.get(self.only_if[0]) in self.only_if[1]

    def _wrong(self, value: Any, right: str) -> ValueError:
        return ValueError(f"{self.title.lower()} is {value!r}; right is {right}")


@dataclass(frozen=True)
class StepKind:
    """A step that a chain may hold: ``function(spectrum, **parameters) -> Spectrum``.

    ``suits`` says whether the step can be applied to a spectrum as it is; ``prepared_by`` names
    the step that makes one suitable that is not. ``group`` and ``tip`` are for menus.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    function: Callable[..., Spectrum]
    suits: Callable[[Spectrum], bool]
    group: str = ""
    tip: str = ""
    prepared_by: str = ""

    @property
    def defaults(self) -> dict[str, Any]:
        return {parameter.name: parameter.default for parameter in self.parameters}

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters: those given, checked, and the defaults of the others."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                right = ", ".join(known) or "none"
                raise ValueError(f"{self.title}: unknown parameter {name!r}; right is {right}")
        try:
            return {n: p.check(given[n]) if n in given else p.default for n, p in known.items()}
        except ValueError as error:
            raise ValueError(f"{self.title}: {error}") from error
