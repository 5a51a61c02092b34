"""``specgui library``: build, list, show and remove libraries of molecules for searches."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from engine.commands.outcome import (
    BAD_USAGE,
    DONE,
    NO_INPUT,
    NO_MODEL,
    CommandError,
    Outcome,
    table,
)

HELP = "make molecule libraries of SMILES, SDF and CSV files, and list, show or remove them"


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        below = actions.add_parser(name, help=text, description=text)
        below.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON"
        )
        return below

    build = action("build", "make a library, or go on where an earlier build stopped")
    build.add_argument("name", metavar="NAME", help="what the library is called")
    build.add_argument(
        "file", metavar="FILE", nargs="?",
        help="SMILES lines, SDF or CSV, gzipped or not; none: the molecules that ship",
    )  # fmt: skip
    build.add_argument(
        "--workers", type=int, default=2, metavar="N",
        help="processes that predict shifts (default: 2)",
    )  # fmt: skip
    build.add_argument("--limit", type=int, metavar="N", help="only the first N records")
    build.add_argument("--licence", default="", help="the licence of the file, kept with it")
    action("list", "the libraries and their sizes")
    info = action("info", "what is known of a library")
    info.add_argument("name", metavar="NAME")
    remove = action("remove", "remove a library from the disk")
    remove.add_argument("name", metavar="NAME")


def run(options: argparse.Namespace) -> Outcome:
    from engine.library.library_files import LibraryError

    try:
        return _ACTIONS[options.action](options)
    except LibraryError as error:
        raise CommandError(NO_MODEL, str(error)) from error


def _build(options: argparse.Namespace) -> Outcome:
    from engine.library.group_model import NoModelError
    from engine.library.library_build import build_library
    from engine.library.library_files import LibraryError, checked_name
    from engine.library.molecule_source import SourceError

    if not 0 <= options.workers <= 64:
        raise CommandError(BAD_USAGE, f"--workers is {options.workers}; right is 0 to 64")
    if options.limit is not None and options.limit < 1:
        raise CommandError(BAD_USAGE, f"--limit is {options.limit}; right is 1 or more")
    try:
        checked_name(options.name)
    except LibraryError as error:
        raise CommandError(BAD_USAGE, str(error)) from error
    from engine.library.library_choice import STARTER, build_starter

    if options.file is None and options.name != STARTER:
        raise CommandError(
            BAD_USAGE, f"build {options.name} needs a FILE of molecules ({STARTER!r} needs none)"
        )
    try:
        if options.file is None:
            library = build_starter(report=_Progress(), workers=options.workers)
        else:
            library = build_library(
                options.name, Path(options.file), workers=options.workers, limit=options.limit,
                report=_Progress(), licence=options.licence,
            )  # fmt: skip
    except SourceError as error:
        raise CommandError(NO_INPUT, str(error)) from error
    except NoModelError as error:
        raise CommandError(NO_MODEL, str(error)) from error
    document = _entry(library.manifest, library.folder)
    return Outcome(document, _about(document))


class _Progress:
    """Tells on stderr how far a build is, every few seconds."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._told = 0.0

    def __call__(self, progress) -> None:
        now = time.monotonic()
        if progress.stage == "predicting" and now - self._told < 5 and self._told:
            return
        self._told = now
        done = progress.done
        text = f"{progress.molecules:,} records"
        if done:
            left = (now - self._start) * (1 - done) / done
            text += f", {done:.0%}, about {left / 60:.0f} min left"
        print(f"specgui: {progress.stage}: {text}", file=sys.stderr, flush=True)


def _list(options: argparse.Namespace) -> Outcome:
    from engine.library.library_build import unfinished_builds
    from engine.library.library_files import libraries_folder, library_path, list_libraries

    folder = libraries_folder()
    found = [_entry(manifest, library_path(manifest.name)) for manifest in list_libraries()]
    unfinished = unfinished_builds()
    document = {
        "folder": str(folder),
        "libraries": found,
        "unfinished": [{"name": name, "file": file} for name, file in unfinished.items()],
    }
    rows = [
        (e["name"], f"{e['size']:,}", e["model"], "yes" if e["stale"] else "no", e["created"])
        for e in found
    ]
    header = ("NAME", "MOLECULES", "MODEL", "STALE", "CREATED")
    lines = [table(header, rows) if rows else f"There is no library in {folder}."]
    lines += [
        f"Unfinished: {name}; 'specgui library build {name} {file}' goes on"
        for name, file in unfinished.items()
    ]
    return Outcome(document, "\n".join(lines), code=DONE)


def _info(options: argparse.Namespace) -> Outcome:
    from engine.library.library_choice import open_library

    library = open_library(options.name)
    document = _entry(library.manifest, library.folder)
    return Outcome(document, _about(document))


def _remove(options: argparse.Namespace) -> Outcome:
    from engine.library.library_files import remove_library

    remove_library(options.name)
    return Outcome({"removed": options.name}, f"The library {options.name} was removed.")


def _entry(manifest, folder: Path) -> dict:
    from engine.library.library_choice import shipped_model_name

    current = shipped_model_name()
    values = manifest.to_dict()
    size = sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
    del values["format"], values["version"]
    stale = current is not None and current != manifest.model
    return {**values, "stale": stale, "bytes": size, "folder": str(folder)}


def _about(entry: dict) -> str:
    lines = [
        f"{entry['name']}: {entry['size']:,} molecules in {entry['folder']} "
        f"({entry['bytes'] / 1e6:,.0f} MB)",
        f"Made of {entry['source']} on {entry['created'].replace('T', ' ')} with {entry['model']}"
        + (", which is not the model of today: build it again for better searches"
           if entry["stale"] else ""),
        f"Records: {entry['records']:,}; no molecule: {entry['broken']:,}; "
        f"duplicates: {entry['duplicates']:,}",
    ]  # fmt: skip
    lines += [f"  {sentence}" for sentence in entry["first_broken"][:5]]
    if entry["licence"]:
        lines.append(f"Licence: {entry['licence']}")
    return "\n".join(lines)


_ACTIONS = {"build": _build, "list": _list, "info": _info, "remove": _remove}
