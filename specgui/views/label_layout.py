"""Where labels go that stand over the lines they name: none covers another or is crossed.

Labels of signals that are far apart stand centred over them. Where they would meet, some move up,
and some end or begin over their lines, so that every line runs straight down from its label. Of
crowds too large to try what fits a pyramid is made: those on the left end over their lines, those
on the right begin there, and the outer ones lie below the inner ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# How far a label may reach beyond its line, and how near it may come to another's.
_OVERHANG, _CLEAR = 4.0, 3.0
_MOST_TRIED, _MOST_TRIALS = 12, 400


@dataclass(frozen=True)
class LabelWish:
    """A label over ``x``; ``widths`` of its forms, longest first; ``weight``: who stays in a crowd.

    All lengths in one unit, as pixels.
    """

    x: float
    widths: tuple[float, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class LabelPlace:
    """The form that a label has, its left end, and its row, 0 the lowest."""

    form: int
    left: float
    row: int


@dataclass
class _Cluster:
    members: list[int]
    places: dict[int, tuple[float, int]] = field(default_factory=dict)
    fits: bool = True

    def extent(self, widths: Sequence[float]) -> tuple[float, float]:
        return (
            min(left for left, _ in self.places.values()),
            max(left + widths[k] for k, (left, _) in self.places.items()),
        )

    @property
    def rows(self) -> int:
        return 1 + max(row for _, row in self.places.values())


def lay_out(
    wishes: Sequence[LabelWish], width: float, rows: int, gap: float = 6.0
) -> list[LabelPlace | None]:
    """Places in the order of the wishes; None where there is no room even for the shortest form.

    Labels stay between 0 and ``width`` and in so many ``rows``. Where they do not fit, the widest
    label of the crowd is shortened first; when all are short, the one of least weight goes.
    """
    order = sorted(range(len(wishes)), key=lambda k: wishes[k].x)
    forms = dict.fromkeys(order, 0)
    while forms:
        widths = [wishes[k].widths[forms.get(k, 0)] for k in range(len(wishes))]
        clusters = _clusters([k for k in order if k in forms], wishes, widths, (width, rows), gap)
        crowd = next((c for c in clusters if not c.fits or c.rows > rows), None)
        if crowd is None:
            placed = {k: place for cluster in clusters for k, place in cluster.places.items()}
            return [
                LabelPlace(forms[k], *placed[k]) if k in placed else None
                for k in range(len(wishes))
            ]
        long = [k for k in crowd.members if forms[k] + 1 < len(wishes[k].widths)]
        if long:
            widest = sorted(long, key=lambda k: -widths[k])
            for k in widest[: max(1, len(long) // _MOST_TRIED)]:
                forms[k] += 1
        else:
            del forms[min(crowd.members, key=lambda k: wishes[k].weight)]
    return [None] * len(wishes)


def _clusters(
    order: Sequence[int], wishes, widths: Sequence[float], room: tuple[float, int], gap: float
) -> list[_Cluster]:
    """Labels that have to be stacked together, joined until none meets the next."""
    clusters: list[_Cluster] = []
    for k in order:
        new = _stacked([k], wishes, widths, room, gap)
        while clusters and clusters[-1].extent(widths)[1] + gap > new.extent(widths)[0]:
            members = [*clusters.pop().members, *new.members]
            new = _stacked(members, wishes, widths, room, gap)
        clusters.append(new)
    return clusters


def _stacked(members: list[int], wishes, widths, room: tuple[float, int], gap: float) -> _Cluster:
    width, _ = room
    if len(members) == 1:
        (k,) = members
        left = min(max(wishes[k].x - widths[k] / 2, 0.0), max(0.0, width - widths[k]))
        over = left <= wishes[k].x + _OVERHANG and wishes[k].x - _OVERHANG <= left + widths[k]
        return _Cluster(members, {k: (left, 0)}, fits=widths[k] <= width and over)
    if len(members) <= _MOST_TRIED:
        places = _tried(members, wishes, widths, room, gap)
        if places is not None:
            return _Cluster(members, places)
    best = None
    middle = len(members) / 2
    for count in sorted(range(len(members) + 1), key=lambda count: abs(count - middle)):
        places = _row_places(members, count, wishes, widths, gap)
        inside = all(left >= 0 and left + widths[k] <= width for k, (left, _) in places.items())
        cluster = _Cluster(members, places, fits=inside)
        better = best is None or (cluster.fits, -cluster.rows) > (best.fits, -best.rows)
        best = cluster if better else best
    return best


def _tried(members: Sequence[int], wishes, widths, room: tuple[float, int], gap: float):
    """The first way that is found to put labels into the rows, from left to right; None for none.

    Low rows are tried first, and in each the middle, then ending over the line, then beginning.
    """
    options = []
    for index, k in enumerate(members):
        x, wide = wishes[k].x, widths[k]
        before = x - wishes[members[index - 1]].x if index else 2 * _OVERHANG
        after = wishes[members[index + 1]].x - x if index + 1 < len(members) else 2 * _OVERHANG
        lefts = (
            x - wide / 2,
            x + min(_OVERHANG, after - _CLEAR) - wide,
            x - min(_OVERHANG, before - _CLEAR),
        )
        inside = [left for left in lefts if left >= 0 and left + wide <= room[0]]
        options.append([(left, row) for row in range(room[1]) for left in inside])
    trials = _MOST_TRIALS
    chosen: list[int] = [-1]
    while chosen:
        depth = len(chosen) - 1
        chosen[-1] += 1
        trials -= 1
        if trials < 0:
            return None
        if chosen[-1] >= len(options[depth]):
            chosen.pop()
            continue
        new = (members[depth], *options[depth][chosen[-1]])
        placed = ((members[d], *options[d][chosen[d]]) for d in range(depth))
        if any(_meet(new, other, wishes, widths, gap) for other in placed):
            continue
        if depth + 1 == len(members):
            return {k: options[d][chosen[d]] for d, k in enumerate(members)}
        chosen.append(-1)
    return None


def _meet(one, other, wishes, widths, gap: float) -> bool:
    """Whether two labels ``(index, left, row)`` meet, or the line of the higher the lower label."""
    if one[2] == other[2]:
        return (
            one[1] < other[1] + widths[other[0]] + gap and other[1] < one[1] + widths[one[0]] + gap
        )
    high, low = (one, other) if one[2] > other[2] else (other, one)
    line = wishes[high[0]].x
    return low[1] - _CLEAR < line < low[1] + widths[low[0]] + _CLEAR


def _row_places(members: Sequence[int], count: int, wishes, widths, gap: float):
    """The first ``count`` labels end over their lines, the others begin there.

    A label lies above all outer ones whose lines it would cover.
    """
    places: dict[int, tuple[float, int]] = {}
    for side, part in ((-1, members[:count]), (1, members[count:][::-1])):
        outer: list[tuple[float, int]] = []
        for k in part:
            x, index = wishes[k].x, members.index(k)
            # It must not reach the line of the next label further in, which comes from above.
            reach = _OVERHANG
            if 0 <= index - side < len(members):
                apart = abs(wishes[members[index - side]].x - x)
                reach = min(reach, apart - _CLEAR)
                if (index < count) != (index - side < count):
                    # The innermost two stand back to back in one row.
                    reach = min(reach, (apart - gap) / 2)
            left = x + reach - widths[k] if side < 0 else x - reach
            right = left + widths[k]
            covered = [row for at, row in outer if left - gap <= at <= right + gap]
            places[k] = (left, 1 + max(covered, default=-1))
            outer.append((x, places[k][1]))
    return places
