"""The numbers of JCAMP-DX tables: AFFN, PAC, SQZ, DIF and DUP ordinates, and lists of pairs.

The forms are those of McDonald and Wilks, Appl. Spectrosc. 42 (1988) 151, section 5. The libraries
at hand do not cover them: jcamp stops at forms mixed in one table and never compares the Y-value
checks, nmrglue drops or keeps a point at the check of each line depending on the table's mode and
reads exponents as SQZ digits; both walk character by character, seconds for a million points.
Here whole tables are decoded with array operations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

# A DUP digit string may ask for any number of copies: a table may not grow beyond this, nor beyond
# so many points a character when it is not small.
MAX_POINTS = 1 << 24
_SMALL_TABLE = 1 << 20
_POINTS_OF_A_CHARACTER = 16
# Plain numbers are read one by one, seconds for some million.
MAX_PLAIN_POINTS = 1 << 21
_CHUNK = 1 << 21
_LONGEST_LINE = 12 << 20

_BLANK, _DIGIT, _DOT, _SQZ, _DIF, _DUP, _SIGN, _MISSING, _BAD = range(9)
_CLASS = np.full(256, _BAD, dtype=np.uint8)
_DIGIT_VALUE = np.zeros(256, dtype=np.float64)
_NEGATIVE = np.zeros(256, dtype=bool)


def _fill_tables() -> None:
    for char in " \t,;\n=":
        _CLASS[ord(char)] = _BLANK
    for value in range(10):
        _CLASS[ord("0") + value] = _DIGIT
        _DIGIT_VALUE[ord("0") + value] = value
    _CLASS[ord(".")] = _DOT
    _CLASS[ord("+")] = _CLASS[ord("-")] = _SIGN
    _CLASS[ord("?")] = _MISSING
    _NEGATIVE[ord("-")] = True
    for letters, form, first, negative in (
        ("@ABCDEFGHI", _SQZ, 0, False),
        ("abcdefghi", _SQZ, 1, True),
        ("%JKLMNOPQR", _DIF, 0, False),
        ("jklmnopqr", _DIF, 1, True),
        ("STUVWXYZs", _DUP, 1, False),
    ):
        for value, letter in enumerate(letters, first):
            _CLASS[ord(letter)] = form
            _DIGIT_VALUE[ord(letter)] = value
            _NEGATIVE[ord(letter)] = negative


_fill_tables()

_ASDF_ONLY = re.compile(r"[@%A-CF-RS-Za-cf-s]")
_EXPONENT = re.compile(r"(?:\.\d*|\d)[EeDd][+-]\d|\.\d*[EeDd]\d")
_FORTRAN = re.compile(r"(?<=[\d.])[dD](?=[+-]?\d)")
_GLUED = re.compile(r"(?<=[\d.])(?=[+-])")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|\?")
_PLAIN = re.compile(r"[\d+\-.eE\s]*", re.ASCII)
_DECIMAL_COMMA = re.compile(r"\d,\d")
# What programs print for a number that is none; its letters would pass for squeezed digits.
_NO_NUMBER = re.compile(r"(?im)(?:^|(?<=[\s,;]))[+-]?(?:nan|inf(?:inity)?|1\.#\w+)(?=[\s,;]|$)")


class TableError(ValueError):
    """A table that cannot be decoded; the message says what was found in it."""


@dataclass
class Ordinates:
    """A decoded ``(X++(Y..Y))`` table.

    ``y`` has shape ``(n,)``, not scaled, NaN where the table says ``?``. ``line_x`` (``(m,)``) are
    the abscissae that open the lines and ``line_index`` the index in ``y`` of the first ordinate of
    that line; a line that opens with a Y-value check points at the checked point.
    """

    y: np.ndarray
    line_x: np.ndarray
    line_index: np.ndarray
    warnings: list[str] = field(default_factory=list)


def is_asdf(text: str) -> bool:
    """Whether a table uses the squeezed forms; its ``E`` and ``D`` may be exponents or digits."""
    if _ASDF_ONLY.search(text):
        return True
    return bool(re.search(r"[DEde]", text)) and not _EXPONENT.search(text)


def decode_ordinates(text: str, declared: int | None = None) -> Ordinates:
    """The abscissae and ordinates of an ``(X++(Y..Y))`` table without its comments.

    ``declared`` is NPOINTS, used only to choose between two readings of the same lines. Raises
    ``TableError`` when there is no ordinate in it or DUP asks for too many.
    """
    # A line that ends in "=" goes on in the next one.
    text = _without_words(text)
    if "=" in text:
        text = re.sub(r"=[ \t]*\n", " ", text)
    table = _decode_asdf(text, declared) if is_asdf(text) else _decode_affn(text)
    if len(table.y) == 0:
        raise TableError("a table without a single ordinate")
    return table


def decode_pairs(text: str, width: int = 2, declared: int | None = None) -> np.ndarray:
    """The rows of an ``(XY..XY)`` or ``(XYW..XYW)`` list without its comments: ``(n, width)``.

    ``declared`` is NPOINTS; where commas could be decimal points it decides. An incomplete last
    row is dropped. Raises ``TableError`` when no complete row is there.
    """
    text = _without_words(text)
    decimal_commas = "." not in text and _commas_are_decimal_points(text, width, declared)
    parts = []
    for piece in _pieces(text):
        piece = _FORTRAN.sub("E", piece)
        if decimal_commas:
            piece = _DECIMAL_COMMA.sub(lambda found: found.group().replace(",", "."), piece)
        parts.append(_numbers(_NUMBER.findall(piece)))
        _check_plain(sum(map(len, parts)))
    values = np.concatenate(parts) if parts else np.zeros(0)
    rows = len(values) // width
    if rows == 0:
        raise TableError("a list without a single complete row of numbers")
    return values[: rows * width].reshape(rows, width)


def _commas_are_decimal_points(text: str, width: int, declared: int | None) -> bool:
    """Commas separate, as in NIST's ``15,10 26,10``, unless only the other reading fits NPOINTS."""
    if not declared or not _DECIMAL_COMMA.search(text):
        return False
    separated = len(_NUMBER.findall(text)) / width
    return separated != declared and len(text.replace(";", " ").split()) == declared * width


def _numbers(tokens: list[str]) -> np.ndarray:
    return np.array([float("nan") if t == "?" else float(t) for t in tokens], dtype=np.float64)


def _without_words(text: str) -> str:
    """With a question mark, an ordinate that is missing, for what programs write for no number."""
    return _NO_NUMBER.sub("?", text) if re.search(r"[nNiI#]", text) else text


def _plain_numbers(tokens: list[str]) -> np.ndarray | None:
    try:
        return np.array(list(map(float, tokens)), dtype=np.float64)
    except ValueError:
        return None


def _check_plain(count: int) -> None:
    if count > MAX_PLAIN_POINTS:
        raise TableError(f"a table of more than {MAX_PLAIN_POINTS} plain numbers")


def _decode_affn(text: str) -> Ordinates:
    decimal_commas = "." not in text and _DECIMAL_COMMA.search(text) is not None
    if decimal_commas:
        groups = text[:_CHUNK].replace(";", " ").split()
        decimal_commas = len(groups) > text.count("\n", 0, _CHUNK) + 1 and all(
            group.count(",") < 2 for group in groups
        )
    abscissae: list[float] = []
    starts: list[int] = []
    parts: list[np.ndarray] = []
    points = foreign = 0
    for piece in _pieces(text):
        if decimal_commas:
            piece = _DECIMAL_COMMA.sub(lambda found: found.group().replace(",", "."), piece)
        if "d" in piece or "D" in piece:
            piece = _FORTRAN.sub("E", piece)
        piece = _GLUED.sub(" ", piece).replace(",", " ").replace(";", " ")
        tokens: list[str] = []
        # Where nothing but digits, signs, points and exponents stands, Python's own reading of
        # numbers tells those that are none.
        plain = _PLAIN.fullmatch(piece) is not None
        for line in piece.split("\n"):
            words = line.split()
            if not words:
                continue
            if not _NUMBER.fullmatch(words[0]) or words[0] == "?":
                foreign += 1
                continue
            abscissae.append(float(words[0]))
            starts.append(points + len(tokens))
            tokens += words[1:]
        values = _plain_numbers(tokens) if plain else None
        if values is None:
            good = [t if _NUMBER.fullmatch(t) else "?" for t in tokens]
            foreign += sum(g != t for g, t in zip(good, tokens, strict=True))
            values = _numbers(good)
        parts.append(values)
        points += len(tokens)
        _check_plain(points)
    if foreign > points:
        raise TableError("more words than numbers in the table")
    warnings = []
    if decimal_commas:
        warnings.append("the commas of the table were taken for decimal points")
    if foreign:
        warnings.append(f"{foreign} words of the table are no numbers and were left out")
    y = np.concatenate(parts) if parts else np.zeros(0)
    return Ordinates(y, np.array(abscissae), np.array(starts, dtype=np.int64), warnings)


@dataclass
class _Chunk:
    """One stretch of lines: values before checks are dropped, and where its lines begin."""

    y: np.ndarray
    line_x: np.ndarray
    line_start: np.ndarray  # index in y of the line's first ordinate
    is_check: np.ndarray  # whether that ordinate repeats the last one of the line before
    agrees: np.ndarray  # whether it does so exactly
    ends_in_difference: bool
    foreign: int


def _decode_asdf(text: str, declared: int | None) -> Ordinates:
    chunks: list[_Chunk] = []
    last, in_difference, points = 0.0, False, 0
    most = min(MAX_POINTS, max(_SMALL_TABLE, _POINTS_OF_A_CHARACTER * len(text)))
    for piece in _pieces(text):
        chunk = _decode_chunk(piece, last, in_difference, most - points)
        if chunk is None:
            continue
        chunks.append(chunk)
        points += len(chunk.y)
        in_difference = chunk.ends_in_difference
        if len(chunk.y):
            last = float(chunk.y[-1])
    if not chunks:
        raise TableError("a table without a single number")
    y = np.concatenate([c.y for c in chunks])
    offsets = np.cumsum([0] + [len(c.y) for c in chunks[:-1]])
    line_start = np.concatenate(
        [c.line_start + o for c, o in zip(chunks, offsets, strict=True)]
    ).astype(np.int64)
    line_x = np.concatenate([c.line_x for c in chunks])
    if len(line_x) == 0:
        raise TableError("a table without a line that opens with an abscissa")
    is_check = np.concatenate([c.is_check for c in chunks])
    agrees = np.concatenate([c.agrees for c in chunks])
    warnings = []
    foreign = sum(c.foreign for c in chunks)
    if foreign > len(y):
        raise TableError("more characters of no JCAMP-DX form than numbers")
    if foreign:
        warnings.append(f"{foreign} characters of the table belong to no JCAMP-DX form")

    checks, failed = int(is_check.sum()), int((is_check & ~agrees).sum())
    if failed and failed > 0.9 * checks and (checks > 2 or declared == len(y)):
        # Some programs write DIF without check values: then every line opens with a new point.
        warnings.append("its lines carry no Y-value checks, so none was dropped")
        return Ordinates(y, line_x, line_start, warnings)
    if failed:
        first = line_x[np.flatnonzero(is_check & ~agrees)[0]]
        warnings.append(
            f"the Y-value check fails at {failed} of {checks} lines, first at X = {first:.10g}: "
            "points near there may be wrong"
        )
    keep = np.ones(len(y), dtype=bool)
    keep[line_start[is_check]] = False
    dropped_before = np.cumsum(is_check) - is_check
    # The abscissa of a line that opens with a check is that of the point it repeats.
    line_index = line_start - dropped_before - is_check
    return Ordinates(y[keep], line_x, line_index, warnings)


def _pieces(text: str):
    start = 0
    while start < len(text):
        end = start + _CHUNK
        if end < len(text):
            cut = text.find("\n", end)
            end = len(text) if cut < 0 else cut + 1
        if end - start > _LONGEST_LINE:
            raise TableError(f"a line of {(end - start) >> 20} MB in the table")
        yield text[start:end]
        start = end


def _decode_chunk(text: str, last: float, in_difference: bool, room: int) -> _Chunk | None:
    raw = np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)
    form = _CLASS[raw]
    foreign = int(np.count_nonzero(form == _BAD))
    body = (form == _DIGIT) | (form == _DOT)
    opens = (form >= _SQZ) & (form <= _MISSING)
    follows_blank = np.empty(len(raw), dtype=bool)
    follows_blank[:1] = True
    follows_blank[1:] = (form[:-1] == _BLANK) | (form[:-1] == _BAD)
    first = opens | (body & follows_blank)
    starts = np.flatnonzero(first)
    if len(starts) == 0:
        return None
    values = _token_values(raw, form, first, starts)
    kind = form[starts]

    # A line's first number is its abscissa, whatever its form.
    line_of = np.cumsum(raw == ord("\n"))[starts]
    opens_line = np.empty(len(starts), dtype=bool)
    opens_line[0] = True
    opens_line[1:] = line_of[1:] != line_of[:-1]
    # A line that opens with a difference or a repeat lost its abscissa: it goes on where the last
    # one ended.
    opens_line &= (kind != _DIF) & (kind != _DUP)
    line_x = values[opens_line]

    ordinate = ~opens_line & (kind != _DUP)
    copies = np.ones(len(starts), dtype=np.int64)
    repeats = np.flatnonzero(~opens_line & (kind == _DUP))
    if len(repeats):
        count = values[repeats]
        if not np.isfinite(count).all() or count.sum() > room:
            raise TableError(f"DUP counts that add up to {count.sum():.3g} points")
        # Each repeat belongs to the last ordinate before it; its count includes that ordinate.
        owner = np.maximum.accumulate(np.where(ordinate, np.arange(len(starts)), -1))[repeats]
        known = owner >= 0
        np.add.at(copies, owner[known], np.maximum(count[known].astype(np.int64), 1) - 1)
    token = np.flatnonzero(ordinate)
    copies = copies[token]
    if copies.sum() > room:
        raise TableError(f"more than {room} ordinates in {len(text)} characters")
    where = np.repeat(token, copies)
    value = values[where]
    difference = kind[where] == _DIF

    # Running sums of the differences, restarted at each absolute value.
    running = np.cumsum(np.where(difference, value, 0.0))
    anchor = np.maximum.accumulate(np.where(difference, -1, np.arange(len(where))))
    base = np.where(anchor >= 0, (value - running)[np.maximum(anchor, 0)], last)
    missing = kind[where] == _MISSING
    y = base + running
    y[missing] = np.nan

    points_of_token = np.zeros(len(starts), dtype=np.int64)
    points_of_token[token] = copies
    line_start = (np.cumsum(points_of_token) - points_of_token)[opens_line]
    # The line before ended in a difference: then this line's first ordinate is a check of it.
    if len(y) and len(line_start):
        ended = np.where(line_start > 0, difference[np.maximum(line_start - 1, 0)], in_difference)
        before = np.where(line_start > 0, y[np.maximum(line_start - 1, 0)], last)
        inside = line_start < len(y)
        here = np.minimum(line_start, len(y) - 1)
        has_ordinate = inside & np.append(line_start[1:] > line_start[:-1], line_start[-1] < len(y))
        is_check = ended & has_ordinate & ~difference[here]
        agrees = np.abs(y[here] - before) <= 1e-9 * np.maximum(np.abs(before), 1.0)
        ends = bool(difference[-1])
    else:
        is_check = agrees = np.zeros(len(line_start), dtype=bool)
        ends = bool(difference[-1]) if len(y) else in_difference
    return _Chunk(y, line_x, line_start, is_check, agrees, ends, foreign)


def _token_values(
    raw: np.ndarray, form: np.ndarray, first: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """The number of each token: its digits as one integer, divided by its power of ten."""
    of_token = np.cumsum(first) - 1
    is_digit = (form == _DIGIT) | ((form >= _SQZ) & (form <= _DUP))
    is_digit &= of_token >= 0
    digits_so_far = np.cumsum(is_digit)
    ends = np.append(starts[1:], len(raw)) - 1
    digits_at_end = digits_so_far[ends]
    place = digits_at_end[of_token] - digits_so_far
    with np.errstate(over="ignore", invalid="ignore"):
        power = 10.0 ** np.minimum(place, 400)
        terms = np.where(is_digit, _DIGIT_VALUE[raw] * power, 0.0)
        values = np.add.reduceat(terms, starts)
    dots = np.flatnonzero((form == _DOT) & (of_token >= 0))
    if len(dots):
        owner = of_token[dots]
        decimals = np.minimum(digits_at_end[owner] - digits_so_far[dots], 300)
        values[owner] = values[owner] / 10.0**decimals
    values[_NEGATIVE[raw[starts]]] *= -1
    # "?" and a sign or a dot without digits are no numbers.
    empty = digits_at_end - np.concatenate([[0], digits_at_end[:-1]]) == 0
    values[empty] = np.nan
    return values
