"""The chemist's verbs, each a function on a sample that returns a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["GroupIdentification", "NoModelError", "identify_groups"]

if TYPE_CHECKING:
    from engine.library.group_model import NoModelError
    from engine.tasks.group_identification import GroupIdentification
    from engine.tasks.groups import identify_groups

_HOME = {
    "GroupIdentification": "engine.tasks.group_identification",
    "NoModelError": "engine.library.group_model",
    "identify_groups": "engine.tasks.groups",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a verb's libraries are heavy."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine.tasks' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
