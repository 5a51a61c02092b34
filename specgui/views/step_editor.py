"""The editor of one processing step, made from the parameters that its kind declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QWidget,
)

from specgui.views.number_box import NumberBox

if TYPE_CHECKING:
    from engine.processing import Step
    from engine.processing.step_kind import Parameter


class StepEditor(QWidget):
    """One line for each parameter; ``changed`` carries the name and the new value of one."""

    changed = Signal(str, object)

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._step: Step | None = None
        self._fields: dict[str, _Field] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(10)
        self._form.setVerticalSpacing(5)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    @property
    def fields(self) -> dict[str, _Field]:
        """The fields by the names of their parameters."""
        return self._fields

    def set_step(self, step: Step | None) -> None:
        """Show a step's parameters; what is typed in a field of the same step stays."""
        from engine.processing.steps import step_kind

        if step is None or self._step is None or step.name != self._step.name:
            while self._form.rowCount():
                self._form.removeRow(0)
            self._fields = {}
            for parameter in step_kind(step.name).parameters if step else ():
                self._add(parameter)
        self._step = step
        if step is None:
            return
        for name, field in self._fields.items():
            field.show_value(step.parameters[name])
            self._form.setRowVisible(field.widget, field.parameter.counts(step.parameters))

    def _add(self, parameter: Parameter) -> None:
        field = _FIELDS[parameter.type](parameter, partial(self.changed.emit, parameter.name))
        field.widget.setParent(self)
        self._fields[parameter.name] = field
        if isinstance(field.widget, QCheckBox):
            self._form.addRow(field.widget)
        else:
            label = QLabel(parameter.title)
            label.setWordWrap(True)
            label.setBuddy(field.widget)
            self._form.addRow(label, field.widget)


class _Field(ABC):
    """A parameter with the widget that edits it; ``changed`` is called with each new value."""

    widget: QWidget

    def __init__(self, parameter: Parameter, changed: Callable[[Any], None]) -> None:
        self.parameter = parameter
        self.changed = changed

    @abstractmethod
    def show_value(self, value: Any) -> None:
        """Show a value without saying that it changed."""


class NumberField(_Field):
    """A number with its unit; an optional one has a tick for "found by the step" before it."""

    def __init__(self, parameter: Parameter, changed: Callable[[Any], None]) -> None:
        super().__init__(parameter, changed)
        whole = parameter.type == "int"
        self.box = NumberBox(
            parameter.minimum, parameter.maximum,
            parameter.increment or (1 if whole else None), parameter.unit,
        )  # fmt: skip
        self._whole = whole
        self.box.setAccessibleName(parameter.title)
        self.box.valueChanged.connect(self._on_value)
        self.own: QCheckBox | None = None
        self.widget = self.box
        if parameter.optional:
            self.own = QCheckBox(parameter.none_means[:1].upper() + parameter.none_means[1:])
            self.own.setAccessibleName(f"{parameter.title}: {parameter.none_means}")
            self.own.toggled.connect(self._on_own)
            self.widget = QWidget()
            row = QHBoxLayout(self.widget)
            row.setContentsMargins(0, 0, 0, 0)
            row.addWidget(self.own)
            row.addWidget(self.box, 1)

    def show_value(self, value: Any) -> None:
        if self.own is not None:
            with QSignalBlocker(self.own):
                self.own.setChecked(value is None)
            self.box.setVisible(value is not None)
        # What is being typed is left as it is while it means the same number.
        if value is not None and self.box.value() != value:
            with QSignalBlocker(self.box):
                self.box.setValue(value)

    def _on_value(self, value: float) -> None:
        self.changed(round(value) if self._whole else value)

    def _on_own(self, found: bool) -> None:
        low = max(self.box.minimum(), 0.0)
        proposed = self.box.value() if self.box.value() > low else low + self.box.singleStep()
        self.changed(None if found else float(proposed))


class ChoiceField(_Field):
    """One of several values, in a list that opens."""

    def __init__(self, parameter: Parameter, changed: Callable[[Any], None]) -> None:
        super().__init__(parameter, changed)
        self.widget = self.box = QComboBox()
        self.box.setAccessibleName(parameter.title)
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for choice in parameter.choices:
            self.box.addItem(f"{choice} {parameter.unit}".rstrip(), choice)
        self.box.currentIndexChanged.connect(lambda n: self.changed(self.box.itemData(n)))

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))


class SwitchField(_Field):
    """Yes or no."""

    def __init__(self, parameter: Parameter, changed: Callable[[Any], None]) -> None:
        super().__init__(parameter, changed)
        self.widget = self.box = QCheckBox(parameter.title)
        self.box.toggled.connect(self.changed)

    def show_value(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setChecked(bool(value))


_FIELDS = {
    "float": NumberField, "int": NumberField, "choice": ChoiceField, "bool": SwitchField,
}  # fmt: skip
