"""How the window looks: themes, palette, stylesheet, plot colours and icons."""

from specgui.appearance.appearance import Appearance
from specgui.appearance.theme import DARK, LIGHT, Theme

__all__ = ["DARK", "LIGHT", "Appearance", "Theme"]
