"""Sentences on which models of a leaderboard differ significantly."""

from collections.abc import Sequence

from hybrid.evaluation import PairedTest
from hybrid.evaluation.groups import images_of_groups


def significance(
    tests: Sequence[PairedTest],
    names: Sequence[str],
    metric: str,
    chosen: str | None = None,
    reference: str | None = None,
    role: str = "the reference",
) -> list[str]:
    """Return sentences on which models differ significantly by a metric.

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
    """
    tests = [test for test in tests if test.metric == metric]
    if not tests:
        return []
    name = reference or chosen or names[0]
    images = images_of_groups(tests[0].n, tests[0].n_groups)
    where = f"by {metric} on these {images}{_correction(tests, role if reference else '')}"
    different = [test for test in tests if test.distinguishable]
    if not different:
        if len(names) == 2:
            return [f"{names[0]} and {names[1]} are not distinguishable {where}."]
        if reference:
            return [f"None of the other {len(names) - 1} models is distinguishable from {name} {where}."]
        return [f"No two of the {len(names)} models are distinguishable {where}."]
    apart = {other for test in different if name in (test.first, test.second) for other in (test.first, test.second)}
    similar = [other for other in names if other not in (*apart, name)]
    if not similar:
        return [f"{name} differs from every other model {where}."]
    return [f"Not distinguishable from {name} {where}: {', '.join(similar)}."]


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
    text += f"{', '.join(shown) or 'none'}."
    return [f"{text} Not shown for {', '.join(others)}." if others and shown else text]


def _correction(tests: Sequence[PairedTest], role: str) -> str:
    """Return which pairs were tested, and for how many tests Holm's correction is."""
    corrected = max(test.corrected_for for test in tests)
    if corrected < 2:
        return ""
    pairs = f"each model is compared with {role}" if role else "all pairs are compared"
    return f" ({pairs}; Holm's correction for {corrected} tests)"
