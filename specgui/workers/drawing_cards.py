"""Drawing the structures of cards off the GUI thread, one after the other as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from specgui.workers.job_board import Ticket


@dataclass(frozen=True)
class CardDrawing:
    """What a drawing depends on; ``width`` and ``height`` in logical pixels.

    Atoms that ``reference`` (a SMILES, empty for none) does not have are marked.
    """

    smiles: str
    reference: str
    width: int
    height: int
    dark: bool
    ratio: float = 1.0


def drawing(wanted: Sequence[CardDrawing]) -> Callable[[Ticket], Generator]:
    """The verb: yields ``(CardDrawing, QImage)`` for each; an empty image for what is no SMILES."""

    def verb(ticket: Ticket) -> Generator[tuple[CardDrawing, QImage], None, None]:
        for card in wanted:
            if ticket.cancelled:
                return
            yield card, drawn(card)

    return verb


def drawn(card: CardDrawing) -> QImage:
    """The structure on a transparent ground; an empty image for what is no SMILES."""
    from engine.chemistry.structure import depict_svg
    from engine.chemistry.structure_difference import different_atoms

    try:
        atoms = different_atoms(card.smiles, card.reference) if card.reference else ()
        svg = depict_svg(
            card.smiles, card.width, card.height, dark=card.dark, highlight_atoms=atoms
        )
    except ValueError:
        return QImage()
    image = QImage(
        round(card.width * card.ratio), round(card.height * card.ratio),
        QImage.Format.Format_ARGB32_Premultiplied,
    )  # fmt: skip
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    image.setDevicePixelRatio(card.ratio)
    return image
