"""The part of the report on differences between models: one sentence, one figure, and the details of the tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid.comparison.significance import non_inferiority, significance
from hybrid.evaluation import Metric, PairedTest
from hybrid.evaluation.groups import GROUP, images_of_groups
from hybrid.report.elements.difference_figures import group_drawing, reference_drawing
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.pair_tables import pair_table, paired_table, reference_table
from hybrid.report.elements.table import Table
from hybrid.report.elements.words import spoken
from hybrid.report.parts.answer import main_tests
from hybrid.report.parts.part import Part

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

MEANING = (
    "“Cannot be told apart” means that a difference of this size can be due to chance. It does not mean that the "
    "models are equally good."
)


@dataclass(frozen=True)
class Compared:
    """The comparison of models by one metric.

    Attributes
    ----------
    sentences : list of str
        What the tests show.
    drawing : Drawing or None
        The figure; None if there are so many groups of models that it could not be read.
    table : Table
        The differences with their intervals and p-values.
    """

    sentences: list[str]
    drawing: Drawing | None
    table: Table


def compared(
    name: str,
    tests: Sequence[PairedTest],
    labels: Mapping[str, str],
    metric: str,
    reference: str | None,
    scores: Mapping[str, Metric],
    chosen: str | None,
    same_probabilities: bool = False,
    group: str = GROUP,
) -> Compared:
    """Return the comparison of models by one metric.

    Parameters
    ----------
    name : str
        Name of the files of the figure and the table.
    tests : sequence of PairedTest
        Tests of this metric.
    labels : mapping of str to str
        Label of each model in the page, by the model's name.
    metric : str
    reference : str, optional
        The model that each other was compared with. By default all pairs were tested.
    scores : mapping of str to Metric
        Score of each model, by its name.
    chosen : str, optional
        Name of the chosen model.
    same_probabilities : bool, default=False
        Whether two models are compared that give all images the same probabilities.
    group : str, default="group"
        What a group of images is called.
    """
    labelled = [replace(test, first=labels[test.first], second=labels[test.second], corrected_for=1) for test in tests]
    sentences = significance(
        labelled,
        list(labels.values()),
        metric,
        labels.get(chosen or ""),
        labels.get(reference or ""),
        same_probabilities=same_probabilities,
        group=group,
    ) + non_inferiority(labelled, metric)
    drawing: Drawing | None
    if reference is None:
        drawing = group_drawing(name, tests, labels, metric, scores, chosen)
        table = pair_table(name, tests, labels, metric)
    else:
        drawing = reference_drawing(name, tests, labels, metric)
        table = reference_table(name, tests, labels, metric)
    return Compared([spoken(text) for text in sentences], drawing, table)


def differences(leaderboard: "Leaderboard") -> Part | None:
    """Return the paired tests of the models; None for a single model."""
    if not main_tests(leaderboard):
        return None
    labels = dict(zip(leaderboard.names, leaderboard.labels, strict=True))
    blocks = [
        compared(
            f"differences-{metric}" if number else "differences",
            [test for test in leaderboard.pairs if test.metric == metric],
            labels,
            metric,
            leaderboard.reference,
            {
                name: result.metrics[metric]
                for name, result in zip(leaderboard.names, leaderboard.evaluations, strict=True)
            },
            leaderboard.chosen,
            bool(leaderboard.same_probabilities),
            leaderboard.evaluations[0].group_name,
        )
        for number, metric in enumerate(leaderboard.primary)
    ]
    return Part(
        "differences",
        "Differences",
        tables=[block.table for block in blocks],
        drawings=[block.drawing for block in blocks if block.drawing],
        only_saved=[paired_table("paired-tests", leaderboard.pairs)],
        content={"blocks": blocks, "meaning": MEANING, "how": _tested(leaderboard)},
    )


def _tested(leaderboard: "Leaderboard") -> list[str]:
    """Return what was tested and how, and what the result does not mean."""
    tests = main_tests(leaderboard)
    methods = sorted({test.test for test in leaderboard.pairs if test.metric in leaderboard.primary})
    corrected = max(test.corrected_for for test in tests)
    images = images_of_groups(tests[0].n, tests[0].n_groups, group=leaderboard.evaluations[0].group_name)
    how = f"on the same {images} ({', '.join(methods)})"
    correction = ""
    if corrected > 1:
        correction = (
            f" P-values and adjusted intervals have Holm's correction for {corrected} tests, because with so many "
            "tests some differences would seem significant by chance. Two models are told apart where the adjusted "
            "interval excludes 0. The ordinary interval beside it is correct for a single difference only."
        )
    return [
        f"{spoken(leaderboard.tested.sentence(leaderboard.reference))}, {how}.{correction}",
        *_of_margin(leaderboard.tested.margin, leaderboard.reference),
    ]


def _of_margin(margin: float | None, reference: str | None) -> list[str]:
    """Return how to read a non-inferiority test."""
    if margin is None or reference is None:
        return []
    return [
        f"A model is not inferior to {reference} if it is shown to be worse by less than the margin of {margin:g}, if "
        "by anything. What it may be “at worst” is then below the margin. This is a one-sided test at 2.5%, with the "
        "same correction. “Not shown” does not mean that the model is inferior."
    ]
