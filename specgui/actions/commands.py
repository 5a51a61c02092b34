"""Every command of the window, in the order of its menus."""

from __future__ import annotations

from specgui.actions.candidate_commands import CANDIDATE_COMMANDS
from specgui.actions.processing_commands import PROCESSING_COMMANDS
from specgui.actions.registry import Command
from specgui.actions.removal_commands import REMOVAL_COMMANDS
from specgui.actions.signal_commands import SIGNAL_COMMANDS
from specgui.actions.structure_commands import STRUCTURE_COMMANDS
from specgui.actions.view_commands import (
    COMPARE_COMMANDS,
    SPECTRUM_VIEW_COMMANDS,
    for_plots,
    has_plots,
)

MENUS = (
    "File", "Edit", "Spectrum", "Processing", "Signals", "Groups", "Structure", "Candidates",
    "View", "Help",
)  # fmt: skip
TOOLBAR = (
    "file.open", "file.open_folder", "file.save", None,
    "edit.undo", "edit.redo", None,
    "signals.tool_zoom", "signals.tool_peak", "signals.tool_integral", "signals.tool_multiplet",
    "signals.analyse", None,
    "spectrum.reset", "spectrum.peak_labels", "spectrum.ir_toggle", "groups.importance", None,
    "groups.identify", "groups.cancel",
)  # fmt: skip

_ZOOM = 0.75
_PAN = 0.15


def _has_sample(window) -> bool:
    return window.workspace.selection.sample is not None


def _has_spectra(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and bool(sample.spectra)


def _has_several_samples(window) -> bool:
    return len(window.workspace.document.samples) > 1


def _has_infrared(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and "IR" in sample.techniques


def _has_groups(window) -> bool:
    finding = window.workspace.findings.of(window.workspace.selection.sample)
    return finding.identification is not None


def _is_busy(window) -> bool:
    return bool(window.workspace.jobs.visible_jobs)


def _can_split(window) -> bool:
    sample = window.workspace.selection.sample
    return sample is not None and len(sample.spectra) + len(sample.spectra_2d) > 1


def _option(name: str, value=None):
    if value is None:
        return lambda window: window.workspace.options[name]
    return lambda window: window.workspace.options[name] == value


def _set_option(name: str, value):
    def run(window) -> None:
        window.workspace.options[name] = value

    return run


def _toggle(name: str):
    return lambda window: window.workspace.options.toggle(name)


def _toggle_ir(window) -> None:
    """Show the other scale than the one in view."""
    entry = window.workspace.selection.shown("IR")
    scale = window.workspace.options["ir_scale"]
    if scale == "as recorded" and entry is not None:
        scale = entry.spectrum.y_unit
    other = "absorbance" if scale == "transmittance" else "transmittance"
    window.workspace.options["ir_scale"] = other


def _identify(window) -> None:
    window.workspace.identify_groups(window.workspace.selection.sample)


def _undo_title(window) -> str:
    text = window.workspace.document.undo_stack.undoText()
    return f"Undo: {text}" if text else "Undo"


def _redo_title(window) -> str:
    text = window.workspace.document.undo_stack.redoText()
    return f"Redo: {text}" if text else "Redo"


def _step_spectrum(step: int):
    def run(window) -> None:
        for plot in window.stack.targets()[:1]:
            plot.step(step)

    return run


def _help(page: str):
    def run(window) -> None:
        from specgui.views.help_window import show_help

        show_help(window, page)

    return run


def _theme(mode: str) -> Command:
    title = {"system": "Follow the system", "light": "Light", "dark": "Dark"}[mode]
    return Command(
        f"view.theme_{mode}", f"Theme: {title}", "View",
        lambda window: window.set_theme_mode(mode), icon="theme",
        checked=lambda window: window.appearance.mode == mode,
    )  # fmt: skip


def _panel(name: str, title: str, shortcut: str) -> Command:
    return Command(
        f"view.panel_{name}", f"Panel: {title}", "View",
        lambda window: window.toggle_panel(name), (shortcut,),
        checked=lambda window: window.panel_is_open(name),
    )  # fmt: skip


COMMANDS = (
    Command("file.new_project", "New project", "File", lambda w: w.projects.new(), ("Ctrl+N",),
            tip="Begin a new project", enabled=lambda w: w.projects.can_begin_anew()),
    Command("file.open", "Open files…", "File", lambda w: w.ask_for_files(), ("Ctrl+O",), "open",
            "Open files as one sample"),
    Command("file.open_folder", "Open folder…", "File", lambda w: w.ask_for_folder(),
            ("Ctrl+Shift+O",), "folder", "Open a folder of files or experiments"),
    Command("file.open_project", "Open project…", "File", lambda w: w.projects.ask_for_project(),
            ("Ctrl+Alt+O",), tip="Open a project file in the place of what is open"),
    Command("file.example", "Open the example", "File", lambda w: w.workspace.open_example(),
            ("Ctrl+E",), "example"),
    Command("file.save", "Save project", "File", lambda w: w.projects.save(), ("Ctrl+S",), "save",
            "Save the samples with everything that was done as one file",
            enabled=lambda w: w.projects.can_save()),
    Command("file.save_as", "Save project as…", "File", lambda w: w.projects.save_as(),
            ("Ctrl+Shift+S",), enabled=lambda w: w.projects.has_content()),
    Command("file.save_picture", "Save picture of the spectra…", "File",
            lambda w: w.ask_for_picture(), ("Ctrl+Shift+E",), "picture", enabled=_has_spectra),
    Command("file.report", "Write a report…", "File", lambda w: w.exports.report(), ("Ctrl+R",),
            tip="Spectra, groups, structure, peaks and processing of the sample as PDF or HTML",
            enabled=_has_spectra),
    Command("file.quit", "Quit", "File", lambda w: w.close(), ("Ctrl+Q",)),

    Command("edit.undo", "Undo", "Edit", lambda w: w.workspace.document.undo_stack.undo(),
            ("Ctrl+Z",), "undo", label=_undo_title,
            enabled=lambda w: w.workspace.document.undo_stack.canUndo()),
    Command("edit.redo", "Redo", "Edit", lambda w: w.workspace.document.undo_stack.redo(),
            ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", label=_redo_title,
            enabled=lambda w: w.workspace.document.undo_stack.canRedo()),
    Command("edit.new_sample", "New sample", "Edit", lambda w: w.new_sample(), ("Ctrl+Shift+N",),
            "new-sample", "Make an empty sample, or one of the chosen spectra"),
    Command("edit.rename", "Rename sample…", "Edit", lambda w: w.rename_sample(), ("F2",),
            "rename", enabled=_has_sample),
    Command("edit.split", "Split into one sample per spectrum", "Edit",
            lambda w: w.split_sample(), (), "split", enabled=_can_split),
    Command("edit.remove", "Remove", "Edit", lambda w: w.remove_chosen(), ("Del",), "remove",
            "Take the chosen samples or spectra out; files are not touched", enabled=_has_sample),
    Command("edit.structure", "Type the structure…", "Edit", lambda w: w.focus_structure(),
            ("Ctrl+L",), "structure", "Give the compound's structure as SMILES",
            enabled=_has_sample),

    Command("edit.copy_script", "Copy as script", "Edit", lambda w: w.projects.copy_script(),
            ("Ctrl+Alt+C",), "copy", "Copy Python that makes these samples again, without a window",
            enabled=lambda w: w.projects.has_content()),
    Command("edit.show_command", "Show command…", "Edit", lambda w: w.projects.show_commands(),
            tip="Show the command lines that do the same with this sample", enabled=_has_spectra),

    Command("spectrum.reset", "Show whole spectrum", "Spectrum", for_plots("reset"), ("F",),
            "reset", "Show the whole spectrum", enabled=has_plots),
    Command("spectrum.zoom_in", "Zoom in", "Spectrum", for_plots("zoom", _ZOOM), ("+", "="),
            enabled=has_plots),
    Command("spectrum.zoom_out", "Zoom out", "Spectrum", for_plots("zoom", 1 / _ZOOM), ("-",),
            enabled=has_plots),
    Command("spectrum.pan_left", "Pan left", "Spectrum", for_plots("pan", -_PAN),
            ("[",), enabled=has_plots),
    Command("spectrum.pan_right", "Pan right", "Spectrum", for_plots("pan", _PAN),
            ("]",), enabled=has_plots),
    *SPECTRUM_VIEW_COMMANDS,
    Command("spectrum.next", "Next spectrum of the technique", "Spectrum", _step_spectrum(1),
            ("Ctrl+Right",), enabled=_has_spectra),
    Command("spectrum.previous", "Previous spectrum of the technique", "Spectrum",
            _step_spectrum(-1), ("Ctrl+Left",), enabled=_has_spectra),
    Command("spectrum.peak_labels", "Peak labels", "Spectrum", _toggle("peak_labels"), ("L",),
            "peaks", checked=_option("peak_labels")),
    Command("spectrum.ir_toggle", "Infrared: other scale", "Spectrum", _toggle_ir, ("T",),
            "transmittance", "Show the infrared as transmittance or absorbance",
            enabled=_has_infrared),
    Command("spectrum.ir_recorded", "Infrared as recorded", "Spectrum",
            _set_option("ir_scale", "as recorded"), checked=_option("ir_scale", "as recorded")),
    Command("spectrum.ir_transmittance", "Infrared as transmittance", "Spectrum",
            _set_option("ir_scale", "transmittance"), icon="transmittance",
            checked=_option("ir_scale", "transmittance")),
    Command("spectrum.ir_absorbance", "Infrared as absorbance", "Spectrum",
            _set_option("ir_scale", "absorbance"), icon="absorbance",
            checked=_option("ir_scale", "absorbance")),

    *PROCESSING_COMMANDS,

    *SIGNAL_COMMANDS,

    Command("groups.identify", "Name the groups", "Groups", _identify, ("F5",), "identify",
            "Name the functional groups of this sample again", enabled=_has_spectra),
    Command("groups.cancel", "Cancel", "Groups",
            lambda w: w.workspace.jobs.cancel_all(visible_only=True), ("Ctrl+.",), "cancel",
            "Cancel what is running", enabled=_is_busy),
    Command("groups.importance", "Importance", "Groups", _toggle("importance"), ("Shift+I",),
            "importance", "Show where in the spectra the groups were seen",
            checked=_option("importance")),
    Command("groups.clear", "Choose no group", "Groups",
            lambda w: w.workspace.selection.choose_group(None), ("Ctrl+Shift+A",),
            tip="Show the gates instead of one group's regions",
            enabled=lambda w: w.workspace.selection.group is not None),
    Command("groups.show_absent", "Show absent groups", "Groups", _toggle("show_absent"), ("A",),
            checked=_option("show_absent")),
    Command("groups.find", "Find a group", "Groups", lambda w: w.focus_group_filter(),
            ("Ctrl+F",), "search", enabled=_has_groups),
    *REMOVAL_COMMANDS,
    Command("groups.copy", "Copy the groups as text", "Groups", lambda w: w.copy_groups(),
            ("Ctrl+Shift+C",), "copy", enabled=_has_groups),

    *STRUCTURE_COMMANDS,

    *CANDIDATE_COMMANDS,

    Command("view.next_sample", "Next sample", "View",
            lambda w: w.workspace.selection.step_sample(1), ("Ctrl+Down",),
            enabled=_has_several_samples),
    Command("view.previous_sample", "Previous sample", "View",
            lambda w: w.workspace.selection.step_sample(-1), ("Ctrl+Up",),
            enabled=_has_several_samples),
    *COMPARE_COMMANDS,
    _panel("samples", "Samples", "Alt+1"),
    _panel("groups", "Groups", "Alt+2"),
    _panel("structure", "Structure", "Alt+3"),
    _panel("problems", "Problems", "Alt+4"),
    _panel("processing", "Processing", "Alt+5"),
    _panel("signals", "Signals", "Alt+6"),
    _panel("candidates", "Candidates", "Alt+7"),
    _panel("assignment", "Assignment", "Alt+8"),
    _panel("verification", "Verification", "Alt+9"),
    Command("view.reset_layout", "Put panels back", "View", lambda w: w.reset_layout(),
            tip="Put every panel back to its place"),
    Command("view.full_screen", "Full screen", "View", lambda w: w.toggle_full_screen(), ("F11",),
            checked=lambda w: w.isFullScreen()),
    _theme("system"), _theme("light"), _theme("dark"),

    Command("help.palette", "All commands…", "Help", lambda w: w.show_palette(),
            ("Ctrl+Shift+P", "Ctrl+K"), "palette", "Find a command by its name"),
    Command("help.formats", "File formats", "Help", _help("formats"), ("Shift+F1",), "info",
            "What is read and written, and what happens with damaged files"),
    Command("help.groups", "Groups and their maps", "Help", _help("groups"),
            tip="What the maps of groups mean, and what it is to leave a band out"),
    Command("help.assignment", "Structures and assignment", "Help", _help("assignment"),
            tip="How structures are drawn, peaks assigned to atoms, and both exported"),
    Command("help.candidates", "Candidates and verification", "Help", _help("candidates"),
            tip="How molecules are searched, ranked and verified, and libraries made"),
    Command("help.projects", "Projects and recovery", "Help", _help("projects"),
            tip="What a project file keeps, and how work comes back after a crash"),
    Command("help.shortcuts", "Keys and mouse", "Help", _help("shortcuts"), ("Ctrl+/",),
            tip="Every key, and what the mouse does in a spectrum"),
    Command("help.about", "About SpecGUI", "Help", lambda w: w.show_about(), ("F1",), "info"),
)  # fmt: skip
