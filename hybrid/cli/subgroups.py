"""Print the scores of subgroups of `hybrid compare --by` and `hybrid validate --by`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hybrid.cli.output import format_metric, print_footnotes, print_notes, print_table
from hybrid.evaluation.metrics import format_score
from hybrid.evaluation.paired_test import p_text
from hybrid.wording import Footnotes

if TYPE_CHECKING:
    from hybrid.comparison.subgroups import ComparedSubgroups
    from hybrid.evaluation.subgroups.result import Gap, SubgroupScores


def show_subgroups(result: "ComparedSubgroups", model: str | None = None, label: Callable[[str], str] = str) -> None:
    """Print the subgroups of one model, and the worst subgroup of the others. `label` shortens the name of a model."""
    shown = model if model in result.scores else next(iter(result.scores))
    print_subgroup_scores(result.scores[shown], label(shown))
    if len(result.scores) < 2:
        return
    metric = result.metric
    rows = [
        [
            label(name),
            *(
                "–" if (worst := scores.worst(column, metric)) is None
                else f"{format_score(worst.metric(metric).value)} ({worst.name})"
                for column in result.columns
            ),
        ]
        for name, scores in result.scores.items()
    ]  # fmt: skip
    print_table(f"worst subgroup of each model by {metric}", ["model", *result.columns], rows)


def print_subgroup_scores(scores: "SubgroupScores", model: str) -> None:
    """Print a table for each division of the images, and sentences on the worst subgroups."""
    metric, *others = scores.metrics
    for column in scores.columns:
        notes, subgroups = Footnotes(), scores.of(column)
        with_positives = any(subgroup.positives is not None for subgroup in subgroups)
        rows = [
            [
                subgroup.name,
                subgroup.images,
                *([subgroup.positives] if with_positives else []),
                format_metric(subgroup.metric(metric), notes=notes),
                *_gap_cells(subgroup.gaps[metric], notes),
                *(format_metric(subgroup.metric(name), interval=False, notes=notes) for name in others),
            ]
            for subgroup in subgroups
        ]
        positives = ["positive"] if with_positives else []
        columns = [column, "images", *positives, metric, "others", "gap", "adjusted p", *others]
        print_table(f"{model} by {column}", columns, rows, optional=len(others))
        print_footnotes(notes)
    print_notes([text for name in scores.metrics for text in scores.sentences(name)])
    print_notes(scores.notes)


def _gap_cells(gap: "Gap", notes: Footnotes) -> list[str]:
    """Return the score of all others, the gap and its adjusted p-value."""
    if gap.test is None:
        return [f"–{notes.mark(gap.reason)}", "–", "–"]
    if gap.test.p_value is None:
        return [format_score(gap.test.second), f"–{notes.mark(gap.test.note)}", "–"]
    mark = " *" if gap.distinguishable else ""
    probability = p_text(gap.p_adjusted).removeprefix("= ")
    return [format_score(gap.test.second), gap.test.figure(gap.test.difference, "+"), f"{probability}{mark}"]
