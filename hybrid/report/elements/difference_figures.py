"""The figure of a comparison: differences from a reference, or groups of models that cannot be told apart."""

from collections.abc import Mapping, Sequence

from hybrid import plots
from hybrid.comparison.alike import alike_groups
from hybrid.comparison.ordering import LOWER_IS_BETTER, badness
from hybrid.evaluation import Metric, PairedTest
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.words import capitalized, listed, metric_name, plural, score

MOST_GROUPS = 12
_MOST_DESCRIBED = 20


def reference_drawing(name: str, tests: Sequence[PairedTest], labels: Mapping[str, str], metric: str) -> Drawing:
    """Draw the difference of each model from the reference, the best model first.

    Parameters
    ----------
    name : str
        Name of the figure's files.
    tests : sequence of PairedTest
        Tests of one metric; the reference is the second model of each.
    labels : mapping of str to str
        Label of each model in the page, by the model's name.
    metric : str
        Name of the metric.
    """
    lower = metric in LOWER_IS_BETTER
    ordered = sorted(tests, key=lambda test: badness(Metric(test.difference), metric))
    one, title, reference = tests[0], metric_name(metric), labels[tests[0].second]
    scale = 100 if one.in_points else 1
    figure = plots.difference_chart(
        [labels[test.first] for test in ordered],
        [_scaled(test.difference, scale) for test in ordered],
        [_interval(test.low, test.high, scale) for test in ordered],
        [_interval(test.low_adjusted, test.high_adjusted, scale) for test in ordered],
        [test.distinguishable for test in ordered],
        label=f"difference in {title}{', percentage points' if one.in_points else ''}",
        margin=None if one.margin is None else scale * one.margin * (1 if lower else -1),
    )
    side = "left" if lower else "right"
    words = f"Models to the {side} of the line are better than {reference}, the others worse"
    lines = f"the {one.level:.0%} interval (thick line)"
    if one.corrected_for > 1:
        lines += f" and the interval adjusted for all {one.corrected_for} tests (thin line)"
    caption = (
        f"{capitalized(title)} of each model minus that of {reference}, with {lines}. A filled diamond marks a "
        "significant difference."
    )
    caption += " The dotted line is the margin." if one.margin is not None else ""
    described = [f"{labels[test.first]} {test.figure(test.difference, '+')}, {test.verdict}" for test in ordered]
    return Drawing(name, caption, f"{words}: {listed(described, _MOST_DESCRIBED)}.", figure)


def group_drawing(
    name: str,
    tests: Sequence[PairedTest],
    labels: Mapping[str, str],
    metric: str,
    scores: Mapping[str, Metric],
    chosen: str | None,
) -> Drawing | None:
    """Draw the models, the best first, with a bar for each group that cannot be told apart; None for too many groups.

    Parameters
    ----------
    name, tests, labels, metric
        As for :func:`reference_drawing`, with the tests of all pairs.
    scores : mapping of str to Metric
        Score of each model, by its name.
    chosen : str, optional
        Name of the chosen model.
    """
    names = sorted(labels, key=lambda model: badness(scores[model], metric))
    groups = alike_groups(names, tests)
    if len(groups) > MOST_GROUPS:
        return None
    figure = plots.group_chart(
        [labels[model] for model in names],
        [scores[model].value for model in names],
        [[names.index(model) for model in group] for group in groups],
        label=metric_name(metric),
        chosen=None if chosen not in names else names.index(chosen),
    )
    title = capitalized(metric_name(metric))
    caption = f"{title} of each model, the best first. Models on the same bar cannot be told apart."
    said = [f"{labels[model]} {score(scores[model].value)}" for model in names]
    bars = "; ".join(listed([labels[model] for model in group], _MOST_DESCRIBED) for group in groups)
    words = f"{caption} {listed(said, _MOST_DESCRIBED)}. {plural(len(groups), 'group')} cannot be told apart: {bars}."
    return Drawing(name, caption, words, figure)


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else scale * value


def _interval(low: float | None, high: float | None, scale: float) -> tuple[float, float] | None:
    return None if low is None or high is None else (scale * low, scale * high)
