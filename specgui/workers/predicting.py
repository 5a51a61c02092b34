"""Naming the functional groups of a sample off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from specgui.workers.job_board import Ticket

if TYPE_CHECKING:
    from engine.spectra import Sample
    from engine.tasks.group_identification import GroupIdentification


class NoModelHereError(Exception):
    """The installation has no weights for a verb; its text is the engine's."""


def identifying(sample: Sample) -> Callable[[Ticket], Generator]:
    """The verb: returns a ``GroupIdentification``; raises ``NoModelHereError`` without weights."""

    def verb(ticket: Ticket) -> Generator[None, None, GroupIdentification]:
        ticket.report(None, f"Naming the groups of {sample.name}")
        yield
        # Several spectra can be chosen and dropped while torch loads: see it before it starts.
        from engine.tasks import NoModelError, identify_groups

        yield
        try:
            return identify_groups(sample)
        except NoModelError as error:
            raise NoModelHereError(str(error)) from error

    return verb
