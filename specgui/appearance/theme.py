"""The two themes: every colour of the window and of the plots, by its role."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours as ``#rrggbb``.

    Text on its ground keeps a contrast of at least 4.5 (WCAG 2.1, AA). ``importance`` are the
    stops of the warm colour map from low to high, of monotonic lightness, beginning at the
    ground so that "nothing seen here" looks like nothing.
    """

    name: str
    window: str
    panel: str
    raised: str
    border: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    accent_soft: str
    hover: str
    success: str
    warning: str
    error: str
    plot: str
    trace: str
    grid: str
    axis: str
    peak: str
    crosshair: str
    importance: tuple[str, ...]

    @property
    def is_dark(self) -> bool:
        return self.name == "dark"


LIGHT = Theme(
    name="light",
    window="#f3f4f5",
    panel="#ffffff",
    raised="#fafbfb",
    border="#d6dadf",
    text="#1b2128",
    muted="#57616d",
    disabled="#9aa3ad",
    accent="#0b6680",
    on_accent="#ffffff",
    accent_soft="#d9ecf1",
    hover="#e9edf0",
    success="#17733f",
    warning="#8a5a00",
    error="#b3261e",
    plot="#ffffff",
    trace="#16405e",
    grid="#e6e9ec",
    axis="#57616d",
    peak="#3c4651",
    crosshair="#7b8794",
    importance=("#ffffff", "#fff0c2", "#fdcf6b", "#f79a3a", "#dd5a1f", "#a5281b", "#5f0f17"),
)

DARK = Theme(
    name="dark",
    window="#14171b",
    panel="#1b1f24",
    raised="#22272e",
    border="#343b44",
    text="#e8ebee",
    muted="#a3adb8",
    disabled="#69737e",
    accent="#5cc0dd",
    on_accent="#06222b",
    accent_soft="#173b47",
    hover="#2a3038",
    success="#5ecb8f",
    warning="#e7b549",
    error="#ff8a80",
    plot="#16191d",
    trace="#a5d8ee",
    grid="#262b31",
    axis="#a3adb8",
    peak="#c8d0d8",
    crosshair="#7f8b97",
    importance=("#16191d", "#3d1b16", "#762318", "#b23c17", "#e2702a", "#f8ae56", "#ffeab8"),
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
