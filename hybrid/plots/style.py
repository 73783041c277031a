"""The style that all figures share: colours, line styles, markers, fonts, legends and wrapped names."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.text import Text

from hybrid.wording import short_names

SKY = "#56B4E9"
INK = "#000000"
GRID = "#DDDDDD"
FAINT = "#8A8A8A"
# Each colour has a contrast of at least 3:1 with white. A colour is always combined with a line style or a marker, so
# that models can be told apart without it.
SERIES = (
    "#0B6AB0", "#C8500A", "#00805E", "#A23E8C", "#8A6A00", "#007F9C", "#3D3D3D", "#B3261E", "#6B4FBB", "#7A4B2A",
)  # fmt: skip
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (10, 3)))
MARKS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">")

# Fonts for scripts that DejaVu Sans lacks. Those that are not installed are left out.
FALLBACK_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Microsoft YaHei", "Hiragino Sans", "Arial Unicode MS")
FONTS: Any = {"font.family": ["DejaVu Sans", *(font for font in FALLBACK_FONTS if font in get_font_names())]}
INCHES_PER_LETTER = 0.09
_LETTERS_PER_HALF_PANEL = 22
_DIRECTIONS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PANEL = 4.6  # width in inches at which the text is still readable on a phone


def line_style(number: int) -> dict[str, Any]:
    """Return colour and line style of model `number` (0-based). All combinations are used before one is repeated."""
    return {"color": SERIES[number % len(SERIES)], "linestyle": DASHES[_shifted(number) % len(DASHES)]}


def mark_style(number: int) -> dict[str, Any]:
    """Return colour and marker of model `number` (0-based). All combinations are used before one is repeated."""
    return {"color": SERIES[number % len(SERIES)], "marker": MARKS[_shifted(number) % len(MARKS)], "linestyle": ""}


def _shifted(number: int) -> int:
    """Return a number that skips one step whenever the colours start again, which changes the combination."""
    return number + number // len(SERIES)


def plain_axes(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Label the axes, draw a grid behind the data and hide the top and right edges of the frame."""
    axes.set_xlabel(xlabel, parse_math=False)
    axes.set_ylabel(ylabel, parse_math=False)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def legend_below(figure: Figure, axes: Axes) -> None:
    """Draw the legend below the axes, where it covers no data."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    columns = legend_columns(labels)
    legend = figure.legend(handles, labels, loc="outside lower left", ncols=columns, fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def legend_columns(names: Sequence[str]) -> int:
    """Return the number of columns of a legend with these names below a panel."""
    return 2 if longest(names) <= _LETTERS_PER_HALF_PANEL else 1


def set_title(figure: Figure, title: str) -> None:
    """Set the title of a figure, wrapped to its width."""
    if title:
        text: Text = figure.suptitle(wrapped(title, int(figure.get_figwidth() * 10)), fontsize=12)
        text.set_parse_math(False)


def wrapped_names(names: Iterable[object], width: int, lines: int = 3) -> list[str]:
    """Return names wrapped to `lines` lines, and shortened as in tables if they are still too long."""
    texts = ["".join(c if c.isprintable() else " " for c in str(name)).strip() or " " for name in names]
    return [_wrapped(text, width, lines) for text in short_names(texts, width * lines)]


def wrapped(text: object, width: int, lines: int = 3) -> str:
    """Return a text wrapped to `lines` lines, with an ellipsis in its middle if it is too long."""
    return wrapped_names([text], width, lines)[0]


def _wrapped(text: str, width: int, lines: int) -> str:
    """Return a text wrapped after spaces and punctuation or, if that takes too many lines, anywhere."""
    rows = [""]
    for word in re.findall(rf"[^ _/:+,-]{{1,{width - 1}}}[ _/:+,-]?|[ _/:+,-]", text):
        if rows[-1] and len(rows[-1] + word.rstrip()) > width:
            rows.append("")
        rows[-1] += word
    if len(rows) > lines:
        rows = [text[start : start + width] for start in range(0, len(text), width)]
    return "\n".join(row.strip() for row in rows)


def visible_svg(text: str) -> str:
    """Return the text of an SVG with a sign in place of each mark that would change the direction of the text."""
    return _DIRECTIONS.sub("\N{REPLACEMENT CHARACTER}", text)


def longest(names: Sequence[str]) -> int:
    """Return the length of the longest line of all names."""
    return max(len(line) for name in names for line in name.split("\n"))


def panel(names: Sequence[str], height: float = 3.6) -> tuple[Figure, Axes]:
    """Return a figure that fits the screen of a phone, with room below its axes for a legend of these names."""
    rows = -(-sum(name.count("\n") + 1 for name in names) // legend_columns(names))
    figure = Figure(figsize=(PANEL, height + 0.21 * rows), layout="constrained")
    return figure, figure.subplots()
