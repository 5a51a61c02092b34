"""The commands for signals: tools of the mouse, analysis, and the text of a paper."""

from __future__ import annotations

from specgui.actions.registry import Command
from specgui.document.plot_tools import PEAK, TOOLS, WITHOUT, ZOOM, Tool
from specgui.document.sample_entry import SpectrumEntry

MENU = "Signals"


def _entries(window, nmr: bool = True) -> list[SpectrumEntry]:
    """The spectra that a command means: that of the plot with the keyboard, else all in view."""
    shown = [plot.entry for plot in window.stack.targets() if plot.entry is not None]
    return [entry for entry in shown if entry.spectrum.technique.is_nmr or not nmr]


def _has_nmr(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and any(t.is_nmr for t in sample.techniques)


def _has_spectra(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and bool(sample.spectra)


def _is_analysed(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and any(entry.analysis for entry in sample.spectra)


def _is_picked(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and any(entry.peaks is not None for entry in sample.spectra)


def analyse(window) -> None:
    """Find all signals of the 1H spectra meant; without one, pick the peaks of the others."""
    entries = _entries(window)
    proton = [entry for entry in entries if entry.spectrum.technique.nucleus == "1H"]
    for entry in proton or entries:
        window.workspace.signals.analyse(entry)


def _clear(window) -> None:
    for entry in _entries(window):
        window.workspace.signals.clear(entry)


def _clear_peaks(window) -> None:
    for entry in _entries(window, nmr=False):
        if entry.peaks != ():
            window.workspace.signals.clear_peaks(entry)


def _pick_again(window) -> None:
    for entry in _entries(window, nmr=False):
        window.workspace.document.set_peaks(entry.id, None)


def copy_text(window) -> None:
    """Write the NMR spectra in view as a paper prints them; the clipboard gets the text."""
    window.workspace.signals.write_text(_entries(window))


def _tool(tool: Tool) -> Command:
    return Command(
        f"signals.tool_{tool.name}", f"Tool: {tool.title}", MENU,
        lambda window: window.workspace.signals.tools.choose(tool.name), (tool.key,), tool.icon,
        tool.tip, enabled=_has_spectra if tool.name in (ZOOM, PEAK, WITHOUT) else _has_nmr,
        checked=lambda window: window.workspace.signals.tools.name == tool.name,
    )  # fmt: skip


SIGNAL_COMMANDS = (
    *(_tool(tool) for tool in TOOLS),
    Command("signals.analyse", "Analyse multiplets", MENU, analyse, ("Ctrl+M",), "analyse",
            "Find the signals of the 1H spectrum: integrals, multiplicities, couplings",
            enabled=_has_nmr),
    Command("signals.clear", "Clear integrals and multiplets", MENU, _clear, ("Ctrl+Shift+M",),
            tip="Take all integrals and multiplets away", enabled=_is_analysed),
    Command("signals.pick_again", "Pick peaks automatically", MENU, _pick_again,
            tip="Show the peaks that are found, not those that were picked by hand",
            enabled=_is_picked),
    Command("signals.clear_peaks", "Clear peaks", MENU, _clear_peaks,
            tip="Take all peaks away", enabled=_has_spectra),
    Command("signals.copy_text", "Copy 1H/13C text", MENU, copy_text, ("Ctrl+Alt+T",), "copy",
            "Copy the NMR data as a paper prints them: 1H NMR (400 MHz, CDCl3) δ …",
            enabled=_has_nmr),
)  # fmt: skip
