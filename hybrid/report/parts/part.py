"""A part of a section, with the content of the page and the files saved beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Table


@dataclass(frozen=True)
class Part:
    """A part of a section, under a heading of its own.

    Attributes
    ----------
    key : str
        Name of its template, ``templates/parts/KEY.html``, and end of its id in the page.
    title : str
        The heading.
    lead : sequence of str, default=()
        Sentences below the heading.
    tables : sequence of Table, default=()
        Tables that are shown and saved.
    drawings : sequence of Drawing, default=()
        Figures that are shown and saved.
    only_saved : sequence of Table, default=()
        Tables that are saved but not shown.
    content : mapping, default={}
        Further values for the template.
    """

    key: str
    title: str
    lead: Sequence[str] = ()
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    only_saved: Sequence[Table] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
