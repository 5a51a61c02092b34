"""mzTab holds no spectra: the error says what it holds and where the spectra are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.formats import FormatError, open_spectra
from engine.formats.mztab import READER

TABLE = (
    "COM\tmade by hand\n"
    "MTD\tmzTab-version\t2.0.0-M\n"
    "MTD\tms_run[1]-location\tfile:///D:/Data%20Sets/run%201.mzML\n"
    "MTD\tms_run[2]-location\tC:\\data\\run2.mzML\n"
    "MTD\tms_run[3]-location\tnull\n"
    "SMH\tSML_ID\tchemical_formula\n"
    "SML\t1\tC4H7N3O\n"
    "SFH\tSMF_ID\texp_mass_to_charge\n"
    "SMF\t1\t114.0654\n"
    "SMF\t2\t136.0475\n"
)


def test_the_rows_and_the_runs_are_named(tmp_path):
    path = tmp_path / "table.mztab"
    path.write_text(TABLE)
    with pytest.raises(FormatError) as caught:
        open_spectra(path)
    assert caught.value.found == (
        "mzTab 2.0.0-M, which holds no spectra but tables (rows: small molecules 1, features 2); "
        "open the runs that it was made from: run 1.mzML, run2.mzML"
    )


@pytest.mark.parametrize(
    ("name", "marks"),
    [("MTBLS263_mzTabM.mztab", ("SML", "SMF", "SME")), ("mztabM_small.mztab", ("SML", "SMF"))],
)
def test_the_counts_are_those_of_the_lines(samples, name, marks):
    path = samples / "ms" / name
    lines = path.read_text().splitlines()
    words = {"SML": "small molecules", "SMF": "features", "SME": "evidence"}
    with pytest.raises(FormatError) as caught:
        open_spectra(path)
    for mark in marks:
        count = sum(line.startswith(f"{mark}\t") for line in lines)
        assert f"{words[mark]} {count}" in caught.value.found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(TABLE)), st.binary(max_size=20))
def test_damage_is_nothing_but_an_error(tmp_path_factory, at, noise):
    path = tmp_path_factory.mktemp("mztab") / "damaged.mztab"
    path.write_bytes(TABLE[:at].encode() + noise)
    with pytest.raises(FormatError):
        READER.read(path)
