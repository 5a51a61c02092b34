"""What is asked for often is done at once, and then once more for all that came meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QObject

from specgui.views.paced_refresh import PacedRefresh


def test_the_first_is_done_at_once_and_the_rest_together(qtbot):
    owner, done = QObject(), []
    paced = PacedRefresh(lambda: done.append(1), 40, owner)
    for _ in range(50):
        paced.ask()
    assert len(done) == 1
    qtbot.waitUntil(lambda: len(done) == 2, timeout=5000)
    qtbot.wait(120)
    assert len(done) == 2


def test_what_is_urgent_is_never_put_off(qtbot):
    owner, done = QObject(), []
    paced = PacedRefresh(lambda: done.append(1), 40, owner, is_urgent=lambda: True)
    for _ in range(5):
        paced.ask()
    assert len(done) == 5
    qtbot.wait(120)
    assert len(done) == 5
