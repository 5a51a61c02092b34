"""The commands for structures and assignments: drawing, opening, assigning, writing."""

from __future__ import annotations

from pathlib import Path

from specgui.actions.registry import Command

MENU = "Structure"
_STRUCTURES = "Structures (*.mol *.mdl *.sdf *.smi *.smiles);;All files (*)"
_LARGEST = 2_000_000


def _has_sample(window) -> bool:
    return window.workspace.selection.sample is not None


def _is_known(window) -> bool:
    return window.workspace.assigning.structure is not None


def _can_assign(window) -> bool:
    return window.workspace.assigning.can_assign


def _is_assigned(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and bool(sample.assignments)


def _has_fixed(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and any(one.fixed for one in sample.assignments)


def draw(window) -> None:
    """Open the editor with the sample's structure; what is drawn there becomes its structure."""
    from specgui.views.structure_editor import edit_structure

    edit_structure(window)


def open_structure(window) -> None:
    """Take the structure of a file, the first where it has several."""
    from PySide6.QtWidgets import QFileDialog

    from specgui.document import Problem

    path, _ = QFileDialog.getOpenFileName(
        window, "Open the structure", window.settings.last_folder, _STRUCTURES
    )
    sample = window.workspace.selection.sample
    if not path or sample is None:
        return
    window.settings.last_folder = str(Path(path).parent)
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST).decode("utf-8", errors="replace").removeprefix("\ufeff")
    except OSError as error:
        window.workspace.problems.add(Problem(path, f"cannot be read: {error.strerror}"))
        return
    lines = Path(path).suffix.lower() in (".smi", ".smiles")
    text = next((t for t in text.splitlines() if t.strip()), "") if lines else text
    window.workspace.document.set_structure(sample.id, text.split("\n$$$$", 1)[0].rstrip(" \r"))


def _toggle(name: str):
    return lambda window: window.workspace.options.toggle(name)


def _is_on(name: str):
    return lambda window: window.workspace.options[name]


def _unfix_all(window) -> None:
    assigning = window.workspace.assigning
    assigning.unfix([signal for signal in assigning.signals if signal.fixed])


def _no_peak(window) -> None:
    """Take the peaks of the chosen atom away, and keep it so."""
    assigning = window.workspace.assigning
    for technique, position in sorted(assigning.link.places):
        for signal in assigning.signals:
            if signal.place == (technique, position) and signal.atoms:
                assigning.fix(technique, None, signal.atoms[0])
                return


STRUCTURE_COMMANDS = (
    Command("structure.draw", "Draw the structure…", MENU, draw, ("Ctrl+D",), "structure",
            "Draw the compound, or change the structure that is there", enabled=_has_sample),
    Command("structure.open", "Structure from a file…", MENU, open_structure,
            tip="Take the structure of a molfile, SD or SMILES file", enabled=_has_sample),
    Command("structure.numbers", "Atom numbers", MENU, _toggle("atom_numbers"), ("Shift+N",),
            tip="Write its number beside each atom, counted from 0",
            checked=_is_on("atom_numbers")),
    Command("assign.run", "Assign peaks to atoms", MENU,
            lambda w: w.workspace.assigning.assign(), ("Ctrl+J",), "assign",
            "Match all 13C and 1H peaks to the atoms; what is fixed stays", enabled=_can_assign),
    Command("assign.auto", "Assign by itself", MENU, _toggle("auto_assign"),
            tip="Assign a sample once it has a structure and NMR spectra",
            checked=_is_on("auto_assign")),
    Command("assign.no_peak", "Chosen atom has no peak", MENU, _no_peak,
            tip="Take the peak of what is chosen away, and keep it so",
            enabled=lambda w: bool(w.workspace.assigning.link.places) and _is_assigned(w)),
    Command("assign.unfix", "Unfix all assignments", MENU, _unfix_all,
            tip="Let the program decide again about everything", enabled=_has_fixed),
    Command("assign.clear", "Clear assignments", MENU,
            lambda w: w.workspace.assigning.clear(), enabled=_is_assigned),
    Command("assign.predicted", "Predicted spectrum below", MENU, _toggle("predicted"),
            ("Shift+M",), tip="Draw the shifts predicted of the structure mirrored under the "
            "measured 13C and 1H spectra", checked=_is_on("predicted")),
    Command("assign.copy_text", "Copy 1H/13C text with atoms", MENU,
            lambda w: w.workspace.signals.write_text(_nmr_entries(w), with_atoms=True),
            ("Ctrl+Alt+A",), "copy", "Copy the NMR data with the atoms as a paper prints them",
            enabled=_is_assigned),
    Command("assign.export", "Export as NMReDATA…", MENU, lambda w: w.exports.nmredata(),
            ("Ctrl+Alt+N",), tip="Write the structure, the signals and the assignments as one "
            "record that other programs read", enabled=lambda w: _is_known(w) and _can_assign(w)),
)  # fmt: skip


def _nmr_entries(window) -> list:
    shown = window.workspace.selection.shown_entries()
    found = [e for e in shown if e is not None and e.spectrum.technique.is_nmr]
    return sorted(found, key=lambda entry: entry.spectrum.technique != "1H NMR")
