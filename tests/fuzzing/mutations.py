"""Damages files as instruments, copies, editors and bad luck do, and worse."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fuzzing.seeds import Seed

LARGEST_GROWTH = 1 << 18
"""Bytes by which a damaged file may be longer than its seed."""

_NUMBER = re.compile(rb"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_#$.:/]{3,40}")
_NUMBERS = (
    b"0", b"-1", b"1", b"2", b"-0", b"0.0", b"nan", b"NaN", b"inf", b"-inf", b"1e999", b"-1e999",
    b"1e308", b"-1e308", b"1e-320", b"5e-324", b"1e150", b"1e30", b"1e15", b"2147483647",
    b"2147483648", b"-2147483648", b"4294967295", b"4294967296", b"9223372036854775807",
    b"9223372036854775808", b"18446744073709551616", b"1" + b"0" * 40, b"9" * 400,
    b"0." + b"1" * 400,
    b"", b".", b"-", b"+", b"e5", b"1e", b"1_000", b"0x10", b"1,5", b"1.5.2", b"1/0", b"1e5e5",
    "²".encode(), "٣".encode(), "½".encode(), b"1 2", b"100000", b"1000000", b"100000000",
)  # fmt: skip
_TEXTS = (
    b"", b" ", b"\0", b"\xff\xfe", "é".encode(), "é".encode("latin-1"), b"<", b"&amp;", b"&x;",
    b"%s%n", b"{}", b"\\", b"\"", b"'", b"=", b"##", b"$$", b"##END=", b"..", b"/etc/passwd",
    b"a" * 5000, b"(((((((((((", b")" * 3000, b"[" * 3000, b"<a>" * 3000, b"\r", b"\n\n\n", b"\t",
    b"1H", b"13C", b"IR", b"MS2", b"ppm", b"Hz", b"1/CM", b"\x1b[2J", "\u202e".encode(), b"None",
    b"true", b"-", b"()", b"(1..2)", b"[M+H]+", b"C999999999H", b"C1CC", b"\xed\xa0\x80",
)  # fmt: skip
_PACKED = tuple(
    struct.pack(order + kind, value)
    for order in "<>"
    for kind, values in (
        ("h", (0, -1, 1, 32767, -32768)),
        ("i", (0, -1, 1, 2**31 - 1, -(2**31), 2**30, 65536, 10**6)),
        ("q", (0, -1, 2**63 - 1, -(2**63), 2**40)),
        ("f", (0.0, -1.0, float("nan"), float("inf"), 3e38, 1e-45, 1e20)),
        ("d", (0.0, -1.0, float("nan"), float("-inf"), 1e308, 5e-324, 1e300)),
    )
    for value in values
)
_SUFFIXES = (
    "", ".jdx", ".dx", ".csv", ".tsv", ".txt", ".dpt", ".xy", ".asc", ".mgf", ".msp", ".msl",
    ".mzML", ".mzXML", ".xml", ".cdf", ".spc", ".0", ".spa", ".spg", ".wdf", ".jdf", ".ft1",
    ".ft2", ".fid", ".ucsf", ".spe", ".in", ".nmrML", ".sdf", ".mzspeclib", ".mztab", ".zip",
    ".JDX", ".gz", ".specgui", ".mol",
)  # fmt: skip
_STEMS = ("a", "fid", "ser", "1r", "acqus", "procpar", "é", "a b", "a#1", "a\nb", "-x", "%s", "1")


@dataclass
class Case:
    """A damaged file, folder or archive, ready to be written.

    ``members`` are contents by path (``""`` of a file); ``recipe`` says what was done to it.
    """

    name: str
    members: dict[str, bytes]
    as_zip: bool = False
    technique: str | None = None
    recipe: list[str] = field(default_factory=list)


class Damage:
    """Makes cases out of seeds; the same seed number and index give the same case."""

    def __init__(self, seeds: Sequence[Seed], number: int) -> None:
        self._seeds = seeds
        self._number = number
        # Small files are opened quickly, so that most of the time goes into what is new.
        self._weights = [1.0 / (1.0 + seed.size / 16384) for seed in seeds]
        self._words = _harvest(seeds)

    def case(self, index: int) -> Case:
        """The case of an index from 0."""
        rng = random.Random(f"{self._number}:{index}")
        seed = rng.choices(self._seeds, self._weights)[0]
        case = Case(seed.name, dict(seed.members), recipe=[f"{seed.name} ({seed.size} bytes)"])
        for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4, 8))):
            member = _member(rng, case)
            before = case.members[member]
            name, change = self._choose(rng, before)
            after = bytes(change(rng, bytearray(before)))[: len(before) + LARGEST_GROWTH]
            case.members[member] = after
            case.recipe.append(f"{name} {member}".strip())
        if rng.random() < 0.08:
            self._splice(rng, case)
        if len(case.members) > 1 and rng.random() < 0.25:
            _disarrange(rng, case)
        if rng.random() < 0.08:
            _rename(rng, case)
        if rng.random() < 0.06:
            case.as_zip = True
            case.recipe.append("zip")
        if rng.random() < 0.1:
            case.technique = rng.choice(("IR", "UV-Vis", "1H NMR", "MS", "MS/MS", "Raman"))
        return case

    def _choose(self, rng: random.Random, content: bytes) -> tuple[str, Callable]:
        text = content.count(0, 0, 4096) == 0
        if text and rng.random() < 0.75:
            name, change = rng.choice(_TEXT_CHANGES)
        else:
            name, change = rng.choice(_BYTE_CHANGES)
        if change is _foreign_word:
            return name, lambda rng, data: _foreign_word(rng, data, self._words)
        return name, change

    def _splice(self, rng: random.Random, case: Case) -> None:
        """The beginning of one file and the end of another, or both in full."""
        other = rng.choices(self._seeds, self._weights)[0]
        content = rng.choice(other.members)[1]
        member = _member(rng, case)
        first = case.members[member]
        if rng.random() < 0.3:
            joined = first + content
        else:
            joined = first[: rng.randint(0, len(first))] + content[rng.randint(0, len(content)) :]
        case.members[member] = joined[: len(first) + LARGEST_GROWTH]
        case.recipe.append(f"splice with {other.name}")


def archive(case: Case) -> bytes:
    """The members of a case in a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in case.members.items():
            entry = zipfile.ZipInfo(f"{case.name}/{name}" if name else case.name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, content)
    return packed.getvalue()


def damaged_archive(case: Case, number: int, index: int) -> bytes:
    """The archive of a case, in every second one with some bytes changed or cut off."""
    rng = random.Random(f"zip:{number}:{index}")
    packed = bytearray(archive(case))
    if rng.random() < 0.5:
        packed = rng.choice((_flip, _truncate, _packed_number, _overwrite))(rng, packed)
    return bytes(packed)


def _harvest(seeds: Sequence[Seed]) -> list[bytes]:
    """Keywords, tags and labels of all text seeds."""
    words: set[bytes] = set()
    for seed in seeds:
        for _, content in seed.members:
            if content.count(0, 0, 4096) == 0:
                words.update(_WORD.findall(content, 0, 2048))
    return sorted(words)


def _member(rng: random.Random, case: Case) -> str:
    """A member, those that are read first more often than the pictures and lists beside them."""
    names = sorted(case.members)
    chief = [
        name
        for name in names
        if name.rpartition("/")[2] in ("acqus", "fid", "ser", "procs", "1r", "2rr", "procpar",
                                       "acqu2s", "proc2s", "1i", "title", "text")
    ]  # fmt: skip
    return rng.choice(chief) if chief and rng.random() < 0.9 else rng.choice(names)


def _disarrange(rng: random.Random, case: Case) -> None:
    """Take a member away, give it another name, or exchange two."""
    names = sorted(case.members)
    one, other = rng.choice(names), rng.choice(names)
    what = rng.randrange(4)
    if what == 0:
        del case.members[one]
    elif what == 1:
        case.members[other], case.members[one] = case.members[one], case.members[other]
    elif what == 2:
        case.members[one] = b""
    else:
        content = case.members.pop(one)
        case.members[f"{one}/{rng.choice(_STEMS[:4])}"] = content
    case.recipe.append(f"{('remove', 'exchange', 'empty', 'make a folder of')[what]} {one}")


def _rename(rng: random.Random, case: Case) -> None:
    stem = rng.choice(_STEMS) if rng.random() < 0.4 else case.name.partition(".")[0]
    case.name = stem + rng.choice(_SUFFIXES)
    case.recipe.append(f"rename to {case.name!r}")


# Changes of bytes


def _place(rng: random.Random, data: bytearray) -> int:
    """A place in the file, in its first 2 KB in half of the cases."""
    length = len(data)
    if length > 2048 and rng.random() < 0.5:
        length = 2048
    return rng.randrange(length) if length else 0


def _block(rng: random.Random, data: bytearray) -> tuple[int, int]:
    first = _place(rng, data)
    longest = rng.choice((2, 8, 64, 512, 4096))
    return first, min(len(data), first + rng.randint(1, longest))


def _flip(rng: random.Random, data: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 4, 8, 32)) if data else 0):
        data[_place(rng, data)] ^= 1 << rng.randrange(8)
    return data


def _overwrite(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _block(rng, data)
    length = last - first
    filler = rng.choice((b"\0", b"\xff", b" ", None))
    data[first:last] = rng.randbytes(length) if filler is None else filler * length
    return data


def _truncate(rng: random.Random, data: bytearray) -> bytearray:
    what = rng.random()
    if what < 0.4:
        return data[: rng.randint(0, len(data))]
    if what < 0.7:
        return data[: max(0, len(data) - rng.randint(1, 64))]
    if what < 0.85:
        return data[rng.randint(0, min(len(data), 600)) :]
    return data[: _place(rng, data)]


def _remove(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _block(rng, data)
    del data[first:last]
    return data


def _repeat(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _block(rng, data)
    block = bytes(data[first:last])
    times = rng.choice((1, 1, 2, 10, 1000))
    return data[:first] + (block * times)[:LARGEST_GROWTH] + data[first:]


def _insert(rng: random.Random, data: bytearray) -> bytearray:
    at = _place(rng, data)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 300)))
    return data


def _exchange(rng: random.Random, data: bytearray) -> bytearray:
    (a, b), (c, d) = sorted((_block(rng, data), _block(rng, data)))
    if b > c:
        return data
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _packed_number(rng: random.Random, data: bytearray) -> bytearray:
    value = rng.choice(_PACKED)
    at = _place(rng, data)
    if rng.random() < 0.8:
        at -= at % min(4, len(value))
    data[at : at + len(value)] = value
    return data


def _byte(rng: random.Random, data: bytearray) -> bytearray:
    if data:
        data[_place(rng, data)] = rng.choice((0, 1, 2, 3, 4, 127, 128, 255, rng.randrange(256)))
    return data


# Changes of text


def _window(rng: random.Random, data: bytearray) -> tuple[int, int]:
    first = max(0, _place(rng, data) - 200)
    return first, min(len(data), first + 2000)


def _number(rng: random.Random, data: bytearray) -> bytearray:
    found = list(_NUMBER.finditer(data, *_window(rng, data)))
    if found:
        first, last = rng.choice(found).span()
        what = rng.random()
        if what < 0.75:
            data[first:last] = rng.choice(_NUMBERS)
        elif what < 0.85:
            data[first:last] = b"-" + data[first:last]
        else:
            data[first:last] = b"%d" % rng.choice((rng.randrange(100), rng.randrange(10**9)))
    return data


def _many_numbers(rng: random.Random, data: bytearray) -> bytearray:
    value = rng.choice(_NUMBERS[:20])
    first, last = _window(rng, data)
    share = rng.choice((0.1, 0.5, 1.0))
    data[first:last] = _NUMBER.sub(
        lambda found: value if rng.random() < share else found[0], bytes(data[first:last])
    )
    return data


def _line(rng: random.Random, data: bytearray) -> tuple[int, int]:
    at = _place(rng, data)
    first = data.rfind(b"\n", 0, at) + 1
    last = data.find(b"\n", at)
    return first, min(first + 4096, len(data) if last < 0 else last + 1)


def _remove_line(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _line(rng, data)
    del data[first:last]
    return data


def _repeat_line(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _line(rng, data)
    line = bytes(data[first:last]) * rng.choice((1, 1, 2, 50, 3000))
    data[first:first] = line[:LARGEST_GROWTH]
    return data


def _move_line(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _line(rng, data)
    line = bytes(data[first:last])
    del data[first:last]
    at = _line(rng, data)[0]
    data[at:at] = line
    return data


def _value(rng: random.Random, data: bytearray) -> bytearray:
    """Another value behind the sign that follows a label."""
    first, last = _line(rng, data)
    found = re.search(rb"[=:>\"\t,]", data[first:last])
    at = first + (found.end() if found else 0)
    end = last - 1 if data[last - 1 : last] == b"\n" else last
    data[at:end] = rng.choice(_TEXTS) if rng.random() < 0.7 else rng.choice(_NUMBERS)
    return data


def _text(rng: random.Random, data: bytearray) -> bytearray:
    at = _place(rng, data)
    data[at:at] = rng.choice(_TEXTS)
    return data


def _foreign_word(rng: random.Random, data: bytearray, words: Sequence[bytes] = ()) -> bytearray:
    found = list(_WORD.finditer(data, *_window(rng, data)))
    if found and words:
        first, last = rng.choice(found).span()
        data[first:last] = rng.choice(words)
    return data


def _line_ends(rng: random.Random, data: bytearray) -> bytearray:
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b" ", b"\x0b", b"\x85")))


def _encoding(rng: random.Random, data: bytearray) -> bytearray:
    text = bytes(data[:LARGEST_GROWTH]).decode("utf-8", "replace")
    return bytearray(
        text.encode(rng.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "utf-7")))
    )


def _letter_case(rng: random.Random, data: bytearray) -> bytearray:
    first, last = _window(rng, data)
    data[first:last] = rng.choice((bytes.upper, bytes.lower, bytes.swapcase))(
        bytes(data[first:last])
    )
    return data


def _separators(rng: random.Random, data: bytearray) -> bytearray:
    marks = (b" ", b"\t", b",", b";", b"=", b".", b"  ", b"|", b"")
    first, last = _window(rng, data)
    data[first:last] = data[first:last].replace(rng.choice(marks[:6]), rng.choice(marks))
    return data


_BYTE_CHANGES: tuple[tuple[str, Callable], ...] = (
    ("flip", _flip), ("overwrite", _overwrite), ("truncate", _truncate), ("remove", _remove),
    ("repeat", _repeat), ("insert", _insert), ("exchange", _exchange),
    ("packed number", _packed_number), ("packed number", _packed_number), ("byte", _byte),
)  # fmt: skip
_TEXT_CHANGES: tuple[tuple[str, Callable], ...] = (
    ("number", _number), ("number", _number), ("number", _number), ("numbers", _many_numbers),
    ("remove line", _remove_line), ("repeat line", _repeat_line), ("move line", _move_line),
    ("value", _value), ("value", _value), ("text", _text), ("word", _foreign_word),
    ("word", _foreign_word), ("line ends", _line_ends), ("encoding", _encoding),
    ("letter case", _letter_case), ("separators", _separators),
)  # fmt: skip
