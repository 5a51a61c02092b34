"""Where molecule libraries lie, what each says of itself, and their names."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from weakref import WeakSet

FORMAT, VERSION = "specgui molecule library", 1
MANIFEST = "library.json"
ENVIRONMENT = "SPECGUI_LIBRARIES"
_TRIES, _PAUSE_S = 20, 0.1
_NAME = re.compile(r"^[^\W_](?:[\w .+-]{0,78}\w)?$")


class _Mapped(Protocol):
    """A library whose files are mapped into memory."""

    folder: Path

    def close(self) -> None: ...


_mapped: WeakSet = WeakSet()
_mapped_lock = Lock()


class LibraryError(ValueError):
    """A molecule library is not there, damaged, or cannot be written; the sentence says which."""


@dataclass(frozen=True)
class Manifest:
    """What a library says of itself in ``library.json``.

    ``model`` predicted its shifts; ``records`` were read from ``source``, of which ``broken`` were
    no molecules (``first_broken`` tells of some) and ``duplicates`` repeated a key.
    """

    name: str
    size: int
    model: str
    source: str = ""
    licence: str = ""
    created: str = ""
    records: int = 0
    broken: int = 0
    duplicates: int = 0
    first_broken: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises :class:`LibraryError` when the folder holds no library that can be used."""
        path = folder / MANIFEST
        try:
            if path.stat().st_size > 1 << 20:
                raise LibraryError(f"{path} is no list of what a library holds: too long")
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            raise LibraryError(f"there is no molecule library in {folder}") from None
        except ValueError as error:
            raise LibraryError(f"{path} is damaged: {error}") from None
        if not isinstance(content, Mapping) or content.get("format") != FORMAT:
            raise LibraryError(f"{path} belongs to something else than a molecule library")
        if content.get("version") != VERSION:
            raise LibraryError(
                f"{folder.name} was made by another version of the program (library version "
                f"{content.get('version')!r}; right is {VERSION}): build it again"
            )
        try:
            names = cls.__dataclass_fields__
            values = {name: content[name] for name in names if name in content}
            values["first_broken"] = tuple(map(str, values.get("first_broken", ())))
            manifest = cls(**values)
            whole = [manifest.size, manifest.records, manifest.broken, manifest.duplicates]
            if not all(isinstance(n, int) and n >= 0 for n in whole):
                raise ValueError(f"counts {whole}")
        except (TypeError, ValueError, KeyError) as error:
            raise LibraryError(f"{path} is damaged: {error}") from None
        return manifest


def libraries_folder() -> Path:
    """Where the user's libraries lie: ``SPECGUI_LIBRARIES`` when it is set, else user data."""
    said = os.environ.get(ENVIRONMENT)
    if said:
        return Path(said)
    import platformdirs

    return Path(platformdirs.user_data_dir("specgui", appauthor=False)) / "libraries"


def checked_name(name: str) -> str:
    """A library's name without blanks around it; raises :class:`LibraryError` for none."""
    name = str(name).strip()
    if not _NAME.match(name):
        raise LibraryError(
            f"{name[:90]!r} is no name for a library; right is 1 to 80 letters, digits, blanks, "
            "dots and hyphens, a letter or digit first and last"
        )
    return name


def library_path(name: str, folder: Path | None = None) -> Path:
    """The folder of a library by its name."""
    return (folder or libraries_folder()) / name


def list_libraries(folder: Path | None = None) -> list[Manifest]:
    """The finished libraries by name; folders that hold none are passed over."""
    found = []
    folder = folder or libraries_folder()
    if not folder.is_dir():
        return []
    for path in sorted(folder.iterdir(), key=lambda p: p.name.lower()):
        if path.name.startswith(".") or not (path / MANIFEST).is_file():
            continue
        try:
            found.append(Manifest.read(path))
        except LibraryError:
            continue
    return found


def note_mapped(library: _Mapped) -> None:
    """Note a library whose files are mapped, until nobody holds it any more."""
    with _mapped_lock:
        _mapped.add(library)


def move_folder(folder: Path, target: Path) -> None:
    """Rename a library's folder, also where files that are mapped into memory stop that.

    Windows renames no folder of which a file is mapped. What this program has mapped of it is
    closed then (a search that runs in it ends with an error), and the folder tried again for some
    seconds. Raises :class:`LibraryError` when another program holds it, ``OSError`` for others.
    """
    for attempt in range(_TRIES):
        try:
            folder.replace(target)
            return
        except PermissionError as error:
            if attempt == _TRIES - 1:
                raise LibraryError(
                    f"{folder.name!r} cannot be replaced, because a program uses it "
                    f"({error.strerror or error}): close other windows of this program and "
                    "searches, then try again"
                ) from None
        with _mapped_lock:
            held = [one for one in _mapped if one.folder.absolute() == folder.absolute()]
        for one in held:
            one.close()
        del held
        if attempt:
            time.sleep(_PAUSE_S)


def remove_library(name: str, folder: Path | None = None) -> None:
    """Remove a library, and what a stopped build of it left.

    Raises :class:`LibraryError` when there is none of that name, or it cannot be removed.
    """
    path = library_path(checked_name(name), folder)
    pending = path.with_name(f".{path.name}.building")
    if not (path / MANIFEST).is_file() and not pending.is_dir():
        raise LibraryError(f"there is no library {name!r} in {path.parent}")
    try:
        if path.is_dir():
            # Out of the list at once, however long the removing takes.
            gone = path.with_name(f".{path.name}.{secrets.token_hex(4)}.removed")
            move_folder(path, gone)
            shutil.rmtree(gone)
        shutil.rmtree(pending, ignore_errors=True)
    except OSError as error:
        raise LibraryError(f"{name!r} cannot be removed: {error.strerror or error}") from None


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """A JSON file that is there whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(content, indent=2), encoding="utf-8")
    part.replace(path)
