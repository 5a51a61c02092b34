"""Naming the functional groups of a sample off the GUI thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.library.group_model import GroupModel
    from engine.spectra import Sample
    from engine.tasks.counterfactual import Counterfactual
    from engine.tasks.group_identification import GroupIdentification


class NoModelHereError(Exception):
    """The installation has no weights for a verb; its text is the engine's."""


def _leave_cores() -> None:
    """Half the cores for the network: the rest keeps the window fluid beside other programs."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))


def _model(choice: str) -> dict[str, GroupModel]:
    """The chosen model as the verbs take it; nothing for the open one, which is their default."""
    from engine.library.model_choice import OPEN, chosen_group_model

    return {} if choice == OPEN else {"model": chosen_group_model(choice)}


def identifying(
    name: str, processed: Callable[[], Sample], choice: str = "open"
) -> Callable[[Ticket], Generator]:
    """The verb: returns a ``GroupIdentification``; raises ``NoModelHereError`` without weights.

    ``processed`` makes the sample, on the worker's thread: its chains may take a while. ``choice``
    names the weights.
    """

    def verb(ticket: Ticket) -> Generator[None, None, GroupIdentification]:
        ticket.report(None, f"Naming the groups of {name}")
        yield
        # Several spectra can be chosen and dropped while torch loads: see it before it starts.
        from engine.tasks import NoModelError, identify_groups

        _leave_cores()
        yield
        try:
            return identify_groups(processed(), is_cancelled=ticket.is_cancelled, **_model(choice))
        except CancelledError:
            return None
        except NoModelError as error:
            raise NoModelHereError(str(error)) from error

    return verb


def leaving_out(
    name: str,
    processed: Callable[[], Sample],
    spectrum: int,
    low: float,
    high: float,
    choice: str = "open",
) -> Callable[[Ticket], Generator]:
    """The verb: the groups without ``low`` to ``high`` (axis unit) of one spectrum of the sample.

    Returns a ``Counterfactual``; raises ``NoModelHereError`` without weights.
    """

    def verb(ticket: Ticket) -> Generator[None, None, Counterfactual]:
        ticket.report(None, f"Leaving a band out of {name}")
        yield
        from engine.tasks import NoModelError, without_region

        _leave_cores()
        yield
        try:
            return without_region(processed(), spectrum, low, high, **_model(choice))
        except NoModelError as error:
            raise NoModelHereError(str(error)) from error

    return verb
