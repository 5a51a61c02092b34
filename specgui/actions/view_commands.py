"""Commands about what is in view: ranges and their history, runs, and the comparison of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specgui.actions.registry import Command


def target_canvases(window) -> list:
    """The plots that a zoom command means: the one with the keyboard, else all in view."""
    if window.centre.currentWidget() is window.overlay:
        return [window.overlay.canvas]
    return window.stack.target_canvases()


def for_plots(method: str, *arguments) -> Callable[[Any], None]:
    """Calls a method of each plot that is meant, and has it."""

    def run(window) -> None:
        for canvas in target_canvases(window):
            wanted = getattr(canvas, method, None)
            if wanted is not None:
                wanted(*arguments)

    return run


def has_plots(window) -> bool:
    """Whether anything is drawn."""
    sample = window.workspace.selection.sample
    return sample is not None and bool(sample.spectra or sample.runs or sample.spectra_2d)


def _has_history(step: str):
    def enabled(window) -> bool:
        return has_plots(window) and any(
            getattr(canvas.view.history, f"can_go_{step}")
            for canvas in target_canvases(window)
            if hasattr(canvas.view, "history")
        )

    return enabled


def _go_to_range(window) -> None:
    """Ask for a range and show it in the plot with the keyboard, else in the first."""
    from specgui.views.range_dialog import RangeDialog

    canvases = [c for c in target_canvases(window) if hasattr(c.view, "show_x_range")]
    if not canvases:
        return
    canvas = canvases[0]
    dialog = RangeDialog(canvas.bottom_axis.labelText, tuple(canvas.view.viewRange()[0]), window)
    try:
        if dialog.exec() and dialog.chosen() is not None:
            canvas.view.show_x_range(*dialog.chosen())
    finally:
        dialog.deleteLater()


def _chosen_run(window):
    workspace = window.workspace
    return workspace.runs.chosen(workspace.selection.sample)


def _has_run(window) -> bool:
    run = _chosen_run(window)
    return run is not None and window.workspace.runs.scan(run) is not None


def _compare(window) -> None:
    """Compare what is chosen in the tree, or go back to one sample.

    One sample with a single spectrum of each technique has nothing to be compared with: it is
    compared with all others.
    """
    if window.centre.currentWidget() is window.overlay:
        window.show_overlay(False)
        return
    samples, spectra = window.tree.chosen()
    if not samples and not spectra:
        samples = [window.workspace.selection.sample_id]
    if len(samples) == 1 and not spectra:
        only = window.workspace.document.sample(samples[0])
        if only is not None and len(only.spectra) == len(only.techniques):
            samples = [sample.id for sample in window.workspace.document.samples]
    plot = window.stack.focused_plot
    window.overlay.compare(samples, spectra, str(plot.technique) if plot else None)
    window.show_overlay(True)


def _compare_all(window) -> None:
    window.overlay.compare([sample.id for sample in window.workspace.document.samples])
    window.show_overlay(True)


def _has_spectra_anywhere(window) -> bool:
    return any(sample.spectra for sample in window.workspace.document.samples)


def _step_level(steps: float):
    """Moves the lowest contour of the plot with the keyboard, else of all; 0 puts it back."""

    def run(window) -> None:
        meant = target_canvases(window)
        for plot in window.stack.contours.plots.values():
            if plot.canvas not in meant:
                continue
            if steps:
                plot.step_level(steps)
            else:
                plot.reset_level()

    return run


def _has_contours(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and bool(sample.spectra_2d)


SPECTRUM_VIEW_COMMANDS = (
    Command("contours.lower", "Contours: more lines", "Spectrum", _step_level(-2),
            ("*", "Alt+Up"), tip="Lower the lowest contour of a two-dimensional spectrum",
            enabled=_has_contours),
    Command("contours.raise", "Contours: fewer lines", "Spectrum", _step_level(2),
            ("/", "Alt+Down"), tip="Raise the lowest contour of a two-dimensional spectrum",
            enabled=_has_contours),
    Command("contours.reset", "Contours: sensible levels", "Spectrum", _step_level(0),
            tip="Begin the contours above the noise again", enabled=_has_contours),
    Command("spectrum.back", "Previous part", "Spectrum", for_plots("go_back"),
            ("Alt+Left", "Backspace"), tip="Show the part of the spectrum that was in view before",
            enabled=_has_history("back")),
    Command("spectrum.forward", "Next part", "Spectrum", for_plots("go_forward"), ("Alt+Right",),
            tip="Show the part again from which you went back", enabled=_has_history("forward")),
    Command("spectrum.go_to", "Go to range…", "Spectrum", _go_to_range, ("G",),
            tip="Show a part of the axis that you type, such as 7.0-7.5", enabled=has_plots),
    Command("run.keep", "Keep this scan", "Spectrum", lambda w: w.stack.run_view.keep(), ("K",),
            tip="Put the scan in view among the spectra of the sample, to be predicted from",
            enabled=lambda w: w.workspace.runs.can_keep(_chosen_run(w))),
    Command("run.next", "Next scan of the run", "Spectrum",
            lambda w: w.stack.run_view.step_scan(1), (".",), enabled=_has_run),
    Command("run.previous", "Previous scan of the run", "Spectrum",
            lambda w: w.stack.run_view.step_scan(-1), (",",), enabled=_has_run),
    Command("run.ion", "Extract an ion…", "Spectrum",
            lambda w: w.stack.run_view.trace.ask_for_ion(), ("X",),
            tip="Show the chromatogram of one m/z", enabled=_has_run),
)  # fmt: skip

COMPARE_COMMANDS = (
    Command("view.compare", "Compare spectra", "View", _compare, ("O",),
            tip="Draw the spectra of the chosen samples over each other, stacked or mirrored",
            enabled=_has_spectra_anywhere,
            checked=lambda w: w.centre.currentWidget() is w.overlay),
    Command("view.compare_all", "Compare all samples", "View", _compare_all,
            tip="Draw the spectra of all samples over each other", enabled=_has_spectra_anywhere),
)  # fmt: skip
