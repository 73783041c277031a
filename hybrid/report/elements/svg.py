"""Figures as SVG elements of the page, in which text stays text and colours follow the theme of the page.

The page's Content-Security-Policy forbids inline styles, so that a malicious name cannot add one. The styles that
Matplotlib writes are therefore converted to attributes.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from hybrid.plots.style import FAINT, GRID, INK, SERIES, visible_svg

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_THEME = {INK: "currentColor", "#ffffff": "var(--card)", GRID: "var(--grid)", FAINT: "var(--faint)"} | {
    colour: f"var(--s{number})" for number, colour in enumerate(SERIES)
}
_COLOURS = {light.lower(): themed for light, themed in _THEME.items()}
_NUMBER = re.compile(r"-?\d+\.\d+")


def svg_text(figure: Figure) -> str:
    """Return the text of a figure's SVG file; the same figure always gives the same text."""
    buffer = io.BytesIO()
    with quiet_fonts(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "hybrid"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    figure.set_layout_engine(None)  # the layout is final; saving as PNG need not compute it again
    return visible_svg(buffer.getvalue().decode())


def inline_svg(text: str, name: str, description: str) -> Markup:
    """Return the text of an SVG file as an element of the page.

    Parameters
    ----------
    text : str
        Text from :func:`svg_text`.
    name : str
        Prefix of the element's ids, unique in the page.
    description : str
        Text alternative for readers who cannot see the figure.

    Returns
    -------
    Markup
        The ``svg`` element.
    """
    root = ElementTree.fromstring(text)
    root[:] = [child for child in root if child.tag != f"{_SVG}metadata"]
    defined: set[str] = set()
    for element in list(root.iter()):
        _tidy(element, name)
        if element.tag == "defs":  # Matplotlib defines a marker again in every axes that uses it
            element[:] = [child for child in element if child.tag != f"{_SVG}style" and _newly_defined(child, defined)]
    for element in root.iter():
        _hoist(element)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": description, "focusable": "false"}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


@contextmanager
def quiet_fonts() -> Iterator[None]:
    """Silence Matplotlib's warnings about letters that its font lacks; the browser has other fonts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _newly_defined(element: ElementTree.Element, defined: set[str]) -> bool:
    """Return whether the id of an element is not in `defined` yet, and add it."""
    known = element.get("id") in defined
    defined.add(element.get("id", ""))
    return not known


def _tidy(element: ElementTree.Element, name: str) -> None:
    """Remove namespaces, turn styles into attributes, prefix ids with the figure's name and shorten numbers."""
    element.tag = element.tag.removeprefix(_SVG)
    attributes = element.attrib
    if element.tag == "g":
        attributes.pop("id", None)
    if _LINK in attributes:
        attributes["href"] = attributes.pop(_LINK).replace("#", f"#{name}-", 1)
    if "id" in attributes:
        attributes["id"] = f"{name}-{attributes['id']}"
    if "clip-path" in attributes:
        attributes["clip-path"] = attributes["clip-path"].replace("#", f"#{name}-")
    for rule in attributes.pop("style", "").split(";"):
        key, _, value = rule.partition(":")
        if value and key.strip() != "font-family":
            attributes[key.strip()] = _COLOURS.get(value.strip().lower(), value.strip())
    for key in ("d", "x", "y", "transform"):
        if key in attributes and not attributes[key].startswith("data:"):
            attributes[key] = _NUMBER.sub(lambda match: f"{float(match[0]):.2f}", attributes[key]).replace("\n", "")
    if element.tag != "text":
        element.text = element.tail = None
    element.tail = None


def _hoist(parent: ElementTree.Element) -> None:
    """Move attributes that all markers of a series share to their parent element."""
    markers = [child for child in parent if child.tag == "use"]
    if parent.tag != "g" or not markers or len(markers) != len(parent):
        return
    shared = {key: value for key, value in markers[0].attrib.items() if all(m.get(key) == value for m in markers)}
    for key in shared.keys() - {"href", "x", "y"}:
        parent.set(key, shared[key])
        for marker in markers:
            del marker.attrib[key]
