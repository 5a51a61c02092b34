"""Finished chunks put together into the arrays of a library, duplicates merged."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.library.library_chunk import SHORT
from engine.library.library_files import LibraryError

BLOCK = 16384
"""Molecules of one block of the tabulated intensities, ``(blocks, bins, BLOCK)``."""

SIGNAL_FIELDS = {
    "ppm": np.int16,
    "error": np.uint16,
    "hydrogens": np.uint8,
    "nuclei": np.uint8,
    "exchangeable": np.uint8,
}
_TOLD = 20


@dataclass(frozen=True)
class MergeCounts:
    """Molecules in the whole, and what was left out of it."""

    size: int
    broken: int
    duplicates: int
    first_broken: tuple[str, ...]


def merge_chunks(
    paths: Sequence[Path], folder: Path, is_cancelled: Callable[[], bool] = lambda: False
) -> MergeCounts:
    """Write the arrays of a library as ``.npy`` into ``folder``.

    Of molecules with one key the first is kept, with the first name among them that is not empty.
    Raises :class:`LibraryError` for a chunk that cannot be read and
    :class:`concurrent.futures.CancelledError` soon after ``is_cancelled`` says so.
    """
    chunks = _Chunks(paths, is_cancelled)
    keys = chunks.joined("key", "S14")
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    kept = np.sort(first)
    new_number = np.empty(len(keys), np.int64)
    new_number[kept] = np.arange(len(kept))
    owner = new_number[first[inverse]]
    counts = MergeCounts(
        len(kept), chunks.broken, len(keys) - len(kept), tuple(chunks.first_broken[:_TOLD])
    )
    if len(kept) == 0:
        return counts
    is_kept = np.zeros(len(keys), bool)
    is_kept[kept] = True
    np.save(folder / "key.npy", keys[kept])
    _ordered(folder, "key", keys[kept])
    mass = chunks.joined("mass", np.float64)[kept]
    np.save(folder / "mass.npy", mass)
    _ordered(folder, "mass", mass)
    np.save(folder / "groups.npy", chunks.joined("groups", np.uint64)[kept])
    _merge_names(chunks, owner, len(kept), folder)
    _merge_texts(chunks, "smiles", is_kept, folder)
    formulas = _texts(chunks, "formula", is_kept)
    _save_formulas(folder, formulas)
    for short in SHORT.values():
        _merge_signals(chunks, short, is_kept, folder)
        _merge_levels(chunks, short, is_kept, folder)
    return counts


class _Chunks:
    """The chunks one after another, each opened anew for what is asked of it."""

    def __init__(self, paths: Sequence[Path], is_cancelled: Callable[[], bool]) -> None:
        self._paths, self._is_cancelled = paths, is_cancelled
        self.broken = 0
        self.first_broken: list[str] = []
        self.starts = [0]
        for values in self.each("broken_count", "broken_text", "mass"):
            self.broken += int(values[0])
            if len(self.first_broken) < _TOLD and values[1].size:
                self.first_broken += values[1].tobytes().decode("utf-8", "replace").split("\n")
            self.starts.append(self.starts[-1] + len(values[2]))

    def each(self, *names: str):
        for path in self._paths:
            if self._is_cancelled():
                raise CancelledError
            try:
                with np.load(path, allow_pickle=False) as held:
                    yield [held[name] for name in names]
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                path.unlink(missing_ok=True)
                raise LibraryError(
                    f"the chunk {path.name} is damaged and was removed ({error}): build again, "
                    "the other chunks stay"
                ) from error

    def joined(self, name: str, dtype) -> np.ndarray:
        return np.concatenate([np.zeros(0, dtype), *(v[0] for v in self.each(name))])


def _ordered(folder: Path, name: str, values: np.ndarray) -> None:
    """The numbers of the molecules by rising value, for looking up by bisection."""
    np.save(folder / f"{name}_order.npy", np.argsort(values, kind="stable").astype(np.uint32))


def _texts(chunks: _Chunks, name: str, is_kept: np.ndarray) -> list[bytes]:
    """The texts of the molecules that are kept."""
    found: list[bytes] = []
    for k, (text, length) in enumerate(chunks.each(f"{name}_text", f"{name}_length")):
        ends = np.cumsum(length, dtype=np.int64)
        whole = text.tobytes()
        of = chunks.starts[k]
        found += [
            whole[end - size : end]
            for end, size, here in zip(
                ends.tolist(), length.tolist(), is_kept[of : of + len(length)].tolist(), strict=True
            )
            if here
        ]
    return found


def _merge_texts(chunks: _Chunks, name: str, is_kept: np.ndarray, folder: Path) -> None:
    save_texts(folder, name, _texts(chunks, name, is_kept))


def _merge_names(chunks: _Chunks, owner: np.ndarray, size: int, folder: Path) -> None:
    names = [b""] * size
    everything = _texts(chunks, "name", np.ones(len(owner), bool))
    for number, text in zip(owner.tolist(), everything, strict=True):
        if text and not names[number]:
            names[number] = text
    save_texts(folder, "name", names)


def save_texts(folder: Path, name: str, texts: Sequence[bytes]) -> None:
    """Texts one behind the other, and where each starts (one more than there are texts)."""
    starts = np.zeros(len(texts) + 1, np.uint64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    np.save(folder / f"{name}_text.npy", np.frombuffer(b"".join(texts), np.uint8))
    np.save(folder / f"{name}_at.npy", starts)


def _save_formulas(folder: Path, formulas: Sequence[bytes]) -> None:
    """Each formula once, in order, and which one each molecule has; and molecules by formula."""
    width = max(len(formula) for formula in formulas)
    unique, number = np.unique(np.array(formulas, f"S{width}"), return_inverse=True)
    save_texts(folder, "formula", [bytes(formula) for formula in unique])
    np.save(folder / "formula_number.npy", number.astype(np.uint32))
    _ordered(folder, "formula", number)
    np.save(folder / "formula_first.npy", np.searchsorted(np.sort(number), np.arange(len(unique))))


def _merge_signals(chunks: _Chunks, short: str, is_kept: np.ndarray, folder: Path) -> None:
    counts = chunks.joined(f"{short}_count", np.uint32).astype(np.int64)
    starts = np.zeros(int(is_kept.sum()) + 1, np.uint64)
    np.cumsum(counts[is_kept], out=starts[1:])
    np.save(folder / f"{short}_at.npy", starts)
    for field, dtype in SIGNAL_FIELDS.items():
        values = np.lib.format.open_memmap(
            folder / f"{short}_{field}.npy", "w+", dtype, (max(int(starts[-1]), 1),)
        )
        place = 0
        for k, (held,) in enumerate(chunks.each(f"{short}_{field}")):
            of = slice(chunks.starts[k], chunks.starts[k + 1])
            part = held[np.repeat(is_kept[of], counts[of])]
            values[place : place + len(part)] = part
            place += len(part)
        values.flush()


def _merge_levels(chunks: _Chunks, short: str, is_kept: np.ndarray, folder: Path) -> None:
    size = int(is_kept.sum())
    bins = next(chunks.each(f"{short}_levels"))[0].shape[0]
    # A small library need not fill a whole block.
    block = min(BLOCK, size)
    blocks = -(-size // block)
    values = np.lib.format.open_memmap(
        folder / f"{short}_levels.npy", "w+", np.uint8, (blocks, bins, block)
    )
    place = 0
    for k, (held,) in enumerate(chunks.each(f"{short}_levels")):
        part = held[:, is_kept[chunks.starts[k] : chunks.starts[k + 1]]]
        while part.shape[1]:
            number, inside = divmod(place, block)
            take = min(block - inside, part.shape[1])
            values[number, :, inside : inside + take] = part[:, :take]
            part, place = part[:, take:], place + take
    values.flush()
