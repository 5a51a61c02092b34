"""The report: every benchmark has its section, and the page needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from engine.evaluation import whole_report
from engine.evaluation.charts import COLOURS, Line, bar_chart, heat_map, line_chart
from engine.evaluation.report_charts import charts_of
from engine.evaluation.whole_report import html_of_markdown


def row(model: str, task: str, f1: float) -> dict:
    return {"model": model, "input": task, "samples": 9, "micro_f1": f1, "macro_f1": None,
            "sample_accuracy": 0.5, "tiers": {"low": None, "medium": f1, "high": 0.9},
            "calibration_error": 0.01, "by_group": {}}  # fmt: skip


GROUPS = {
    "benchmark": "groups", "split": "test", "seed": 1, "molecules": 9,
    "models": {"A": {"version": "1", "parameters": 1e6, "seconds_for_10000": 2.0}},
    "rows": [row("A", "IR+13C+1H", 0.8), row("A", "IR+13C+1H, noise 0.05", 0.7),
             row("A", "IR+13C+1H, noise 0.10", 0.6), row("A", "13C", 0.7)],
}  # fmt: skip


@pytest.fixture
def options(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "groups.json").write_text(json.dumps(GROUPS))
    return SimpleNamespace(
        benchmarks={"all": "whole_report", "groups": "groups", "isomers": "isomers"},
        data=tmp_path / "nowhere", split="test", results=results, out=tmp_path / "r.html",
        folder=tmp_path, model=None, baseline=None,
    )  # fmt: skip


@pytest.fixture
def page(options):
    result = whole_report.benchmark(options, lambda line: None)
    return result, options.out.read_text(encoding="utf-8")


def test_kept_results_are_taken_and_what_cannot_run_says_why(page):
    result, text = page
    assert [(s["name"], s["done"]) for s in result["sections"]] == [
        ("groups", True), ("isomers", False),
    ]  # fmt: skip
    assert "nowhere" in result["sections"][1]["reason"]
    assert "Not run: " in text and "nowhere" in text
    assert "isomers: not run" in whole_report.format_table(result)


def test_the_page_holds_the_table_and_the_charts(page):
    text = page[1]
    assert "<th>input</th>" in text and ">0.800</td>" in text
    assert text.count("<svg") == 3  # micro-F1, tiers, noise
    for title in ("Micro-F1 by input", "positives in train", "under noise"):
        assert title in text


def test_nothing_is_loaded_and_nothing_runs(page):
    text = page[1]
    assert "<script" not in text and "default-src 'none'" in text.replace("&#x27;", "'")
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "@import" not in text and "url(http" not in text


def test_colours_are_those_of_the_page_light_and_dark(page):
    text = page[1]
    assert "prefers-color-scheme: dark" in text
    for colour, variable in COLOURS.items():
        assert colour not in text
        assert f"{variable}:" in text
    assert "fill: var(--series-0)" in text


def test_results_of_another_split_are_not_taken(options):
    options.split = "valid"
    result = whole_report.benchmark(options, lambda line: None)
    assert [section["done"] for section in result["sections"]] == [False, False]


def test_new_results_are_kept_for_the_next_time(options, monkeypatch):
    from engine.evaluation import isomers

    calls = []

    def fresh(own, report):
        calls.append(own.name)
        return {"benchmark": "isomers", "split": own.split, "value": float("nan")}

    monkeypatch.setattr(isomers, "benchmark", fresh)
    monkeypatch.setattr(isomers, "format_table", lambda result: f"| a |\n|---|\n| {result} |")
    for _ in range(2):
        result = whole_report.benchmark(options, lambda line: None)
        assert all(section["done"] for section in result["sections"])
    assert calls == ["isomers"]
    assert json.loads((options.results / "isomers.json").read_text())["value"] is None


def test_results_with_other_options_get_sections_too(options):
    (options.results / "groups-other.json").write_text(json.dumps({**GROUPS, "split": "valid"}))
    (options.results / "isomers-cut.json").write_text("{")
    result = whole_report.benchmark(options, lambda line: None)
    names = [(section["name"], section["done"]) for section in result["sections"]]
    assert names == [
        ("groups", True), ("groups-other", True), ("isomers", False), ("isomers-cut", False),
    ]  # fmt: skip
    text = options.out.read_text(encoding="utf-8")
    assert "Functional groups: other" in text
    identifiers = re.findall(r' id="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))


def test_networks_and_maps_have_their_charts():
    rows = [{**row("A", "IR+13C+1H", f1), "part": "all", "seed": s}
            for s, f1 in enumerate((0.8, 0.9))]  # fmt: skip
    (fusion,) = charts_of("fusion", {"study": "all", "rows": rows})
    assert ">0.850<" in fusion
    (maps,) = charts_of("maps", {"areas": [{"input": "IR", "method": "gates", "area": 0.2}]})
    assert "gates" in maps or ">0.200<" in maps


def test_a_result_that_cannot_be_shown_does_not_stop_the_rest(options):
    (options.results / "isomers.json").write_text('{"split": "test"}')
    result = whole_report.benchmark(options, lambda line: None)
    assert result["sections"][0]["done"]
    assert "cannot be shown" in result["sections"][1]["reason"]


def test_tables_and_lines_become_html():
    html = html_of_markdown("| a | b |\n|---|--:|\n| x<y | 1 |\n\nA line & more\n\n| c |\n|---|\n")
    assert html.count("<table>") == 2
    assert '<td>x&lt;y</td><td class="number">1</td>' in html
    assert "<p>A line &amp; more</p>" in html


def test_charts_stand_gaps_and_odd_texts():
    bars = bar_chart("b", "Bars <1>", ["x & y"], {"a": [0.5], "b": [None]}, "share")
    lines = line_chart("l", "Lines", {"p": [Line("a", [0, 1], [0.2, None])]}, "x", "y")
    heat = heat_map("h", "Heat", ["r"], ["c", "d"], [[0.05, 0.7]], "missed", "given")
    for figure in (bars, lines, heat):
        assert figure.startswith("<figure><figcaption>") and figure.endswith("</svg></figure>")
        assert "nan" not in figure.lower()
    assert "Bars &lt;1&gt;" in bars and "x &amp; y" in bars and "0.500" in bars
    assert ">70<" in heat


def test_logarithmic_axes_have_plain_numbers():
    line = Line("a", [10, 1000, 100000], [0.9, 0.8, 0.7])
    figure = line_chart("l", "t", {"p": [line]}, "size", "top 1", logarithmic=True)
    assert ">1,000<" in figure and "mathdefault" not in figure


def test_a_benchmark_without_charts_has_none():
    assert charts_of("isomers", {"rows": []}) == ()
