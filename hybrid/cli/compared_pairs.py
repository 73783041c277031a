"""Print the tests of `hybrid compare`: each model against the reference, or the groups that cannot be told apart."""

from typing import TYPE_CHECKING

from hybrid.cli.output import format_metric, print_table
from hybrid.evaluation.non_inferiority import at_worst_text
from hybrid.evaluation.paired_test import p_text

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.evaluation import PairedTest


def print_tests(leaderboard: "Leaderboard") -> None:
    """Print the tests of each primary metric: differences from the reference, or the groups that cannot be told apart.

    The sentences below the tables say the same in words, so a table of all pairs is only in the report and in files.
    """
    for metric in leaderboard.primary:
        tests = [test for test in leaderboard.pairs if test.metric == metric]
        if tests and leaderboard.reference is not None:
            _print_differences(leaderboard, metric, tests)
        elif any(test.distinguishable for test in tests):
            _print_groups(leaderboard, metric, tests)


def print_tests_per_group(leaderboard: "Leaderboard") -> None:
    """Print the differences from the reference with each group of images as one case; nothing for all pairs."""
    for metric in leaderboard.primary if leaderboard.reference is not None else ():
        if tests := [test for test in leaderboard.pairs_per_group if test.metric == metric]:
            _print_differences(leaderboard, metric, tests, ", per group")


def _print_differences(leaderboard: "Leaderboard", metric: str, tests: list["PairedTest"], cases: str = "") -> None:
    corrected = max(test.corrected_for for test in tests)
    with_result = any(test.verdict != "cannot be told apart" for test in tests)
    columns = ["model", "difference", f"{tests[0].level:.0%} interval"]
    columns += [f"adjusted for {corrected} tests", "adjusted p"] if corrected > 1 else ["p"]
    rows = [
        [
            leaderboard.label(test.first),
            test.figure(test.difference, "+"),
            test.between(test.low, test.high),
            *([test.between(test.low_adjusted, test.high_adjusted)] if corrected > 1 else []),
            test.probability.removeprefix("= "),
            *(["" if test.verdict == "cannot be told apart" else test.verdict] if with_result else []),
            *([at_worst_text(test), *_of_margin(test)] if tests[0].margin is not None else []),
        ]
        for test in tests
    ]
    chosen = "the chosen model" if leaderboard.reference == leaderboard.chosen else "the reference"
    points = ", in percentage points" if tests[0].in_points else ""
    title = f"each model minus {leaderboard.label(tests[0].second)}, {chosen}, by {metric}{points}{cases}"
    p_value = columns[-1]
    columns += ["significantly"] if with_result else []
    if tests[0].margin is not None:
        unit = " points" if tests[0].in_points else ""
        columns += ["at worst", f"{p_value}, one-sided", f"margin {tests[0].figure(tests[0].margin)}{unit}"]
    print_table(title, columns, rows)


def _print_groups(leaderboard: "Leaderboard", metric: str, tests: list["PairedTest"]) -> None:
    """Print the models, the best first, with the letters of the groups that cannot be told apart."""
    from hybrid.comparison.alike import alike_groups, group_letters
    from hybrid.comparison.ordering import badness

    scores = {
        name: result.metrics[metric] for name, result in zip(leaderboard.names, leaderboard.evaluations, strict=True)
    }
    names = sorted(scores, key=lambda name: badness(scores[name], metric))
    letters = group_letters(names, alike_groups(names, tests))
    rows = [[leaderboard.label(name), letters[name], format_metric(scores[name], interval=False)] for name in names]
    title = f"models with a letter in common cannot be told apart by {metric} on {leaderboard.split}"
    print_table(title, ["model", "letters", metric], rows, left=2)


def _of_margin(test: "PairedTest") -> list[str]:
    """Return the p-value and the result of a non-inferiority test."""
    if test.p_margin_adjusted is None:
        return ["–", "too few images"]
    return [p_text(test.p_margin_adjusted).removeprefix("= "), "not inferior" if test.not_inferior else "not shown"]
