"""What the window does with projects: new, open, save, recover, and asking before a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox

from specgui.actions.command_lines import CommandLinesDialog, commands_of
from specgui.actions.recovery_dialog import RecoveryDialog

_FILTER = "SpecGUI projects (*.specgui);;All files (*)"
_SUFFIX = ".specgui"
_PROCESSED = (
    "These commands take the files with the default processing. What you chose in the Processing "
    "panel is repeated by the script: Edit, Copy as script."
)
_SHOWN_MS = 4000


class ProjectFiles(QObject):
    """The project file of a window; ``asks_on_close`` says whether closing asks to save.

    Nothing here waits for an answer or for the disk: each question and each saving goes on with
    what is to be done after it.
    """

    def __init__(self, window, asks_on_close: bool = False) -> None:
        super().__init__(window)
        self.asks_on_close = asks_on_close
        self.question: QMessageBox | None = None
        self.recovery_dialog: RecoveryDialog | None = None
        self._window = window
        self._workspace = window.workspace
        self._document = window.workspace.document
        self._closing = False
        self._document.file_changed.connect(self._on_file_changed)
        self._workspace.project_asked.connect(self.open)
        self._on_file_changed()

    # what is possible

    def has_content(self) -> bool:
        return bool(self._document.samples)

    def can_save(self) -> bool:
        return self._document.is_changed

    def can_begin_anew(self) -> bool:
        return self._document.is_changed or self._document.path is not None

    # new and open

    def new(self) -> None:
        """An empty project, after asking about the one that is open."""
        self._ask_first(self._workspace.new_project)

    def ask_for_project(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open a project", self._window.settings.last_folder, _FILTER
        )
        if path:
            self._window.settings.last_folder = str(Path(path).parent)
            self.open(Path(path))

    def open(self, path: Path, more: Sequence[Path] = ()) -> None:
        """Open a project in the place of what is open, after asking; ``more`` is read into it."""
        self._ask_first(lambda: self._workspace.open_project(path, more))

    # saving

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save to the project's file; without one it is asked for. ``then`` follows a success."""
        if self._document.path is None:
            self.save_as(then)
        else:
            self._write(self._document.path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a file and save to it."""
        settings = self._window.settings
        proposed = self._document.path
        if proposed is None:
            first = self._document.samples[0].name if self.has_content() else "project"
            name = "".join(c if c.isalnum() or c in " -_.()" else "_" for c in first).strip(" .")
            proposed = Path(settings.last_folder) / f"{name or 'project'}{_SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the project", str(proposed), _FILTER
        )
        if path:
            settings.last_folder = str(Path(path).parent)
            chosen = Path(path)
            self._write(chosen if chosen.suffix else chosen.with_suffix(_SUFFIX), then)

    def _write(self, path: Path, then: Callable[[], None] | None) -> None:
        def done(written: Path) -> None:
            self._window.statusBar().showMessage(f"Saved {written.name}", _SHOWN_MS)
            if then is not None:
                then()

        self._window.statusBar().showMessage(f"Saving {path.name}…")
        self._workspace.save_project(path, done, self._on_not_saved)

    def _on_not_saved(self, error: Exception) -> None:
        self._closing = False
        self._window.statusBar().clearMessage()
        self._show(
            QMessageBox.Icon.Warning, "The project is not saved.",
            f"{error}. Choose another place with Save project as.",
        )  # fmt: skip

    # asking

    def may_close(self) -> bool:
        """Whether the window may close now; else it is asked for, and closes after the answer."""
        self._workspace.processing.accept()
        if self._closing or not self.asks_on_close or not self._document.is_changed:
            return True
        self._ask_first(self._close)
        return False

    def _close(self) -> None:
        self._closing = True
        self._window.close()

    def _ask_first(self, then: Callable[[], None]) -> None:
        """Go on, where edits would be lost only after they are saved or given up."""
        if not self._document.is_changed:
            then()
            return
        button = QMessageBox.StandardButton
        box = self._show(
            QMessageBox.Icon.Question, f"Save the changes to {self._document.name}?",
            "What is not saved is lost.", button.Save | button.Discard | button.Cancel,
        )  # fmt: skip
        box.setDefaultButton(button.Save)
        box.button(button.Discard).setText("Don't save")

        def answered(answer: int) -> None:
            if answer == button.Save:
                self.save(then)
            elif answer == button.Discard:
                then()

        box.finished.connect(answered)

    def _show(
        self,
        icon: QMessageBox.Icon,
        text: str,
        detail: str,
        buttons: QMessageBox.StandardButton = QMessageBox.StandardButton.Ok,
    ) -> QMessageBox:
        if self.question is not None:
            # The newest question is about what was wanted last.
            self.question.reject()
        box = QMessageBox(icon, "SpecGUI", text, buttons, self._window)
        box.setInformativeText(detail)
        box.finished.connect(self._forget_question)
        self.question = box
        box.open()
        return box

    def _forget_question(self) -> None:
        if self.question is not None:
            self.question.deleteLater()
        self.question = None

    # recovering

    def offer_recovery(self) -> None:
        """Ask about what a killed program left behind, if anything."""
        found = self._workspace.autosave.leftovers()
        if not found:
            return
        journals = dict(enumerate(journal for journal, _ in found))
        dialog = RecoveryDialog([recovery for _, recovery in found], self._window)

        def recover(place: int) -> None:
            journal, path = journals.pop(place), found[place][1].project_path
            project = Path(path) if path else None
            self._ask_first(lambda: self._workspace.recover(journal, project))

        def delete(place: int) -> None:
            journals.pop(place).close(discard=True)

        def finished() -> None:
            self.recovery_dialog = None
            for journal in journals.values():
                journal.close(discard=False)

        dialog.recover_wanted.connect(recover)
        dialog.delete_wanted.connect(delete)
        dialog.finished.connect(finished)
        self.recovery_dialog = dialog
        dialog.open()

    # as text

    def copy_script(self) -> None:
        """Put Python that makes these samples again on the clipboard."""
        script = self._document.script
        QGuiApplication.clipboard().setText(script)
        edits = len(self._document.state.history)
        noun = "edit" if edits == 1 else "edits"
        self._window.statusBar().showMessage(f"Script of {edits} {noun} copied", _SHOWN_MS)

    def show_commands(self) -> CommandLinesDialog | None:
        """Show the command lines for the chosen sample."""
        sample = self._workspace.selection.sample
        lines = commands_of(sample) if sample else []
        if not lines:
            self._window.statusBar().showMessage("These spectra came from no file", _SHOWN_MS)
            return None
        chosen = any(entry.chain is not None for entry in sample.spectra)
        dialog = CommandLinesDialog(
            f"Commands for {sample.name}", lines, self._window, _PROCESSED if chosen else ""
        )
        dialog.open()
        return dialog

    # following

    def _on_file_changed(self) -> None:
        document = self._document
        begun = document.path is not None or document.is_changed
        self._window.setWindowTitle(f"{document.name}[*] – SpecGUI" if begun else "SpecGUI")
        self._window.setWindowModified(document.is_changed)
        self._window.setWindowFilePath(str(document.path) if document.path else "")
        if document.path is not None and not document.is_changed:
            self._window.settings.add_recent_project(str(document.path))
