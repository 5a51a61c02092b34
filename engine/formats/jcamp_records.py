"""A JCAMP-DX file's labelled data records, grouped into the blocks that they describe."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from engine.formats.errors import FormatError

# Text holds at least a byte a number; nobody writes larger JCAMP files, and a sparse file may.
MAX_BYTES = 256 << 20
MAX_BLOCKS = 10_000
MAX_RECORDS = 200_000
MAX_VALUES = 100

_LABEL = re.compile(r"^[ \t\ufeff]*##([^=\n]{0,200})=", re.MULTILINE)
_COMMENT = re.compile(r"\$\$[^\n]*")


@dataclass(frozen=True)
class Record:
    """One labelled data record: its normalised label and the raw text up to the next one."""

    label: str
    raw: str

    @property
    def text(self) -> str:
        """The value without comments, stripped."""
        return _COMMENT.sub("", self.raw).strip() if "$$" in self.raw else self.raw.strip()

    @property
    def table_format(self) -> str:
        """The rest of the label's own line: ``(X++(Y..Y))`` of a data table."""
        return _COMMENT.sub("", self.raw.partition("\n")[0]).strip()

    @property
    def table(self) -> str:
        """The lines under the label's own line, without comments."""
        body = self.raw.partition("\n")[2]
        return _COMMENT.sub("", body) if "$$" in body else body


@dataclass
class Block:
    """One TITLE to END block: its records in order; ``parent`` is the LINK block around it.

    ``metadata`` keeps what ``jcamp_metadata`` found, since each of many tables may ask for it.
    """

    records: list[Record] = field(default_factory=list)
    parent: Block | None = None
    number: int = 0
    metadata: dict[tuple[bool, bool], dict[str, Any]] = field(default_factory=dict, repr=False)
    _texts: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _indexed: int = 0

    def all(self, *labels: str) -> list[str]:
        """The values of these labels that are not empty, in the order of the labels.

        Of a label that is repeated, the first ``MAX_VALUES`` values.
        """
        # Each table of a block asks for the same labels: they are looked up once.
        for record in self.records[self._indexed :]:
            texts = self._texts.setdefault(record.label, [])
            if len(texts) < MAX_VALUES and len(record.raw) < 100_000 and record.text:
                texts.append(record.text)
        self._indexed = len(self.records)
        return [text for label in labels for text in self._texts.get(label, ())]

    def get(self, *labels: str, inherited: bool = False) -> str:
        """The first value that is not empty under these labels, or ``""``.

        Edited files repeat a label, once empty from a template and once from the instrument.
        """
        found = self.all(*labels)
        if found:
            return found[0]
        return self.parent.get(*labels, inherited=True) if inherited and self.parent else ""

    def number_of(self, *labels: str) -> float | None:
        """The first finite number under these labels, or None."""
        for text in self.all(*labels):
            value = first_number(text)
            if value is not None:
                return value
        return None

    @property
    def is_link(self) -> bool:
        return "LINK" in self.get("DATATYPE").upper() or bool(self.get("BLOCKS"))

    @property
    def title(self) -> str:
        return self.get("TITLE")


_FIRST_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d{1,3})?")


def first_number(text: str) -> float | None:
    """The first finite number in a text, decimal comma and Fortran exponent included, or None."""
    if re.match(r"\s*[+-]?\d+,\d+\s*$", text):
        text = text.replace(",", ".")
    found = _FIRST_NUMBER.search(text)
    if not found:
        return None
    value = float(re.sub("[dD]", "E", found.group()))
    return value if abs(value) < float("inf") else None


def normal_label(label: str) -> str:
    """A label as labels are compared: capitals, without blanks, dashes, slashes and underscores."""
    return re.sub(r"[\s\-/_]", "", label).upper()


def read_text(path: str | Path, expected: str, limit: int = MAX_BYTES) -> str:
    """A text file with its line ends made ``\\n``: UTF-8, UTF-16 by its mark, or else Latin-1.

    Raises ``FormatError`` when the file cannot be opened, is empty, larger than ``limit`` bytes, or
    holds NUL bytes.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > limit:
            raise FormatError(path, f"{expected} of at most {limit >> 20} MB", f"{size >> 20} MB")
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(path, expected, error.strerror or str(error)) from error
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not wide:
        data = data.rstrip(b"\0\x1a")
    if not data.strip():
        raise FormatError(path, expected, "an empty file")
    if wide:
        text = data.decode("utf-16", "replace").rstrip("\0\x1a")
    elif b"\0" in data:
        raise FormatError(path, expected, "binary data")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_blocks(text: str, path: str | Path) -> list[Block]:
    """The blocks of a JCAMP-DX text in their order, LINK blocks included.

    A TITLE inside a block that is no LINK begins a new block: its END was forgotten. Raises
    ``FormatError`` when the text has no labelled record.
    """
    labels = list(islice(_LABEL.finditer(text), MAX_RECORDS + 1))
    if len(labels) > MAX_RECORDS:
        raise FormatError(path, f"at most {MAX_RECORDS} labelled records", "more")
    if not labels:
        raise FormatError(path, "a JCAMP-DX file (##TITLE= ...)", "no labelled record (##LABEL=)")
    blocks: list[Block] = []
    open_blocks: list[Block] = []
    for index, found in enumerate(labels):
        end = labels[index + 1].start() if index + 1 < len(labels) else len(text)
        record = Record(normal_label(found.group(1)), text[found.end() : end])
        if record.label == "END":
            if open_blocks:
                open_blocks.pop()
            continue
        if record.label == "TITLE" or not open_blocks:
            while open_blocks and not open_blocks[-1].is_link:
                open_blocks.pop()
            if len(blocks) >= MAX_BLOCKS:
                raise FormatError(path, f"at most {MAX_BLOCKS} blocks", "more")
            block = Block(parent=open_blocks[-1] if open_blocks else None, number=len(blocks) + 1)
            blocks.append(block)
            open_blocks.append(block)
        open_blocks[-1].records.append(record)
    return blocks
