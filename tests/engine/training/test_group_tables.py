"""Tables as molecules: which rows may be used, and what is said when there are none."""

from __future__ import annotations

import pytest

from engine.chemistry.functional_groups import GROUP_NAMES
from engine.training.group_tables import (
    MAXIMUM_MASS_SPECTRA,
    MissingTableError,
    evaluation_keys,
    read_group_records,
    table_rows,
)


def mass_row(key="K", licence="open", polarity="positive", mz=50.0):
    return {
        "key": key, "smiles": "CCO", "polarity": polarity, "licence_class": licence, "mz": [mz],
        "intensity": [1.0],
    }  # fmt: skip


def test_only_open_and_share_alike_mass_spectra_are_taken(tmp_path, table_writer):
    rows = [
        mass_row("A", "open", mz=51.0),
        mass_row("A", "noncommercial", mz=52.0),
        mass_row("A", "share-alike", mz=53.0),
        mass_row("A", None, mz=54.0),
        mass_row("B", "noncommercial"),
    ]
    table_writer(tmp_path / "ms_esi_train.jsonl.gz", rows)
    (record,) = read_group_records(tmp_path, "train")
    assert record.key == "A"
    assert [spectrum["mz"] for spectrum in record.positive] == [[51.0], [53.0]]


def test_polarities_stay_apart_and_are_not_endless(tmp_path, table_writer):
    rows = [mass_row(polarity="positive", mz=float(n)) for n in range(50, 60)]
    rows += [mass_row(polarity="negative"), mass_row(polarity="unknown")]
    table_writer(tmp_path / "ms_esi_train.jsonl.gz", rows)
    (record,) = read_group_records(tmp_path, "train")
    assert len(record.positive) == MAXIMUM_MASS_SPECTRA
    assert len(record.negative) == 1


def test_the_spectra_of_one_molecule_come_together(small_tables):
    records = read_group_records(small_tables, "test")
    assert len(records) == 12
    ethanol = next(record for record in records if record.smiles == "CCO")
    assert [peak["ppm"] for peak in ethanol.carbon] == [58.0, 18.2]
    assert ethanol.proton and ethanol.infrared and ethanol.positive and ethanol.negative
    assert ethanol.proton_mhz == 400.1
    found = {name for name, here in zip(GROUP_NAMES, ethanol.labels, strict=True) if here}
    assert found == {"Alcohol", "Alkane"}


def test_stereoisomers_measured_apart_stay_apart(tmp_path, table_writer):
    row = {"key": "K", "smiles": "CC(O)C(O)C", "c13": [{"ppm": 70.0}], "h1": []}
    table_writer(tmp_path / "nmr_train.jsonl.gz", [row, {**row, "c13": [{"ppm": 72.0}]}])
    table_writer(tmp_path / "ms_esi_train.jsonl.gz", [mass_row()])
    first, second = read_group_records(tmp_path, "train")
    assert (first.carbon[0]["ppm"], second.carbon[0]["ppm"]) == (70.0, 72.0)
    assert len(first.positive) == 1 and second.positive == []


def test_molecules_that_cannot_be_read_or_have_no_spectrum_are_left_out(tmp_path, table_writer):
    rows = [
        {"key": "A", "smiles": "C1CC", "c13": [{"ppm": 20.0}], "h1": []},
        {"key": "B", "smiles": "CC", "c13": None, "h1": None},
        {"key": "C", "smiles": "CCC", "c13": [{"ppm": 16.0}], "h1": None, "meta": None},
    ]
    table_writer(tmp_path / "nmr_train.jsonl.gz", rows)
    assert [record.key for record in read_group_records(tmp_path, "train")] == ["C"]


@pytest.mark.parametrize(
    ("meta", "mhz"),
    [
        ({"1H": {"field_mhz": 500.13}}, 500.13), ({"1H": {"MHz": "400"}}, 400.0),
        ({"1H": {"field_mhz": "unknown"}}, None), ({"1H": {"field_mhz": 9.4}}, None), ({}, None),
        ({"1H": None}, None),
    ],
)  # fmt: skip
def test_the_field_of_a_proton_spectrum(tmp_path, table_writer, meta, mhz):
    row = {"key": "A", "smiles": "CC", "c13": [], "h1": [{"ppm": 0.9}], "meta": meta}
    table_writer(tmp_path / "nmr_train.jsonl.gz", [row])
    assert read_group_records(tmp_path, "train")[0].proton_mhz == mhz


def test_excluded_molecules_are_left_out_by_every_technique(small_tables):
    everything = read_group_records(small_tables, "train")
    excluded = {everything[0].key, everything[3].key}
    rest = read_group_records(small_tables, "train", excluded)
    assert len(rest) == len(everything) - 2
    assert excluded.isdisjoint(record.key for record in rest)


def test_the_molecules_of_the_measured_infrared_are_known(tmp_path, table_writer):
    assert evaluation_keys(tmp_path) == set()
    table_writer(tmp_path / "ir_real_eval.jsonl.gz", [{"key": "A"}, {"key": "B"}, {"key": "A"}])
    assert evaluation_keys(tmp_path) == {"A", "B"}


def test_a_split_may_be_a_field_of_one_table(tmp_path, table_writer):
    rows = [{"key": k, "split": s} for k, s in (("A", "train"), ("B", "test"), ("C", "train"))]
    table_writer(tmp_path / "h1_multiplets.jsonl.gz", rows)
    assert [row["key"] for row in table_rows(tmp_path, "h1_multiplets", "train")] == ["A", "C"]
    assert [row["key"] for row in table_rows(tmp_path, "h1_multiplets", "test")] == ["B"]


def test_a_missing_table_is_named_with_its_folder(tmp_path, table_writer):
    with pytest.raises(MissingTableError, match=r"no table nmr_train\.jsonl\.gz in .*--data"):
        list(table_rows(tmp_path, "nmr", "train"))
    with pytest.raises(MissingTableError, match="nmr_test"):
        read_group_records(tmp_path, "test")
    table_writer(tmp_path / "nmr_test.jsonl.gz", [])
    for name in ("ir_xtb", "ms_esi"):
        table_writer(tmp_path / f"{name}_test.jsonl.gz", [])
    with pytest.raises(MissingTableError, match="no rows of split 'test'"):
        read_group_records(tmp_path, "test")


def test_real_tables_of_a_split_hold_what_their_page_says(tables):
    from itertools import islice

    from engine.chemistry.structure import molecule_key, split_of
    from engine.training.group_tables import OPEN_LICENCES

    rows = list(islice(table_rows(tables, "ms_esi", "valid"), 200))
    assert {row["polarity"] for row in rows} <= {"positive", "negative"}
    assert any(row["licence_class"] in OPEN_LICENCES for row in rows)
    for row in islice(table_rows(tables, "nmr", "valid"), 20):
        assert split_of(row["key"]) == "valid"
        assert molecule_key(row["smiles"]) == row["key"]
