"""A structure's drawing, as RDKit makes it, on a page of a figure: paths, not pixels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from engine.chemistry.structure import Structure

_TOKEN = re.compile(r"[MLQCZz]|-?\d+(?:\.\d+)?(?:e-?\d+)?", re.IGNORECASE)
# Points that a command takes; a curve's control points are points too.
_POINTS = {"M": 1, "L": 1, "Q": 2, "C": 3, "Z": 0}


def draw_structure(
    axes: Axes, structure: Structure, width: int, height: int, numbered: bool = False
) -> None:
    """Draw a structure on axes whose sides are as ``width`` to ``height`` (RDKit's pixels).

    ``numbered`` writes its number, from 0, beside each atom.

    RDKit's drawing is made of paths only, its letters too; each is drawn as it stands there.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    from engine.chemistry.structure import depict_svg

    codes = {"M": Path.MOVETO, "L": Path.LINETO, "Q": Path.CURVE3, "C": Path.CURVE4}
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    # The points of the page in one pixel of the drawing: the width of its lines.
    page = axes.figure.get_size_inches()[0] * 72 * axes.get_position().width
    drawing = depict_svg(structure, width, height, numbered=numbered)
    for element in ElementTree.fromstring(drawing).iter():
        if not element.tag.endswith("}path"):
            continue
        vertices, kinds = [], []
        for command, points in _commands(element.get("d", "")):
            if command == "Z":
                vertices.append(vertices[-1])
                kinds.append(Path.CLOSEPOLY)
            else:
                vertices += points
                kinds += [codes[command]] * len(points)
        style = _style(element)
        if not vertices or style["fill"] == style["stroke"] == "none":
            continue
        axes.add_patch(
            PathPatch(
                Path(vertices, kinds),
                facecolor=style["fill"],
                edgecolor=style["stroke"],
                linewidth=float(style["stroke-width"].removesuffix("px")) * page / width,
                joinstyle="round",
                capstyle="butt",
            )
        )


def _commands(text: str) -> list[tuple[str, list[tuple[float, float]]]]:
    """The absolute commands of an SVG path with their points; a command may be repeated."""
    found = []
    tokens = _TOKEN.findall(text)
    command, at = "M", 0
    while at < len(tokens):
        if tokens[at].upper() in _POINTS:
            command = tokens[at].upper()
            at += 1
        count = 2 * _POINTS[command]
        if len(tokens) - at < count:
            break
        values = [float(token) for token in tokens[at : at + count]]
        found.append((command, list(zip(values[::2], values[1::2], strict=True))))
        at += count
        if command == "M":
            command = "L"  # further points of a move are lines
        elif command == "Z" and at < len(tokens) and tokens[at].upper() not in _POINTS:
            break
    return found


def _style(element: ElementTree.Element) -> dict[str, str]:
    style = {"fill": "black", "stroke": "none", "stroke-width": "1"}
    style |= {key: element.get(key) for key in style if element.get(key)}
    for entry in (element.get("style") or "").split(";"):
        key, _, value = entry.partition(":")
        if key.strip() in style:
            style[key.strip()] = value.strip()
    return style
