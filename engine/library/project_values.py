"""What a project file holds beside arrays, as JSON and back: metadata, chains, peaks."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

# The one key of an object that stands for a value that JSON has no word for.
_TUPLE, _BYTES, _ARRAY, _COMPLEX, _PAIRS = "(tuple)", "(bytes)", "(array)", "(complex)", "(pairs)"
_DTYPES = ("<f8", "<f4", "<f2", "<i8", "<i4", "<u8", "<u4", "<c16", "|b1", "|u1", "|i1")
_MOST_DEPTH = 50


def to_json(value: Any) -> str:
    """JSON from which :func:`from_json` makes the same value again.

    Tuples, bytes, complex numbers, arrays of numbers and mappings with other keys than text are
    kept; anything else becomes its text.
    """
    return json.dumps(_packed(value, 0), ensure_ascii=False)


def from_json(text: str) -> Any:
    """The value of :func:`to_json`; raises ``ValueError`` for text that it did not make."""
    try:
        return _unpacked(json.loads(text))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a value of a project: {error}") from error


def _packed(value: Any, depth: int) -> Any:
    if depth > _MOST_DEPTH:
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        # Half a surrogate pair, of a file in a wrong encoding, is no text that can be stored.
        return str(value).encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, np.generic):
        return _packed(value.item(), depth + 1)
    if isinstance(value, tuple):
        return {_TUPLE: [_packed(v, depth + 1) for v in value]}
    if isinstance(value, list):
        return [_packed(v, depth + 1) for v in value]
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not _is_tag(value):
            return {_packed(k, depth): _packed(v, depth + 1) for k, v in value.items()}
        return {_PAIRS: [[_packed(part, depth + 1) for part in pair] for pair in value.items()]}
    if isinstance(value, (bytes, bytearray)):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, complex):
        return {_COMPLEX: [value.real, value.imag]}
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        if array.dtype.str in _DTYPES:
            data = base64.b64encode(array.tobytes()).decode()
            return {_ARRAY: [array.dtype.str, list(array.shape), data]}
        return _packed(value.tolist(), depth + 1)
    return str(value)


def _is_tag(value: Mapping) -> bool:
    return len(value) == 1 and next(iter(value)) in (_TUPLE, _BYTES, _ARRAY, _COMPLEX, _PAIRS)


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(v) for v in value]
    if not isinstance(value, dict):
        return value
    if not _is_tag(value):
        return {k: _unpacked(v) for k, v in value.items()}
    ((tag, content),) = value.items()
    if tag == _TUPLE:
        return tuple(_unpacked(v) for v in content)
    if tag == _PAIRS:
        return {_unpacked(k): _unpacked(v) for k, v in content}
    if tag == _BYTES:
        return base64.b64decode(content, validate=True)
    if tag == _COMPLEX:
        return complex(*content)
    dtype, shape, data = content
    if dtype not in _DTYPES:
        raise ValueError(f"not an array of numbers: {str(dtype)[:20]!r}")
    # A copy: what frombuffer gives cannot be written to.
    return np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(shape).copy()
