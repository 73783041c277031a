"""Words and figures as the report shows them: names of metrics, numbers, sentences, strangers' names made harmless."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from hybrid.evaluation import METRICS, Metric
from hybrid.evaluation.metrics import format_score

_METRIC = re.compile(rf"(?<![\w-])(?:{'|'.join(METRICS)})(?![\w-])")
# Turning the direction of the text around, for good or until taken back: a name could disguise itself so.
_BIDI = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
_REPLACED = {"Cc", "Cs"}


def metric_name(name: str) -> str:
    """Return a metric's title, also of a metric that only a file of another version has."""
    return METRICS[name].title if name in METRICS else name.replace("_", " ")


def spoken(text: str) -> str:
    """Return a sentence with the metrics in it named for people.

    Examples
    --------
    >>> spoken("svm differs by roc_auc_macro, not by mcc.")
    'svm differs by ROC AUC, macro, not by Matthews correlation.'
    """
    return _METRIC.sub(lambda match: METRICS[match[0]].title, text)


def visible(value: Any) -> str:
    r"""Return text in which nothing is hidden: control characters, lone bytes, changes of direction are shown as �.

    Examples
    --------
    >>> visible("a\nb\udcffc\u202egpj.exe")
    'a�b�c�gpj.exe'
    """
    return "".join("�" if c in _BIDI or unicodedata.category(c) in _REPLACED else c for c in str(value))


def score(value: float | None) -> str:
    """Return a score with three decimals, a dash where it is not defined."""
    return format_score(None if value is None else value + 0).replace("-", "−")


def interval(metric: Metric) -> str:
    """Return a metric's interval, empty where there is none."""
    return "" if metric.interval is None else f"{score(metric.low)}–{score(metric.high)}"


def seconds(value: float | None) -> str:
    """Return a time as a person would say it.

    Examples
    --------
    >>> seconds(0.004), seconds(0.64), seconds(23.17), seconds(3720.0)
    ('<0.01 s', '0.64 s', '23 s', '1 h 2 min')
    """
    if value is None:
        return "–"
    if value < 0.01:
        return "<0.01 s"
    if value < 10:
        return f"{value:.2g} s"
    if value < 120:
        return f"{value:.0f} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(value: float | None) -> str:
    """Return a number of bytes in kB or MB.

    Examples
    --------
    >>> size(1530), size(48_300_000)
    ('1.5 kB', '48 MB')
    """
    if value is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.0f} {unit}" if value >= 10 * scale else f"{value / scale:.1f} {unit}"
    return f"{value:.0f} B"


def count(value: float | None) -> str:
    """Return a whole number in groups of three."""
    return "–" if value is None else f"{value:,.0f}"


def listed(names: Sequence[Any], most: int = 4) -> str:
    """Return names as a person lists them.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"]), listed("abcdef", most=3)
    ('a', 'a, b and c', 'a, b, c and 3 more')
    """
    words = [str(name) for name in names]
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
