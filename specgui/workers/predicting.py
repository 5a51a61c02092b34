"""Naming the functional groups of a sample off the GUI thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.spectra import Sample
    from engine.tasks.group_identification import GroupIdentification


class NoModelHereError(Exception):
    """The installation has no weights for a verb; its text is the engine's."""


def _leave_cores() -> None:
    """Half the cores for the network: the rest keeps the window fluid beside other programs."""
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))


def identifying(name: str, processed: Callable[[], Sample]) -> Callable[[Ticket], Generator]:
    """The verb: returns a ``GroupIdentification``; raises ``NoModelHereError`` without weights.

    ``processed`` makes the sample, on the worker's thread: its chains may take a while.
    """

    def verb(ticket: Ticket) -> Generator[None, None, GroupIdentification]:
        ticket.report(None, f"Naming the groups of {name}")
        yield
        # Several spectra can be chosen and dropped while torch loads: see it before it starts.
        from engine.tasks import NoModelError, identify_groups

        _leave_cores()
        yield
        try:
            return identify_groups(processed(), is_cancelled=ticket.is_cancelled)
        except CancelledError:
            return None
        except NoModelError as error:
            raise NoModelHereError(str(error)) from error

    return verb
