"""The Groups panel: which functional groups the spectra show, how surely, and why."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableView,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.band_removal import without_line
from specgui.document import Finding
from specgui.document import findings as state
from specgui.views.doubt_banner import DoubtBanner
from specgui.views.group_delegate import GroupDelegate
from specgui.views.group_model import (
    AGREEMENT,
    NAME,
    PROBABILITY,
    ROW_ROLE,
    TECHNIQUES,
    GroupFilter,
    GroupModel,
    rows_of,
)
from specgui.views.model_choice_row import ModelChoiceRow
from specgui.workspace import Workspace

_ORDER_TITLES = {
    "probability": "Most probable first",
    "name": "By name",
    "agreement": "Disagreement first",
}


_LONGEST_NOTICE = 260


class _GroupTable(QTableView):
    """A click on the chosen line, and Esc, choose none: then the gates are shown."""

    cleared = Signal()

    def mousePressEvent(self, event) -> None:
        index = self.indexAt(event.position().toPoint())
        if not index.isValid() or self.selectionModel().isSelected(index):
            self.cleared.emit()
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cleared.emit()
        else:
            super().keyPressEvent(event)


class GroupsPanel(QWidget):
    """Lists the groups of the chosen sample; choosing one shows where it was seen."""

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._appearance = appearance
        self._following = False
        self._finding: Finding | None = None
        self.notice = QLabel()
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.doubt = DoubtBanner(appearance)
        self.retry = QPushButton("Try again")
        self.retry.clicked.connect(self._on_retry)
        self.without = QLabel()
        self.without.setWordWrap(True)
        self.without.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.without.setAccessibleName("What the groups would be without a band")
        self.summary = QLabel()
        self.summary.setProperty("role", "muted")
        self.summary.setWordWrap(True)
        self.notes = QToolButton()
        self.notes.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.notes.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.notes.clicked.connect(self._show_notes)
        self.filter_box = QLineEdit()
        self.filter_box.setPlaceholderText("Find a group")
        self.filter_box.setClearButtonEnabled(True)
        self.filter_box.setAcceptDrops(False)
        self.filter_box.setAccessibleName("Find a group by name")
        self.order_box = QComboBox()
        self.order_box.setAccessibleName("Order of the groups")
        for order, title in _ORDER_TITLES.items():
            self.order_box.addItem(title, order)
        self.absent_box = QCheckBox("Show absent")
        self.absent_box.setToolTip("List the groups that were not found, too (A)")

        self.model = GroupModel(self)
        self.proxy = GroupFilter(self)
        self.proxy.setSourceModel(self.model)
        self.table = _GroupTable()
        self.table.setModel(self.proxy)
        self.table.setItemDelegate(GroupDelegate(appearance, self.table))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName("Functional groups")
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(PROBABILITY, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(26)
        header.moveSection(header.visualIndex(AGREEMENT), 0)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

        self.controls = QWidget()
        row = QHBoxLayout(self.controls)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.filter_box, 1)
        row.addWidget(self.order_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.doubt)
        layout.addWidget(self.notice)
        layout.addWidget(self.retry, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.controls)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.absent_box)
        layout.addWidget(self.without)
        layout.addWidget(self.summary)
        layout.addWidget(self.notes, 0, Qt.AlignmentFlag.AlignLeft)
        self.model_choice = ModelChoiceRow(workspace)
        self._filler = QWidget()
        layout.addWidget(self._filler, 1)
        layout.addWidget(self.model_choice)

        self.filter_box.textChanged.connect(self.proxy.set_needle)
        self.order_box.activated.connect(self._on_order)
        self.absent_box.toggled.connect(self._on_absent)
        self.table.selectionModel().selectionChanged.connect(self._on_chosen)
        self.table.cleared.connect(self._clear_choice)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._on_menu_wanted)
        workspace.options.changed.connect(self._on_option)
        workspace.selection.sample_changed.connect(self.refresh)
        workspace.selection.group_changed.connect(self._follow_selection)
        workspace.findings.changed.connect(self._on_findings)
        workspace.structure_changed.connect(self.refresh)
        workspace.removals.changed.connect(self._refresh_without)
        workspace.selection.group_changed.connect(self._refresh_without)
        appearance.changed.connect(self._on_theme)
        self._on_theme()
        self._on_option("show_absent")
        self._on_option("group_order")
        self.refresh()

    def _on_findings(self) -> None:
        # Those of other samples, which come by hundreds, change nothing here.
        if self._workspace.findings.of(self._workspace.selection.sample) is not self._finding:
            self.refresh()

    def refresh(self) -> None:
        """Show the chosen sample's finding."""
        sample = self._workspace.selection.sample
        finding = self._finding = self._workspace.findings.of(sample)
        truth = self._workspace.true_groups(sample)
        rows = rows_of(finding.identification, truth)
        if rows != self.model.rows:
            self._following = True
            self.model.set_rows(rows)
            self._following = False
            self._follow_selection()
        alone = finding.identification is None
        self.table.setColumnHidden(AGREEMENT, truth is None or alone)
        self.table.setColumnHidden(TECHNIQUES, finding.identification is None)
        self.table.setColumnHidden(PROBABILITY, finding.identification is None)
        header, mode = self.table.horizontalHeader(), QHeaderView.ResizeMode
        header.setSectionResizeMode(NAME, mode.Stretch if alone else mode.ResizeToContents)
        for widget in (self.controls, self.table):
            widget.setVisible(bool(rows))
        self.absent_box.setVisible(finding.identification is not None)
        self._filler.setVisible(not rows)
        self.retry.setVisible(finding.state in (state.FAILED, state.CANCELLED))
        notice = self._notice(sample, finding)
        self.notice.setText(_shortened(notice))
        self.notice.setToolTip(notice if _shortened(notice) != notice else "")
        self.notice.setVisible(bool(notice))
        self.summary.setText(self._summary(sample, finding, truth))
        self.summary.setVisible(bool(self.summary.text()))
        self._refresh_without()
        model = finding.identification.model if finding.identification else None
        self.summary.setToolTip(
            f"Model {model.name} {model.version}\nLicence: {model.licence}" if model else ""
        )
        self.doubt.show_doubts(finding.identification.doubts if finding.identification else ())
        notes = finding.identification.warnings if finding.identification else ()
        self.notes.setVisible(bool(notes))
        self.notes.setText(f" {len(notes)} note{'s' * (len(notes) != 1)} about this result")
        self.notes.setToolTip("\n".join(notes))

    def _refresh_without(self) -> None:
        """Say what became of the groups without the bands that were left out."""
        sample, group = self._workspace.selection.sample, self._workspace.selection.group
        text = "\n".join(without_line(f, group) for f in self._workspace.removals.of(sample))
        self.without.setText(text)
        self.without.setVisible(bool(text))

    def _on_menu_wanted(self, place: QPoint) -> None:
        """Choose the group under the mouse, and offer to leave its band out."""
        index = self.table.indexAt(place)
        if not index.isValid():
            return
        row = index.siblingAtColumn(NAME).data(ROW_ROLE)
        self._workspace.selection.choose_group(row.name)
        found = self._workspace.removals.evidence()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        action = menu.addAction(self._appearance.icon("without"), "Without its strongest band")
        action.setEnabled(found is not None)
        action.triggered.connect(self._leave_out_strongest)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _leave_out_strongest(self) -> None:
        found = self._workspace.removals.evidence()
        if found is not None:
            entry, band = found
            sample = self._workspace.selection.sample
            self._workspace.removals.ask(sample, entry, band.start, band.end)

    def _notice(self, sample, finding) -> str:
        if sample is None:
            return "Open spectra, and the functional groups they show are listed here."
        if not sample.spectra and sample.spectra_2d:
            return "Two-dimensional spectra are shown; no groups are named from them."
        if not sample.spectra and sample.runs:
            return "Groups are named from scans that are kept: choose one, where the run has any."
        if not sample.spectra:
            return "This sample holds no spectra yet."
        if finding.state == state.RUNNING and finding.identification is None:
            return "Naming the functional groups…"
        if finding.state == state.NO_MODEL:
            reason = finding.message.rstrip(".")
            return f"No groups can be named: {reason}. The spectra can still be viewed."
        if finding.state == state.UNSUITABLE:
            return f"No groups can be named from these spectra. {_capital(finding.message)}."
        if finding.state == state.FAILED:
            return f"The groups could not be named: {finding.message}"
        if finding.state == state.CANCELLED:
            return "Naming the groups was cancelled."
        if finding.identification and not any(g.present for g in finding.identification.groups):
            return "No group reaches its threshold. Tick “Show absent” to see how near they come."
        return ""

    def _summary(self, sample, finding, truth) -> str:
        found = finding.identification
        if found is None or sample is None:
            return "Groups of the known structure" if truth else ""
        present = sum(g.present for g in found.groups)
        parts = [f"{present} of {len(found.groups)} groups found"]
        if truth is not None:
            hits = sum(g.present and g.name in truth for g in found.groups)
            missed, extra = len(truth) - hits, present - hits
            parts[0] += f":  ✓ {hits} hit  ○ {missed} missed  + {extra} extra"
        read = "Read by the model: " + (", ".join(found.techniques_used) or "nothing")
        unused = [t for t in sample.techniques if t not in found.techniques_used]
        parts.append(f"{read}; not used: {', '.join(unused)}" if unused else read)
        return "\n".join(parts)

    def _on_chosen(self, *_args) -> None:
        if self._following:
            return
        rows = self.table.selectionModel().selectedRows(NAME)
        if rows:
            self._workspace.selection.choose_group(rows[0].data(ROW_ROLE).name)

    def _clear_choice(self) -> None:
        self._workspace.selection.choose_group(None)

    def _follow_selection(self) -> None:
        """Mark the line of the chosen group."""
        wanted = self._workspace.selection.group
        selection = self.table.selectionModel()
        chosen = selection.selectedRows(NAME)
        if wanted is not None and chosen and chosen[0].data(ROW_ROLE).name == wanted:
            return
        self._following = True
        selection.clear()
        for row in range(self.proxy.rowCount()):
            index = self.proxy.index(row, NAME)
            if index.data(ROW_ROLE).name == wanted:
                flag = QItemSelectionModel.SelectionFlag
                selection.setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
        self._following = False

    def _on_order(self, index: int) -> None:
        self._workspace.options["group_order"] = self.order_box.itemData(index)

    def _on_absent(self, shown: bool) -> None:
        self._workspace.options["show_absent"] = shown

    def _on_option(self, name: str) -> None:
        value = self._workspace.options["group_order"], self._workspace.options["show_absent"]
        if name == "group_order":
            self.proxy.set_order(value[0])
            self.order_box.setCurrentIndex(self.order_box.findData(value[0]))
        elif name == "show_absent":
            self.proxy.set_show_absent(value[1])
            self.absent_box.setChecked(value[1])

    def _show_notes(self) -> None:
        place = self.notes.mapToGlobal(self.notes.rect().bottomLeft())
        QToolTip.showText(place, self.notes.toolTip(), self.notes)

    def _on_theme(self) -> None:
        self.notes.setIcon(self._appearance.icon("info", "muted"))
        self.table.viewport().update()

    def _on_retry(self) -> None:
        sample = self._workspace.selection.sample
        if sample is not None:
            self._workspace.identify_groups(sample)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def _shortened(text: str) -> str:
    """A text for a small panel; the whole is in the tooltip."""
    return text if len(text) <= _LONGEST_NOTICE else text[:_LONGEST_NOTICE].rsplit(" ", 1)[0] + " …"
