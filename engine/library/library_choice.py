"""Which molecule library a search takes, and whether the model of today made it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from engine.chemistry.predicted_shifts import ShiftPredictor
from engine.library.library_build import BuildProgress, build_library
from engine.library.library_files import (
    MANIFEST,
    LibraryError,
    Manifest,
    libraries_folder,
    library_path,
    list_libraries,
)
from engine.library.molecule_library import MoleculeLibrary
from engine.library.starter_library import ENUMERATED_FILE, FOLDER, NAMED_FILE, SERIES_FILE

STARTER = "starter"
"""The library that is made on first use of the molecules that ship."""


def open_library(
    library: MoleculeLibrary | Path | str | None = None,
    folder: Path | None = None,
    report: Callable[[BuildProgress], None] = lambda progress: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> MoleculeLibrary:
    """An open library as it is, that of a name or of a folder; None: the newest of the user's.

    Where the user has none, the starter library of the molecules that ship is made first, of those
    with names alone, which takes some seconds; :func:`build_starter` makes the whole of it.
    Raises :class:`LibraryError` when there is no such library, ``NoModelError`` when one has to be
    made and no weights are installed, and :class:`concurrent.futures.CancelledError` soon after
    ``is_cancelled`` says so.
    """
    if isinstance(library, MoleculeLibrary):
        return library
    if library:
        return _opened(_folder_of(library, folder))
    known = list_libraries(folder)
    own = [manifest for manifest in known if manifest.name != STARTER] or known
    if own:
        return MoleculeLibrary.named(max(own, key=lambda m: m.created).name, folder)
    return build_starter(folder, report, is_cancelled, named_only=True)


def build_starter(
    folder: Path | None = None,
    report: Callable[[BuildProgress], None] = lambda progress: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    named_only: bool = False,
    workers: int = 0,
    predictor: ShiftPredictor | None = None,
) -> MoleculeLibrary:
    """The library ``starter`` of the molecules that ship: those with names, then enumerated ones.

    While the whole is made, which takes minutes, one of those with names is there to be searched.
    Raises :class:`LibraryError` when no molecules are installed, and as :func:`build_library` does.
    """
    sources = starter_sources()
    if not sources:
        raise LibraryError(
            "there is no molecule library yet: make one of a SMILES, SDF or CSV file with "
            "'specgui library build NAME FILE'"
        )

    named = [path for path in sources if path.name != ENUMERATED_FILE]
    unnamed = [path for path in sources if path.name == ENUMERATED_FILE]

    def build(of: list[Path], workers: int) -> MoleculeLibrary:
        return build_library(
            STARTER, of, predictor, folder, workers, unnamed=unnamed, report=report,
            is_cancelled=is_cancelled,
        )  # fmt: skip

    if named_only or not (library_path(STARTER, folder) / MANIFEST).is_file():
        library = build(named, 0)
        if named_only or not unnamed:
            return library
    return build(sources, workers)


def is_starter_part(manifest: Manifest) -> bool:
    """Whether a library is the starter library, of the molecules with names alone."""
    if manifest.name != STARTER or ENUMERATED_FILE in manifest.source:
        return False
    return any(path.name == ENUMERATED_FILE for path in starter_sources())


def _folder_of(library: Path | str, folder: Path | None) -> Path:
    text = str(library)
    if (Path(text) / MANIFEST).is_file():
        return Path(text)
    if "/" in text or "\\" in text:
        raise LibraryError(f"there is no molecule library in {text}")
    path = library_path(text, folder)
    if not (path / MANIFEST).is_file():
        names = ", ".join(repr(m.name) for m in list_libraries(folder)) or "none yet"
        raise LibraryError(
            f"there is no molecule library {text!r} in {folder or libraries_folder()}; "
            f"there: {names}"
        )
    return path


@lru_cache(maxsize=4)
def _cached(path: Path, modified: float) -> MoleculeLibrary:
    return MoleculeLibrary.open(path)


def _opened(path: Path) -> MoleculeLibrary:
    """One that is open already is taken again, unless it was made anew."""
    try:
        modified = (path / MANIFEST).stat().st_mtime
        library = _cached(path, modified)
        if library.is_closed:
            _cached.cache_clear()
            library = _cached(path, modified)
        return library
    except OSError:
        raise LibraryError(f"there is no molecule library in {path}") from None


def starter_sources() -> list[Path]:
    """The files of the molecules that ship, those with names first; empty without any."""
    from engine.installation import resource

    found = []
    for name in (NAMED_FILE, SERIES_FILE, ENUMERATED_FILE):
        try:
            found.append(resource(FOLDER, name))
        except FileNotFoundError:
            continue
    return found


def shipped_model_name() -> str | None:
    """Name and version of the shift model that ships, without loading it; None without one."""
    from engine.installation import model
    from engine.library.shift_model import DEFAULT_MODEL

    try:
        content = json.loads(model(f"{DEFAULT_MODEL}.json").read_text(encoding="utf-8"))
        return f"{content['name']} {content['version']}"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def library_notes(library: MoleculeLibrary) -> tuple[str, ...]:
    """Sentences on what makes a search in a library less good than it could be.

    That another model than the one that ships predicted it, and that it is but a part of the
    starter library.
    """
    notes = []
    current = shipped_model_name()
    if library.is_stale(current):
        notes.append(
            f"The library {library.name} was made with {library.manifest.model}, the program now "
            f"has {current}: it can be used, and building it again makes searches better."
        )
    if is_starter_part(library.manifest):
        notes.append(
            "Only the compounds with names of the starter library were looked through; "
            f"'specgui library build {STARTER}' adds the others."
        )
    return tuple(notes)
