"""The window's stylesheet and palette, made from a theme."""

from __future__ import annotations

from dataclasses import asdict
from string import Template

from PySide6.QtGui import QColor, QPalette

from specgui.appearance.theme import Theme

_SHEET = Template("""
* { outline: none; }
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $window; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: $accent; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 6px; }

QMenuBar { background: $window; color: $text; padding: 2px 4px; }
QMenuBar::item { background: transparent; padding: 4px 9px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $panel; color: $text; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 26px 5px 8px; border-radius: 4px; }
QMenu::item:selected { background: $accent_soft; color: $text; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $border; margin: 4px 6px; }
QMenu::icon { padding-left: 4px; }

QToolBar { background: $window; border: none; border-bottom: 1px solid $border;
           padding: 4px 8px; spacing: 2px; }
QToolBar::separator { background: $border; width: 1px; margin: 5px 6px; }
QToolButton { background: transparent; color: $text; border: 1px solid transparent;
              border-radius: 5px; padding: 4px 7px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $accent_soft; }
QToolButton:checked { background: $accent_soft; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton::menu-indicator { image: none; }

QDockWidget { color: $text; font-weight: 600;
    titlebar-close-icon: url("$icon_folder/close-$name.svg"); }
QWidget#panel { background: $panel; font-weight: 400; }
QDockWidget::close-button { border: none; border-radius: 4px; subcontrol-position: top right;
    subcontrol-origin: margin; position: absolute; top: 7px; right: 4px;
    width: 14px; height: 14px; }
QDockWidget::close-button:hover { background: $hover; }
QDockWidget::title { background: $window; padding: 7px 8px 6px 8px; text-align: left; }

QTreeView, QTableView, QListView { background: $panel; alternate-background-color: $raised;
    color: $text; border: none; selection-background-color: $accent_soft;
    selection-color: $text; }
QTreeView::item, QListView::item { padding: 3px 2px; border: none; }
QTreeView::item:hover, QTableView::item:hover, QListView::item:hover { background: $hover; }
QTreeView::item:selected, QTableView::item:selected, QListView::item:selected {
    background: $accent_soft; color: $text; }
QTreeView:focus, QTableView:focus, QListView:focus { border: 1px solid $accent; }
QTreeView, QTableView, QListView { border: 1px solid transparent; }
QHeaderView { background: $panel; }
QHeaderView::section { background: $panel; color: $muted; border: none;
    border-bottom: 1px solid $border; padding: 4px 6px; font-weight: 500; }

QLineEdit, QComboBox, QAbstractSpinBox { background: $panel; color: $text;
    border: 1px solid $border; border-radius: 5px; padding: 4px 7px;
    selection-background-color: $accent; selection-color: $on_accent;
    placeholder-text-color: $muted; }
QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus { border-color: $accent; }
QLineEdit[invalid="true"] { border-color: $error; }
QTreeView QLineEdit { padding: 0px 2px; border-radius: 2px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$icon_folder/arrow-$name.svg"); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: $panel; color: $text; border: 1px solid $border; }
QAbstractSpinBox { padding: 3px 18px 3px 3px; }
QAbstractSpinBox::up-button { subcontrol-origin: border; subcontrol-position: top right;
    width: 18px; border: none; margin: 2px 2px 0 0; border-radius: 3px; }
QAbstractSpinBox::down-button { subcontrol-origin: border; subcontrol-position: bottom right;
    width: 18px; border: none; margin: 0 2px 2px 0; border-radius: 3px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; }
QAbstractSpinBox::up-arrow { image: url("$icon_folder/arrow-up-$name.svg"); width: 9px;
    height: 9px; }
QAbstractSpinBox::down-arrow { image: url("$icon_folder/arrow-$name.svg"); width: 9px;
    height: 9px; }
QSlider::groove:horizontal { background: $border; height: 4px; border-radius: 2px; }
QSlider::handle:horizontal { background: $accent; width: 14px; height: 14px; margin: -5px 0;
    border-radius: 7px; }
QSlider::handle:horizontal:focus { border: 2px solid $text; width: 10px; height: 10px; }
QSlider:horizontal { min-height: 20px; }
QCheckBox { color: $text; spacing: 6px; }
QCheckBox:focus, QRadioButton:focus { color: $accent; }
QRadioButton { color: $text; spacing: 8px; }
QCheckBox::indicator, QRadioButton::indicator { width: 14px; height: 14px;
    border: 1px solid $disabled; background: $panel; }
QCheckBox::indicator { border-radius: 3px; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent;
    image: url("$icon_folder/check-$name.svg"); }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $accent;
    background: $panel; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $accent; }

QPushButton { background: $panel; color: $text; border: 1px solid $border; border-radius: 5px;
    padding: 6px 14px; }
QPushButton:hover { background: $hover; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $disabled; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border-color: $accent;
    font-weight: 600; }
QPushButton[primary="true"]:focus { border-color: $text; }
QPushButton[primary="true"]:disabled { background: $panel; color: $disabled;
    border-color: $border; }

QStatusBar { background: $window; color: $muted; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QProgressBar { background: $hover; border: none; border-radius: 3px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QScrollArea { border: none; background: transparent; }
QScrollArea > QWidget > QWidget#stack { background: $window; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $disabled; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: $accent; }
QTabBar::tab { background: $window; color: $muted; padding: 6px 12px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:hover { color: $text; }

QLabel { color: $text; background: transparent; }
QLabel[role="title"] { font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="error"] { color: $error; }
QLabel[role="success"] { color: $success; }
QLabel[role="technique"] { background: $accent_soft; color: $text; border-radius: 4px;
    padding: 1px 7px; font-weight: 600; }
QLabel[role="notice"] { background: $raised; border: 1px solid $border; border-radius: 5px;
    padding: 7px 9px; color: $text; }
QFrame#doubt { background: $raised; border: 1px solid $border; border-left: 4px solid $warning;
    border-radius: 5px; }
QFrame#plot { background: $plot; border: 1px solid $border; border-radius: 6px; }
QFrame#stepeditor { background: $raised; border: 1px solid $border; border-radius: 6px; }
QFrame#stepeditor QPushButton { padding: 3px 10px; }
QFrame#stepeditor QComboBox, QFrame#stepeditor QAbstractSpinBox { padding-top: 1px;
    padding-bottom: 1px; }
QFrame#empty { background: $panel; border: 1px solid $border; border-radius: 8px; }
QFrame#dropzone { border: 2px dashed $border; border-radius: 10px; background: $raised; }
QLabel#dropveil { background: $veil; color: $text; border: 2px dashed $accent;
    border-radius: 10px; font-size: 16pt; font-weight: 600; }
QFrame#palette { background: $panel; border: 1px solid $border; border-radius: 8px; }
""")


def stylesheet(theme: Theme, icon_folder: str) -> str:
    """The Qt style sheet of a theme; ``icon_folder`` holds the images it names."""
    colours = {k: v for k, v in asdict(theme).items() if isinstance(v, str)}
    veil = f"#d0{theme.accent_soft[1:]}"  # Qt puts the alpha channel first
    return _SHEET.substitute(colours, veil=veil, icon_folder=icon_folder.replace("\\", "/"))


def palette(theme: Theme) -> QPalette:
    """The Qt palette of a theme, for what the style sheet does not reach."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.PlaceholderText: theme.muted,
        role.Button: theme.panel,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.Light: theme.raised,
        role.Midlight: theme.hover,
        role.Mid: theme.border,
        role.Dark: theme.border,
        role.Shadow: theme.border,
    }
    made = QPalette()
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.disabled))
    return made
