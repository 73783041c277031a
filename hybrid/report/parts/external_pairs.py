"""The parts of the page on several external validations: main scores, other scores, and whether the images differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hybrid import plots
from hybrid.evaluation.paired_test import p_text
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.external.result import ExternalResult
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.tables import metric_cell
from hybrid.report.elements.words import listed, metric_name, score
from hybrid.report.parts.external import difference_cells
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes, joined, number
from hybrid.workspace.private_paths import without_places

_PLAIN = "plain"


@dataclass(frozen=True, eq=False)
class Pairs:
    """External validations of several pairs of a model and a dataset.

    Attributes
    ----------
    results : sequence of ExternalResult
    adjusted : sequence of float or None
        The p-value of each difference of the main score, corrected for the number of pairs.
    notes : sequence of str
        Remarks on all of them.
    """

    results: Sequence[ExternalResult]
    adjusted: Sequence[float | None]
    notes: Sequence[str] = ()

    def __iter__(self) -> Iterator[ExternalResult]:
        return iter(self.results)


def main_scores(pairs: Pairs, links: Sequence[str]) -> Part:
    """Return the main score of each pair, beside that on the model's own images, with links to the reports.

    Parameters
    ----------
    pairs : Pairs
    links : sequence of str
        Address of the report of each pair; "" if it has none.
    """
    notes, rows = Footnotes(), []
    titles = list(dict.fromkeys(metric_name(one.metric) for one in pairs))
    for result, adjusted, link in zip(pairs, pairs.adjusted, links, strict=True):
        own = result.internal.evaluation.metrics[result.metric] if result.internal else None
        difference, p = difference_cells(result.difference(result.metric), notes)
        rows.append([
            _pair(result),
            *([Cell(link, "report", link=link)] if link else []),
            Cell(result.evaluation.n, f"{result.evaluation.n:,}", _groups(result)),
            metric_cell("value", result.evaluation.metrics[result.metric], notes, _metric_of(result, titles)),
            metric_cell("internal", own, notes),
            difference,
            p,
            Cell(adjusted, "–" if adjusted is None else p_text(adjusted).removeprefix("= ")),
        ])  # fmt: skip
    title = joined(titles)
    columns = [
        Column("model", "model and dataset", numeric=False),
        *([Column("report", "report", numeric=False)] if any(links) else []),
        Column("images", "images"),
        Column("value", title),
        Column("internal", "on its own images"),
        Column("difference", "difference"),
        Column("p", "p"),
        Column("p_adjusted", "adjusted p"),
    ]
    own_names = joined(list(dict.fromkeys(one.own_name for one in pairs if one.internal)))
    lead = [
        f"The differences are those from the scores on the models' {own_names}, which are other images: they have "
        "intervals and tests for different images. The adjusted p has Holm's correction for the number of pairs."
    ] if own_names else []  # fmt: skip
    table = Table("scores", f"{title} of each model on each dataset", columns, rows, sortable=True, notes=notes.lines)
    return Part("scores", "Main scores", lead, [table], _drawings(pairs, title), template=_PLAIN)


def other_scores(pairs: Pairs) -> Part:
    """Return the scores that the report of a comparison shows, each with its difference; one table for each task."""
    tables = []
    tasks = list(dict.fromkeys(one.evaluation.task for one in pairs))
    for task in tasks:
        notes, results = Footnotes(), [one for one in pairs if one.evaluation.task == task]
        names = TASKS[task].report + TASKS[task].calibration
        names = tuple(name for name in names if all(name in one.evaluation.metrics for one in results))
        columns = [Column("model", "model and dataset", numeric=False)]
        for name in names:
            columns += [Column(name, metric_name(name)), Column(f"{name}_difference", "difference")]
        rows = [[_pair(one), *(cell for name in names for cell in _score(one, name, notes))] for one in results]
        suffix = "" if len(tasks) == 1 else f"-{task}"
        caption = "Scores of each model on each dataset, and their differences from those on its own images"
        tables.append(Table(f"other-scores{suffix}", caption, columns, rows, sortable=True, notes=notes.lines))
    lead = [
        "These differences are not corrected for the number of scores. Differences of shares are in percentage points."
    ]
    return Part("other-scores", "All main scores", lead, tables, template=_PLAIN)


def shift_in_words(pairs: Pairs) -> Part | None:
    """Return whether the images are like those that the models learnt from; None if this was not asked for.

    Models with the same features have the same result, which is stated once.
    """
    asked = [one for one in pairs if one.shift is not None]
    if not asked:
        return None
    said: dict[tuple[str, str], list[str]] = {}
    for one in asked:
        assert one.shift is not None
        properties = one.shift.images.properties_found if one.shift.images else ()
        sentence = " ".join([one.shift.sentence or one.shift.note, *properties])
        said.setdefault((one.dataset, sentence), []).append(one.model)
    lead = [f"{dataset} ({listed(models, 5)}): {sentence}" for (dataset, sentence), models in said.items()]
    rows = []
    for one in asked:
        images = one.shift.images.images if one.shift and one.shift.images else None
        if images is None or images.auc is None:
            continue
        low, high = images.interval or (None, None)
        ends = "" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f}"
        p = "–" if images.p_value is None else p_text(images.p_value).removeprefix("= ")
        told_apart = Cell(images.auc, f"{100 * images.auc:.0f}", ends, {"auc_low": low, "auc_high": high})
        rows.append([_pair(one), told_apart, Cell(images.p_value, p)])
    columns = [
        Column("model", "model and dataset", numeric=False),
        Column("auc", "told apart, of 100 pairs"),
        Column("p_value", "p of no difference"),
    ]
    tables = [Table("shift", "How well a classifier tells the images apart", columns, rows)] if rows else []
    title = "Are the images like those that the models learnt from?"
    return Part("shift", title, list(map(without_places, lead)), tables, template=_PLAIN)


def _pair(result: ExternalResult) -> Cell:
    return Cell(result.model, result.model, f"on {result.dataset}", {"dataset": result.dataset})


def _groups(result: ExternalResult) -> str:
    evaluation = result.evaluation
    return "" if evaluation.n_groups is None else f"of {number(evaluation.n_groups, evaluation.group_name)}"


def _metric_of(result: ExternalResult, titles: list[str]) -> str:
    """Return the metric of a pair as a footnote; "" if all pairs have the same."""
    return "" if len(titles) == 1 else metric_name(result.metric)


def _score(result: ExternalResult, name: str, notes: Footnotes) -> list[Cell]:
    value = metric_cell(name, result.evaluation.metrics[name], notes)
    cell, p = difference_cells(result.difference(name), notes)
    also = {f"{name}_{key}": one for key, one in cell.also.items()} | {f"{name}_p": p.value}
    below = f"{cell.sub}; p {p.text}" if p.value is not None else cell.sub
    return [value, Cell(cell.value, cell.text, below, also, cell.tone)]


def _drawings(pairs: Pairs, title: str) -> list[Drawing]:
    """Draw the differences of the main scores in one figure, if there are any with intervals."""
    shown = []
    for one, adjusted in zip(pairs, pairs.adjusted, strict=True):
        test = one.difference(one.metric)
        if test is None or test.low is None or test.high is None:
            continue
        differs = adjusted is not None and adjusted < test.alpha
        shown.append((f"{one.model}, {one.dataset}", test.difference, (test.low, test.high), differs))
    if not shown:
        return []
    names, values, ends, found = (list(part) for part in zip(*shown, strict=True))
    figure = plots.difference_chart(
        names, values, ends, [None] * len(names), found, label=f"difference of the {title} from own images"
    )
    described = listed([f"{name} {score(value)}" for name, value in zip(names, values, strict=True)], 20)
    words = f"Difference of the {title} of each model on each dataset from that on its own images: {described}."
    caption = "Differences with intervals for each pair; filled points differ by more than chance in the adjusted test"
    return [Drawing("differences", caption, words, figure)]
