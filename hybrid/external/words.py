"""The main result of an external validation in words."""

from hybrid.comparison.aims import reached_aim
from hybrid.evaluation import METRICS, Evaluation, Metric, PredictiveValues, UnpairedTest
from hybrid.evaluation.groups import images_of_groups
from hybrid.evaluation.metrics import format_score
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.external.measured import MeasuredModel

_LARGEST_SHIFT = 0.05  # difference of the shares of a class from which a note says what depends on them


def sentences(result: MeasuredModel) -> tuple[str, ...]:
    """Return the result: whether the images differ, the score, what the model's threshold does, and calibration.

    Predictive values at a named prevalence come after what the threshold does.
    """
    shift = result.shift.sentence if result.shift else ""
    values = [_at_prevalence(one) for one in result.predictive_values]
    decided = (_threshold(result), *values, *_aim(result))
    return tuple(filter(None, (shift, _main(result), *decided, _calibration(result))))


def _main(result: MeasuredModel) -> str:
    evaluation, name = result.evaluation, METRICS[result.metric].title
    images = images_of_groups(evaluation.n, evaluation.n_groups, group=evaluation.group_name)
    score, test = evaluation.metrics[result.metric], result.difference(result.metric)
    if score.value is None:
        return f"On {result.dataset} ({images}), {name} of {result.model} is not defined: {score.note}."
    start = f"On {result.dataset} ({images}), {result.model} scores {_with_interval(score, evaluation.level)} in {name}"
    if test is None or test.difference is None or result.internal is None:
        return f"{start}."
    own = format_score(result.internal.evaluation.metrics[result.metric].value)
    change = f"{_by(test)} than on its {result.own_name} ({own}"
    if test.p_value is None:
        return f"{start}, {change})."
    figures = f"interval of the difference {test.interval}, p {test.probability}"
    if not test.distinguishable:
        return f"{start}. It is {change}; {figures}), which can be due to chance."
    return f"{start}. It is {change}; {figures})."


def _by(test: UnpairedTest) -> str:
    """Return how much higher or lower a score is, as words such as "0.030 lower"."""
    assert test.difference is not None
    figure = test.figure(abs(test.difference)) + (" points" if test.in_points else "")
    return f"{figure} {'lower' if test.difference < 0 else 'higher'}"


def _with_interval(score: Metric, level: float) -> str:
    bounds = score.bounds_text()
    return f"{format_score(score.value)} ({level:.0%} interval {bounds})" if bounds else format_score(
        score.value
    )  # fmt: skip


def _threshold(result: MeasuredModel) -> str:
    """Return what the model's own threshold reaches: sensitivity and specificity, or the class that loses most."""
    evaluation = result.evaluation
    if evaluation.task == "binary":
        parts = [_decided(result, name) for name in TASKS["binary"].decided]
        return f"With the model's own threshold, {' and '.join(filter(None, parts))}." if any(parts) else ""
    worse = [test for test in result.class_differences if test.metric == "recall" and test.verdict == "worse"]
    if not worse:
        return ""
    worst = min(worse, key=lambda test: test.difference or 0.0)
    more = f", and that of {len(worse) - 1} more lower too" if len(worse) > 1 else ""
    return (
        f"The recall of “{worst.label}” is {format_score(worst.first)}, {_by(worst)} than on its {result.own_name} "
        f"(interval of the difference {worst.interval}, p {worst.probability}){more}."
    )


def _decided(result: MeasuredModel, name: str) -> str:
    score, test = result.evaluation.metrics[name], result.difference(name)
    if score.value is None:
        return ""
    if test is None or test.p_value is None:
        return f"{METRICS[name].title} is {format_score(score.value)}"
    chance = "" if test.distinguishable else ", which can be due to chance"
    return f"{METRICS[name].title} is {format_score(score.value)} ({_by(test)}; {test.interval}{chance})"


def _at_prevalence(values: PredictiveValues) -> str:
    """Return the predictive values at a named prevalence in words."""
    found = [
        f"the {name} is " + (f"not defined ({one.note})" if one.value is None else _with_interval(one, values.level))
        for name, one in (("positive predictive value", values.ppv), ("negative predictive value", values.npv))
    ]
    return f"Where {values.prevalence:.3g} of the images are “{values.positive}”, {' and '.join(found)}."


def _aim(result: MeasuredModel) -> list[str]:
    """Return whether the aim of the model's threshold was reached here; nothing without an aim that has a level."""
    record = result.own.record
    if record is not None and record.positive != result.evaluation.positive:
        return []
    reached = reached_aim(result.model, result.data.manifest.aim, result.evaluation)
    return [] if reached is None else reached.sentences(f"images of {result.dataset}")


def _calibration(result: MeasuredModel) -> str:
    side, line = result.external, result.external.line
    if side.observed is None or side.expected is None or line.intercept is None:
        return ""
    positive = side.evaluation.positive
    return (
        f"The model gives “{positive}” a mean probability of {side.expected:.3f}, and {side.observed:.3f} of the "
        f"images are of it: calibration in the large {_ended(line.intercept, line.intercept_low, line.intercept_high)}"
        + (f", slope {_ended(line.slope, line.slope_low, line.slope_high)}." if line.slope is not None else ".")
    )


def _ended(value: float, low: float | None, high: float | None) -> str:
    text = f"{value:.2f}" if low is None else f"{value:.2f} ({low:.2f} to {high:.2f})"
    return text.replace("-", "−")


def shares_note(external: Evaluation, internal: Evaluation | None) -> str:
    """Return a sentence on the scores that depend on the classes' shares, if these differ; "" if they hardly do."""
    if internal is None or external.task == "multilabel":
        return ""
    shares = [
        {label: scores["support"] / side.n for label, scores in side.per_class.items()} for side in (external, internal)
    ]
    label = external.positive or max(shares[0], key=lambda name: abs(shares[0][name] - shares[1][name]))
    here, there = (share[label] for share in shares)
    if abs(here - there) < _LARGEST_SHIFT:
        return ""
    same = "sensitivity, specificity and ROC AUC do" if external.task == "binary" else "recall and ROC AUC do"
    return (
        f"“{label}” is {here:.0%} of these images and {there:.0%} of the model's own: accuracy, precision, F1, average "
        f"precision and calibration change with that, {same} not."
    )
