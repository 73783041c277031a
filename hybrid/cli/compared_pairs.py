"""Print the tests of `hybrid compare`: each model against the reference."""

from typing import TYPE_CHECKING

from hybrid.cli.output import print_table
from hybrid.evaluation.non_inferiority import at_worst_text
from hybrid.evaluation.paired_test import p_text

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.evaluation import PairedTest


def print_tests(leaderboard: "Leaderboard") -> None:
    """Print a table of the differences from the reference for each primary metric; nothing if all pairs are tested."""
    if leaderboard.reference is None:
        return
    for metric in leaderboard.primary:
        if tests := [test for test in leaderboard.pairs if test.metric == metric]:
            _print_tests(leaderboard, metric, tests)


def _print_tests(leaderboard: "Leaderboard", metric: str, tests: list["PairedTest"]) -> None:
    corrected = max(test.corrected_for for test in tests)
    columns = ["model", "difference", f"{tests[0].level:.0%} interval"]
    columns += [f"adjusted for {corrected} tests", "adjusted p"] if corrected > 1 else ["p"]
    rows = [
        [
            leaderboard.label(test.first),
            test.figure(test.difference, "+"),
            test.between(test.low, test.high),
            *([test.between(test.low_adjusted, test.high_adjusted)] if corrected > 1 else []),
            test.probability.removeprefix("= "),
            test.verdict,
            *([at_worst_text(test), *_of_margin(test)] if tests[0].margin is not None else []),
        ]
        for test in tests
    ]
    chosen = "the chosen model" if leaderboard.reference == leaderboard.chosen else "the reference"
    title = f"each model minus {leaderboard.label(tests[0].second)}, {chosen}, by {metric}"
    columns.append("result")
    if tests[0].margin is not None:
        points = " points" if tests[0].in_points else ""
        columns += ["at worst", f"{columns[-2]}, one-sided", f"margin {tests[0].figure(tests[0].margin)}{points}"]
    print_table(title, columns, rows)


def _of_margin(test: "PairedTest") -> list[str]:
    """Return the p-value and the result of a non-inferiority test."""
    if test.p_margin_adjusted is None:
        return ["–", "too few images"]
    return [p_text(test.p_margin_adjusted).removeprefix("= "), "not inferior" if test.not_inferior else "not shown"]
