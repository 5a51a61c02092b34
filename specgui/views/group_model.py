"""The groups of a finding as a Qt table: name, probability, techniques, and the known truth."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt

from engine.chemistry.functional_groups import GROUP_NAMES

NAME, PROBABILITY, TECHNIQUES, AGREEMENT = range(4)
HEADERS = ("Group", "Probability", "Seen in", "")
ROW_ROLE = Qt.ItemDataRole.UserRole + 1

HIT, MISSED, EXTRA, REJECTED = "hit", "missed", "extra", ""
# The signs tell them apart, so that the colour need not.
AGREEMENT_SIGNS = {HIT: "✓", MISSED: "○", EXTRA: "+", REJECTED: ""}
_AGREEMENT_ORDER = {MISSED: 0, EXTRA: 1, HIT: 2, REJECTED: 3}


@dataclass(frozen=True)
class GroupRow:
    """One line: ``techniques`` are (technique, weight) pairs, the most telling first."""

    name: str
    probability: float | None
    threshold: float
    present: bool
    techniques: tuple[tuple[str, float], ...] = ()
    agreement: str = ""
    known: bool = False

    @property
    def matters(self) -> bool:
        """Whether the line is shown when absent groups are hidden."""
        return self.present or self.known


def rows_of(identification, true_groups: frozenset[str] | None) -> list[GroupRow]:
    """The lines for a ``GroupIdentification`` and the groups of the known structure, if any.

    Without an identification the known groups alone are listed.
    """
    known = true_groups or frozenset()
    if identification is None:
        return [GroupRow(n, None, 0.0, False, known=True) for n in GROUP_NAMES if n in known]
    rows = []
    for group in identification.groups:
        weights: dict[str, float] = {}
        for region in group.evidence:
            weights[str(region.technique)] = weights.get(str(region.technique), 0) + region.weight
        ordered = sorted(weights.items(), key=lambda pair: -pair[1])
        agreement = ""
        if true_groups is not None:
            agreement = {
                (True, True): HIT, (False, True): MISSED, (True, False): EXTRA,
                (False, False): REJECTED,
            }[(group.present, group.name in known)]  # fmt: skip
        rows.append(
            GroupRow(
                group.name, group.probability, group.threshold, group.present, tuple(ordered),
                agreement, group.name in known,
            )
        )  # fmt: skip
    return rows


class GroupModel(QAbstractTableModel):
    """The lines as they come from the finding."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._rows: list[GroupRow] = []

    @property
    def rows(self) -> list[GroupRow]:
        return self._rows

    def set_rows(self, rows: list[GroupRow]) -> None:
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation, role: int = Qt.ItemDataRole.DisplayRole):
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tooltip(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            text = self._text(row, index.column()) or "none"
            return f"{HEADERS[index.column()] or 'Known structure'}: {text}"
        return None

    @staticmethod
    def _text(row: GroupRow, column: int) -> str:
        if column == NAME:
            return row.name
        if column == PROBABILITY:
            return percent(row.probability)
        if column == TECHNIQUES:
            return ", ".join(name for name, _ in row.techniques)
        return row.agreement


def percent(probability: float | None) -> str:
    """A probability in words; never 0% or 100%, which it cannot be."""
    if probability is None:
        return ""
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{probability:.0%}"


def _tooltip(row: GroupRow) -> str:
    if row.probability is None:
        return f"{row.name}: in the known structure"
    said = "present" if row.present else "absent"
    lines = [f"{row.name}: {said}, {row.probability:.1%} (threshold {row.threshold:.0%})"]
    lines += [f"{technique}: {weight:.0%} of the evidence" for technique, weight in row.techniques]
    explained = {
        HIT: "In the known structure, and found.",
        MISSED: "In the known structure, but not found.",
        EXTRA: "Found, but not in the known structure.",
    }
    if row.agreement in explained:
        lines.append(explained[row.agreement])
    return "\n".join(lines)


class GroupFilter(QSortFilterProxyModel):
    """Present groups first, then by the chosen order; hides absent ones and other names."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._order = "probability"
        self._show_absent = False
        self._needle = ""
        self.sort(0)

    def set_order(self, order: str) -> None:
        self._order = order
        self.invalidate()

    def set_show_absent(self, show: bool) -> None:
        self._show_absent = show
        self.invalidate()

    def set_needle(self, text: str) -> None:
        self._needle = text.strip().lower()
        self.invalidate()

    def filterAcceptsRow(self, row: int, _parent: QModelIndex) -> bool:
        entry = self.sourceModel().rows[row]
        # Who searches for a name wants to see it, absent or not.
        if self._needle:
            return self._needle in entry.name.lower()
        return self._show_absent or entry.matters

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        rows = self.sourceModel().rows
        return self._sort_key(rows[left.row()]) < self._sort_key(rows[right.row()])

    def _sort_key(self, row: GroupRow) -> tuple:
        probability = -(row.probability or 0.0)
        if self._order == "name":
            return (row.name,)
        if self._order == "agreement":
            return (_AGREEMENT_ORDER[row.agreement], probability, row.name)
        return (not row.present, probability, row.name)
