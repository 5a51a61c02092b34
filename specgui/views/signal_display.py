"""Shows the signals of a spectrum on its plot, and turns what the tools do there into edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QLineEdit

from specgui.appearance import Theme
from specgui.document import SpectrumEntry
from specgui.document.plot_tools import INTEGRAL, MULTIPLET, PEAK, WITHOUT, ZOOM
from specgui.signal_editing import SignalEditing
from specgui.views.integral_items import IntegralBand, IntegralCurves
from specgui.views.multiplet_items import MultipletBand, SignalLabel
from specgui.views.plot_canvas import BAND_ABOVE_ROW, BAND_BELOW_ROW, PlotCanvas
from specgui.views.tool_layer import Span, ToolLayer
from specgui.workers.analysing import ShownSignals

if TYPE_CHECKING:
    from engine.processing import Integral, Multiplet
    from engine.spectra import Spectrum
    from specgui.workers.presenting import PeakMark

_EDITOR_WIDTH = 76
_MARK_WEIGHT = 0.0
_MARK_NAMES = {"water": "H₂O", "reference": "TMS"}


class SignalDisplay(QObject):
    """What one canvas has of signals: bands above and below, curves, tools, a box for numbers."""

    changed = Signal()  # what is to be drawn of the signals, or of the peaks, is another
    left_out = Signal(float, float)  # the ends of a region that is to be left out, low < high

    def __init__(self, canvas: PlotCanvas, signals: SignalEditing, theme: Theme) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._signals = signals
        self._tools = signals.tools
        self._entry: SpectrumEntry | None = None
        self._shown: ShownSignals | None = None
        self._edited: Integral | None = None
        self.multiplets = MultipletBand(canvas.view, theme)
        self.integrals = IntegralBand(canvas.view, theme)
        self.curves = IntegralCurves(canvas.view, theme)
        self.layer = ToolLayer(canvas.view, theme)
        self.layer.spans_from(self._spans)
        canvas.set_band(self.multiplets, BAND_ABOVE_ROW, 0)
        canvas.set_band(self.integrals, BAND_BELOW_ROW, 0)
        self.editor = QLineEdit(canvas)
        self.editor.setAccessibleName("Number of nuclei of this integral")
        self.editor.setToolTip(
            "How many nuclei it is: all integrals follow (Enter; Esc: as it was)"
        )
        self.editor.setValidator(QDoubleValidator(0.001, 9999.0, 3, self.editor))
        self.editor.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.editor.hide()
        self.editor.returnPressed.connect(self._on_number)
        self.editor.installEventFilter(self)
        canvas.installEventFilter(self)
        self.multiplets.chosen.connect(self._on_label_chosen)
        self.multiplets.edit_wanted.connect(self._on_label_edit)
        self.integrals.edit_wanted.connect(self._on_integral_edit)
        self.integrals.chosen.connect(self._on_integral_chosen)
        self.layer.clicked.connect(self._on_clicked)
        self.layer.dragged.connect(self._on_dragged)
        self.layer.end_moved.connect(self._on_end_moved)
        self.layer.edit_wanted.connect(self._on_span_edit)
        self._tools.changed.connect(self.refresh_tool)
        signals.changed.connect(self._on_changed)
        signals.chosen_changed.connect(self._refresh_chosen)
        self.refresh_tool()

    @property
    def shown(self) -> ShownSignals | None:
        return self._shown

    @property
    def marks(self) -> tuple[PeakMark, ...] | None:
        """The peaks as they were edited, None where they are those picked."""
        edited = self._entry is not None and self._entry.peaks is not None
        return self._shown.marks if edited and self._shown is not None else None

    @property
    def regions(self) -> list[tuple[float, float]]:
        """The ranges in ppm of the multiplets that were analysed."""
        return [m.region for m in self._shown.analysis.multiplets] if self._shown else []

    @property
    def is_free(self) -> bool:
        """Whether no tool but the zoom has the mouse."""
        return self._tools.name == ZOOM

    # what is shown

    def show_entry(self, entry: SpectrumEntry) -> None:
        """Show the signals of a spectrum, as far as they are measured."""
        if self._entry is None or self._entry.id != entry.id:
            self._close_editor()
            self._entry = entry
            self.refresh_tool()
        self._entry = entry
        self._signals.refresh(entry)
        shown = self._signals.shown(entry)
        if shown is not self._shown:
            self._shown = shown
            self._close_editor()
            curves = shown.curves if shown is not None else ()
            self.curves.show_curves(curves)
            self.integrals.show_curves(curves)
            self.multiplets.show_signals(_labels(entry.spectrum, shown))
            self._refresh_chosen()
            self.layer.update()
        self.fit_bands()

    def fit_bands(self) -> None:
        """Give the bands the height that they need in a canvas of this size."""
        canvas, font = self._canvas, self._canvas.font()
        tall, wide = float(canvas.height()), canvas.view.width()
        presentation = canvas.presentation
        home = (0.0, 1.0)
        if presentation is not None and len(presentation.x):
            home = (float(presentation.x[0]), float(presentation.x[-1]))
        above = self.multiplets.height_for(wide, tall, home, font)
        canvas.set_band(self.multiplets, BAND_ABOVE_ROW, above)
        canvas.set_band(self.integrals, BAND_BELOW_ROW, self.integrals.height_for(tall, font))

    def set_theme(self, theme: Theme) -> None:
        for item in (self.multiplets, self.integrals, self.curves, self.layer):
            item.set_theme(theme)

    def refresh_tool(self) -> None:
        """Take up the tool in use, as far as it has a meaning for this spectrum."""
        name = self._tools.name
        if name in (INTEGRAL, MULTIPLET) and not self.can_analyse:
            name = ZOOM
        self.layer.set_tool(name)

    @property
    def can_analyse(self) -> bool:
        """Whether integrals and multiplets have a meaning for the spectrum in view."""
        return self._signals.can_analyse(self._entry, self._canvas.presentation)

    def _on_changed(self, spectrum_id: int) -> None:
        if self._entry is not None and self._entry.id == spectrum_id:
            self.show_entry(self._signals.current(self._entry))
            self.changed.emit()

    def _refresh_chosen(self) -> None:
        chosen = self._signals.chosen
        mine = chosen is not None and self._entry is not None and chosen[0] == self._entry.id
        self.multiplets.set_chosen(chosen[1] if mine else None)
        if mine:
            self._bring_into_view(*chosen[1])

    def _bring_into_view(self, low: float, high: float) -> None:
        """Move along the axis when a signal is not in view; the zoom stays as it is."""
        view = self._canvas.view
        left, right = view.viewRange()[0]
        middle = (low + high) / 2
        if not left <= middle <= right:
            half = (right - left) / 2
            view.setXRange(middle - half, middle + half, padding=0)

    def _spans(self) -> Sequence[Span]:
        if self._shown is None:
            return ()
        analysis = self._shown.analysis
        if self._tools.name == INTEGRAL:
            return [Span(i.low, i.high, i) for i in analysis.integrals if i.kind == "compound"]
        if self._tools.name == MULTIPLET:
            return [Span(*m.region, m) for m in analysis.multiplets]
        return ()

    # edits

    def remove_under_mouse(self) -> bool:
        """Take away the integral or multiplet under the mouse; False where there is none."""
        span = self.layer.under_mouse
        if span is None or self._entry is None:
            return False
        self._remove(span)
        return True

    def _remove(self, span: Span) -> None:
        if self._tools.name == INTEGRAL:
            self._signals.remove_integral(self._entry, span.of)
        else:
            self._signals.remove_multiplet(self._entry, span.of)

    def _on_clicked(self, place: float, reach: float, removes: bool) -> None:
        if self._entry is None:
            return
        if self._tools.name == PEAK:
            edit = self._signals.unpick if removes else self._signals.pick
            edit(self._entry, place, reach)
            return
        inside = [span for span in self._spans() if span.low <= place <= span.high]
        span = min(inside, key=lambda s: s.high - s.low, default=None)
        if span is not None and removes:
            self._remove(span)
        elif self._tools.name == MULTIPLET:
            self._signals.choose(self._entry, span.of.region if span is not None else None)

    def _on_dragged(self, low: float, high: float) -> None:
        if self._entry is None:
            return
        if self._tools.name == INTEGRAL:
            self._signals.add_integral(self._entry, low, high)
        elif self._tools.name == MULTIPLET:
            self._signals.add_multiplet(self._entry, low, high)
        elif self._tools.name == WITHOUT:
            self.left_out.emit(low, high)

    def _on_end_moved(self, integral: Integral, low: float, high: float) -> None:
        if self._entry is not None and (low, high) != (integral.low, integral.high):
            self._signals.add_integral(self._entry, low, high, replacing=integral)

    def _on_label_chosen(self, label: SignalLabel | None) -> None:
        region = label.region if label is not None and not label.is_mark else None
        self._signals.choose(self._entry, region)

    def _on_label_edit(self, label: SignalLabel) -> None:
        self._on_label_chosen(label)
        if not label.is_mark and self._entry is not None:
            self._signals.edit_wanted.emit()

    def _on_integral_chosen(self, integral: Integral) -> None:
        if self._shown is None:
            return
        ends = (integral.low, integral.high)
        regions = [m.region for m in self._shown.analysis.multiplets]
        self._signals.choose(self._entry, ends if ends in regions else None)

    # the box for the number of nuclei

    def _on_span_edit(self, of: object, place: QPointF) -> None:
        if self._tools.name == INTEGRAL:
            self._open_editor(of, place)
        else:
            self._signals.choose(self._entry, of.region)
            self._signals.edit_wanted.emit()

    def _on_integral_edit(self, integral: Integral, box: QRectF) -> None:
        self._open_editor(integral, self.integrals.mapToScene(box.center()))

    def _open_editor(self, integral: Integral, place: QPointF) -> None:
        self._edited = integral
        at = self._canvas.mapFromScene(place)
        height = self.editor.sizeHint().height()
        left = min(max(at.x() - _EDITOR_WIDTH // 2, 2), self._canvas.width() - _EDITOR_WIDTH - 2)
        top = min(max(at.y() - height // 2, 2), self._canvas.height() - height - 2)
        self.editor.setGeometry(left, top, _EDITOR_WIDTH, height)
        nuclei = integral.nuclei if integral.nuclei is not None else 1.0
        self.editor.setText(self.editor.locale().toString(float(nuclei), "f", 2))
        self.editor.selectAll()
        self.editor.show()
        self.editor.setFocus()

    def _close_editor(self) -> None:
        if not self.editor.isHidden():
            self._edited = None
            self.editor.hide()
            self._canvas.setFocus()

    def _on_number(self) -> None:
        number, understood = self.editor.locale().toDouble(self.editor.text())
        integral, entry = self._edited, self._entry
        self._close_editor()
        if understood and integral is not None and entry is not None:
            self._signals.set_nuclei(entry, integral, number)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Resize and watched is self._canvas:
            self.fit_bands()
        elif kind == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            if watched is self.editor:
                self._close_editor()
                return True
            if self._tools.name != ZOOM:
                self._tools.choose(ZOOM)
                return True
        elif kind == QEvent.Type.FocusOut and watched is self.editor:
            self._close_editor()
        return False


# --- labels ---------------------------------------------------------------------------------------


def _labels(spectrum: Spectrum, shown: ShownSignals | None) -> list[SignalLabel]:
    """What stands over the signals: multiplets, and the lines of the solvent."""
    if shown is None:
        return []
    mhz = float(spectrum.metadata.get("frequency_mhz") or 0.0)
    labels = [multiplet_label(m, mhz) for m in shown.analysis.multiplets]
    for integral in shown.analysis.integrals:
        if integral.kind != "compound":
            name = mark_name(integral.kind, spectrum.metadata.get("solvent"))
            middle = (integral.low + integral.high) / 2
            tip = f"{name}: not a signal of the compound"
            labels.append(
                SignalLabel(
                    middle, (name, "*"), ((middle,),), (integral.low, integral.high),
                    _MARK_WEIGHT, True, tip,
                )
            )  # fmt: skip
    return labels


def mark_name(kind: str, solvent: str | None) -> str:
    """What to call a line that is of no compound: ``CDCl₃``, ``H₂O``, ``TMS``."""
    from engine.processing.acs_text import printed_solvent

    if kind == "solvent":
        printed = printed_solvent(solvent) or "solvent"
        return printed.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    return _MARK_NAMES.get(kind, kind)


def multiplet_label(multiplet: Multiplet, mhz: float) -> SignalLabel:
    """A multiplet as papers write it, in full and shorter, with the tree of its couplings."""
    from engine.processing.acs_text import printed_shift

    shift = printed_shift(multiplet).replace("-", "−")
    count = f"{multiplet.n_h}H" if multiplet.n_h else ""
    couplings = ", ".join(f"{j:.1f}" for j in multiplet.j_hz)
    said = [multiplet.multiplicity, f"J = {couplings} Hz" if couplings else "", count]
    short = ", ".join(part for part in (multiplet.multiplicity, count) if part)
    full = f"δ {shift} ({', '.join(part for part in said if part)})"
    forms = (full, f"{shift} ({short})", short, multiplet.multiplicity)
    return SignalLabel(
        multiplet.position, forms, _tree(multiplet, mhz), multiplet.region,
        1.0 + abs(multiplet.area), tip=full,
    )  # fmt: skip


def _tree(multiplet: Multiplet, mhz: float) -> tuple[tuple[float, ...], ...]:
    """Places in ppm of the lines after each coupling; the ends of a multiplet without."""
    from engine.processing.coupling_patterns import pattern_named

    if not multiplet.j_hz or mhz <= 0:
        return ((multiplet.low, multiplet.high),)
    try:
        partners = pattern_named(multiplet.multiplicity).partners
    except ValueError:
        return ((multiplet.low, multiplet.high),)
    if len(partners) != len(multiplet.j_hz):
        return ((multiplet.low, multiplet.high),)
    levels = [np.array([multiplet.position])]
    for number, coupling in zip(partners, multiplet.j_hz, strict=True):
        steps = (np.arange(number + 1) - number / 2) * coupling / mhz
        levels.append((levels[-1][:, None] + steps[None, :]).ravel())
    return tuple(tuple(level.tolist()) for level in levels)
