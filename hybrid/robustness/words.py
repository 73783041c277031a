"""What a stress run shows, in sentences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid.evaluation.groups import images_of_groups
from hybrid.evaluation.metrics import LOWER_IS_BETTER, METRICS, format_score
from hybrid.wording import joined, number

if TYPE_CHECKING:
    from hybrid.robustness.record import StressedScores, StressRecord


def sentences(record: "StressRecord") -> list[str]:
    """Return what a run shows: first all corruptions together, then one sentence for each kind."""
    return [_all(record), *(_kind(record, record.of(kind)) for kind in record.corruptions)]


def _all(record: "StressRecord") -> str:
    worse = [one for one in record.scores if one.is_worse(record.metric)]
    title, clean = METRICS[record.metric].title, record.clean[record.metric]
    images = images_of_groups(record.images, record.groups, "image")
    where = f"{images} of {record.dataset}" + (f" ({record.split})" if record.split else "")
    start = f"On {where}, {record.model} has a {title} of {clean}."
    if clean.value is None:
        return f"{start} Corruptions cannot be compared with it."
    if not worse:
        return f"{start} None of the {len(record.scores)} corruptions is shown to make it worse."
    kinds = [kind for kind in record.corruptions if any(one in worse for one in record.of(kind))]
    return (
        f"{start} {len(worse)} of {number(len(record.scores), 'corruption')} {'make' if len(worse) > 1 else 'makes'} "
        f"it significantly worse: {joined([_noun(kind) for kind in kinds])}."
    )


def _kind(record: "StressRecord", scores: Sequence["StressedScores"]) -> str:
    title, clean = METRICS[record.metric].title, record.clean[record.metric].value
    strongest = scores[-1]
    worse = [one for one in scores if one.is_worse(record.metric)]
    if not worse:
        value = format_score(strongest.metrics[record.metric].value)
        tested = "" if strongest.difference is None else f" (difference {_difference(record, strongest)})"
        noun, excludes = _noun(strongest.corruption), strongest.high is not None and strongest.high < 0
        start = (
            f"The loss of {title} by {noun} is not significant after the correction for all corruptions"
            if excludes and record.metric not in LOWER_IS_BETTER
            else f"No loss of {title} by {noun} is shown on these images"
        )
        return f"{start}: {strongest.words} changes it from {format_score(clean)} to {value}{tested}."
    first = worse[0]
    verb = "raises" if record.metric in LOWER_IS_BETTER else "lowers"
    text = (
        f"{_capital(first.words)} {verb} the {title} from {format_score(clean)} to "
        f"{format_score(first.metrics[record.metric].value)} (difference {_difference(record, first)})"
    )
    if first is strongest:
        return f"{text}; no loss is shown for weaker ones."
    rest = f"{strongest.words} {verb} it to {format_score(strongest.metrics[record.metric].value)}"
    weaker = "" if first is scores[0] else " No loss is shown for weaker ones."
    return f"{text}; {rest}.{weaker}"


def _difference(record: "StressRecord", one: "StressedScores") -> str:
    value = f"{one.difference:+.3f}".replace("-", "−")
    if one.low is None or one.high is None:
        return value
    bounds = f"{one.low:.3f} to {one.high:.3f}".replace("-", "−")
    return f"{value}, {record.level:.0%} interval {bounds}"


def _noun(kind: str) -> str:
    return {"contrast": "less contrast", "jpeg": "JPEG compression"}.get(kind, kind)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
