"""Sentences on which models of a leaderboard differ significantly."""

from collections.abc import Sequence

from hybrid.evaluation import PairedTest
from hybrid.evaluation.groups import GROUP, images_of_groups
from hybrid.evaluation.metrics import METRICS
from hybrid.wording import and_more, joined

SAME_PROBABILITIES = "give all images the same probabilities and differ in the threshold only"
_MOST_NAMES = 3


def significance(
    tests: Sequence[PairedTest],
    names: Sequence[str],
    metric: str,
    chosen: str | None = None,
    reference: str | None = None,
    role: str = "the reference",
    same_probabilities: bool = False,
    group: str = GROUP,
) -> list[str]:
    """Return one or two sentences on which models differ significantly by a metric.

    Parameters
    ----------
    tests : sequence of PairedTest
        The tests of all metrics.
    names : sequence of str
        The models, best first.
    metric : str
    chosen : str, optional
        The model that the sentences are about if all pairs were tested. By default the first one.
    reference : str, optional
        The model that each other was compared with. By default all pairs were tested.
    role : str, default="the reference"
        What the reference is called.
    same_probabilities : bool, default=False
        Whether two models are compared that give all images the same probabilities.
    group : str, default="group"
        What a group of images is called.
    """
    tests = [test for test in tests if test.metric == metric]
    if not tests:
        return []
    name = reference or chosen or names[0]
    unit = group if tests[0].unit == GROUP else tests[0].unit
    where = f"by {metric} on these {images_of_groups(tests[0].n, tests[0].n_groups, unit, group)}"
    how = _correction(tests, role if reference else "")
    different = sum(test.distinguishable for test in tests)
    if len(names) == 2 and same_probabilities and METRICS[metric].needs != "decisions":
        return [f"{names[0]} and {names[1]} {SAME_PROBABILITIES}, so they have the same {metric}."]
    if not different and len(names) == 2:
        return [f"{names[0]} and {names[1]} cannot be told apart {where}{how}."]
    if not different and reference:
        return [f"None of the other {len(names) - 1} models can be told apart from {name} {where}{how}."]
    if not different:
        return [f"No two of the {len(names)} models can be told apart {where}{how}."]
    standing = f"{standing_of(name, tests, len(names))} {where}{how}."
    if reference or len(tests) == 1:
        return [standing]
    pairs = f"{different} of the {len(tests)} pairs of models differ significantly {where}{how}."
    return [pairs, f"{standing_of(name, tests, len(names))}."]


def standing_of(name: str, tests: Sequence[PairedTest], models: int) -> str:
    """Return which models a model is better or worse than, and how many it cannot be told apart from.

    Parameters
    ----------
    name : str
    tests : sequence of PairedTest
        Tests of one metric.
    models : int
        Number of compared models.

    Examples
    --------
    >>> test = PairedTest("svm", "knn", "f1", 0.1, None, None, 0.001, 0.001, "paired bootstrap", 99)
    >>> standing_of("svm", [test], 4)
    'svm is better than knn, and cannot be told apart from the other 2 models'
    """
    better: list[str] = []
    worse: list[str] = []
    for test in tests:
        if name in (test.first, test.second) and test.distinguishable:
            is_better = (test.verdict == "better") == (test.first == name)
            (better if is_better else worse).append(test.second if test.first == name else test.first)
    rest = models - 1 - len(better) - len(worse)
    parts = [f"is better than {few(better)}"] if better else []
    parts += [f"is worse than {few(worse)}"] if worse else []
    if rest:
        others = "the other" if better or worse else "any of the other"
        parts.append(f"cannot be told apart from {others} {f'{rest} models' if rest > 1 else 'model'}")
    *before, last = parts
    return f"{name} {', '.join(before)}{', and ' if before else ''}{last}"


def few(names: Sequence[str]) -> str:
    """Return names as a list in prose, of many only the first ones.

    Examples
    --------
    >>> few(["a", "b", "c", "d"]), few(["a", "b", "c", "d", "e"])
    ('a, b, c and d', 'a, b, c and 2 more')
    """
    return joined(names) if len(names) <= _MOST_NAMES + 1 else and_more(names, _MOST_NAMES)


def non_inferiority(tests: Sequence[PairedTest], metric: str) -> list[str]:
    """Return a sentence on which models are not inferior to the reference; none if no margin was given."""
    tests = [test for test in tests if test.metric == metric and test.margin is not None]
    if not tests:
        return []
    test, corrected = tests[0], max(test.corrected_for for test in tests)
    shown = [one.first for one in tests if one.not_inferior]
    others = [one.first for one in tests if not one.not_inferior]
    correction = f", Holm's correction for {corrected} tests" if corrected > 1 else ""
    margin = f"{test.figure(test.margin)}{' points' if test.in_points else ''}"
    text = f"Not inferior to {test.second} by {metric} with a margin of {margin}{correction}: "
    text += f"{few(shown) if shown else 'none'}."
    return [f"{text} Not shown for {few(others)}." if others and shown else text]


def _correction(tests: Sequence[PairedTest], role: str) -> str:
    """Return which pairs were tested, and for how many tests Holm's correction is."""
    corrected = max(test.corrected_for for test in tests)
    if corrected < 2:
        return ""
    pairs = f"each model is compared with {role}" if role else "all pairs are compared"
    return f" ({pairs}; Holm's correction for {corrected} tests)"
