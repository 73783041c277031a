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
        Wall-clock and processor seconds for each row; None if they are not known.
    cuts : int
        Number of extractors, which differ in the layer, whose rows the pass computed side by side.
    """

    rows: int
    by: str = ""
    wall: float | None = None
    processor: float | None = None
    cuts: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the span as JSON values."""
        times = {"wall": self.wall, "processor": self.processor}
        return {"rows": self.rows, "pass": self.by, **times, "cuts": self.cuts}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "Span":
        """Return the span from the values that :meth:`to_dict` returned."""
        wall, processor = (None if value[key] is None else float(value[key]) for key in ("wall", "processor"))
        return cls(max(0, int(value["rows"])), str(value["pass"]), wall, processor, int(value.get("cuts", 1)))


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
        Wall-clock and processor seconds for all of these rows; None if they are not known.
    cuts : int
        Number of extractors, which differ in the layer, whose rows the pass computed side by side. The times are those
        up to the layer of one of them, see :func:`shares`.
    """

    name: str
    rows: int
    wall: float | None
    processor: float | None
    cuts: int = 1


def passes_of(counted: Iterable[tuple[Span, int]]) -> list[Pass]:
    """Return the passes that computed rows, given the spans of these rows and their number in each span."""
    passes: dict[str, Pass] = {}
    for span, rows in counted:
        before = passes.get(span.by, Pass(span.by, 0, 0.0, 0.0))
        wall, processor = _plus(before.wall, span.wall, rows), _plus(before.processor, span.processor, rows)
        passes[span.by] = Pass(span.by, before.rows + rows, wall, processor, max(before.cuts, span.cuts))
    return list(passes.values())


def shares(multiply_adds: Sequence[int | None], decoding: float) -> list[float]:
    """Return the share of a pass's time that each of its cuts would need alone.

    Each needs all images, and the network up to its layer. So the deepest cut needs the whole pass, and a cut is never
    dearer than a deeper one.

    Parameters
    ----------
    multiply_adds : sequence of (int or None)
        Number of multiply-adds up to each cut. If one is not known, the share of all is 1.
    decoding : float
        Share of the pass's time for reading and decoding images, from 0 to 1.
    """
    known = [number for number in multiply_adds if number is not None]
    if len(known) < len(multiply_adds) or not max(known):
        return [1.0] * len(multiply_adds)
    return [decoding + (1 - decoding) * number / max(known) for number in known]


def together(parts: Iterable[Iterable[Pass]]) -> list[Pass]:
    """Return the passes that computed several sets of embeddings. A pass that computed several of them counts once.

    The time of such a pass is that up to the deepest of its layers that are among the sets.
    """
    named: dict[str, Pass] = {}
    unnamed = []
    for one in (one for part in parts for one in part):
        if not one.name:
            unnamed.append(one)
        elif (known := named.get(one.name)) is None or (one.wall or 0.0) > (known.wall or 0.0):
            named[one.name] = one
    return [*named.values(), *unnamed]


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
