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
        End of its id in the page, and name of its template, ``templates/parts/KEY.html``.
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
    template : str, default=""
        Name of its template, if it is not the key. ``"plain"`` shows the drawings, then the tables.
    """

    key: str
    title: str
    lead: Sequence[str] = ()
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    only_saved: Sequence[Table] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
