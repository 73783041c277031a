"""What embeddings cost: the time of each pass of a network, recorded beside the rows that it computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Span:
    """Consecutive rows of a shard that one pass computed, and the time that it took for each.

    Attributes
    ----------
    rows : int
        Number of rows.
    by : str
        Name of the pass; empty if it is not known.
    wall, processor : float or None
        Seconds for each row; None if they are not known.
    """

    rows: int
    by: str = ""
    wall: float | None = None
    processor: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the span as JSON values."""
        return {"rows": self.rows, "pass": self.by, "wall": self.wall, "processor": self.processor}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Span":
        """Return the span from the values that :meth:`to_dict` returned."""
        wall, processor = (None if value[key] is None else float(value[key]) for key in ("wall", "processor"))
        return cls(max(0, int(value["rows"])), str(value["pass"]), wall, processor)


@dataclass(frozen=True)
class Pass:
    """Rows that one pass of a network computed, and the time that it took for them.

    Attributes
    ----------
    name : str
        Name of the pass; empty if it is not known.
    rows : int
        Number of rows.
    wall, processor : float or None
        Seconds for all of these rows; None if they are not known.
    """

    name: str
    rows: int
    wall: float | None
    processor: float | None


def passes_of(counted: Iterable[tuple[Span, int]]) -> list[Pass]:
    """Return the passes that computed rows, given the spans of these rows and their number in each span."""
    passes: dict[str, Pass] = {}
    for span, rows in counted:
        before = passes.get(span.by, Pass(span.by, 0, 0.0, 0.0))
        wall, processor = _plus(before.wall, span.wall, rows), _plus(before.processor, span.processor, rows)
        passes[span.by] = Pass(span.by, before.rows + rows, wall, processor)
    return list(passes.values())


def _plus(seconds: float | None, per_row: float | None, rows: int) -> float | None:
    return None if seconds is None or per_row is None else seconds + rows * per_row


def total(values: Iterable[float | None]) -> float | None:
    """Return the sum of values; None if one of them is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


class SpansOfRows:
    """The span of each of some rows, in the order of the rows.

    Parameters
    ----------
    spans : sequence of Span
    numbers : ndarray of int, (n,)
        For each row, the number of its span.
    """

    def __init__(self, spans: Sequence[Span] = (), numbers: np.ndarray | None = None):
        self._spans = list(spans)
        self._numbers = np.empty(0, int) if numbers is None else numbers

    @classmethod
    def of_shard(cls, spans: Sequence[Span], rows: int) -> "SpansOfRows":
        """Return the span of each row of a shard. Rows of which no time was recorded have a span without a time."""
        spans = [*spans, Span(max(0, rows - sum(span.rows for span in spans)))]
        return cls(spans, np.repeat(np.arange(len(spans)), [span.rows for span in spans])[:rows])

    def __getitem__(self, rows: slice | np.ndarray) -> "SpansOfRows":
        return SpansOfRows(self._spans, self._numbers[rows])

    def __add__(self, other: "SpansOfRows") -> "SpansOfRows":
        numbers = np.concatenate([self._numbers, other._numbers + len(self._spans)])
        return SpansOfRows(self._spans + other._spans, numbers)

    def runs(self) -> list[Span]:
        """Return the spans of the rows in order, each with the number of its consecutive rows."""
        starts = [0, *(np.flatnonzero(np.diff(self._numbers)) + 1).tolist(), len(self._numbers)]
        return [
            replace(self._spans[self._numbers[start]], rows=end - start)
            for start, end in pairwise(starts)
            if end > start
        ]

    def counted(self) -> list[tuple[Span, int]]:
        """Return each span that has rows, with the number of its rows."""
        counts = np.bincount(self._numbers, minlength=len(self._spans)).tolist()
        return [(span, count) for span, count in zip(self._spans, counts, strict=True) if count]
