"""Batches in which one channel's rows are one and the same, as when another channel is masked."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def once_for_repeated(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """``function(rows)`` for a function that takes each row by itself.

    Rows that are an expanded view of a single one (``Tensor.expand``) are computed once, and the
    result is such a view again.
    """
    if len(rows) > 1 and rows.stride(0) == 0:
        result = function(rows[:1])
        return result.expand(len(rows), *result.shape[1:])
    return function(rows)
