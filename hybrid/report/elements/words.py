"""Text of the report: metric titles, formatted numbers, lists of names, and names without hidden characters."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from hybrid.evaluation import METRICS, Metric
from hybrid.evaluation.metrics import format_score

_METRIC = re.compile(rf"(?<![\w-])(?:{'|'.join(METRICS)})(?![\w-])")
# Characters that change the direction of text, with which a file name could be disguised.
_BIDI = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
_HIDDEN_CATEGORIES = {"Cc", "Cs"}
# Characters with a meaning in Markdown or HTML: some everywhere, others only at the beginning, beside a space, or in
# front of a name. An underscore inside a word has none.
_SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|^[#>+=-]|(?<=^\d)[.)](?=\s))")


def metric_name(name: str) -> str:
    """Return the title of a metric, or its name without underscores if this version does not know it."""
    return METRICS[name].title if name in METRICS else name.replace("_", " ")


def capitalized(text: str) -> str:
    """Return a text with a capital letter at its beginning.

    Examples
    --------
    >>> capitalized("accuracy"), capitalized("ROC AUC")
    ('Accuracy', 'ROC AUC')
    """
    return text[:1].upper() + text[1:]


def spoken(text: str) -> str:
    """Return a sentence in which the names of metrics are replaced by their titles.

    Examples
    --------
    >>> spoken("svm differs by roc_auc_macro, not by mcc.")
    'svm differs by ROC AUC, macro, not by Matthews correlation.'
    """
    return _METRIC.sub(lambda match: METRICS[match[0]].title, text)


def visible(value: Any) -> str:
    r"""Return a value as text, with � for control characters, lone bytes and changes of direction.

    Examples
    --------
    >>> visible("a\nb\udcffc\u202egpj.exe")
    'a�b�c�gpj.exe'
    """
    return "".join("�" if c in _BIDI or unicodedata.category(c) in _HIDDEN_CATEGORIES else c for c in str(value))


def score(value: float | None) -> str:
    """Return a score with three decimals, or a dash if it is not defined."""
    return format_score(None if value is None else value + 0).replace("-", "−")


def interval(metric: Metric) -> str:
    """Return the interval of a metric, or its upper bound, as text; "" if it has none."""
    return metric.bounds_text().replace("-", "−")


def with_interval(metric: Metric, shown: Callable[[str], str] = str) -> str:
    """Return a score with its interval, or with the reason why it has none, in parentheses. `shown` escapes text."""
    words = ": ".join(filter(None, (interval(metric), shown(metric.reason))))
    return f"{score(metric.value)} ({words})" if words else score(metric.value)


def seconds(value: float | None) -> str:
    """Return a time as text in seconds, minutes or hours.

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
    """Return a number of bytes as text in B, kB, MB or GB.

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
    """Return a whole number with commas between groups of three digits."""
    return "–" if value is None else f"{value:,.0f}"


def listed(names: Sequence[Any], most: int = 4) -> str:
    """Return names as a list in prose.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"]), listed("abcdef", most=3)
    ('a', 'a, b and c', 'a, b, c and 3 more')
    """
    words = [str(name) for name in names]
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def plural(n: int, singular: str, plural_form: str | None = None) -> str:
    """Return a number with its noun in the singular or plural; by default, the plural ends with "s"."""
    return f"{n:,} {singular if n == 1 else plural_form or singular + 's'}"


def escaped(value: Any) -> str:
    r"""Return a value as text, in which no character has a meaning in Markdown or HTML.

    Examples
    --------
    >>> print(escaped("a_b (c-d) <i> | [e] _f_"))
    a_b (c-d) \<i> \| \[e\] \_f\_
    """
    return _SPECIAL.sub(r"\\\1", visible(value))
