"""Reports: what they must hold, that texts from files stay texts, and the same bytes each time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.chemistry.example_sample import example_files
from engine.formats import open_spectra
from engine.library.group_model import ModelCard, NoModelError
from engine.processing import Multiplet, SignalAnalysis
from engine.spectra import Sample, Spectrum
from engine.tasks.group_identification import (
    Evidence,
    GroupIdentification,
    GroupPrediction,
    ImportanceMap,
)
from engine.tasks.report import MOST_SPECTRA, prepare_report, write_report
from engine.tasks.report_html import html_of

# Qt reads the PDFs back. The one application of the whole run must be one with widgets.
pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def vanillin() -> Sample:
    return Sample(tuple(s for path in example_files() for s in open_spectra(path)))


@pytest.fixture
def identified(monkeypatch):
    """A network that finds an aldehyde and an ether in the first spectrum, and warns."""

    def identify(sample, model=None, is_cancelled=None):
        x = np.linspace(400, 4000, 600)
        maps = {name: np.exp(-(((x - 1680) / 40) ** 2)) for name in ("Aldehyde", "Ether", "Amine")}
        return GroupIdentification(
            (
                GroupPrediction("Aldehyde", 0.93, 0.5, (Evidence("IR", 1660.0, 1700.0, 0.4, 0),)),
                GroupPrediction("Ether", 0.61, 0.5, (Evidence("IR", 1000.0, 1100.0, 0.2, 0),)),
                GroupPrediction("Amine", 0.08, 0.5),
                GroupPrediction("Phenol", 0.31, 0.5),
            ),
            ("IR",),
            ModelCard("Net <&>", "9", "CC-BY"),
            ("careful with the network",),
            (ImportanceMap("IR", 0, x, maps["Ether"] * 0.9, maps),),
        )

    monkeypatch.setattr("engine.tasks.groups.identify_groups", identify)


class _Visible(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def pdf_text(path) -> list[str]:
    """The text of each page, by a reader of PDF that is not ours."""
    pdf = pytest.importorskip("PySide6.QtPdf")
    document = pdf.QPdfDocument()
    assert document.load(str(path)) == pdf.QPdfDocument.Error.None_
    pages = [
        " ".join(document.getAllText(page).text().split()) for page in range(document.pageCount())
    ]
    document.close()
    return pages


CONTENT = (
    "Vanillin", "SpecGUI 0.1.0", "C₈H₈O₃", "152.0473", "COc1cc(C=O)ccc1O", "MWOOGOJBHIARFG",
    "Aldehyde", "93%", "IR 1700–1660 cm⁻¹", "Net <&> 9 (CC-BY)", "Amine 8%",
    "In the structure, but not found: Phenol", "careful with the network", "100.62 MHz", "CDCl3",
    "vanillin-13c.jdx", "none: shown as recorded", "1666", "191.00", "93.0334", "153.0550",
    "[M+H]+", "20 eV",
)  # fmt: skip


def test_a_pdf_holds_all_that_is_promised(tmp_path, vanillin, identified):
    write_report(prepare_report(vanillin), tmp_path / "v.pdf")
    pages = pdf_text(tmp_path / "v.pdf")
    whole = " ".join(pages)
    for words in CONTENT:
        assert words in whole, words
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page


def test_an_html_page_holds_the_same(vanillin, identified):
    page = _Visible(html_of(prepare_report(vanillin)))
    for words in CONTENT:
        assert words.casefold() in page.text.casefold(), words
    assert page.tags.count("svg") == 5  # a structure and four spectra
    assert not {"script", "iframe", "object", "link", "img", "foreignobject"} & set(page.tags)


def test_nothing_is_loaded_and_no_identifier_is_there_twice(vanillin, identified):
    text = html_of(prepare_report(vanillin))
    page = _Visible(text)
    names = [value for key, value in page.attributes if key == "id"]
    assert len(names) == len(set(names)) > 50
    for key, value in page.attributes:
        assert not key.startswith("on")
        if key in ("href", "xlink:href", "src"):
            assert value.startswith("#") and value[1:] in names
    assert all(target in names for target in re.findall(r"url\(#([^)]+)\)", text))
    outside = set(re.findall(r"https?://[^\s\"'<>]+", text))
    assert all("w3.org" in address or "rdkit.org" in address for address in outside)  # namespaces
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)


EVIL = '<script>alert("1")</script>&amp;"\'></title><img src=x onerror=alert(1)>'


def test_texts_from_files_stay_texts(tmp_path):
    spectrum = Spectrum(
        "IR", np.arange(1000, 1100.0), np.exp(-((np.arange(100.0) - 50) ** 2) / 9), "1/cm",
        "absorbance", title=EVIL, warnings=(EVIL,),
        metadata={"name": EVIL, "instrument": EVIL, "solvent": EVIL, "smiles": EVIL,
                  "formula": EVIL, "owner": "\x00\x1b\ud800 日本語 ‮"},
    )  # fmt: skip
    report = prepare_report(Sample((spectrum,), name=EVIL), with_groups=False)
    page = _Visible(html_of(report))
    assert "script" not in page.tags and "img" not in page.tags
    assert page.text.count("<script>") >= 5
    for suffix in ("pdf", "html"):
        write_report(report, tmp_path / f"a.{suffix}")
        assert (tmp_path / f"a.{suffix}").stat().st_size > 1000
    ElementTree.fromstring(re.search(r"<svg.*?</svg>", html_of(report), re.DOTALL)[0])


def test_the_same_sample_gives_the_same_bytes_in_any_process(tmp_path):
    program = (
        "import sys; from engine.cli import main; "
        "sys.exit(main(['report', *sys.argv[2:], '--no-groups', '--out', sys.argv[1]]))"
    )
    made = {}
    for seed in ("1", "2"):
        for suffix in ("pdf", "html"):
            path = tmp_path / f"{seed}.{suffix}"
            subprocess.run(
                [sys.executable, "-c", program, str(path), *map(str, example_files()[:3])],
                env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=120,
            )  # fmt: skip
            made.setdefault(suffix, set()).add(path.read_bytes())
    assert [len(contents) for contents in made.values()] == [1, 1]
    assert not re.search(rb"20[2-9]\d-\d\d-\d\d", made["html"].pop())


def test_the_user_of_matplotlib_keeps_his_settings(tmp_path, vanillin):
    import matplotlib

    report = prepare_report(vanillin, with_groups=False)
    plain = html_of(report)
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.grid": True}):
        assert html_of(report) == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_processing_steps_of_a_fid_are_told(samples):
    spectra = open_spectra(samples / "nmr" / "01_bruker_1d_1H_aspirin-1h")
    report = prepare_report(
        Sample(tuple(spectra), structure="CC(=O)Oc1ccccc1C(=O)O"), with_groups=False
    )
    (section,) = report.sections
    assert section.steps[0] == "Exponential apodization: line broadening 0.3 Hz"
    assert any(step.startswith("Fourier transform") for step in section.steps)
    assert section.plot.spectrum.x_unit == "ppm"
    nuclei = {row[0]: row[3] for row in section.signals.rows}
    assert nuclei["2.29"] == "3"  # the acetyl group beside single aromatic protons
    assert nuclei["8.04"] == nuclei["7.53"] == nuclei["7.28"] == nuclei["7.07"] == "1"


def test_protons_are_counted_by_the_structure(vanillin):
    report = prepare_report(vanillin, with_groups=False)
    signals = next(s.signals for s in report.sections if s.signals)
    assert [(row[0], row[3]) for row in signals.rows if row[0] in ("9.82", "3.96")] == [
        ("9.82", "1"), ("3.96", "3"),
    ]  # fmt: skip
    assert sum(int(row[3]) for row in signals.rows) == 8


def test_the_line_of_a_paper_is_in_the_report_for_protons_and_carbons(vanillin, tmp_path):
    report = prepare_report(vanillin, with_groups=False)
    lines = {str(s.plot.spectrum.technique): s.line for s in report.sections}
    assert lines["IR"] == lines["MS/MS"] == ""
    assert lines["1H NMR"].startswith("¹H NMR (400 MHz, CDCl₃) δ 9.82 (s, 1H), ")
    assert "3.96 (s, 3H)" in lines["1H NMR"] and "7.26" not in lines["1H NMR"]
    # Without the solvent's line at 77.2 and that of TMS.
    assert lines["13C NMR"] == (
        "¹³C NMR (101 MHz, CDCl₃) δ 191.0, 151.8, 147.2, 129.8, 127.5, 114.4, 108.8, 56.1."
    )
    assert lines["13C NMR"] in _Visible(html_of(report)).text
    write_report(report, tmp_path / "v.pdf")
    assert "δ 191.0, 151.8, 147.2" in " ".join(pdf_text(tmp_path / "v.pdf"))


def test_an_analysis_by_hand_takes_the_place_of_what_is_found(vanillin):
    index = [str(s.technique) for s in vanillin.spectra].index("1H NMR")
    aldehyde = Multiplet(9.82, 9.82, 9.82, (9.7, 9.9), "br s", n_h=7, overruled=True)
    analyses = {index: SignalAnalysis(multiplets=(aldehyde,))}
    report = prepare_report(vanillin, with_groups=False, analyses=analyses)
    section = report.sections[index]
    assert section.line == "¹H NMR (400 MHz, CDCl₃) δ 9.82 (br s, 7H)."
    assert section.signals.rows == (("9.82", "br s", "7"),)


def test_without_a_structure_no_number_of_protons_is_claimed(vanillin):
    nameless = tuple(
        replace(
            s, metadata={k: v for k, v in s.metadata.items() if k not in ("smiles", "molblock")}
        )
        for s in vanillin.spectra
    )
    report = prepare_report(Sample(nameless), with_groups=False)
    line = next(s.line for s in report.sections if s.plot.spectrum.technique == "1H NMR")
    assert "9.82 (s)" in line and "H)" not in line


def test_a_listed_spectrum_keeps_its_own_numbers(tmp_path):
    path = tmp_path / "paper.txt"
    path.write_text("1H NMR (400 MHz, CDCl3) δ 9.21 (dd, J = 4.3, 1.7 Hz, 1H), 2.50 (s, 3H).")
    report = prepare_report(Sample(tuple(open_spectra(path))), with_groups=False)
    rows = report.sections[0].signals.rows
    assert rows == (("9.21", "dd", "4.3, 1.7", "1"), ("2.50", "s", "", "3"))


def test_no_model_is_said_and_a_sample_it_cannot_read_is_reported(vanillin, monkeypatch):
    def missing(*_):
        raise NoModelError("no weights")

    monkeypatch.setattr("engine.tasks.groups.identify_groups", missing)
    with pytest.raises(NoModelError):
        prepare_report(vanillin)
    assert prepare_report(vanillin, with_groups=False).model == ""
    monkeypatch.undo()
    x = np.linspace(200, 800, 300)
    uv = Spectrum("UV-Vis", x, np.exp(-(((x - 300) / 30) ** 2)), "nm", "absorbance")
    monkeypatch.setattr(
        "engine.tasks.groups.identify_groups",
        lambda *_: (_ for _ in ()).throw(ValueError("no functional groups can be predicted: UV")),
    )
    report = prepare_report(Sample((uv,)))
    assert report.warnings == ("No functional groups can be predicted: UV.",)


def test_a_library_is_not_reported_whole():
    stick = Spectrum("MS", [10, 20], [1, 2], "m/z", kind="sticks")
    report = prepare_report(Sample((stick,) * 60), with_groups=False)
    assert len(report.sections) == MOST_SPECTRA
    assert "60" in report.warnings[0]
    with pytest.raises(ValueError, match="holds none"):
        prepare_report(Sample())


def test_long_tables_run_over_pages(tmp_path):
    x = np.arange(20, 520.0)
    y = np.random.default_rng(2).uniform(20, 100, 500)
    long = Spectrum("MS", x, y, "m/z", kind="sticks", title="many", warnings=("w " * 3000,))
    report = prepare_report(Sample((long, long)), with_groups=False)
    assert len(report.sections[0].peaks.rows) == 120
    assert "120 highest of 500" in report.sections[0].peaks.note
    write_report(report, tmp_path / "a.pdf")
    whole = " ".join(pdf_text(tmp_path / "a.pdf"))
    for row in report.sections[1].peaks.rows:
        assert f" {row[0]} " in whole


def test_a_stereocentre_in_two_rings_is_drawn(tmp_path):
    from engine.chemistry.structure import depict_svg

    camphor = "CC1(C)[C@@H]2CC[C@@]1(C)C(=O)C2"
    numbers = {int(n) for n in re.findall(r"\batom-(\d+)", depict_svg(camphor))}
    assert numbers == set(range(11))
    stick = Spectrum("MS", [10, 20], [1, 2], "m/z", kind="sticks")
    report = prepare_report(Sample((stick,), structure=camphor), with_groups=False)
    write_report(report, tmp_path / "a.pdf")


def test_another_suffix_is_refused(tmp_path, vanillin):
    with pytest.raises(ValueError, match=r"\.pdf"):
        write_report(prepare_report(vanillin, with_groups=False), tmp_path / "a.docx")


def test_a_failed_write_leaves_the_old_report(tmp_path, vanillin, monkeypatch):
    path = tmp_path / "a.pdf"
    path.write_text("old")
    report = prepare_report(vanillin, with_groups=False)
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError):
        write_report(report, path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.pdf"]
