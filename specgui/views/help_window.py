"""The help pages: file formats, projects, and the keys as the commands have them."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QBrush,
    QColor,
    QDesktopServices,
    QFont,
    QKeySequence,
    QTextBlockFormat,
    QTextCursor,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from engine.installation import resource
from specgui.actions.registry import CommandRegistry
from specgui.appearance import Appearance, Theme

PAGES = {
    "formats": "File formats",
    "groups": "Groups and their maps",
    "assignment": "Structures and assignment",
    "candidates": "Candidates and verification",
    "projects": "Projects and recovery",
    "shortcuts": "Keys and mouse",
}
"""Names of the pages, also those of their files, and what they are called."""

_SIZE = (920, 680)
_LIST_WIDTH = 190
_ROW_MARGIN = 12
_HEADING_SPACE = {1: (0, 8), 2: (20, 6), 3: (14, 4)}
_HEADING_POINTS = {1: 5.0, 2: 2.5, 3: 1.0}


def show_help(window: QWidget, page: str) -> HelpWindow:
    """Show a page; a help window that is open already goes to it."""
    shown = window.findChild(HelpWindow)
    if shown is None:
        shown = HelpWindow(window.registry, window.appearance, window)
    shown.show_page(page)
    shown.show()
    shown.raise_()
    shown.activateWindow()
    return shown


class HelpWindow(QDialog):
    """A list of the pages and the chosen one; it stays beside the work until it is closed."""

    def __init__(self, registry: CommandRegistry, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("SpecGUI help")
        self._registry = registry
        self._appearance = appearance
        self.list = QListWidget()
        self.list.setAccessibleName("Help pages")
        self.list.setFixedWidth(_LIST_WIDTH)
        for title in PAGES.values():
            item = QListWidgetItem(title)
            # Measured before the style sheet is on, rows would be too low for its margins.
            item.setSizeHint(QSize(0, self.list.fontMetrics().height() + _ROW_MARGIN))
            self.list.addItem(item)
        self.browser = QTextBrowser()
        self.browser.setAccessibleName("Help page")
        self.browser.setOpenLinks(False)
        self.browser.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.browser.document().setDocumentMargin(22)
        middle = QHBoxLayout()
        middle.setSpacing(10)
        middle.addWidget(self.list)
        middle.addWidget(self.browser, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addLayout(middle, 1)
        layout.addWidget(buttons)
        self.list.currentRowChanged.connect(self._fill)
        self.browser.anchorClicked.connect(self._follow)
        appearance.changed.connect(self._fill)
        room = parent.size()
        self.resize(min(_SIZE[0], room.width() - 40), min(_SIZE[1], room.height() - 40))

    def show_page(self, page: str) -> None:
        """Go to a page; raises ``ValueError`` for one that there is not."""
        self.list.setCurrentRow(list(PAGES).index(page))
        self.browser.setFocus()

    def _fill(self, *_args) -> None:
        if self.list.currentRow() < 0:
            return
        page = list(PAGES)[self.list.currentRow()]
        text = shortcuts_text(self._registry) if page == "shortcuts" else page_text(page)
        self.browser.document().setMarkdown(text)
        _set_in_type(self.browser, self._appearance.theme)
        self.browser.moveCursor(QTextCursor.MoveOperation.Start)

    def _follow(self, link: QUrl) -> None:
        """Another page, a heading of this one, or, on the user's wish, the world outside."""
        page = link.fileName().removesuffix(".md")
        if link.isRelative() and page in PAGES:
            self.show_page(page)
        elif link.scheme() in ("http", "https"):
            QDesktopServices.openUrl(link)


def page_text(page: str) -> str:
    """The Markdown of a page, or a sentence that says that it is missing."""
    try:
        return resource("help", f"{page}.md").read_text(encoding="utf-8")
    except OSError as error:
        return f"# {PAGES[page]}\n\nThis page cannot be shown: {error}"


def shortcuts_text(registry: CommandRegistry) -> str:
    """Every command that has a key, by menus, then what the mouse does."""
    parts = ["# Keys and mouse", "All commands, with and without a key, are in *All commands*."]
    menus = dict.fromkeys(command.menu for command in registry.commands.values())
    for menu in menus:
        rows = []
        for command in registry.of_menu(menu):
            if command.shortcuts:
                keys = " or ".join(f"**{_shown(keys)}**" for keys in command.shortcuts)
                about = command.tip.rstrip(".") or command.title.rstrip("…")
                rows.append(f"| {_cell(command.title.rstrip('…'))} | {keys} | {_cell(about)} |")
        if rows:
            parts.append(f"## {menu}")
            parts.append("\n".join(["| Command | Key | What it does |", "|---|---|---|", *rows]))
    parts.append(page_text("shortcuts"))
    return "\n\n".join(parts)


def _shown(keys: str) -> str:
    """A key as this system writes it."""
    return _cell(QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText))


def _cell(text: str) -> str:
    """Text that stands for itself in a cell of a Markdown table."""
    return "".join(f"\\{c}" if c in "\\|*_[]`<>#+-" else c for c in text)


def _set_in_type(browser: QTextBrowser, theme: Theme) -> None:
    """Give headings, tables, code and links of a page the theme's sizes and colours."""
    document = browser.document()
    size = browser.font().pointSizeF()
    document.setDefaultFont(browser.font())
    whole = QTextCursor(document)
    block = document.begin()
    while block.isValid():
        level = block.blockFormat().headingLevel()
        whole.setPosition(block.position())
        spaced = QTextBlockFormat()
        in_table = whole.currentTable() is not None
        if level:
            above, below = _HEADING_SPACE.get(level, (10, 4))
            spaced.setTopMargin(above)
            spaced.setBottomMargin(below)
        elif not in_table:
            spaced.setBottomMargin(6)
        spaced.setLineHeight(125, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        whole.mergeBlockFormat(spaced)
        pieces = block.begin()
        while not pieces.atEnd():
            piece = pieces.fragment()
            look = piece.charFormat()
            if level:
                # Markdown's own size of a heading would go before the one that is set here.
                look.clearProperty(QTextFormat.Property.FontSizeAdjustment)
                look.setFontPointSize(size + _HEADING_POINTS.get(level, 0.0))
                look.setFontWeight(QFont.Weight.DemiBold)
            if look.isAnchor():
                look.setForeground(QColor(theme.accent))
            elif look.fontFixedPitch():
                look.setBackground(QColor(theme.hover))
            whole.setPosition(piece.position())
            whole.setPosition(piece.position() + piece.length(), QTextCursor.MoveMode.KeepAnchor)
            whole.setCharFormat(look)
            pieces += 1
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _rule(frame, theme)


def _rule(table: QTextTable, theme: Theme) -> None:
    form = table.format()
    form.setBorder(1)
    form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBorderBrush(QBrush(QColor(theme.border)))
    form.setBorderCollapse(True)
    form.setCellPadding(5)
    form.setCellSpacing(0)
    form.setTopMargin(4)
    form.setBottomMargin(12)
    form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 99))
    table.setFormat(form)
    for column in range(table.columns()):
        cell = table.cellAt(0, column)
        look = cell.format()
        look.setBackground(QColor(theme.raised))
        cell.setFormat(look)
