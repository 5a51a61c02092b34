"""A folder of hundreds of files: the window does for each batch what is new, not all again."""

from __future__ import annotations

import pytest

from specgui.document import Problem
from specgui.document import findings as state
from specgui.workers.reading import Batch


@pytest.fixture
def many(engine, infrared, tmp_path) -> tuple[Batch, ...]:
    """200 files of one infrared spectrum each; every tenth cannot be read."""
    batches = []
    for number in range(200):
        name = f"f{number:03d}.dx"
        if number % 10 != 9:
            engine.spectra[name] = [infrared]
        batches.append(Batch(name, (tmp_path / name,)))
    return tuple(batches)


def _count_calls(monkeypatch, owner, name: str) -> list[int]:
    calls: list[int] = []
    before = getattr(owner, name)

    def counted(*arguments):
        calls.append(1)
        return before(*arguments)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_bad_files_lose_nothing_else(window, settle, many):
    window.workspace.read(many)
    settle()
    document = window.workspace.document
    assert [s.name for s in document.samples] == [b.name for b in many if "9.dx" not in b.name]
    assert len(window.workspace.problems) == 20
    assert window.problems.list.rowCount() == 20
    assert window.workspace.selection.sample.name == "f000.dx"
    document.undo_stack.undo()
    assert not document.samples, "one opening is one step"
    settle()


def test_reading_is_cancelled_and_what_was_read_stays(window, settle, many, engine, qtbot):
    engine.hold.clear()
    window.workspace.read(many)
    qtbot.waitUntil(lambda: window.jobs.cancel.isVisible())
    assert "Reading" in window.jobs.text.text()
    window.jobs.cancel.click()
    engine.hold.set()
    settle()
    assert len(window.workspace.document.samples) < 200
    assert window.jobs.text.text() == "Ready"


def test_predictions_wait_and_are_cancelled_together(window, settle, many, engine, monkeypatch):
    engine.hold.clear()
    contents = [(batch.name, engine.spectra["a.dx"]) for batch in many]
    window.workspace.document.add_samples(contents)
    jobs = window.workspace.jobs
    assert sum(job.request.lane == "groups" for job in jobs.jobs) == 200
    refreshed = _count_calls(monkeypatch, window.groups, "refresh")
    jobs.cancel_all(visible_only=True)
    engine.hold.set()
    settle()
    assert sum(refreshed) < 10, "findings of samples out of view draw nothing"
    states = {window.workspace.findings.of(s).state for s in window.workspace.document.samples}
    assert states == {state.CANCELLED}


def test_findings_of_other_samples_draw_nothing(opened, settle, infrared, monkeypatch):
    refreshed = _count_calls(monkeypatch, opened.groups, "refresh")
    drawn = _count_calls(monkeypatch, opened.stack, "_refresh_importance")
    opened.workspace.document.add_samples([(f"s{n}", [infrared]) for n in range(30)])
    settle()
    assert all(
        opened.workspace.findings.of(s).state == state.DONE
        for s in opened.workspace.document.samples
    )
    assert not refreshed and not drawn


def test_added_samples_leave_the_tree_as_it_is(opened, settle, infrared, qtbot):
    tree, model = opened.tree, opened.tree.model()
    first = opened.workspace.document.samples[0]
    tree.collapse(model.index_of_sample(first.id))
    with qtbot.assertNotEmitted(model.modelReset):
        made = opened.workspace.document.add_samples([("later", [infrared, infrared])])
    assert not tree.isExpanded(model.index_of_sample(first.id))
    assert tree.isExpanded(model.index_of_sample(made[0]))
    assert model.rowCount() == 2 and model.index_of_sample(made[0]).row() == 1
    assert opened.workspace.selection.sample_id == first.id
    opened.workspace.document.remove([first.id])
    assert model.rowCount() == 1 and model.index_of_sample(first.id).row() == -1
    settle()


def test_problems_that_come_in_pieces_are_listed_in_their_order(window, qtbot):
    listed = window.problems.list
    for start in range(0, 700, 50):
        window.workspace.problems.add(
            *(Problem(f"f{n}.dx", f"broken {n}") for n in range(start, start + 50))
        )
    qtbot.waitUntil(lambda: listed.rowCount() == 300, timeout=5000)
    qtbot.waitUntil(lambda: listed.item(299, 0).text() == "f699.dx", timeout=5000)
    assert [listed.item(row, 1).text() for row in (0, 150)] == ["broken 400", "broken 550"]
    assert "700 errors" in window.problems.count.text()
    window.problems.clear.click()
    qtbot.waitUntil(lambda: listed.rowCount() == 0, timeout=5000)
