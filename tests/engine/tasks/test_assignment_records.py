"""Assignments go into records, tables and lines of a paper, and come back from records."""

from __future__ import annotations

import pytest

from engine.chemistry.structure import parse_structure
from engine.formats.nmredata import READER
from engine.formats.nmredata_writer import write_nmredata
from engine.spectra import Sample, Spectrum
from engine.tasks.assignment import Assignment, AtomAssignment
from engine.tasks.assignment_records import (
    assignment_table,
    atom_label,
    pairs_of,
    record_spectra,
    told_assignments,
    with_atoms,
)
from engine.tasks.report_signals import signal_line

ETHANOL = parse_structure("CCO")


def carbon(*peaks) -> Spectrum:
    x = sorted(peak["position"] for peak in peaks)
    return Spectrum(
        "13C NMR", x, [1.0] * len(x), "ppm", kind="sticks", metadata={"peaks": list(peaks)}
    )


def assigned(atom, element, peak, equivalent=None, **more) -> AtomAssignment:
    return AtomAssignment(atom, element, peak, 60.0, 2.0, 0.9, equivalent or (atom,), **more)


def test_shifts_belong_to_the_signal_that_holds_them_else_to_the_nearest():
    spectrum = Spectrum(
        "1H NMR", [1.2, 3.7], [3.0, 2.0], "ppm", kind="sticks",
        metadata={"peaks": [
            {"position": 3.69, "low": 3.6, "high": 3.78, "multiplicity": "q", "atoms": [7]},
            {"position": 1.2, "multiplicity": "t"},
        ]},
    )  # fmt: skip
    told = with_atoms(spectrum, [(3.75, 1), (1.205, 0), (2.6, 2)]).metadata["peaks"]
    assert [(peak["position"], peak.get("atoms")) for peak in told] == [
        (3.69, [1]), (1.2, [0]), (2.6, [2]),
    ]  # fmt: skip
    assert spectrum.metadata["peaks"][0]["atoms"] == [7], "the given spectrum is not changed"


def test_a_record_with_assignments_reads_back(tmp_path):
    found = Assignment(
        ETHANOL, (assigned(0, "C", 18.0), assigned(1, "C", 58.0), assigned(2, "H", None))
    )
    spectra = record_spectra(
        [carbon({"position": 18.0}, {"position": 58.0}, {"position": 99.0})], ETHANOL, found
    )
    path = tmp_path / "ethanol.nmredata.sdf"
    write_nmredata(spectra, ETHANOL, path)
    (back,) = READER.read(path)
    entries = {(e["element"], tuple(e["atoms"]), e["shift"]) for e in back.metadata["assignments"]}
    assert entries == {("C", (0,), 18.0), ("C", (1,), 58.0)}
    sample = Sample((back,), structure=back.metadata["molblock"])
    assert set(told_assignments(sample)) == {("C", 0, 18.0), ("C", 1, 58.0)}
    other = Sample((back,), structure="CCO")
    assert told_assignments(other) == (), "atom numbers are those of the file's structure"


def test_hydrogens_that_are_atoms_are_named_by_their_carrier():
    block = parse_structure("[H]C([H])([H])O[H]").molblock
    spectrum = Spectrum(
        "1H NMR", [3.3], [3.0], "ppm", kind="sticks",
        metadata={"molblock": block, "assignments": [
            {"label": "a", "shift": 3.3, "atoms": [0, 2, 3], "element": "H"},
            {"label": "b", "shift": 2.0, "atoms": [5], "element": "H", "interchangeable": ["c"]},
        ]},
    )  # fmt: skip
    assert told_assignments(Sample((spectrum,), structure=block)) == (("H", 1, 3.3),)


def test_lines_of_a_paper_name_the_atoms():
    spectrum = carbon({"position": 18.0, "atoms": [0]}, {"position": 58.04, "atoms": [1, 3]})
    signals = spectrum.metadata["peaks"]
    assert signal_line(spectrum, signals) == "13C NMR δ 58.0, 18.0."
    line = "13C NMR δ 58.0 (C-1, C-3), 18.0 (C-0)."
    assert signal_line(spectrum, signals, with_labels=True) == line
    proton = Spectrum("1H NMR", [1.2], [3.0], "ppm", kind="sticks")
    told = [{"position": 1.2, "multiplicity": "t", "j_hz": [7.0], "n_h": 3, "atoms": [0]}]
    assert signal_line(proton, told, with_labels=True) == "1H NMR δ 1.20 (t, J = 7.0 Hz, 3H, H-0)."
    assert atom_label("1H", (4, 6)) == "H-4, H-6"


def test_the_table_has_equivalent_atoms_together_and_what_is_left_over():
    found = Assignment(
        parse_structure("CC(C)=O"),
        (
            assigned(0, "C", 30.9, (0, 2)), assigned(1, "C", 206.7, fixed=True),
            assigned(2, "C", 30.9, (0, 2)), assigned(0, "H", None, (0, 2)),
        ),
        (("13C NMR", 128.0),),
    )  # fmt: skip
    table = assignment_table(found)
    assert table.rows == (
        ("C1", "206.7", "60.0 ± 2.0", "146.7", "said"),
        ("C0, C2", "30.9", "60.0 ± 2.0", "−29.1", "90%"),
        ("H0", "–", "60.00 ± 2.00", "", ""),
    )
    assert table.note == "Without an atom: 13C NMR 128.0 ppm."
    assert pairs_of(found) == {"C": [(30.9, 0), (206.7, 1), (30.9, 2)]}


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_a_report_lists_the_assignment(tmp_path, suffix):
    from engine.tasks.report import prepare_report, write_report

    found = Assignment(ETHANOL, (assigned(0, "C", 18.0), assigned(1, "C", 58.0)))
    sample = Sample((carbon({"position": 18.0}, {"position": 58.0}),), structure="CCO")
    report = prepare_report(sample, with_groups=False, assignment=found)
    assert report.assignment.rows[0][:2] == ("C1", "58.0")
    assert report.sections[0].line == "¹³C NMR δ 58.0 (C-1), 18.0 (C-0)."
    path = tmp_path / f"report{suffix}"
    write_report(report, path)
    if suffix == ".html":
        text = path.read_text(encoding="utf-8")
        assert "<h2>Assignment</h2>" in text and "60.0 ± 2.0" in text
        assert "note" in text, "the drawing has the numbers that the table names"
    else:
        assert path.read_bytes().startswith(b"%PDF")
