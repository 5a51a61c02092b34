"""The commands of the Processing menu."""

from __future__ import annotations

from specgui.actions.registry import Command
from specgui.processing_editing import PROJECT, SAMPLE

MENU = "Processing"


def _entry(window):
    return window.workspace.processing.entry


def _has_entry(window) -> bool:
    return _entry(window) is not None


def _is_phasable(window) -> bool:
    """An NMR spectrum that is complex, or a FID."""
    entry = _entry(window)
    if entry is None or not entry.spectrum.technique.is_nmr:
        return False
    return entry.spectrum.kind == "fid" or entry.spectrum.y_imaginary is not None


def _is_continuous(window) -> bool:
    entry = _entry(window)
    return entry is not None and entry.spectrum.kind != "sticks"


def _has_others(scope: str):
    return lambda window: window.workspace.processing.has_others(scope)


def _add(name: str):
    def run(window) -> None:
        panel = window.show_processing()
        panel.when_ready(lambda: panel.add_step(name))

    return run


def _phase_by_hand(window) -> None:
    panel = window.show_processing()
    panel.when_ready(panel.phase_by_hand)


def _find_phase(window) -> None:
    panel = window.show_processing()
    panel.when_ready(panel.find_phase)


def _apply(scope: str) -> Command:
    where = f"of the {scope}"
    return Command(
        f"processing.apply_{scope}", f"Apply to all spectra of the technique {where}", MENU,
        lambda window: window.workspace.processing.apply_to_others(scope),
        tip=f"Process all spectra of this technique {where} like the one in hand",
        enabled=_has_others(scope),
    )  # fmt: skip


PROCESSING_COMMANDS = (
    Command("processing.phase_by_hand", "Phase by hand", MENU, _phase_by_hand, ("Shift+P",),
            tip="Turn the phase of the NMR spectrum with two sliders and a pivot",
            enabled=_is_phasable),
    Command("processing.automatic_phase", "Automatic phase", MENU, _find_phase, ("Shift+A",),
            tip="Find the phase in which the lines are purest absorption", enabled=_is_phasable),
    Command("processing.baseline", "Correct the base line", MENU, _add("baseline"), ("Shift+B",),
            tip="Make the ground between the bands flat", enabled=_is_continuous),
    Command("processing.smooth", "Smooth", MENU, _add("smooth"), ("Shift+S",),
            tip="Less noise, by Savitzky and Golay", enabled=_is_continuous),
    Command("processing.default", "Default processing", MENU,
            lambda window: window.workspace.processing.use(None), ("Shift+D",),
            tip="Go back to the default processing of this kind of spectrum",
            enabled=lambda w: _has_entry(w) and not w.workspace.processing.is_default),
    Command("processing.none", "No processing (as read)", MENU,
            lambda window: window.processing.show_as_read(),
            tip="Take every step away: the spectrum as the file holds it",
            enabled=lambda w: _has_entry(w) and w.workspace.processing.steps != ()),
    _apply(SAMPLE),
    _apply(PROJECT),
)  # fmt: skip
