"""The command line as scripts see it: JSON, exit codes, and one line for each thing that failed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import engine
from engine import cli
from engine.commands.outcome import table, to_json
from engine.formats import open_spectra

LINE = """##TITLE=two lines
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=1400
##LASTX=1000
##DELTAX=-1
##NPOINTS=401
##XFACTOR=1
##YFACTOR=1E-6
##FIRSTY=0
##XYDATA=(X++(Y..Y))
{data}
##END=
"""


@pytest.fixture
def line(tmp_path):
    """An absorbance spectrum, stored high to low, with bands at 1300 and 1100 1/cm."""
    x = np.arange(1400, 999, -1.0)
    y = 1e6 * (np.exp(-(((x - 1300) / 6) ** 2)) + 0.5 * np.exp(-(((x - 1100) / 12) ** 2)))
    rows = (f"{start:.0f} {value:.0f}" for start, value in zip(x, y, strict=True))
    path = tmp_path / "line.jdx"
    path.write_text(LINE.format(data="\n".join(rows)))
    return path


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.jdx"
    path.write_text("##TITLE=x\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##END=\n")
    return path


@pytest.fixture
def run(capsys):
    """Call the command line: exit code, standard output, lines of standard error."""

    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert all(line.startswith("specgui: ") for line in err.splitlines())
        return code, out, err.splitlines()

    return call


def _strict(text: str):
    def refuse(constant: str):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_inspect_gives_the_documented_keys(run, line):
    code, out, err = run("inspect", line, "--json")
    assert (code, err) == (0, [])
    document = _strict(out)
    assert document["errors"] == []
    (spectrum,) = document["spectra"]
    assert set(spectrum) == {
        "technique", "title", "kind", "points", "x_unit", "x_first", "x_last", "y_unit",
        "metadata", "source", "warnings",
    }  # fmt: skip
    assert spectrum["technique"] == "IR"
    assert spectrum["points"] == 401
    assert (spectrum["x_first"], spectrum["x_last"]) == (1400, 1000)  # as stored
    assert spectrum["source"] == str(line)


def test_inspect_as_a_table(run, line):
    code, out, _ = run("inspect", line)
    assert code == 0
    header, row = out.splitlines()
    assert header.split()[:3] == ["TECHNIQUE", "KIND", "POINTS"]
    assert row.split()[:3] == ["IR", "continuous", "401"]


def test_inspect_a_good_file_beside_a_bad_one(run, line, broken):
    code, out, err = run("inspect", "--json", broken, line)
    assert code == 0
    document = _strict(out)
    assert len(document["spectra"]) == 1
    (error,) = document["errors"]
    assert error["source"] == str(broken)
    assert "broken.jdx" in error["message"]
    assert len(err) == 1


def _bad_inputs(folder):
    yield folder / "missing.jdx"
    empty = folder / "empty.mzML"
    empty.write_bytes(b"")
    yield empty
    rubbish = folder / "rubbish.jdx"
    rubbish.write_bytes(random.Random(0).randbytes(5000))
    yield rubbish
    sparse = folder / "sparse.msp"
    with open(sparse, "wb") as file:
        file.truncate(2 << 30)
    yield sparse
    bomb = folder / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.jdx", bytes(16 << 20))
    yield bomb
    evil = folder / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../outside.jdx", "##TITLE=x")
    yield evil
    header_only = folder / "cut.jdx"
    header_only.write_text(LINE.split("##XYDATA")[0])
    yield header_only
    (folder / "nothing").mkdir()
    yield folder / "nothing"


@pytest.mark.parametrize("verb", ["inspect", "peaks", "convert", "predict"])
def test_what_cannot_be_read_is_exit_code_3(run, tmp_path, verb):
    for path in _bad_inputs(tmp_path):
        more = ["--to", "csv", "--out", tmp_path / "out.csv"] if verb == "convert" else []
        code, out, err = run(verb, path, "--json", *more)
        assert code == 3, path
        assert len(err) == 1, path
        assert path.name in err[0]
        if verb == "inspect":
            document = _strict(out)
            assert document["spectra"] == []
            assert document["errors"][0]["source"] == str(path)
    assert not (tmp_path.parent / "outside.jdx").exists()


def test_a_lie_about_points_and_values_that_are_no_numbers(run, tmp_path, line):
    text = line.read_text()
    lie = tmp_path / "lie.jdx"
    lie.write_text(text.replace("NPOINTS=401", f"NPOINTS={10**12}"))
    code, out, _ = run("inspect", lie, "--json")
    assert code == 3 or _strict(out)["spectra"][0]["warnings"]
    hole = tmp_path / "hole.jdx"
    hole.write_text(text.replace("1300 1000000", "1300 NaN"))
    code, out, _ = run("peaks", hole, "--json")
    assert code in (0, 3)
    if code == 0:
        assert all(None not in peak.values() for peak in _strict(out)["peaks"])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["inspect"],
        ["peaks"],
        ["peaks", "a", "b"],
        ["convert", "a"],
        ["convert", "a", "--to", "molfile", "--out", "b"],
        ["predict"],
        ["predict", "--example", "a"],
        ["inspect", "a", "--technique", "Ramen"],
        ["inspect", "--fast", "a"],
        ["seek", "a"],
        ["report", "a", "--out", "b.docx"],
    ],
)
def test_bad_usage_is_exit_code_2_and_one_line(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert len(err) == 1


def test_help_and_version(run):
    assert run("--version")[1].strip() == f"SpecGUI {engine.__version__}"
    code, out, _ = run("--help")
    assert code == 0
    assert all(verb in out for verb in ("inspect", "convert", "peaks", "predict"))
    assert run("peaks", "--help")[0] == 0


def test_peaks_of_known_bands(run, line):
    code, out, _ = run("peaks", line, "--json")
    assert code == 0
    document = _strict(out)
    assert set(document) == {"peaks"}
    peaks = sorted(document["peaks"], key=lambda peak: -peak["height"])
    assert [round(peak["position"]) for peak in peaks] == [1300, 1100]
    assert peaks[0]["height"] == pytest.approx(1, rel=0.02)
    # The full width at half maximum of exp(-(x/s)^2) is 2 s sqrt(ln 2).
    assert peaks[0]["width"] == pytest.approx(2 * 6 * np.sqrt(np.log(2)), rel=0.05)
    assert peaks[1]["width"] == pytest.approx(2 * 12 * np.sqrt(np.log(2)), rel=0.05)


def test_peaks_of_a_fid_come_from_its_spectrum(run, samples):
    code, out, _ = run("peaks", samples / "nmr" / "01_bruker_1d_1H_aspirin-1h", "--json")
    assert code == 0
    peaks = _strict(out)["peaks"]
    highest = max(peaks, key=lambda peak: peak["height"])
    assert highest["position"] == pytest.approx(2.29, abs=0.03)  # the acetyl group of aspirin
    assert any(abs(peak["position"] - 8.0) < 0.1 for peak in peaks)  # H-3 beside the carboxyl


def test_peaks_of_one_spectrum_of_many(run, samples):
    path = samples / "ms" / "massbank_five_spectra.msp"
    code, out, err = run("peaks", path, "--json", "--spectrum", 2)
    assert (code, err) == (0, [])
    assert _strict(out)["peaks"] == [{"position": 141.0194, "height": 999, "width": 0}]
    _, out, err = run("peaks", path, "--json")
    assert [peak["position"] for peak in _strict(out)["peaks"]] == [135, 136]
    assert "holds 5 spectra" in err[0]
    assert run("peaks", path, "--spectrum", 6)[0] == 2


@pytest.mark.parametrize("target", ["jcamp", "csv"])
def test_convert_keeps_the_spectrum(run, line, tmp_path, target):
    out_path = tmp_path / f"out.{target}"
    code, out, _ = run("convert", line, "--to", target, "--out", out_path, "--json")
    assert code == 0
    assert _strict(out)["written"] == str(out_path)
    (before,), (after,) = open_spectra(line), open_spectra(out_path)
    assert (after.technique, after.x_unit, after.y_unit) == ("IR", "1/cm", "absorbance")
    np.testing.assert_allclose(after.ascending.x, before.ascending.x, atol=1e-6)
    np.testing.assert_allclose(after.ascending.y, before.ascending.y, atol=1e-8)


def test_convert_refuses_where_it_cannot_write(run, line, tmp_path):
    text = line.read_text()
    for out in (line, tmp_path, tmp_path / "no" / "folder.csv"):
        assert run("convert", line, "--to", "csv", "--out", out)[0] == 2
    assert line.read_text() == text


def test_predict_without_a_model_is_exit_code_4(run, line, monkeypatch):
    tasks = pytest.importorskip("engine.tasks", reason="the tasks are not there")

    def no_model(sample):
        raise tasks.NoModelError("no weights for group prediction are installed")

    monkeypatch.setattr(tasks, "identify_groups", no_model)
    code, out, err = run("predict", line)
    assert (code, out) == (4, "")
    assert err == ["specgui: no weights for group prediction are installed"]


def test_predict_gives_the_result_of_the_task(run, line, broken, monkeypatch):
    from engine import tasks
    from engine.tasks.group_identification import (
        Evidence,
        GroupIdentification,
        GroupPrediction,
        ModelCard,
    )

    seen = []

    def identify(sample):
        seen.append(sample)
        evidence = (Evidence("IR", 1690.0, 1720.0, 0.4),)
        groups = (
            GroupPrediction("Ketone", 0.93, 0.5, evidence),
            GroupPrediction("Amine", float("nan"), 0.5),
        )
        return GroupIdentification(groups, ("IR",), ModelCard("m", "1", "MIT"), ("careful",))

    monkeypatch.setattr(tasks, "identify_groups", identify)
    code, out, _ = run("predict", line, broken, "--json", "--structure", "CC(C)=O")
    assert code == 0
    document = _strict(out)
    assert set(document) == {
        "groups", "techniques_used", "model", "warnings", "doubts", "errors",
    }  # fmt: skip
    assert document["groups"][0]["evidence"][0]["from"] == 1690
    assert document["groups"][1]["probability"] is None
    assert document["errors"][0]["source"] == str(broken)
    assert seen[0].structure == "CC(C)=O"
    code, out, _ = run("predict", line)
    assert "Ketone" in out and "93%" in out and "IR 1690–1720 1/cm" in out
    assert "Amine" not in out

    def unusable(sample):
        raise ValueError("no spectrum of a technique that the network reads")

    monkeypatch.setattr(tasks, "identify_groups", unusable)
    assert run("predict", line)[0] == 3


def test_json_is_strict():
    document = {
        "a": float("nan"), "b": [np.float32(1.5), float("-inf")], "c": np.array([1.0, np.nan]),
        "d": {3: np.int64(4)}, "e": (True, None, "π"), "f": np.bool_(True),
    }  # fmt: skip
    assert _strict(to_json(document)) == {
        "a": None, "b": [1.5, None], "c": [1, None], "d": {"3": 4}, "e": [True, None, "π"],
        "f": True,
    }  # fmt: skip
    assert to_json(document).isascii()


def test_columns_line_up():
    assert table(("A", "B"), [("long one", "x"), ("s", "")]) == "A         B\nlong one  x\ns"


def test_an_interrupt_is_quiet(run, line, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.commands.inputs.open_many", interrupted)
    assert run("inspect", line) == (130, "", [])


def test_a_fault_is_told_without_a_traceback(run, line, monkeypatch):
    def faulty(*_, **__):
        raise KeyError("lost")

    monkeypatch.setattr("engine.commands.inputs.open_many", faulty)
    code, _, err = run("inspect", line)
    assert code == 1
    assert "a fault in the program (KeyError)" in err[0]


def test_a_command_imports_neither_qt_nor_torch(line):
    program = (
        "import sys; from specgui.__main__ import main; code = main(sys.argv[1:]);"
        "heavy = {'PySide6', 'torch', 'rdkit', 'scipy', 'nmrglue', 'lxml'} & set(sys.modules);"
        "print(sorted(heavy)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", str(line)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_program_opens_a_window_only_without_a_command(capsys, monkeypatch, line):
    from specgui.__main__ import main

    assert main(["inspect", str(line)]) == 0
    assert "two lines" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"SpecGUI {engine.__version__}"
    assert main(["--help"]) == 0
    assert "--example" in capsys.readouterr().out
    assert main(["serch"]) == 2
    assert "neither a file nor a command" in capsys.readouterr().err
    assert main(["--fast"]) == 2

    opened = []
    application = type(sys)("specgui.application")
    application.run = lambda argv: opened.append(argv) or 0
    monkeypatch.setitem(sys.modules, "specgui.application", application)
    assert main([]) == 0
    assert main(["--example"]) == 0
    assert main([str(line)]) == 0
    assert opened == [[], ["--example"], [str(line)]]


def test_predict_takes_the_model_that_was_chosen(run, line, monkeypatch):
    from engine import tasks
    from engine.library import model_choice
    from engine.tasks.group_identification import GroupIdentification, ModelCard

    asked = []

    def identify(sample, model=None):
        asked.append((sample, model))
        card = ModelCard("m", "1", model or "MIT")
        return GroupIdentification((), ("MS",), card, ())

    monkeypatch.setattr(tasks, "identify_groups", identify)
    monkeypatch.setattr(model_choice, "chosen_group_model", lambda name: f"licence of {name}")
    code, out, _ = run("predict", line, "--json")
    assert code == 0 and _strict(out)["model"]["licence"] == "MIT"
    code, out, _ = run("predict", line, "--json", "--model", "noncommercial")
    assert code == 0 and _strict(out)["model"]["licence"] == "licence of noncommercial"
    assert [model for _, model in asked] == [None, "licence of noncommercial"]
    assert run("predict", line, "--model", "other")[0] == 2


def test_predict_can_be_told_that_masses_are_of_electron_ionisation(run, tmp_path, monkeypatch):
    from engine import tasks
    from engine.tasks.group_identification import GroupIdentification, ModelCard

    seen = []

    def identify(sample):
        seen.append(sample.spectra[0].metadata.get("ionization"))
        return GroupIdentification((), (), ModelCard("m", "1", "MIT"), ())

    monkeypatch.setattr(tasks, "identify_groups", identify)
    table = tmp_path / "masses.csv"
    table.write_text("m/z,intensity\n39,20\n65,14\n91,100\n92,70\n")
    for more in ((), ("--electron-ionisation",)):
        assert run("predict", table, "--technique", "MS", *more)[0] == 0
    assert seen == [None, "EI"]
