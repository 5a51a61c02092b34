"""Starting the window."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication


def make_window(settings=None, recovery_folder=None, asks_on_close=False):
    """The window over an empty workspace, dressed as the settings say; not yet shown.

    Edits are kept for a recovery in a folder when one is given; closing asks about unsaved ones
    when it is to.
    """
    from specgui.appearance import Appearance
    from specgui.settings import Settings
    from specgui.views.main_window import MainWindow
    from specgui.workspace import Workspace

    settings = settings if settings is not None else Settings()
    appearance = Appearance()
    appearance.apply(settings.theme_mode)
    workspace = Workspace(recovery_folder=recovery_folder)
    window = MainWindow(workspace, appearance, settings, asks_on_close)
    # They live exactly as long as the window that shows them.
    appearance.setParent(window)
    window.workspace.setParent(window)
    return window


def run(argv: Sequence[str]) -> int:
    """Show the window with ``argv`` (``[FILES] [--example]``) open; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="specgui", description="Open IR, NMR and MS spectra and see their functional groups."
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILES", help="the spectra of one compound, or a project"
    )
    parser.add_argument("--example", action="store_true", help="open the example spectra")
    chosen = parser.parse_args(list(argv))

    application = QApplication.instance() or QApplication(sys.argv[:1])
    application.setApplicationName("SpecGUI")
    application.setOrganizationName("SpecGUI")
    application.setDesktopFileName("specgui")
    from specgui.document.autosave import recovery_folder

    window = make_window(recovery_folder=recovery_folder(), asks_on_close=True)
    application.setWindowIcon(window.appearance.icon("specgui"))
    window.show()
    QTimer.singleShot(0, window, window.projects.offer_recovery)
    if chosen.files:
        QTimer.singleShot(0, window, lambda: window.workspace.open_paths(chosen.files))
    elif chosen.example:
        QTimer.singleShot(0, window, window.workspace.open_example)
    status = application.exec()
    # Gone before the interpreter is: Qt objects that Python's exit finds alive end in odd orders.
    window.deleteLater()
    application.sendPostedEvents(window, QEvent.Type.DeferredDelete)
    release_clipboard()
    return status


def release_clipboard() -> None:
    """Empty the clipboard of a platform without a screen, before the interpreter ends.

    There Qt keeps the copied content in a static that it destroys after Python's end; content that
    was made in Python is then asked for an interpreter that is gone, and the process crashes. With
    a screen the content is the desktop's, and stays.
    """
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        QGuiApplication.clipboard().clear()
