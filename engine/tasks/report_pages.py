"""A report as PDF: A4 pages of text, tables and figures, all vector drawing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from engine.tasks.report_content import Table
from engine.tasks.report_drawing import (
    INK,
    MUTED,
    draw_panel,
    new_page,
    print_style,
    text_width_mm,
)
from engine.tasks.report_structure import draw_structure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from engine.tasks.report import Report, SpectrumSection

PAGE_MM = (210.0, 297.0)
_MARGIN, _FOOT = 16.0, 16.0
_BODY = 7.5
_LINE_MM = 3.7
_GAP_MM = 5.0
_ACCENT, _RULE, _SOFT = "#0b6680", "#d6dadf", "#e6e9ec"


def pdf_of(report: Report) -> bytes:
    """The report as a PDF file; the same report gives the same bytes."""
    from matplotlib.backends.backend_pdf import PdfPages

    file = BytesIO()
    with print_style():
        pages = _Pages()
        _front(pages, report)
        for section in report.sections:
            _spectrum(pages, section)
        pages.number(report)
        metadata = {
            "Title": report.name, "Creator": report.program, "Producer": None, "CreationDate": None,
        }  # fmt: skip
        with PdfPages(file, metadata=metadata) as pdf:
            for figure in pages.figures:
                pdf.savefig(figure)
    return file.getvalue()


class _Pages:
    """Pages that are filled from top to bottom; ``y`` is where the next thing goes, in mm."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.turn()

    @property
    def width(self) -> float:
        return PAGE_MM[0] - 2 * _MARGIN

    @property
    def left_on_page(self) -> float:
        """The height that is free, in mm."""
        return PAGE_MM[1] - _FOOT - self.y

    def turn(self) -> None:
        self.figures.append(new_page(*PAGE_MM))
        self.y = _MARGIN

    def need(self, height: float) -> None:
        """A new page unless so much of this one is free."""
        if height > self.left_on_page and self.y > _MARGIN:
            self.turn()

    def put(self, text: str, x: float, y: float, size: float = _BODY, **style) -> None:
        """A line of text at ``x`` from the left margin, its capitals' top at about ``y``."""
        self.figures[-1].text(
            (_MARGIN + x) / PAGE_MM[0], 1 - (y + 0.39 * size) / PAGE_MM[1], text, fontsize=size,
            va="baseline", **style,
        )  # fmt: skip

    def rule(self, x: float, y: float, width: float, colour: str = _RULE, thick: float = 0.4):
        from matplotlib.lines import Line2D

        left, height = (_MARGIN + x) / PAGE_MM[0], 1 - y / PAGE_MM[1]
        self.figures[-1].add_artist(
            Line2D([left, left + width / PAGE_MM[0]], [height] * 2, color=colour, linewidth=thick)
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        from matplotlib.patches import Rectangle

        self.figures[-1].add_artist(
            Rectangle(
                ((_MARGIN + x) / PAGE_MM[0], 1 - (y + height) / PAGE_MM[1]),
                width / PAGE_MM[0], height / PAGE_MM[1], facecolor=colour, linewidth=0,
            )
        )  # fmt: skip

    def heading(self, text: str, with_next: float = 25.0) -> None:
        self.need(9.0 + with_next)
        if self.y > _MARGIN:
            self.y += _GAP_MM
        self.put(text, 0, self.y, 10, fontweight="bold", color=_ACCENT)
        self.y += 5.2
        self.rule(0, self.y, self.width)
        self.y += 2.2

    def paragraph(self, text: str, x: float = 0.0, width: float | None = None, **style) -> None:
        for line in wrapped(text, (self.width if width is None else width) - x):
            self.need(_LINE_MM)
            self.put(line, x, self.y, **style)
            self.y += _LINE_MM

    def pairs(self, facts: Sequence[tuple[str, str]], width: float) -> None:
        """Labels with their texts beside them, wrapped."""
        column = 2.5 + max((text_width_mm(label, _BODY) for label, _ in facts), default=0.0)
        for label, text in facts:
            lines = wrapped(text, width - column)
            self.need(_LINE_MM * min(len(lines), 3))
            self.put(label, 0, self.y, color=MUTED)
            for line in lines:
                self.need(_LINE_MM)
                self.put(line, column, self.y)
                self.y += _LINE_MM

    def table(self, table: Table) -> None:
        """A table of short cells, in as many columns side by side as there is room for."""
        widths = [
            4.0 + max(text_width_mm(row[k], _BODY, row is table.header)
                      for row in (table.header, *table.rows))
            for k in range(len(table.header))
        ]  # fmt: skip
        block = sum(widths) + 6.0
        beside = max(1, min(int((self.width + 6.0) / block), -(-len(table.rows) // 8)))
        rows = list(table.rows)
        while rows:
            self.need(_LINE_MM * 4)
            fit = max(1, int(self.left_on_page / _LINE_MM) - 2)
            deep = min(fit, -(-len(rows) // beside))
            part, rows = rows[: deep * beside], rows[deep * beside :]
            top = self.y
            for k in range(-(-len(part) // deep)):
                self._block(table.header, part[k * deep : (k + 1) * deep], widths, k * block, top)
            self.y = top + (deep + 1) * _LINE_MM + 1.5

    def _block(self, header, rows, widths, x: float, y: float) -> None:
        ends = [x + sum(widths[: k + 1]) for k in range(len(widths))]
        for cell, end in zip(header, ends, strict=True):
            self.put(cell, end - 4.0, y, color=MUTED, ha="right")
        self.rule(x, y + _LINE_MM - 0.2, ends[-1] - x - 4.0)
        for number, row in enumerate(rows, 1):
            for cell, end in zip(row, ends, strict=True):
                self.put(cell, end - 4.0, y + number * _LINE_MM + 0.3, ha="right")

    def number(self, report: Report) -> None:
        """The foot of every page: program, sample, page and number of pages."""
        whole = len(self.figures)
        y = PAGE_MM[1] - 11.0
        said = " · ".join(filter(None, (report.program, report.name, report.date)))
        said = wrapped(said, self.width - 30)[0]
        for page, figure in enumerate(self.figures, 1):
            height = 1 - (y + 2.6) / PAGE_MM[1]
            for x, text, align in (
                (_MARGIN, said, "left"),
                (PAGE_MM[0] - _MARGIN, f"page {page} of {whole}", "right"),
            ):
                figure.text(x / PAGE_MM[0], height, text, fontsize=6.5, color=MUTED, ha=align)


def wrapped(text: str, width: float, size: float = _BODY, bold: bool = False) -> list[str]:
    """A text in lines of at most ``width`` mm; words wider than that are broken."""
    lines, line = [], ""
    for word in re.findall(r"\S+", text):
        longer = f"{line} {word}" if line else word
        if text_width_mm(longer, size, bold) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while text_width_mm(word, size, bold) > width and len(word) > 1:
            cut = max(1, int(len(word) * width / text_width_mm(word, size, bold)))
            while cut > 1 and text_width_mm(word[:cut], size, bold) > width:
                cut -= 1
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    return [*lines, line] if line or not lines else lines


def _front(pages: _Pages, report: Report) -> None:
    for line in wrapped(report.name, pages.width, 16, bold=True)[:3]:
        pages.put(line, 0, pages.y, 16, fontweight="bold")
        pages.y += 7.4
    said = " · ".join(filter(None, (report.program, report.date)))
    pages.put(said, 0, pages.y, color=MUTED)
    pages.y += _LINE_MM + 3
    top, width = pages.y, pages.width
    if report.structure is not None:
        size = (62.0, 44.0)
        axes = pages.figures[-1].add_axes(
            (
                (PAGE_MM[0] - _MARGIN - size[0]) / PAGE_MM[0], 1 - (top + size[1]) / PAGE_MM[1],
                size[0] / PAGE_MM[0], size[1] / PAGE_MM[1],
            )
        )  # fmt: skip
        numbered = report.assignment is not None
        draw_structure(axes, report.structure, 310, 220, numbered)
        width -= size[0] + 6
    pages.pairs(report.facts, width)
    if report.structure is not None and len(pages.figures) == 1:
        pages.y = max(pages.y, top + 46)
    _groups(pages, report)
    if report.assignment is not None:
        pages.heading("Assignment")
        _table_with_note(pages, report.assignment)
    if report.warnings:
        pages.heading("Remarks", 8)
        for text in report.warnings:
            pages.paragraph(text)


def _groups(pages: _Pages, report: Report) -> None:
    if not report.model:
        return
    pages.heading("Functional groups")
    if not report.groups:
        pages.paragraph("No group is present.")
    name_mm = 4.0 + max((text_width_mm(g.name, _BODY) for g in report.groups), default=10.0)
    known = report.structure is not None
    columns = {"Group": 0.0, "Probability": name_mm}
    where = name_mm + 30.0
    if known:
        columns["In structure"] = where
        where += 20.0
    columns["Where it shows"] = where
    if report.groups:
        for title, x in columns.items():
            pages.put(title, x, pages.y, color=MUTED)
        pages.y += _LINE_MM
        pages.rule(0, pages.y - 0.3, pages.width)
        pages.y += 0.6
    for group in report.groups:
        lines = [line for r in group.regions for line in wrapped(r, pages.width - where)] or ["–"]
        pages.need(_LINE_MM * len(lines))
        pages.put(group.name, 0, pages.y, fontweight="normal")
        pages.bar(name_mm, pages.y + 0.5, 16.0, 2.0, _SOFT)
        pages.bar(name_mm, pages.y + 0.5, 16.0 * group.probability, 2.0, _ACCENT)
        pages.put(f"{group.probability:.0%}", name_mm + 18.0, pages.y)
        if known:
            pages.put("yes" if group.in_structure else "no", columns["In structure"], pages.y)
        for line in lines:
            pages.put(line, where, pages.y)
            pages.y += _LINE_MM
        pages.y += 0.5
    pages.y += 1.5
    for text in report.group_notes:
        pages.paragraph(text, color=MUTED)
    pages.paragraph(f"Model: {report.model}.", color=INK)


def _spectrum(pages: _Pages, section: SpectrumSection) -> None:
    plot = section.plot
    height = plot.height_mm + 10
    pages.need(height + 15)
    if pages.y > _MARGIN:
        pages.y += _GAP_MM
    draw_panel(pages.figures[-1], plot, (_MARGIN, pages.y, pages.width, height))
    pages.y += height + 2
    steps = [f"{number}. {text}" for number, text in enumerate(section.steps, 1)]
    said = list(section.facts)
    for label, texts in (
        ("Processing", steps or ["none: shown as recorded"]),
        ("Remarks", section.warnings),
    ):
        said += [(label if index == 0 else "", text) for index, text in enumerate(texts)]
    pages.pairs(said, pages.width)
    if section.line:
        _heading_in_section(pages, "As in a paper")
        pages.paragraph(section.line)
    for title, table in (("Signals", section.signals), ("Peaks", section.peaks)):
        if table is None:
            continue
        _heading_in_section(pages, title)
        _table_with_note(pages, table)


def _table_with_note(pages: _Pages, table: Table) -> None:
    if table.rows:
        pages.table(table)
    else:
        pages.paragraph("No peak rises above the noise.")
    if table.note:
        pages.paragraph(table.note, color=MUTED)


def _heading_in_section(pages: _Pages, title: str) -> None:
    pages.need(_LINE_MM * 5)
    pages.y += 2.5
    pages.put(title, 0, pages.y, 8, fontweight="bold")
    pages.y += _LINE_MM + 0.8
