"""Unpacks zip archives that anybody may have made, and walks folders, both within limits."""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from engine.formats.errors import FormatError

MOST_UNPACKED = 1 << 30
"""Bytes that an archive may unpack to."""

MOST_RATIO = 200
"""How many times its own size an archive may unpack to, beyond the first ``FREE_OF_RATIO``."""

FREE_OF_RATIO = 32 << 20
MOST_MEMBERS = 20_000
MOST_ENTRIES = 20_000
MOST_DEPTH = 12
_MOST_DIRECTORY = 8 << 20
_CHUNK = 1 << 20


def is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack a zip's files into ``folder``; returns a sentence for each member left out.

    A member that would land outside the folder, a link, an encrypted or a damaged member is left
    out. Raises ``FormatError`` for what is no zip archive and for one that swells beyond
    ``MOST_UNPACKED`` bytes or ``MOST_RATIO`` times its size.
    """
    problems: list[str] = []
    size = archive.stat().st_size
    allowed = min(MOST_UNPACKED, max(FREE_OF_RATIO, MOST_RATIO * size))
    _check_directory(archive, size)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if m.filename and not m.is_dir()]
            _refuse_office_document(archive, {member.filename for member in members})
            if len(members) > MOST_MEMBERS:
                raise FormatError(
                    archive, f"at most {MOST_MEMBERS} files in an archive", str(len(members))
                )
            if sum(member.file_size for member in members) > allowed:
                raise _bomb(archive, allowed)
            left = allowed
            for member in members:
                target, problem = _target(member, folder)
                if target is None:
                    problems += [problem] if problem else []
                    continue
                try:
                    left -= _extract(opened, member, target, left)
                except _TooLargeError:
                    raise _bomb(archive, allowed) from None
                except Exception as error:  # four decompressors, each with errors of its own
                    if isinstance(error, OSError) and error.errno is not None:
                        raise  # the disk's, not the archive's
                    target.unlink(missing_ok=True)
                    problems.append(f"{_shown(member)}: {str(error)[:120] or 'it is damaged'}")
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(
            archive, "an archive that can be unpacked", error.strerror or str(error)
        ) from error
    except Exception as error:  # zipfile trusts much of what it reads
        raise FormatError(archive, "a zip archive", f"a damaged one ({error})") from error
    return problems


def unpack_member(archive: Path, name: str, folder: Path) -> Path:
    """Unpack one file of a zip below ``folder``, within the limits of ``unpack``; gives its path.

    Raises ``FormatError`` for an archive without such a file and for one that cannot be unpacked.
    """
    size = archive.stat().st_size
    allowed = min(MOST_UNPACKED, max(FREE_OF_RATIO, MOST_RATIO * size))
    _check_directory(archive, size)
    try:
        with zipfile.ZipFile(archive) as opened:
            named = (m for m in opened.infolist() if m.filename.replace("\\", "/") == name)
            member = next(named, None)
            target, problem = (None, "") if member is None else _target(member, folder)
            if target is None:
                raise FormatError(archive, f"the file {name} in it", problem or "none of this name")
            _extract(opened, member, target, allowed)
            return target
    except _TooLargeError:
        raise _bomb(archive, allowed) from None
    except (FormatError, OSError):
        raise
    except Exception as error:  # zipfile trusts much of what it reads
        found = f"a damaged one ({str(error)[:120]})"
        raise FormatError(archive, f"a zip archive with {name}", found) from error


def _shown(member: zipfile.ZipInfo) -> str:
    name = member.filename
    return name if len(name) <= 80 else f"{name[:79]}…"


class _TooLargeError(Exception):
    pass


def _bomb(archive: Path, allowed: int) -> FormatError:
    return FormatError(
        archive,
        f"an archive that unpacks to at most {max(1, allowed >> 20)} MB",
        "one that swells beyond that",
    )


def _check_directory(archive: Path, size: int) -> None:
    """Refuse an archive whose list of members alone would fill the memory."""
    with open(archive, "rb") as file:
        file.seek(max(0, size - 66_000))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise FormatError(archive, "a zip archive", "one that is cut: its list of files is missing")
    length = struct.unpack_from("<I", tail, at + 12)[0]
    wide = tail.rfind(b"PK\x06\x06", 0, at)
    if length == 0xFFFFFFFF and wide >= 0 and len(tail) >= wide + 48:
        length = struct.unpack_from("<Q", tail, wide + 40)[0]
    if length > min(size, _MOST_DIRECTORY):
        raise FormatError(
            archive, f"at most {MOST_MEMBERS} files in an archive", "a list of far more"
        )


def _refuse_office_document(archive: Path, names: set[str]) -> None:
    if "[Content_Types].xml" in names:
        raise FormatError(
            archive, "a spectrum", "an Office document: save its table as CSV and open that"
        )


def _target(member: zipfile.ZipInfo, folder: Path) -> tuple[Path | None, str]:
    """Where a member goes, or None and why not (no reason for what is never a spectrum)."""
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        return None, f"{name[:80]!r} was left out: it points outside the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return None, f"{name[:80]!r} was left out: it is a link"
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return None, ""
    if len(parts) > MOST_DEPTH + 1 or any(len(part.encode()) > 200 for part in parts):
        return None, f"{name[:60]!r} was left out: its path is too long"
    return folder.joinpath(*parts), ""


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> int:
    # A member that is both a file and a folder of others cannot be written: it counts as damaged.
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = open(target, "xb")  # noqa: SIM115 - closed below
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise zipfile.BadZipFile("its name occurs twice") from error
    written = 0
    with file, archive.open(member) as packed:
        while chunk := packed.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise _TooLargeError
            file.write(chunk)
    return written


def natural_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts ``2`` before ``10``, as experiments are numbered."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple(
        (False, int(part[:18]), part) if part.isdecimal() else (True, 0, part.lower())
        for part in parts
    )


def entries(folder: Path) -> Iterator[Path]:
    """What lies in a folder, in natural order, without hidden entries and links to folders.

    Raises ``OSError`` for a folder that cannot be listed.
    """
    with os.scandir(folder) as found:
        listed = [
            entry.name
            for entry, _ in zip(found, range(MOST_ENTRIES), strict=False)
            if not entry.name.startswith(".")
            and entry.name != "__MACOSX"
            and not (entry.is_symlink() and entry.is_dir())
        ]
    for name in sorted(listed, key=natural_order):
        yield folder / name
