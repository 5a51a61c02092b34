"""The commands that leave a band out: the chosen group's, one that is typed, and all back again."""

from __future__ import annotations

from specgui.actions.registry import Command


def _plot(window):
    """The plot that is meant: that under the mouse, that with the keyboard, or the only one."""
    plots = window.stack.plots.values()
    pointed = next((plot for plot in plots if plot.pointed is not None), None)
    only = next(iter(plots)) if len(plots) == 1 else None
    return pointed or window.stack.focused_plot or only


def _band(window):
    """The band that is meant, and its spectrum; None where no group is chosen or has one there."""
    plot, removals = _plot(window), window.workspace.removals
    if plot is None or plot.entry is None:
        return removals.evidence()
    at_mouse = removals.evidence(plot.pointed, plot.entry.id) if plot.pointed is not None else None
    return at_mouse or removals.evidence(None, plot.entry.id)


def _band_title(window) -> str:
    found = _band(window)
    if found is None:
        return "Without this band"
    entry, band = found
    digits = 0 if entry.spectrum.x_unit == "1/cm" else 1
    where = f"{band.technique} {band.start:.{digits}f}–{band.end:.{digits}f}"
    return f"Without this band ({where})"


def _leave_out_band(window) -> None:
    entry, band = _band(window)
    workspace = window.workspace
    workspace.removals.ask(workspace.selection.sample, entry, band.start, band.end)


def _leave_out_region(window) -> None:
    """Ask for a range of the plot with the keyboard, else of the first, and leave it out."""
    from specgui.views.range_dialog import RangeDialog

    plot = _plot(window) or next(iter(window.stack.plots.values()))
    shown = tuple(plot.canvas.view.viewRange()[0])
    dialog = RangeDialog(plot.canvas.bottom_axis.labelText, shown, window)
    dialog.setWindowTitle(f"Leave out a region of the {plot.technique} spectrum")
    dialog.label.setText(f"From where to where to leave out: {plot.canvas.bottom_axis.labelText}")
    try:
        if dialog.exec() and dialog.chosen() is not None and plot.entry is not None:
            workspace = window.workspace
            workspace.removals.ask(workspace.selection.sample, plot.entry, *dialog.chosen())
    finally:
        dialog.deleteLater()


def _clear(window) -> None:
    window.workspace.removals.clear(window.workspace.selection.sample)


def _has_result(window) -> bool:
    return bool(window.workspace.removals.of(window.workspace.selection.sample))


def _is_named(window) -> bool:
    finding = window.workspace.findings.of(window.workspace.selection.sample)
    return finding.identification is not None and bool(window.stack.plots)


REMOVAL_COMMANDS = (
    Command("groups.without_band", "Without this band", "Groups", _leave_out_band, ("Shift+W",),
            "without", "Show what the groups would be without the band of the chosen group",
            enabled=lambda window: _band(window) is not None, label=_band_title),
    Command("groups.without_region", "Without a region…", "Groups", _leave_out_region,
            tip="Show what the groups would be without a part of the axis that you type",
            enabled=_is_named),
    Command("groups.with_everything", "With every band again", "Groups", _clear,
            tip="Take the marks of bands that were left out away", enabled=_has_result),
)  # fmt: skip
REMOVAL_MENU = tuple(command.id for command in REMOVAL_COMMANDS)
