"""Draw the picture of the first page from the chest X-ray results in docs/explanation/results.md.

`python docs/pictures/landing.py` writes it for light and for dark pages.
"""

import re

from how_sure import FOLDER, THEMES, blank_panel, text_style, write_svg
from matplotlib import rc_context
from matplotlib.figure import Figure

ROW = re.compile(r"^\| (.+?) \| .+? \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \|$", re.MULTILINE)


def accuracies() -> list[tuple[str, float, float, float]]:
    """Return the name, accuracy and interval of each head, in percent, from the first table of the results."""
    page = (FOLDER.parent / "explanation" / "results.md").read_text(encoding="utf-8")
    table = page.split("**Chest X-ray**")[1].split("```")[0]
    return [(row[0], *(100 * float(value) for value in row[1:])) for row in ROW.findall(table)]


def draw(colours: dict[str, str]) -> Figure:
    """Draw a line per head: its accuracy and the interval."""
    heads = accuracies()
    figure, axes = blank_panel(2.5, colours)
    for row, (_, value, low, high) in enumerate(reversed(heads)):
        axes.hlines(row, low, high, color=colours["plain"], linewidth=3)
        axes.plot(value, row, "o", color=colours["plain"], markersize=7)
        axes.text(value, row + 0.2, f"{value:.1f}%", ha="center", va="bottom", weight="bold")
    axes.set_yticks(range(len(heads)), [head[0] for head in reversed(heads)])
    axes.set(ylim=(-0.4, len(heads) - 0.3), xticks=(93, 94, 95, 96, 97, 98))
    axes.set_xticklabels([f"{tick:.0f}%" for tick in axes.get_xticks()])
    axes.set_xlabel("accuracy on 782 test images, with 95% interval", color=colours["ink"])
    return figure


if __name__ == "__main__":
    for theme, colours in THEMES.items():
        with rc_context(text_style(colours)):
            write_svg(draw(colours), FOLDER / f"landing_{theme}.svg")
