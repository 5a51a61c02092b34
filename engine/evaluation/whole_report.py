"""Every benchmark as one HTML file: tables, charts, and why some could not be run."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from engine import __version__
from engine.evaluation.charts import page_variables
from engine.evaluation.report_charts import charts_of

NAME = "all"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 14px/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  color: var(--ink); background: var(--ground); max-width: 68rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { margin: 0; } h2 { color: var(--accent); border-bottom: 1px solid var(--rule);
  margin: 2.4rem 0 .6rem; } h3 { margin: 1.4rem 0 .3rem; font-size: 1rem; }
a { color: var(--accent); } p.muted, footer { color: var(--muted); }
nav ul { columns: 16rem; padding-left: 1.2rem; } nav .muted { color: var(--muted); }
figure { margin: 1rem 0 1.4rem; } figure svg { width: 100%; height: auto; }
figcaption { font-weight: 600; margin-bottom: .3rem; }
.table { overflow-x: auto; margin: .6rem 0; max-height: 36rem; overflow-y: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; position: sticky; top: 0; background: var(--raised); }
th, td { padding: .15rem .9rem .15rem .3rem; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
.number { text-align: right; } .reason { background: var(--raised); padding: .6rem .8rem;
  border-left: 4px solid var(--rule); }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); padding-top: .5rem; }
@media print { body { margin: 0; max-width: none; font-size: 8pt; }
  .table { max-height: none; overflow: visible; } figure, tr { break-inside: avoid; } }
""".strip()

TITLES = {
    "groups": "Functional groups",
    "fusion": "Networks and fusion side by side",
    "fragments": "Mass spectra with exact masses",
    "maps": "Maps of importance",
    "unknown": "Inputs unlike training",
    "failures": "Where the predictors fail",
    "speed": "Speed",
    "retrieval": "Search",
    "isomers": "Isomers",
    "assignment": "Assignment",
    "shifts": "Predicted shifts",
    "alignment": "K-M3AID",
    "verification": "Verification",
}


@dataclass(frozen=True)
class Section:
    """One benchmark: its result and its table, or the reason why there is none."""

    name: str
    result: dict[str, Any] | None = None
    table: str = ""
    reason: str = ""
    charts: tuple[str, ...] = field(default=())
    variant: str = ""

    @property
    def title(self) -> str:
        title = TITLES.get(self.name, self.name.capitalize())
        return f"{title}: {self.variant}" if self.variant else title

    @property
    def anchor(self) -> str:
        return f"{self.name}-{self.variant}" if self.variant else self.name


def benchmark(options: Any, report: Callable[[str], None]) -> dict[str, Any]:
    """The report as ``specgui benchmark all`` asks for it: written to ``options.out``.

    ``options.benchmarks`` maps names to modules of this package; ``options.results`` is a folder
    of results, ``NAME.json``: those of the same split are taken, new ones are put there. Results
    ``NAME-VARIANT.json`` in it, of the same benchmark with other options, get sections too.
    """
    sections = sections_of(options, report)
    text = html_of(sections, options.split)
    out = Path(options.out or "benchmarks.html")
    part = out.with_name(out.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(out)
    return {
        "benchmark": NAME,
        "split": options.split,
        "written": str(out),
        "sections": [
            {"name": section.anchor, "done": section.result is not None, "reason": section.reason}
            for section in sections
        ],
    }


def format_table(result: dict[str, Any]) -> str:
    """What is in the report that was written."""
    lines = [f"{result['written']}:"]
    for section in result["sections"]:
        said = "done" if section["done"] else f"not run: {section['reason']}"
        lines.append(f"  {section['name']}: {said}")
    return "\n".join(lines)


def sections_of(options: Any, report: Callable[[str], None]) -> list[Section]:
    """Every benchmark but this one, run or taken from a folder of results."""
    order = list(TITLES)
    names = sorted(
        (name for name in options.benchmarks if name != NAME),
        key=lambda name: (order.index(name) if name in order else len(order), name),
    )
    sections = []
    for name in names:
        sections.append(_section(name, options, report))
        sections += _variants(name, options)
    return sections


def _variants(name: str, options: Any) -> list[Section]:
    """Kept results of a benchmark with other options."""
    sections = []
    folder = Path(options.results) if options.results else None
    for path in sorted(folder.glob(f"{name}-*.json")) if folder else ():
        variant = path.stem[len(name) + 1 :]
        result = _read_kept(path)
        module = import_module(f"engine.evaluation.{options.benchmarks[name]}")
        if result is None:
            sections.append(Section(name, reason=f"{path} is not a result", variant=variant))
        else:
            sections.append(_shown(name, module, result, variant))
    return sections


def _section(name: str, options: Any, report: Callable[[str], None]) -> Section:
    from engine.library.group_model import NoModelError
    from engine.training.group_tables import MissingTableError

    module = import_module(f"engine.evaluation.{options.benchmarks[name]}")
    folder = Path(options.results) if options.results else None
    result = _kept(folder, name, options.split)
    if result is None:
        own = copy.copy(options)
        own.name = name
        try:
            result = module.benchmark(own, lambda line: report(f"{name}: {line}"))
        except (MissingTableError, NoModelError, ModuleNotFoundError, ValueError, OSError) as error:
            report(f"{name}: {error}")
            return Section(name, reason=str(error) or type(error).__name__)
        # As it is kept, so that a page from new and from kept results is the same.
        result = json.loads(json.dumps(_plain(result)))
        if folder is not None:
            _keep(folder, name, result)
    else:
        report(f"{name}: taken from {folder}")
    return _shown(name, module, result)


def _shown(name: str, module: Any, result: dict[str, Any], variant: str = "") -> Section:
    try:
        charts = charts_of(name, result, f"{name}-{variant}" if variant else name)
        return Section(name, result, module.format_table(result), charts=charts, variant=variant)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"its result cannot be shown ({type(error).__name__}: {error})"
        return Section(name, reason=reason, variant=variant)


def _kept(folder: Path | None, name: str, split: str) -> dict[str, Any] | None:
    result = _read_kept(folder / f"{name}.json") if folder is not None else None
    return result if result is not None and result.get("split", split) == split else None


def _read_kept(path: Path) -> dict[str, Any] | None:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) else None


def _keep(folder: Path, name: str, result: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.json.part"
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / f"{name}.json")


def _plain(value: Any) -> Any:
    """As JSON knows it: no NaN, no NumPy."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and value != value:
        return None
    return value


def html_of(sections: Iterable[Section], split: str) -> str:
    """The page; the same results give the same text."""
    sections = list(sections)
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>SpecGUI: benchmarks</title>",
        f"<style>{page_variables()}\n{_STYLE}</style></head><body>",
        "<header><h1>Benchmarks</h1>",
        f'<p class="muted">SpecGUI {escape(__version__)} · split {escape(split)}</p></header>',
        "<nav><ul>",
    ]
    for section in sections:
        state = "" if section.result is not None else ' <span class="muted">(not run)</span>'
        lines.append(f'<li><a href="#{escape(section.anchor)}">{escape(section.title)}</a>{state}')
    lines.append("</ul></nav><main>")
    for section in sections:
        lines.append(f'<section id="{escape(section.anchor)}"><h2>{escape(section.title)}</h2>')
        if section.result is None:
            lines.append(f'<p class="reason">Not run: {escape(section.reason)}</p></section>')
            continue
        lines += section.charts
        lines.append(f"{html_of_markdown(section.table)}</section>")
    lines.append(
        f"</main><footer>Made by <code>specgui benchmark all --split {escape(split)}</code>. Each "
        "section is one benchmark; its name alone makes it again.</footer></body></html>"
    )
    return "\n".join(lines) + "\n"


def html_of_markdown(text: str) -> str:
    """The tables and lines of a benchmark's text: pipe tables, paragraphs, nothing else."""
    parts: list[str] = []
    rows: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line)
            continue
        if rows:
            parts.append(_table(rows))
            rows = []
        if line.strip():
            parts.append(f"<p>{escape(line.strip().removeprefix('- '))}</p>")
    return "\n".join(parts)


def _table(rows: list[str]) -> str:
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    ruled = len(cells) > 1 and all(set(cell) <= set("-: ") and "-" in cell for cell in cells[1])
    numeric = [ruled and cell.endswith(":") for cell in cells[1]] if ruled else []

    def row(values: list[str], tag: str) -> str:
        cells = []
        for k, value in enumerate(values):
            kind = ' class="number"' if k < len(numeric) and numeric[k] else ""
            cells.append(f"<{tag}{kind}>{escape(value)}</{tag}>")
        return f"<tr>{''.join(cells)}</tr>"

    head = f"<thead>{row(cells[0], 'th')}</thead>" if ruled else ""
    body = "".join(row(values, "td") for values in (cells[2:] if ruled else cells))
    return f'<div class="table"><table>{head}<tbody>{body}</tbody></table></div>'
