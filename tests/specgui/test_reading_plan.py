"""What is dropped together becomes one sample, unless a folder holds several things."""

from __future__ import annotations

import pytest

from specgui.workers.reading import Batch, ReadResult, plan_reading


@pytest.fixture
def make(tmp_path):
    def write(*names: str) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")

    return write


def test_several_files_are_one_sample(tmp_path, make):
    make("aspirin_ir.dx", "aspirin_13c.dx")
    plan = plan_reading([tmp_path / "aspirin_ir.dx", tmp_path / "aspirin_13c.dx"])
    assert not plan.is_ambiguous
    assert [batch.name for batch in plan.together] == ["aspirin"]


def test_an_experiment_folder_is_one_thing(tmp_path, make):
    make("aspirin/1/fid", "aspirin/1/acqus", "aspirin/1/pdata/1/procs")
    assert not plan_reading([tmp_path / "aspirin" / "1"]).is_ambiguous


def test_numbered_experiments_are_one_compound(tmp_path, make):
    make(*(f"aspirin/{n}/{name}" for n in range(1, 9) for name in ("fid", "acqus")))
    plan = plan_reading([tmp_path / "aspirin", tmp_path / "ir.dx"])
    assert not plan.is_ambiguous


def test_a_folder_of_a_few_files_is_one_compound(tmp_path, make):
    make("benzoin/ir.dx", "benzoin/ms.jdx")
    assert not plan_reading([tmp_path / "benzoin"]).is_ambiguous


def test_sub_folders_are_offered_as_samples(tmp_path, make):
    make("lab/benzoin/ir.dx", "lab/benzoin/ms.dx", "lab/benzil/ir.dx")
    plan = plan_reading([tmp_path / "lab"])
    assert plan.is_ambiguous
    assert sorted(batch.name for batch in plan.by_folder) == ["benzil", "benzoin"]
    assert len(plan.by_file) == 3


def test_many_files_are_asked_about(tmp_path, make):
    make(*(f"lab/{n}.dx" for n in "abcdefgh"))
    plan = plan_reading([tmp_path / "lab"])
    assert plan.is_ambiguous and len(plan.by_file) == 8


def test_hidden_files_do_not_count(tmp_path, make):
    make("lab/a.dx", *(f"lab/.{n}" for n in "abcdefgh"))
    assert not plan_reading([tmp_path / "lab"]).is_ambiguous


def test_a_sample_is_not_named_after_a_file_that_could_not_be_read(tmp_path):
    bad, good = tmp_path / "poem.txt", tmp_path / "xylene.dx"
    batch = Batch("poem", (bad, good))
    assert ReadResult(batch, (), ((str(bad), "no"),)).name == "xylene"
