"""``specgui report``, ``figure`` and ``convert`` as scripts see them: files, JSON, exit codes."""

from __future__ import annotations

import json

import pytest

from engine import cli
from engine.chemistry.example_sample import example_files
from engine.formats import open_spectra


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert all(line.startswith("specgui: ") for line in err.splitlines())
        return code, out, err.splitlines()

    return call


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.jdx"
    path.write_text("##TITLE=x\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##END=\n")
    return path


INFRARED, PROTON, CARBON, TANDEM = range(4)


@pytest.mark.parametrize("suffix", ["pdf", "html"])
def test_a_report_is_written_beside_what_cannot_be_read(run, tmp_path, broken, suffix):
    out = tmp_path / f"r.{suffix}"
    files = example_files()
    code, text, err = run(
        "report", files[INFRARED], broken, "--out", out, "--no-groups", "--json",
        "--structure", "COc1cc(C=O)ccc1O", "--name", "Lot 7",
    )  # fmt: skip
    assert code == 0
    document = json.loads(text)
    assert (document["written"], document["name"]) == (str(out), "Lot 7")
    assert document["errors"][0]["source"] == str(broken)
    assert len(err) == 1
    assert out.read_bytes().startswith(b"%PDF" if suffix == "pdf" else b"<!DOCTYPE html>")


def test_a_batch_makes_a_report_for_each_sample(run, tmp_path, broken):
    folder = tmp_path / "new" / "reports"
    files = example_files()
    same_name = tmp_path / files[TANDEM].name
    same_name.write_bytes(files[TANDEM].read_bytes())
    code, text, err = run(
        "report", files[INFRARED], files[TANDEM], broken, same_name, "--batch", folder,
        "--format", "html", "--no-groups", "--json",
    )  # fmt: skip
    assert code == 0
    document = json.loads(text)
    assert sorted(path.name for path in folder.iterdir()) == [
        "vanillin-ir.html", "vanillin-msms-2.html", "vanillin-msms.html",
    ]  # fmt: skip
    assert [len(report["spectra"]) for report in document["reports"]] == [1, 1, 1]
    assert document["errors"][0]["source"] == str(broken)
    assert len(err) == 1
    assert run("report", broken, "--batch", folder, "--no-groups")[0] == 3


def test_without_a_model_the_report_is_exit_code_4(run, tmp_path, monkeypatch):
    from engine.library.group_model import NoModelError

    def missing(*_):
        raise NoModelError("no weights")

    monkeypatch.setattr("engine.tasks.groups.identify_groups", missing)
    file = example_files()[INFRARED]
    for place in (["--out", tmp_path / "a.pdf"], ["--batch", tmp_path]):
        code, out, err = run("report", file, *place)
        assert (code, out) == (4, "") and "--no-groups" in err[0]
    assert run("figure", file, "--out", tmp_path / "a.svg", "--importance")[0] == 4
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_exit_code_3(run, tmp_path, broken):
    for more in (
        ["report", broken, "--out", tmp_path / "a.pdf"],
        ["figure", broken, "--out", tmp_path / "a.svg"],
        ["convert", broken, "--to", "mgf", "--out", tmp_path / "a.mgf"],
        ["convert", example_files()[INFRARED], "--to", "msp", "--out", tmp_path / "a.msp"],
        ["convert", example_files()[TANDEM], "--to", "nmredata", "--out", tmp_path / "a.sdf"],
    ):
        code, out, err = run(*more)
        assert (code, out, len(err)) == (3, "", 1), more
    assert list(tmp_path.iterdir()) == [broken]


def test_bad_usage_is_exit_code_2_and_writes_nothing(run, tmp_path):
    ir, nmr = example_files()[INFRARED], example_files()[PROTON]
    out = tmp_path / "a.pdf"
    for arguments in (
        ["report", ir],
        ["report", ir, "--out", out, "--batch", tmp_path],
        ["report", ir, "--out", tmp_path / "a.docx"],
        ["report", ir, "--out", tmp_path],
        ["report", ir, "--out", tmp_path / "no" / "a.pdf"],
        ["report", ir, "--out", out, "--format", "pdf"],
        ["report", ir, "--out", out, "--structure", "C(C"],
        ["report", ir, "--batch", tmp_path, "--structure", "CCO"],
        ["figure", ir, "--out", tmp_path / "a.jpg"],
        ["figure", ir, "--out", tmp_path / "a.svg", "--width-mm", "-3"],
        ["figure", ir, "--out", tmp_path / "a.svg", "--height-mm", "nan"],
        ["figure", ir, "--out", tmp_path / "a.png", "--dpi", "1e9"],
        ["figure", ir, "--out", tmp_path / "a.svg", "--range", "5", "5"],
        ["figure", ir, nmr, "--out", tmp_path / "a.svg", "--spectrum", "1"],
        ["figure", ir, "--out", tmp_path / "a.svg", "--group", "Gold"],
        ["convert", nmr, "--to", "nmredata", "--out", tmp_path / "a.sdf"],
        ["convert", nmr, "--to", "nmredata", "--out", tmp_path / "a.sdf", "--structure", "C(C"],
        ["convert", ir, "--to", "csv", "--out", tmp_path / "a.csv", "--structure", "CCO"],
    ):
        code, text, err = run(*arguments)
        assert (code, text, len(err)) == (2, "", 1), arguments
    assert list(tmp_path.iterdir()) == []


def test_figures_of_the_example(run, tmp_path):
    out = tmp_path / "f.svg"
    code, text, _ = run("figure", *example_files(), "--out", out, "--width-mm", 84, "--json")
    assert code == 0
    document = json.loads(text)
    assert (document["width_mm"], document["height_mm"]) == (84, 4 * 62)
    assert [entry["technique"] for entry in document["spectra"]] == [
        "IR", "1H NMR", "13C NMR", "MS/MS",
    ]  # fmt: skip
    plain = out.read_bytes()
    assert run("figure", *example_files(), "--out", out, "--width-mm", 84, "--no-labels")[0] == 0
    assert len(out.read_bytes()) < len(plain)


def test_convert_writes_all_mass_spectra_of_a_library(run, tmp_path, samples):
    library = samples / "ms" / "massbank_five_spectra.msp"
    assert run("convert", library, "--to", "mgf", "--out", tmp_path / "a.mgf")[0] == 0
    assert len(open_spectra(tmp_path / "a.mgf")) == 5
    code, _, err = run(
        "convert", library, "--to", "mgf", "--out", tmp_path / "b.mgf", "--spectrum", 2
    )
    assert (code, err) == (0, [])
    (one,) = open_spectra(tmp_path / "b.mgf")
    assert one.x.tolist() == open_spectra(library)[1].x.tolist()


def test_convert_takes_centroids_of_a_profile(run, tmp_path):
    import numpy as np

    from engine.formats.jcamp_writer import write_jcamp
    from engine.spectra import Spectrum

    x = np.linspace(50, 60, 2001)
    y = 1e4 * np.exp(-(((x - 55.0549) / 0.05) ** 2))
    write_jcamp(Spectrum("MS", x, y, "m/z"), tmp_path / "p.jdx")
    code, _, err = run("convert", tmp_path / "p.jdx", "--to", "msp", "--out", tmp_path / "a.msp")
    assert code == 0 and "centroids" in err[0]
    (sticks,) = open_spectra(tmp_path / "a.msp")
    assert sticks.x.tolist() == pytest.approx([55.0549], abs=1e-3)


def test_convert_makes_a_record_of_nmr_spectra(run, tmp_path):
    out = tmp_path / "v.nmredata.sdf"
    code, text, _ = run(
        "convert", example_files()[CARBON], "--to", "nmredata", "--out", out,
        "--structure", "COc1cc(C=O)ccc1O",
    )  # fmt: skip
    assert code == 0 and "signals" in text
    (carbon,) = open_spectra(out)
    published = [191.0, 151.8, 147.2, 129.8, 127.5, 114.4, 108.8, 56.1]
    found = [peak["position"] for peak in carbon.metadata["peaks"]]
    assert all(min(abs(shift - f) for f in found) < 0.03 for shift in published)
    assert not any(abs(shift - 77.16) < 1 for shift in found)  # the solvent's are not its signals
    assert carbon.metadata["formula"] == "C8H8O3"
