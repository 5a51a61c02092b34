"""Which weights name the groups: the open ones, or with them those on noncommercial data."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache

from engine.library.group_model import (
    DEFAULT_MODEL,
    Calibration,
    GroupModel,
    ModelCard,
    NoModelError,
    default_group_model,
)

EI_MODEL = "groups-ei"
OPEN, NONCOMMERCIAL = "open", "noncommercial"


@dataclass(frozen=True)
class ModelChoice:
    """One choice as it is offered: ``weights`` are the files that it takes."""

    name: str
    title: str
    weights: tuple[str, ...]
    reads: str


CHOICES = (
    ModelChoice(OPEN, "Open", (DEFAULT_MODEL,), "IR, 1H and 13C NMR and MS/MS"),
    ModelChoice(
        NONCOMMERCIAL,
        "Noncommercial",
        (DEFAULT_MODEL, EI_MODEL),
        "IR, 1H and 13C NMR, MS/MS, and mass spectra of electron ionisation",
    ),
)
CHOICE_NAMES = tuple(choice.name for choice in CHOICES)


def model_choice(name: str) -> ModelChoice:
    """The choice of a name; raises ``ValueError`` for another."""
    for choice in CHOICES:
        if choice.name == name:
            return choice
    raise ValueError(f"no model {name!r}; right is {' or '.join(CHOICE_NAMES)}")


@cache
def chosen_group_model(name: str = OPEN) -> GroupModel:
    """The model of a choice; raises :class:`NoModelError` when its weights are not installed.

    The noncommercial one is the open one with the network for electron ionisation beside it; what
    that counts for, and how sets with it are calibrated, is in its own file.
    """
    choice = model_choice(name)
    model = default_group_model()
    if choice.name == OPEN:
        return model
    branch = default_group_model(EI_MODEL)
    joined = model.joined_calibration or model.calibration
    calibration = Calibration(
        joined.other,
        {**joined.by_channels, **branch.calibration.by_channels},
        {**joined.containing, **branch.calibration.containing},
    )
    card = ModelCard(
        f"{model.card.name} with {branch.card.name}", model.card.version, branch.card.licence
    )
    sources = (*model.sources, *branch.sources)
    return replace(model, joined_calibration=calibration, card=card, sources=sources)


@cache
def licence_of(name: str) -> str:
    """The licence that a choice is on, without loading its weights.

    Raises :class:`NoModelError` when they are not installed.
    """
    from engine.installation import model

    try:
        path = model(f"{model_choice(name).weights[-1]}.json")
        return str(json.loads(path.read_text(encoding="utf-8"))["licence"])
    except (OSError, KeyError, ValueError) as error:
        raise NoModelError(f"no model for the choice {name!r}: {error}") from error
