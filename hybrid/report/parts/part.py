"""A part of a section: what its template shows, and what is saved beside the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Table


@dataclass(frozen=True)
class Part:
    """One heading of the report and what stands under it.

    Attributes
    ----------
    key : str
        Of its template, ``templates/parts/KEY.html``, and of its id in the page.
    title : str
    lead : sequence of str
        Sentences to begin with.
    tables, drawings : sequence of Table, of Drawing
        Shown and saved.
    only_saved : sequence of Table
    content : mapping
        What else the template shows.
    """

    key: str
    title: str
    lead: Sequence[str] = ()
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    only_saved: Sequence[Table] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
