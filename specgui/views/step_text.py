"""Processing steps in words: the parameters of one in a line, with their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.processing import Step
    from engine.processing.step_kind import Parameter


def number_text(value: float) -> str:
    """A number as short as it is exact to nine digits, with a true minus sign."""
    return f"{value:.9g}".replace("-", "−")


def summary(step: Step) -> str:
    """What a step's parameters say that count, in one line; empty for none."""
    from engine.processing.steps import step_kind

    counting = [p for p in step_kind(step.name).parameters if p.counts(step.parameters)]
    numbers = [p for p in counting if p.type in ("float", "int")]
    said = []
    for parameter in counting:
        alone = parameter.type == "choice" or (len(numbers) == 1 and bool(parameter.unit))
        text = _value(parameter, step.parameters[parameter.name], alone)
        if text:
            said.append(text)
    return ", ".join(said)


def _value(parameter: Parameter, value: Any, alone: bool) -> str:
    title = parameter.title[:1].lower() + parameter.title[1:]
    if parameter.type == "bool":
        return title if value else ""
    if value is None:
        return ""
    text = number_text(value) if isinstance(value, (int, float)) else str(value)
    if parameter.unit:
        blank = "" if parameter.unit == "°" else " "
        text = f"{text}{blank}{parameter.unit}"
    elif isinstance(value, (int, float)):
        alone = False
    return text if alone else f"{title} {text}"
