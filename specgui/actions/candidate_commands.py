"""The commands about the molecule of a sample: search, rank, verify, and the libraries."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from specgui.actions.registry import Command

MENU = "Candidates"
_LISTS = "SMILES lists (*.smi *.smiles *.txt *.csv);;All files (*)"


def _has_nmr(window) -> bool:
    return bool(window.workspace.candidates.nuclei_of(window.workspace.selection.sample))


def _is_chosen(window) -> bool:
    return window.workspace.candidates.chosen is not None and _has_sample(window)


def _has_sample(window) -> bool:
    return window.workspace.selection.sample is not None


def _has_structure(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and bool(sample.structure) and bool(sample.spectra)


def _search(window) -> None:
    window.show_panel("candidates")
    window.candidates.search()


def _rank_file(window) -> None:
    """Choose a SMILES file and rank its molecules."""
    path, _ = QFileDialog.getOpenFileName(
        window, "Rank the candidates of a file", window.settings.last_folder, _LISTS
    )
    if path:
        window.settings.last_folder = str(Path(path).parent)
        window.show_panel("candidates")
        window.workspace.candidates.rank(window.workspace.selection.sample, Path(path))


def _rank_text(window) -> None:
    """Take SMILES that are typed or pasted, and rank them."""
    from specgui.views.candidate_text_dialog import CandidateTextDialog

    dialog = CandidateTextDialog(QGuiApplication.clipboard().text(), window)
    sample = window.workspace.selection.sample

    def ranked() -> None:
        window.show_panel("candidates")
        window.workspace.candidates.rank(sample, dialog.text())

    dialog.accepted.connect(ranked)
    dialog.open()


def _use(window) -> None:
    search = window.workspace.candidates
    search.use_as_structure(window.workspace.selection.sample, search.chosen)


def _verify_chosen(window) -> None:
    search = window.workspace.candidates
    window.show_panel("verification")
    search.verify(window.workspace.selection.sample, search.chosen.smiles, search.chosen.title)


def _verify(window) -> None:
    window.show_panel("verification")
    window.workspace.candidates.verify(window.workspace.selection.sample)


def _libraries(window) -> None:
    """Show the libraries; a dialog that is open already comes to the front."""
    from specgui.views.library_dialog import LibraryDialog

    shown = window.findChild(LibraryDialog)
    if shown is None:
        shown = LibraryDialog(window.workspace, window.appearance, window)
    shown.show()
    shown.raise_()
    shown.activateWindow()


def _no_candidate(window) -> None:
    window.workspace.candidates.choose(None)


CANDIDATE_COMMANDS = (
    Command("candidates.search", "Search the library", MENU, _search, ("F6",), "search",
            "Search a library for the molecule by its NMR peaks", enabled=_has_nmr),
    Command("candidates.rank_file", "Rank candidates from a file…", MENU, _rank_file,
            ("Ctrl+Shift+R",), tip="Give each molecule of a SMILES file its probability",
            enabled=_has_nmr),
    Command("candidates.rank_text", "Rank pasted candidates…", MENU, _rank_text,
            ("Ctrl+Alt+R",), tip="Give each of some SMILES its probability", enabled=_has_nmr),
    Command("candidates.verify_structure", "Verify structure", MENU, _verify, ("F7",),
            tip="Ask whether the sample's structure fits its spectra", enabled=_has_structure),
    Command("candidates.use", "Use candidate as structure", MENU, _use, ("Ctrl+Return",),
            "structure", "Make the chosen candidate the structure of the sample",
            enabled=_is_chosen),
    Command("candidates.verify", "Verify candidate", MENU, _verify_chosen, ("Shift+F7",),
            tip="Ask whether the chosen candidate fits the spectra", enabled=_is_chosen),
    Command("candidates.copy_smiles", "Copy SMILES of the candidate", MENU,
            lambda window: window.candidates.copy_smiles(), (), "copy", enabled=_is_chosen),
    Command("candidates.clear", "Choose no candidate", MENU, _no_candidate, (),
            tip="Take the predicted spectrum away", enabled=_is_chosen),
    Command("candidates.libraries", "Libraries…", MENU, _libraries, ("Ctrl+Shift+L",),
            tip="Import, build and remove molecule libraries"),
)  # fmt: skip
