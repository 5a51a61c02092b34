"""A report as one HTML file: figures as inline SVG, no scripts, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from engine.tasks.report_content import Table
from engine.tasks.report_drawing import Plot, draw_panels, print_style

if TYPE_CHECKING:
    from engine.tasks.report import Report, SpectrumSection

_WIDTH_MM = 190.0
# Nothing may be loaded and nothing may run, whatever a file's texts hold.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  color: #1b2128; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin: 0; overflow-wrap: anywhere; } h2 { color: #0b6680; border-bottom: 1px solid #d6dadf;
  margin: 2rem 0 .6rem; overflow-wrap: anywhere; } h3 { margin: 1.2rem 0 .3rem; }
p.muted, footer, th, dt, caption { color: #57616d; }
.front { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
.front > dl { flex: 1 1 22rem; } .front > figure { margin: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
figure { margin: .5rem 0; } figure svg { width: 100%; height: auto; }
.front figure svg { width: 20rem; }
table { border-collapse: collapse; } th { font-weight: normal; text-align: left;
  border-bottom: 1px solid #d6dadf; } th, td { padding: .12rem 1.2rem .12rem 0;
  vertical-align: top; } td.number, th.number { text-align: right; }
.columns { columns: 18rem; column-gap: 2rem; } .columns tr { break-inside: avoid; }
meter { width: 6rem; vertical-align: middle; } footer { margin-top: 3rem;
  border-top: 1px solid #d6dadf; padding-top: .5rem; }
@page { size: A4; margin: 15mm; }
@media print { body { margin: 0; max-width: none; font-size: 9pt; padding: 0; }
  figure, h2, h3, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
""".strip()


def html_of(report: Report) -> str:
    """The report as the text of an HTML file; the same report gives the same text."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterable[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta name="generator" content="{escape(report.program)}">'
    yield f"<title>{escape(report.name)}</title><style>{_STYLE}</style></head><body>"
    yield f"<header><h1>{escape(report.name)}</h1>"
    said = " · ".join(filter(None, (report.program, report.date)))
    yield f'<p class="muted">{escape(said)}</p></header><main>'
    yield '<div class="front">'
    yield _pairs(report.facts)
    if report.structure is not None:
        from engine.chemistry.structure import depict_svg

        drawing = inline_svg(
            depict_svg(report.structure, 320, 240, numbered=report.assignment is not None),
            "structure", "Structure",
        )  # fmt: skip
        yield f"<figure>{drawing}</figure>"
    yield "</div>"
    if report.model:
        yield from _groups(report)
    if report.assignment is not None:
        yield f"<h2>Assignment</h2>{_table(report.assignment)}"
    if report.warnings:
        yield f"<h2>Remarks</h2>{_list(report.warnings)}"
    for number, section in enumerate(report.sections, 1):
        yield from _spectrum(section, f"figure{number}")
    yield f"</main><footer>{escape(said)}</footer></body></html>"


def _groups(report: Report) -> Iterable[str]:
    known = report.structure is not None
    yield "<h2>Functional groups</h2>"
    if report.groups:
        titles = ["Group", "Probability", *(["In structure"] if known else []), "Where it shows"]
        yield "<table><thead><tr>" + "".join(f"<th>{title}</th>" for title in titles)
        yield "</tr></thead><tbody>"
    else:
        yield "<p>No group is present.</p>"
    for group in report.groups:
        share = f"{group.probability:.3f}"
        cells = [
            escape(group.name),
            f'<meter min="0" max="1" value="{share}"></meter> {group.probability:.0%}',
            *(["yes" if group.in_structure else "no"] if known else []),
            "<br>".join(map(escape, group.regions)) or "–",
        ]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    if report.groups:
        yield "</tbody></table>"
    for text in report.group_notes:
        yield f'<p class="muted">{escape(text)}</p>'
    yield f"<p>Model: {escape(report.model)}.</p>"


def _spectrum(section: SpectrumSection, name: str) -> Iterable[str]:
    yield f"<section><h2>{escape(section.title)}</h2>"
    yield f"<figure>{_figure(section.plot, name, section.title)}</figure>"
    yield _pairs(section.facts)
    yield "<h3>Processing</h3>"
    if section.steps:
        yield "<ol>" + "".join(f"<li>{escape(text)}</li>" for text in section.steps) + "</ol>"
    else:
        yield "<p>None: shown as recorded.</p>"
    if section.warnings:
        yield f"<h3>Remarks</h3>{_list(section.warnings)}"
    if section.signals is not None:
        yield f"<h3>Signals</h3>{_table(section.signals)}"
    if section.line:
        yield f"<h3>As in a paper</h3><p>{escape(section.line)}</p>"
    yield f"<h3>Peaks</h3>{_table(section.peaks)}</section>"


def _pairs(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in facts)
    return f"<dl>{rows}</dl>"


def _list(texts: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _table(table: Table) -> str:
    if not table.rows:
        return "<p>No peak rises above the noise.</p>"
    header = "".join(f'<th class="number">{escape(title)}</th>' for title in table.header)
    rows = "".join(
        "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in table.rows
    )
    note = f'<p class="muted">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="columns"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _figure(plot: Plot, name: str, title: str) -> str:
    file = StringIO()
    with print_style(name):
        figure = draw_panels([plot], _WIDTH_MM, plot.height_mm + 8)
        figure.savefig(file, format="svg", metadata={"Date": None})
    return inline_svg(file.getvalue(), name, title)


def inline_svg(svg: str, name: str, title: str) -> str:
    """An SVG file as an element of a page: its own prefix on every identifier, and a title."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\bid=(['\"])", rf"id=\1{name}-", svg)
    svg = re.sub(r"\bhref=(['\"])#", rf"href=\1#{name}-", svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    said = escape(title)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1)
    return svg
