"""A library of molecules with their predicted signals, on disk, opened without being read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.chemistry.signal_intensities import AXES, STEP
from engine.chemistry.spectrum_match import SignalRows
from engine.library.library_chunk import PPM_STEPS, SHORT
from engine.library.library_files import LibraryError, Manifest, library_path, note_mapped
from engine.library.library_merge import SIGNAL_FIELDS

_ARRAYS = {
    "key": "S14", "key_order": "u4", "mass": "f8", "mass_order": "u4", "groups": "u8",
    "smiles_text": "u1", "smiles_at": "u8", "name_text": "u1", "name_at": "u8",
    "formula_text": "u1", "formula_at": "u8", "formula_number": "u4", "formula_order": "u4",
    "formula_first": "i8",
} | {
    f"{short}_{field}": np.dtype(dtype).str[1:]
    for short in SHORT.values()
    for field, dtype in {**SIGNAL_FIELDS, "at": np.uint64, "levels": np.uint8}.items()
}  # fmt: skip


class _Arrays(dict):
    """The arrays by name; what is missing was let go of."""

    def __init__(self, library: str, arrays: dict[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self._library = library

    def __missing__(self, name: str) -> np.ndarray:
        raise LibraryError(
            f"the library {self._library} was replaced or removed meanwhile: search again"
        )


@dataclass(frozen=True, eq=False)
class MoleculeLibrary:
    """``size`` molecules, numbered from 0 in the order of the file that they came from.

    All arrays are memory-mapped: opening reads only their headers. ``close`` lets go of them; what
    is asked of it then raises :class:`LibraryError`.
    """

    folder: Path
    manifest: Manifest
    arrays: dict[str, np.ndarray]
    _expected: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: Path | str) -> MoleculeLibrary:
        """The library in a folder; raises :class:`LibraryError` with what is wrong with it."""
        folder = Path(folder)
        manifest = Manifest.read(folder)
        arrays = {}
        for name, kind in _ARRAYS.items():
            path = folder / f"{name}.npy"
            try:
                array = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise LibraryError(
                    f"{path} cannot be read ({error}): build the library again"
                ) from None
            if array.dtype.str[1:] != kind:
                raise LibraryError(f"{path} holds {array.dtype}, not {kind}: build it again")
            arrays[name] = array
        library = cls(folder, manifest, _Arrays(manifest.name, arrays))
        library._check()
        note_mapped(library)
        return library

    def close(self) -> None:
        """Let go of the files, for the library to be replaced or removed."""
        self.arrays.clear()
        self._expected.clear()
        self.__dict__.pop("_sorted_mass", None)

    @property
    def is_closed(self) -> bool:
        return not self.arrays

    @classmethod
    def named(cls, name: str, folder: Path | None = None) -> MoleculeLibrary:
        """The user's library of this name."""
        return cls.open(library_path(name, folder))

    def _check(self) -> None:
        size = self.manifest.size
        for name in ("key", "key_order", "mass", "mass_order", "groups", "formula_number",
                     "formula_order"):  # fmt: skip
            if self.arrays[name].shape != (size,):
                raise LibraryError(
                    f"{self.folder / name}.npy holds {self.arrays[name].shape} values, not "
                    f"{size}: build the library again"
                )
        for name, count in (
            ("smiles", size), ("name", size), ("carbon", size), ("proton", size),
            ("formula", len(self.arrays["formula_first"])),
        ):  # fmt: skip
            starts = self.arrays[f"{name}_at"]
            held = self.arrays[f"{name}_ppm" if f"{name}_ppm" in self.arrays else f"{name}_text"]
            if starts.shape != (count + 1,) or int(starts[-1]) > len(held):
                raise LibraryError(
                    f"{self.folder / name}_at.npy does not fit: build the library again"
                )

        for technique, short in SHORT.items():
            shape = self.arrays[f"{short}_levels"].shape
            bins = AXES[technique].bins
            if len(shape) != 3 or shape[1] != bins or shape[0] * shape[2] < size:
                raise LibraryError(
                    f"{self.folder / short}_levels.npy is {shape}, not of {bins} bins for {size} "
                    "molecules: build the library again"
                )

    def __len__(self) -> int:
        return self.manifest.size

    @property
    def name(self) -> str:
        return self.manifest.name

    def is_stale(self, model: str | None) -> bool:
        """Whether another model than ``model`` predicted its shifts."""
        return model is not None and model != self.manifest.model

    # one molecule

    def smiles(self, number: int) -> str:
        return self._text("smiles", number)

    def molecule_name(self, number: int) -> str:
        return self._text("name", number)

    def formula(self, number: int) -> str:
        return self._text("formula", int(self.arrays["formula_number"][number]))

    def key(self, number: int) -> str:
        return self.arrays["key"][number].decode()

    def _text(self, what: str, number: int) -> str:
        first, last = (int(n) for n in self.arrays[f"{what}_at"][number : number + 2])
        return self.arrays[f"{what}_text"][first:last].tobytes().decode("utf-8", "replace")

    # looking up

    def with_key(self, key: str) -> int | None:
        """The molecule of a key (the first block of its InChIKey), else None."""
        order, keys = self.arrays["key_order"], self.arrays["key"]
        wanted = key.encode()
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            if bytes(keys[order[middle]]) < wanted:
                low = middle + 1
            else:
                high = middle
        if low < len(order) and bytes(keys[order[low]]) == wanted:
            return int(order[low])
        return None

    def with_formula(self, formula: str) -> np.ndarray:
        """The molecules of a formula in Hill order, rising numbers."""
        number = self._formula_number(formula)
        if number is None:
            return np.zeros(0, np.int64)
        first = self.arrays["formula_first"]
        end = int(first[number + 1]) if number + 1 < len(first) else len(self)
        found = self.arrays["formula_order"][int(first[number]) : end]
        return np.sort(found.astype(np.int64))

    def _formula_number(self, formula: str) -> int | None:
        wanted = formula.encode()
        low, high = 0, len(self.arrays["formula_first"])
        while low < high:
            middle = (low + high) // 2
            if self._text("formula", middle).encode() < wanted:
                low = middle + 1
            else:
                high = middle
        if low < len(self.arrays["formula_first"]) and self._text("formula", low) == formula:
            return low
        return None

    def with_mass(self, least: float, most: float) -> np.ndarray:
        """The molecules whose monoisotopic mass (u) is in a range, ends included."""
        first = np.searchsorted(self._sorted_mass, least, "left")
        last = np.searchsorted(self._sorted_mass, most, "right")
        return np.sort(self.arrays["mass_order"][first:last].astype(np.int64))

    @cached_property
    def _sorted_mass(self) -> np.ndarray:
        return self.arrays["mass"][self.arrays["mass_order"]]

    def with_groups(self, names: Sequence[str], among: np.ndarray | None = None) -> np.ndarray:
        """The molecules that hold all of these groups, of all or among some.

        Raises ``ValueError`` for a name that is none of the 37.
        """
        bits = np.uint64(0)
        for name in names:
            if name not in GROUP_NAMES:
                raise ValueError(
                    f"{name!r} is none of the {len(GROUP_NAMES)} functional groups, such as "
                    f"{GROUP_NAMES[0]!r} or {GROUP_NAMES[7]!r}"
                )
            bits |= np.uint64(1) << np.uint64(GROUP_NAMES.index(name))
        held = self.arrays["groups"] if among is None else self.arrays["groups"][among]
        found = np.flatnonzero((held & bits) == bits)
        return found if among is None else among[found]

    # signals

    def signal_counts_of(self, technique: str, numbers: np.ndarray) -> np.ndarray:
        """How many signals each of these molecules has."""
        starts = self.arrays[f"{SHORT[technique]}_at"]
        return starts[numbers + 1].astype(np.int64) - starts[numbers].astype(np.int64)

    def expected_signals(self, technique: str) -> np.ndarray:
        """What each molecule's number of signals takes from its score, ``(size,)`` float32."""
        if technique not in self._expected:
            starts = self.arrays[f"{SHORT[technique]}_at"].astype(np.int64)
            price = AXES[technique].price_of_signal / STEP
            self._expected[technique] = np.diff(starts).astype(np.float32) * np.float32(price)
        return self._expected[technique]

    def signal_rows(self, technique: str, numbers: np.ndarray) -> SignalRows:
        """The predicted signals of some molecules, in their order."""
        short, step = SHORT[technique], np.float32(PPM_STEPS[technique])
        starts = self.arrays[f"{short}_at"]
        numbers = np.asarray(numbers, np.int64)
        first = starts[numbers].astype(np.int64)
        count = starts[numbers + 1].astype(np.int64) - first
        longest = int(count.max(initial=0))
        inside = np.arange(longest)[:, None] < count[None, :]
        place = np.where(inside, first[None, :] + np.arange(longest)[:, None], 0)
        values = {name: self.arrays[f"{short}_{name}"][place] for name in SIGNAL_FIELDS}
        return SignalRows(
            technique,
            values["ppm"] * step,
            values["error"] * step,
            values["hydrogens"].astype(np.int16),
            values["nuclei"].astype(np.int16),
            values["exchangeable"].astype(bool),
            count,
        )
