"""The Verification panel: how well a structure fits the spectra, and what speaks for or against."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from specgui.appearance import Appearance
from specgui.document import findings as state
from specgui.document.candidates import CheckFinding
from specgui.views.candidate_list import AGAINST, FITS
from specgui.views.elided_label import ElidedLabel
from specgui.workspace import Workspace


class ScoreBar(QWidget):
    """A score from -1 (against) to 1 (for) as a bar from the middle; a gauge has a scale too.

    None is drawn as an empty track.
    """

    def __init__(self, appearance: Appearance, is_gauge: bool = False, parent=None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._is_gauge = is_gauge
        self.score: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def set_score(self, score: float | None) -> None:
        self.score = None if score is None else min(max(score, -1.0), 1.0)
        self.setAccessibleName("" if score is None else f"Score {score:+.2f} of -1 to 1")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, 22 + self.fontMetrics().height() if self._is_gauge else 8)

    def paintEvent(self, _event) -> None:
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        thick = 14 if self._is_gauge else 6
        side = 8.0 if self._is_gauge else 0.0
        track = QRectF(side, 1, self.width() - 2 * side, thick)
        painter.setBrush(QColor(theme.border))
        painter.drawRoundedRect(track, thick / 2, thick / 2)
        middle = track.center().x()
        if self.score is not None:
            end = middle + self.score * track.width() / 2
            painter.setBrush(QColor(getattr(theme, colour_of(self.score))))
            bar = QRectF(min(middle, end), track.top(), max(abs(end - middle), 2.0), thick)
            painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(QColor(theme.text))
        painter.drawRect(QRectF(middle - 0.75, track.top() - 1, 1.5, thick + 2))
        if self._is_gauge:
            self._paint_scale(painter, track)

    def _paint_scale(self, painter: QPainter, track: QRectF) -> None:
        theme = self._appearance.theme
        painter.setPen(QColor(theme.muted))
        top = track.bottom() + 3
        for place, text in ((-1.0, "−1 against"), (0.0, "0"), (1.0, "for +1")):
            width = painter.fontMetrics().horizontalAdvance(text) + 4
            x = track.center().x() + place * track.width() / 2
            left = x - width * (place + 1) / 2
            box = QRectF(left, top, width, painter.fontMetrics().height())
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def colour_of(score: float) -> str:
    """The theme's colour for a score: for, open, against."""
    if score >= FITS:
        return "success"
    return "error" if score <= AGAINST else "warning"


def significance_text(significance: float) -> str:
    """How much a test counts, in words."""
    for least, word in ((0.66, "counts much"), (0.33, "counts"), (0.05, "counts little")):
        if significance >= least:
            return word
    return "does not count"


class TestRow(QFrame):
    """One test: name, bar, number, and the sentence that explains it."""

    def __init__(self, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.name = QLabel()
        self.name.setProperty("role", "title")
        self.weight = QLabel()
        self.weight.setProperty("role", "muted")
        self.number = QLabel()
        self.bar = ScoreBar(appearance)
        self.detail = QLabel()
        self.detail.setWordWrap(True)
        self.detail.setProperty("role", "muted")
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.addWidget(self.name)
        head.addWidget(self.weight, 1)
        head.addWidget(self.number)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(3)
        layout.addLayout(head)
        layout.addWidget(self.bar)
        layout.addWidget(self.detail)

    def show_test(self, test) -> None:
        """Show a ``VerificationTest``; one that could not be made has no significance."""
        made = test.significance > 0
        self.name.setText(test.name[:1].upper() + test.name[1:])
        self.weight.setText(f"· {significance_text(test.significance)}")
        self.weight.setToolTip(f"Significance {test.significance:.2f} of 0 to 1")
        self.number.setText(f"{test.score:+.2f}".replace("-", "−") if made else "–")
        self.bar.set_score(test.score if made else None)
        self.detail.setText(test.detail)


class VerificationView(QWidget):
    """The verification of the chosen sample that was asked for last."""

    verify_wanted = Signal()

    def __init__(self, workspace: Workspace, appearance: Appearance, parent=None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._workspace = workspace
        self._appearance = appearance
        self._search = workspace.candidates
        self._shown: CheckFinding | None = None
        self.notice = QLabel()
        self.notice.setProperty("role", "notice")
        self.notice.setWordWrap(True)
        self.title = ElidedLabel()
        self.title.setProperty("role", "title")
        self.gauge = ScoreBar(appearance, is_gauge=True)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.stale = QLabel("The spectra have changed since. Verify again.")
        self.stale.setProperty("role", "warning")
        self.stale.setWordWrap(True)
        self.button = QPushButton("Verify the structure")
        self.button.setToolTip("Ask whether the sample's structure fits its spectra")
        self.rows: list[TestRow] = []
        self._tests = QWidget()
        self._tests_layout = QVBoxLayout(self._tests)
        self._tests_layout.setContentsMargins(0, 0, 6, 0)
        self._tests_layout.setSpacing(4)
        self._tests_layout.addStretch(1)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setWidget(self._tests)
        self.scroll.viewport().setAutoFillBackground(False)
        self._tests.setAutoFillBackground(False)
        self.notes = QLabel()
        self.notes.setProperty("role", "muted")
        self.notes.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        for widget in (self.notice, self.title, self.gauge, self.verdict, self.stale):
            layout.addWidget(widget)
        layout.addWidget(self.scroll, 1)
        layout.addWidget(self.notes)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self._filler = QWidget()
        layout.addWidget(self._filler, 1)
        self.button.clicked.connect(self.verify_wanted)
        self._search.checks.changed.connect(self.refresh)
        workspace.selection.sample_changed.connect(self.refresh)
        workspace.structure_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the verification of the chosen sample, or how to come by one."""
        sample = self._workspace.selection.sample
        finding = self._search.checks.of(sample)
        found = finding.verification
        notice = self._notice(sample, finding)
        self.notice.setText(notice)
        self.notice.setVisible(bool(notice))
        for widget in (self.title, self.gauge, self.verdict, self.scroll):
            widget.setVisible(found is not None)
        self._filler.setVisible(found is None)
        self.stale.setVisible(found is not None and self._search.checks.is_stale(sample))
        can_verify = sample is not None and bool(sample.structure) and bool(sample.spectra)
        self.button.setVisible(can_verify and finding.state != state.RUNNING)
        own = sample is not None and sample.structure == finding.smiles
        again = found is not None and own
        self.button.setText("Verify again" if again else "Verify the structure")
        self.notes.setText("\n".join(found.warnings) if found else "")
        self.notes.setVisible(bool(self.notes.text()))
        if found is not None and finding is not self._shown:
            self.title.setText(
                finding.title or ("The sample's structure" if own else finding.smiles)
            )
            self.gauge.set_score(found.score)
            score = f"{found.score:+.2f}".replace("-", "−")
            colour = getattr(self._appearance.theme, colour_of(found.score))
            self.verdict.setText(
                f'<span style="color:{colour}"><b>{score}</b></span>  {_escaped(found.verdict)}'
            )
            self._show_tests(found.tests)
        self._shown = finding

    def _show_tests(self, tests) -> None:
        while len(self.rows) < len(tests):
            row = TestRow(self._appearance)
            self._tests_layout.insertWidget(len(self.rows), row)
            self.rows.append(row)
        for row, test in zip(self.rows, tests, strict=False):
            row.show_test(test)
        for place, row in enumerate(self.rows):
            row.setVisible(place < len(tests))

    def _notice(self, sample, finding: CheckFinding) -> str:
        if sample is None:
            return "Open spectra and give a structure: then it can be verified."
        if finding.state == state.RUNNING:
            return f"Verifying {finding.title or 'the structure'}…"
        if finding.state in (state.UNSUITABLE, state.NO_MODEL, state.FAILED):
            return f"The structure cannot be verified: {finding.message.rstrip('.')}."
        if finding.verification is not None:
            return ""
        if not sample.structure:
            return (
                "This sample has no structure yet. Type or draw one in the Structure panel, or "
                "choose a candidate, and see whether it fits the spectra."
            )
        return "See whether the structure fits the spectra: every spectrum is asked what it says."


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
