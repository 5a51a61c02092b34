"""Chains of processing steps kept under a name, for every project: one JSON file of the user."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.spectra import Technique

if TYPE_CHECKING:
    from engine.processing import Chain

_VERSION = 1
_LONGEST_NAME = 80
_MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class Preset:
    """A chain under a name, for spectra of one technique; ``for_fid`` says of which kind."""

    name: str
    technique: Technique
    for_fid: bool
    chain: Chain

    def to_dict(self) -> dict[str, Any]:
        """A form that JSON can hold."""
        return {
            "name": self.name,
            "technique": str(self.technique),
            "for_fid": self.for_fid,
            **self.chain.to_dict(),
        }

    @classmethod
    def from_dict(cls, form: Any) -> Preset:
        """The preset of :meth:`to_dict`; raises ``ValueError`` for anything else."""
        from engine.processing import Chain

        if not isinstance(form, dict) or not isinstance(form.get("name"), str):
            raise ValueError(f"a preset has a name and steps, got {str(form)[:80]!r}")
        technique = Technique(str(form.get("technique")))
        return cls(
            checked_name(form["name"]), technique, form.get("for_fid") is True,
            Chain.from_dict(form),
        )  # fmt: skip


class PresetError(ValueError):
    """The file of presets cannot be written."""


def presets_path() -> Path:
    """Where the presets lie: in the user's own data folder of the program."""
    from platformdirs import user_data_path

    return user_data_path("SpecGUI", appauthor=False) / "processing_presets.json"


def checked_name(name: str) -> str:
    """A name without needless blanks; raises ``ValueError`` for an empty or endless one."""
    name = " ".join(name.split())
    if not name:
        raise ValueError("the name is empty")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"the name has {len(name)} letters; right is at most {_LONGEST_NAME}")
    return name


class PresetStore:
    """The presets in a file; each change reads it anew, so that two windows can share it.

    A file that cannot be understood is put aside under another name and said in ``damage``; of
    one that is partly wrong the good presets can be used, and the others stay in the file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._not_understood: list[Any] = []
        self.damage: list[str] = []

    @property
    def path(self) -> Path:
        return self._path if self._path is not None else presets_path()

    def all(self) -> list[Preset]:
        """Every preset, by name."""
        return sorted(self._read(), key=lambda preset: preset.name.casefold())

    def of(self, technique: str, for_fid: bool) -> list[Preset]:
        """The presets for a technique and kind of spectrum, by name."""
        return [p for p in self.all() if p.technique == technique and p.for_fid == for_fid]

    def save(self, preset: Preset) -> None:
        """Keep a preset; one of the same name, technique and kind is replaced.

        This and the other changes raise ``PresetError`` when the file cannot be read or written.
        """
        self._write([*(p for p in self._read(to_change=True) if not _same(p, preset)), preset])

    def rename(self, preset: Preset, name: str) -> Preset:
        """Give a preset another name; raises ``ValueError`` when another one has it."""
        renamed = Preset(checked_name(name), preset.technique, preset.for_fid, preset.chain)
        others = [p for p in self._read(to_change=True) if not _same(p, preset)]
        if any(_same(p, renamed) for p in others):
            raise ValueError(f"there is a preset {renamed.name!r} already")
        self._write([*others, renamed])
        return renamed

    def delete(self, preset: Preset) -> None:
        """Forget a preset."""
        self._write([p for p in self._read(to_change=True) if not _same(p, preset)])

    def _read(self, to_change: bool = False) -> list[Preset]:
        path = self.path
        self._not_understood = []
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError(f"it is larger than {_MOST_BYTES >> 20} MB")
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or not isinstance(content.get("presets"), list):
                raise ValueError("it holds no list of presets")
        except FileNotFoundError:
            return []
        except OSError as error:
            said = f"the presets in {path} cannot be read: {error.strerror or error}"
            if to_change:
                raise PresetError(said) from error
            self._note(f"{said[:1].upper()}{said[1:]}.")
            return []
        except (ValueError, RecursionError) as error:
            self._put_aside(error)
            return []
        good: list[Preset] = []
        for form in content["presets"]:
            try:
                preset = Preset.from_dict(form)
            except ValueError as error:
                self._not_understood.append(form)
                self._note(f"A preset in {path} cannot be used: {error}.")
            else:
                good = [p for p in good if not _same(p, preset)] + [preset]
        return good

    def _write(self, presets: Iterable[Preset]) -> None:
        """Write a new file and only then put it in the place of what was there."""
        path = self.path
        forms = [*(preset.to_dict() for preset in presets), *self._not_understood]
        content = {"version": _VERSION, "presets": forms}
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as stream:
                json.dump(content, stream, indent=1, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(part, path)
        except OSError as error:
            raise PresetError(
                f"the presets cannot be written to {path}: {error.strerror or error}"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _put_aside(self, error: Exception) -> None:
        path = self.path
        aside = path.with_name(f"{path.stem}.damaged-{secrets.token_hex(3)}{path.suffix}")
        reason = " ".join(str(error).split())[:120]
        try:
            os.replace(path, aside)
        except OSError:
            self._note(f"The presets in {path} are damaged ({reason}).")
        else:
            self._note(f"The presets were damaged ({reason}); they were put aside as {aside}.")

    def _note(self, sentence: str) -> None:
        if sentence not in self.damage:
            self.damage.append(sentence)


def _same(one: Preset, other: Preset) -> bool:
    """Whether two presets cannot stand beside each other."""
    return (one.name.casefold(), one.technique, one.for_fid) == (
        other.name.casefold(), other.technique, other.for_fid,
    )  # fmt: skip
