"""The chemist's verbs, each a function on a sample that returns a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "Assignment",
    "Counterfactual",
    "GroupIdentification",
    "LibraryError",
    "NoModelError",
    "Ranking",
    "SearchResult",
    "Verification",
    "assign",
    "identify_groups",
    "rank",
    "search",
    "verify",
    "without_region",
]

if TYPE_CHECKING:
    from engine.library.group_model import NoModelError
    from engine.library.library_files import LibraryError
    from engine.tasks.assignment import Assignment, assign
    from engine.tasks.counterfactual import Counterfactual, without_region
    from engine.tasks.group_identification import GroupIdentification
    from engine.tasks.groups import identify_groups
    from engine.tasks.isomer_ranking import Ranking, rank
    from engine.tasks.molecule_search import SearchResult, search
    from engine.tasks.verification import Verification, verify

_HOME = {
    "Assignment": "engine.tasks.assignment",
    "Counterfactual": "engine.tasks.counterfactual",
    "without_region": "engine.tasks.counterfactual",
    "Ranking": "engine.tasks.isomer_ranking",
    "Verification": "engine.tasks.verification",
    "assign": "engine.tasks.assignment",
    "rank": "engine.tasks.isomer_ranking",
    "verify": "engine.tasks.verification",
    "GroupIdentification": "engine.tasks.group_identification",
    "NoModelError": "engine.library.group_model",
    "identify_groups": "engine.tasks.groups",
    "search": "engine.tasks.molecule_search",
    "SearchResult": "engine.tasks.molecule_search",
    "LibraryError": "engine.library.library_files",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a verb's libraries are heavy."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine.tasks' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
