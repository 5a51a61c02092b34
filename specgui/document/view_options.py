"""How things are to be shown; every value is kept between starts by the settings."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

IR_SCALES = ("as recorded", "transmittance", "absorbance")
GROUP_ORDERS = ("probability", "name", "agreement")

DEFAULTS: dict[str, Any] = {
    "ir_scale": "as recorded",
    "peak_labels": True,
    "importance": True,
    "show_absent": False,
    "group_order": "probability",
    "group_model": "open",
    "unknown_is_ei": False,
    "auto_assign": True,
    "atom_numbers": False,
    "predicted": False,
}


class ViewOptions(QObject):
    """Named options; ``changed`` carries the name of the one that changed."""

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._values = dict(DEFAULTS)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in DEFAULTS:
            raise KeyError(f"{name!r} is no view option")
        if self._values[name] != value:
            self._values[name] = value
            self.changed.emit(name)

    def toggle(self, name: str) -> None:
        self[name] = not self[name]

    def items(self):
        return self._values.items()
