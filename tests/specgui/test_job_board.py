"""Jobs run off the GUI thread, replace each other, and stop when they are told to."""

from __future__ import annotations

import threading

import pytest

from specgui.workers.job_board import JobBoard, Request


@pytest.fixture
def board(qapp):
    made = JobBoard()
    yield made
    assert made.shut_down()


def test_a_result_comes_back_on_the_gui_thread(qtbot, board):
    seen = {}

    def verb(ticket):
        seen["worker"] = threading.get_ident()
        yield 1
        return 2

    def done(value):
        seen["value"], seen["gui"] = value, threading.get_ident()

    board.submit(Request(("a",), "A", verb, "lane", done, on_partial=seen.setdefault))
    qtbot.waitUntil(board.is_idle)
    assert seen["value"] == 2 and seen["gui"] == threading.get_ident() != seen["worker"]
    assert 1 in seen


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, KeyError])
def test_every_error_arrives(qtbot, board, kind):
    errors = []

    def verb(ticket):
        yield
        raise kind("torch says no")

    board.submit(Request(("a",), "A", verb, "lane", on_error=errors.append))
    qtbot.waitUntil(board.is_idle)
    assert isinstance(errors[0], kind)


def test_a_later_request_cancels_the_earlier(qtbot, board):
    results, gate = [], threading.Event()

    def verb_of(name):
        def verb(ticket):
            yield
            gate.wait(5)
            yield
            return name

        return verb

    board.submit(Request(("k",), "first", verb_of("first"), "lane", results.append))
    board.submit(Request(("k",), "second", verb_of("second"), "lane", results.append))
    assert len(board.jobs) == 1
    gate.set()
    qtbot.waitUntil(board.is_idle)
    assert results == ["second"]


def test_cancelling_is_told_to_the_verb_and_to_who_asked(qtbot, board):
    started, told, results = threading.Event(), [], []

    def verb(ticket):
        yield
        started.set()
        while not ticket.cancelled:
            threading.Event().wait(0.005)
        return "too late"

    board.submit(
        Request(("k",), "long", verb, "lane", results.append, on_cancelled=lambda: told.append(1))
    )
    qtbot.waitUntil(started.is_set)
    board.cancel_all()
    qtbot.waitUntil(board.is_idle)
    assert told == [1] and results == []


def test_one_job_of_a_lane_runs_at_a_time(qtbot, board):
    running, most = [], []

    def verb(ticket):
        running.append(1)
        most.append(len(running))
        yield
        threading.Event().wait(0.01)
        running.pop()
        return None

    for number in range(5):
        board.submit(Request((number,), "job", verb, "lane"))
    qtbot.waitUntil(board.is_idle)
    assert most == [1] * 5


def test_progress_is_shown_by_the_job(qtbot, board):
    gate, fractions = threading.Event(), []

    def verb(ticket):
        yield
        ticket.report(0.5, "half way")
        gate.wait(5)
        return None

    board.submit(Request(("k",), "job", verb, "lane"))
    job = board.jobs[0]
    job.changed.connect(lambda: fractions.append((job.fraction, job.text)))
    qtbot.waitUntil(lambda: bool(fractions))
    gate.set()
    qtbot.waitUntil(board.is_idle)
    assert fractions == [(0.5, "half way")]
