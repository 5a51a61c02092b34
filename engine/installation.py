"""Where the project's own files, resources and model weights, lie: in a clone or installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """The path of a file under ``resources/``; raises ``FileNotFoundError`` when it is missing."""
    return _own_file("resources", *parts)


def model(*parts: str) -> Path:
    """The path of a file under ``models/``; raises ``FileNotFoundError`` when it is missing."""
    return _own_file("models", *parts)


def _own_file(*parts: str) -> Path:
    for root in (_PACKAGE.parent, _PACKAGE / "_installed"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"{'/'.join(parts)} is missing from this installation of SpecGUI")
