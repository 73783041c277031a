"""Render the sections as one HTML page that loads no other file and runs no script but its own."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hybrid.plots.style import SERIES
from hybrid.report.elements.glossary import WORDS, tooltip
from hybrid.report.elements.words import visible

# The colours of SERIES, made lighter so that they stand out from a dark page.
DARK_SERIES = (
    "#6CB6F5", "#FF9A62", "#4CD3A5", "#F09AD8", "#E3C04B", "#5FD4F0", "#D8D8D8", "#FF8A80", "#B7A3FF", "#D3A27C",
)  # fmt: skip


def environment(autoescape: bool = True) -> Environment:
    """Return the template engine, which escapes every value and makes hidden characters visible."""
    return Environment(
        loader=PackageLoader("hybrid.report"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )


def render(title: str, sections: Sequence[Any], notes: Sequence[str], footer: str) -> str:
    """Return the HTML of the page."""
    engine = environment()
    engine.globals["tooltip"] = tooltip
    colours = {"light": SERIES, "dark": DARK_SERIES}
    style = Markup(engine.get_template("report.css").render(colours=colours))
    script = Markup(engine.get_template("report.js").render())
    return engine.get_template("report.html").render(
        title=title,
        words=WORDS,
        sections=sections,
        notes=notes,
        footer=footer,
        style=style,
        script=script,
        policy="; ".join(
            (
                "default-src 'none'",
                "img-src data:",
                f"style-src '{_digest(style)}'",
                f"script-src '{_digest(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _finalize(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
