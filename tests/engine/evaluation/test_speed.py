"""The measurements of speed: each gives a number, and one that cannot be made says why."""

from __future__ import annotations

import pytest

from engine.evaluation import speed
from engine.library.group_model import load_group_model, save_group_model


@pytest.fixture
def result(tmp_path, small_network, plain_calibration, description, monkeypatch):
    save_group_model(tmp_path / "m", small_network(), plain_calibration, description)
    model = load_group_model(tmp_path / "m")
    for place in ("engine.evaluation.speed", "engine.tasks.groups", "engine.library.group_model"):
        monkeypatch.setattr(f"{place}.default_group_model", lambda *name: model)
    monkeypatch.setattr(speed, "_REPEATS", 1)

    def no_library() -> float:
        raise ValueError("there is no library")

    monkeypatch.setattr(speed, "search_time", no_library)
    return speed.speed_benchmark("test", samples=1000, copies=2, window=False)


def test_each_measurement_has_a_value_or_a_reason_which_the_table_tells(result):
    rows = {row["task"]: row for row in result["rows"]}
    assert len(rows) == len(result["rows"]) >= 7
    for task, row in rows.items():
        if task.startswith("search"):
            assert row["value"] is None and row["reason"] == "there is no library"
        else:
            assert row["value"] > 0 and row["reason"] == "", task
    assert rows["most memory of this process"]["value"] > 50

    text = speed.format_table(result)
    assert "not measured: there is no library" in text
    assert "groups of 1,000 samples" in text and "Small 7" in text
