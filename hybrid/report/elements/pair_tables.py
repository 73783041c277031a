"""The tables of the report on differences between models."""

from collections.abc import Mapping, Sequence

from hybrid.comparison.ordering import LOWER_IS_BETTER
from hybrid.evaluation import PairedTest
from hybrid.evaluation.non_inferiority import at_worst_text
from hybrid.evaluation.paired_test import p_text
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.words import capitalized, metric_name

MOST_PAIRED_IN_WORDS = 8
_MARKS = {"better": "▲ better", "worse": "▼ worse", "cannot be told apart": "≈"}


def reference_table(name: str, tests: Sequence[PairedTest], labels: Mapping[str, str], metric: str) -> Table:
    """Return a table with one row per model that says whether it is better or worse than the reference.

    Parameters
    ----------
    name : str
        Name of the table's files.
    tests : sequence of PairedTest
        Tests of one metric; the reference is the second model of each.
    labels : mapping of str to str
        Label of each model in the page, by the model's name.
    metric : str
        Name of the metric.
    """
    corrected = max(test.corrected_for for test in tests)
    columns = [
        Column("model", "model", numeric=False),
        Column("difference", "difference"),
        Column("interval", f"{tests[0].level:.0%} interval"),
        *([Column("adjusted", f"adjusted for {corrected} tests")] if corrected > 1 else []),
        Column("p_adjusted", "adjusted p" if corrected > 1 else "p"),
        Column("result", "result", numeric=False),
        *(_margin_columns(tests[0], corrected) if tests[0].margin is not None else []),
    ]
    rows = [
        [
            Cell(test.first, labels[test.first]),
            Cell(test.difference, test.figure(test.difference, "+")),
            Cell(test.low, test.between(test.low, test.high), also={"low": test.low, "high": test.high}),
            *([_adjusted_cell(test)] if corrected > 1 else []),
            Cell(test.p_adjusted, test.probability.removeprefix("= ")),
            Cell(
                test.verdict, _MARKS.get(test.verdict, test.verdict), tone=test.verdict if test.distinguishable else ""
            ),
            *(_margin_cells(test) if tests[0].margin is not None else []),
        ]
        for test in tests
    ]
    unit = ", in percentage points" if tests[0].in_points else ""
    caption = f"{capitalized(metric_name(metric))} of each model minus that of {labels[tests[0].second]}{unit}"
    if any(test.verdict == "cannot be told apart" for test in tests):
        caption += "; ≈: cannot be told apart"
    return Table(name, caption, columns, rows, sortable=True)


def _margin_columns(test: PairedTest, corrected: int) -> list[Column]:
    """Return the columns of a non-inferiority test."""
    margin = f"{test.figure(test.margin)}{' points' if test.in_points else ''}"
    return [
        Column("at_worst", "at worst", numeric=False),
        Column("p_margin_adjusted", "adjusted p, one-sided" if corrected > 1 else "p, one-sided"),
        Column("not_inferior", f"margin {margin}", numeric=False),
    ]


def _margin_cells(test: PairedTest) -> list[Cell]:
    if test.p_margin_adjusted is None:
        return [Cell(None, "–"), Cell(None, "–"), Cell(None, "too few images")]
    found = ("not inferior", "better") if test.not_inferior else ("not shown", "")
    return [
        Cell(test.at_worst, at_worst_text(test)),
        Cell(test.p_margin_adjusted, p_text(test.p_margin_adjusted).removeprefix("= ")),
        Cell(test.not_inferior, found[0], tone=found[1]),
    ]


def _adjusted_cell(test: PairedTest) -> Cell:
    also = {"low_adjusted": test.low_adjusted, "high_adjusted": test.high_adjusted}
    return Cell(test.low_adjusted, test.between(test.low_adjusted, test.high_adjusted), also=also)


def pair_table(
    name: str, tests: Sequence[PairedTest], models: Mapping[str, str], metric: str, caption: str = ""
) -> Table:
    """Return a table of all pairs that says whether the row's model is better or worse than the column's.

    Parameters
    ----------
    name : str
        Name of the table's files.
    tests : sequence of PairedTest
        Paired tests of one metric.
    models : mapping of str to str
        Label of each model in the page, by the model's name.
    metric : str
        Name of the metric.
    caption : str, default=""
        Text to add to the caption.
    """
    tests_by_pair = {(test.first, test.second): test for test in tests}
    many = len(models) > MOST_PAIRED_IN_WORDS
    titles = [str(number) if many else label for number, label in enumerate(models.values(), start=1)]
    columns = [Column("model", "", numeric=False)]
    columns += [Column(f"against_{model}", title, numeric=False) for model, title in zip(models, titles, strict=True)]
    rows = [
        [
            Cell(model, f"{title} {label}" if many else label),
            *(_pair_cell(tests_by_pair, model, other, metric, many) for other in models),
        ]
        for (model, label), title in zip(models.items(), titles, strict=True)
    ]
    words = f"The row's model against the column's, by {metric_name(metric)}{caption}"
    return Table(name, f"{words}: ▲ better, ▼ worse, ≈ cannot be told apart", columns, rows)


def _pair_cell(tests: Mapping[tuple[str, str], PairedTest], name: str, other: str, metric: str, short: bool) -> Cell:
    test = tests.get((name, other)) or tests.get((other, name))
    if test is None or test.difference is None:
        return Cell(None, "–" if name == other else "not defined")
    difference = test.difference if test.first == name else -test.difference
    sub = f"{round(difference, 3) + 0.0:+.3f}".replace("-", "−")
    if test.p_adjusted is not None:
        sub += ", p < 0.001" if test.p_adjusted < 0.001 else f", p = {test.p_adjusted:.3f}"
    if not test.distinguishable:
        return Cell("cannot be told apart", "≈", "" if short else sub)
    better = (difference < 0) == (metric in LOWER_IS_BETTER)
    word, mark = ("better", "▲") if better else ("worse", "▼")
    return Cell(word, mark, "" if short else sub, tone=word)


def paired_table(name: str, tests: Sequence[PairedTest]) -> Table:
    """Return a table with one paired test per row."""
    keys = ("first", "second", "metric", "difference", "low", "high", "p_value", "p_adjusted", "low_adjusted",
            "high_adjusted", "corrected_for", "test", "n")  # fmt: skip
    rows = [
        [*(Cell(getattr(test, key), str(getattr(test, key))) for key in keys), text_cell(test.sentence())]
        for test in tests
    ]
    columns = [Column(key, key.replace("_", " ")) for key in (*keys, "sentence")]
    return Table(name, "Paired tests", columns, rows)
