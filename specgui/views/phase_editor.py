"""The editor of a phase that is turned by hand: two angles with sliders, and a pivot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSlider, QWidget

from specgui.views.number_box import NumberBox

if TYPE_CHECKING:
    from engine.processing import Step
    from engine.spectra import Spectrum

# Sliders count in steps of so many degrees.
_ZERO_STEP, _FIRST_STEP = 0.2, 1.0
_ZERO_REACH, _FIRST_REACH = 180.0, 720.0
_ZERO, _FIRST, _PIVOT = "zero_order_deg", "first_order_deg", "pivot_ppm"


class PhaseEditor(QWidget):
    """``changed`` carries the new parameters; moving the pivot leaves the spectrum as it is."""

    changed = Signal(dict)
    automatic_wanted = Signal()

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._step: Step | None = None
        self._axis: tuple[float, float, int] | None = None
        self.zero_slider, self.zero_box = self._angle("Zero order", _ZERO_REACH, _ZERO_STEP, 1.0)
        self.first_slider, self.first_box = self._angle(
            "First order", _FIRST_REACH, _FIRST_STEP, 5.0
        )
        self.zero_box.setRange(-180.0, 180.0)
        self.zero_box.setWrapping(True)
        self.first_box.setRange(-360000.0, 360000.0)
        self.zero_slider.setToolTip(
            "The phase of the whole spectrum: turn until the pivot is right"
        )
        self.first_slider.setToolTip(
            "The phase that grows along the axis: turn for the other lines"
        )
        self.pivot_box = NumberBox(increment=0.05, unit="ppm")
        self.pivot_box.setAccessibleName("Pivot")
        self.pivot_box.setToolTip("Where the first order changes nothing: the line in the plot")
        self.automatic = QPushButton("Automatic")
        self.automatic.setToolTip("Turn further to where the lines are purest absorption")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        for row, (title, slider, box) in enumerate(
            (("Zero order", self.zero_slider, self.zero_box),
             ("First order", self.first_slider, self.first_box))
        ):  # fmt: skip
            label = QLabel(title)
            label.setBuddy(box)
            grid.addWidget(label, row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(box, row, 2)
        label = QLabel("Pivot")
        label.setBuddy(self.pivot_box)
        grid.addWidget(label, 2, 0)
        grid.addWidget(self.automatic, 2, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.pivot_box, 2, 2)
        grid.setColumnStretch(1, 1)
        for box in (self.zero_box, self.first_box, self.pivot_box):
            box.setFixedWidth(96)

        self.zero_slider.valueChanged.connect(lambda n: self._turn(_ZERO, n * _ZERO_STEP))
        self.first_slider.valueChanged.connect(lambda n: self._turn(_FIRST, n * _FIRST_STEP))
        self.zero_box.valueChanged.connect(lambda v: self._turn(_ZERO, v))
        self.first_box.valueChanged.connect(lambda v: self._turn(_FIRST, v))
        self.pivot_box.valueChanged.connect(self.move_pivot)
        self.automatic.clicked.connect(self.automatic_wanted)

    @property
    def pivot(self) -> float | None:
        """The pivot in ppm on the axis that the step gets; None while that is not known."""
        if self._step is None:
            return None
        pivot = self._step.parameters[_PIVOT]
        return pivot if pivot is not None else self._axis[0] if self._axis else None

    @property
    def axis(self) -> tuple[float, float, int] | None:
        """First and last shift (ppm) and the number of points of what the step gets."""
        return self._axis

    def set_step(self, step: Step, before: Spectrum | None) -> None:
        """Show a phase step; ``before`` is the spectrum that it gets, None while unknown."""
        self._step = step
        if before is not None and len(before):
            self._axis = (float(before.x[0]), float(before.x[-1]), len(before))
        zero = (step.parameters[_ZERO] + 180.0) % 360.0 - 180.0
        first = step.parameters[_FIRST]
        for widget, value in (
            (self.zero_slider, round(zero / _ZERO_STEP)), (self.zero_box, zero),
            (self.first_slider, round(first / _FIRST_STEP)), (self.first_box, first),
        ):  # fmt: skip
            if widget.value() != value:
                with QSignalBlocker(widget):
                    widget.setValue(value)
        self.pivot_box.setEnabled(self._axis is not None)
        self.automatic.setEnabled(self._axis is not None)
        if self._axis is not None:
            with QSignalBlocker(self.pivot_box):
                self.pivot_box.setRange(min(self._axis[:2]), max(self._axis[:2]))
                if self.pivot is not None and self.pivot_box.value() != self.pivot:
                    self.pivot_box.setValue(self.pivot)

    def move_pivot(self, pivot: float) -> None:
        """Put the pivot elsewhere; the zero order follows, so that nothing turns."""
        if self._step is None or self._axis is None or self.pivot is None:
            return
        first_x, last_x, points = self._axis
        pivot = min(max(pivot, min(first_x, last_x)), max(first_x, last_x))
        if points < 2 or pivot == self._step.parameters[_PIVOT]:
            return
        moved = (pivot - self.pivot) / (last_x - first_x) * (points - 1) / points
        zero = self._step.parameters[_ZERO] + self._step.parameters[_FIRST] * moved
        zero = (zero + 180.0) % 360.0 - 180.0
        self.changed.emit({_ZERO: round(zero, 4), _PIVOT: round(pivot, 4)})

    def _turn(self, name: str, value: float) -> None:
        self.changed.emit({name: round(value, 4)})

    def _angle(
        self, title: str, reach: float, step: float, increment: float
    ) -> tuple[QSlider, NumberBox]:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setAccessibleName(f"{title} slider")
        slider.setRange(-round(reach / step), round(reach / step))
        slider.setSingleStep(max(1, round(increment / step)))
        slider.setPageStep(max(1, round(10 * increment / step)))
        slider.setMinimumWidth(60)
        box = NumberBox(increment=increment, unit="°")
        box.setAccessibleName(title)
        return slider, box
