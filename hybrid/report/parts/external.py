"""The parts of the report of an external validation: scores, curves, errors, images, and how it was made."""

from collections.abc import Mapping
from typing import Any

from hybrid import plots
from hybrid.evaluation import METRICS, CalibrationLine, Metric, UnpairedTest
from hybrid.evaluation.metrics import metric_for
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.external.result import ExternalResult
from hybrid.report.elements.figures import Drawing, drawn_curves
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.tables import MOST_CLASSES_IN_A_MATRIX, confused_table, confusion_table, metric_cell
from hybrid.report.elements.words import listed, metric_name, score
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes, number
from hybrid.workspace.private_paths import place_name

_PLAIN = "plain"


def scores(result: ExternalResult) -> Part:
    """Return all scores on the new data, beside those on the model's own images and the differences."""
    names = [name for name in TASKS[result.evaluation.task].terminal if name in result.evaluation.metrics]
    names += [name for name in TASKS[result.evaluation.task].calibration if name not in names]
    level, notes = f"{result.evaluation.level:.0%}", Footnotes()
    columns = [Column("metric", "score", numeric=False), Column("external", result.dataset)]
    if result.internal:
        columns += [Column("internal", result.own_name), Column("difference", "difference"), Column("p", "p")]
    rows = []
    for name in names:
        row = [text_cell(metric_name(name)), metric_cell("external", result.evaluation.metrics[name], notes)]
        if result.internal:
            own = result.internal.evaluation.metrics[name]
            row += [metric_cell("internal", own, notes), *difference_cells(result.difference(name), notes)]
        rows.append(row)
    lead = [
        f"All scores have {level} intervals, which hold for {result.evaluation.population}. The threshold is that of "
        "the model.",
    ]
    drawings = []
    if result.internal:
        lead.append(
            "The two sets hold different images, so the differences have intervals and tests for different images; p "
            "is for each score alone. Differences of shares are in percentage points."
        )
        drawings = _differences_drawing(result, names)
    table = Table("scores", f"Scores with {level} intervals", columns, rows, notes=notes.lines)
    return Part("scores", "Scores", lead, [table], drawings, template=_PLAIN)


def _differences_drawing(result: ExternalResult, names: list[str]) -> list[Drawing]:
    """Draw the differences of the scores between 0 and 1 in one figure."""
    tests = [test for name in names if (test := result.difference(name)) and _is_share(name) and test.low is not None]
    if not tests:
        return []
    ends = [(test.low, test.high) for test in tests if test.low is not None and test.high is not None]
    figure = plots.difference_chart(
        [metric_name(test.metric) for test in tests],
        [test.difference for test in tests],
        ends,
        [None] * len(tests),
        [test.distinguishable for test in tests],
        label=f"{result.dataset} minus {result.own_name}",
    )
    told = [f"{metric_name(test.metric)} {score(test.difference)}" for test in tests]
    words = f"Difference of each score from that on the {result.own_name}: {listed(told, 20)}."
    title = f"Differences from the {result.own_name}, with intervals; filled points differ by more than chance"
    return [Drawing("differences", title, words, figure)]


def _is_share(name: str) -> bool:
    metric = METRICS[name]
    return metric.higher_is_better and metric.interval != "ratio"


def difference_cells(test: UnpairedTest | None, notes: Footnotes) -> list[Cell]:
    """Return a difference with its interval, and its p-value."""
    if test is None or test.difference is None:
        return [Cell(None, "–"), Cell(None, "–")]
    also: Mapping[str, Any] = {"difference_low": test.low, "difference_high": test.high}
    tone = "worse" if test.verdict == "worse" else ""
    below = test.interval if test.low is not None else f"no interval{notes.mark(test.note)}"
    return [
        Cell(test.difference, test.figure(test.difference, "+"), below, also, tone),
        Cell(test.p_value, test.probability.removeprefix("= ")),
    ]


def curves(result: ExternalResult) -> Part:
    """Return ROC, precision-recall and reliability curves of both sets of images, and their calibration lines."""
    sides = {result.dataset: result.external}
    if result.internal:
        sides[result.own_name] = result.internal
    area = metric_for("roc_auc", result.evaluation.task).name
    drawings = drawn_curves(
        {name: place for place, name in enumerate(sides)},
        [side.predictions for side in sides.values()],
        result.evaluation,
        [side.evaluation.metrics[area].value for side in sides.values()],
    )
    what = ["slope"] if result.evaluation.task == "multiclass" else ["slope", "intercept"]
    titles = {"slope": "calibration slope", "intercept": "calibration in the large (intercept)"}
    columns = [Column("images", "images", numeric=False), *(Column(name, titles[name]) for name in what)]
    shares = result.evaluation.positive is not None
    if shares:
        columns += [Column("expected", "mean probability"), Column("observed", "observed share")]
    rows = []
    for name, side in sides.items():
        row = [text_cell(name), *(_line_cell(side.line, part) for part in what)]
        rows.append(row + ([Cell(one, score(one)) for one in (side.expected, side.observed)] if shares else []))
    if result.internal:
        changes = [difference_cells(result.difference(name), Footnotes())[0] for name in what]
        rows.append([text_cell("difference"), *changes, *([Cell(None, "–")] * 2 if shares else [])])
    lead = [
        "With a calibration slope of 1, probabilities are as extreme as they should be; below 1, they are too extreme. "
        "With an intercept above 0, outcomes are more frequent than predicted.",
    ]
    table = Table("calibration", "Calibration", columns, rows)
    return Part("curves", "Curves and calibration", lead, [table], drawings, template=_PLAIN)


def _line_cell(line: CalibrationLine, name: str) -> Cell:
    value, low, high = (getattr(line, part) for part in (name, f"{name}_low", f"{name}_high"))
    return metric_cell(name, Metric(value, low, high, "" if value is not None else "not defined"), Footnotes())


def errors(result: ExternalResult) -> Part:
    """Return the confusion matrix of the new data and the model's own images, and the scores of each class."""
    evaluation = result.evaluation
    sides = {result.dataset: evaluation}
    if result.internal:
        sides[result.own_name] = result.internal.evaluation
    matrices, confused = [], None
    if evaluation.task == "multilabel" or len(evaluation.classes) <= MOST_CLASSES_IN_A_MATRIX:
        matrices = [
            confusion_table(f"confusion-{place}", name, side)
            for place, (name, side) in enumerate(sides.items(), start=1)
        ]
    else:
        confused = confused_table(evaluation)
    classes = _classes(result)
    tables = [*matrices, *([confused] if confused else []), classes]
    lead = ["Counts and shares of each row. Rows are the true classes, columns the predicted ones."]
    content = {"matrices": matrices, "folded": [], "confused": confused, "classes": classes}
    return Part("errors", "Errors", lead, tables, content=content)


def _classes(result: ExternalResult) -> Table:
    what, notes = "label" if result.evaluation.task == "multilabel" else "class", Footnotes()
    tests = {(test.label, test.metric): test for test in result.class_differences}
    columns = [Column(what, what, numeric=False), Column("images", "images")]
    shown = TASKS[result.evaluation.task].changing_classes
    for name in shown:
        columns.append(Column(name, metric_name(name)))
        if result.internal:
            columns.append(Column(f"{name}_difference", "difference"))
    rows = []
    for label, scores_of in result.evaluation.per_class.items():
        row = [text_cell(label), Cell(scores_of["support"], f"{scores_of['support']:,}")]
        for name in shown:
            row.append(metric_cell(name, scores_of[name], notes))
            if result.internal:
                row.append(_class_difference(tests.get((label, name)), name))
        rows.append(row)
    return Table("classes", f"Each {what} against the rest", columns, rows, sortable=True, notes=notes.lines)


def _class_difference(test: UnpairedTest | None, name: str) -> Cell:
    cell = difference_cells(test, Footnotes())[0]
    also = {f"{name}_{end}": value for end, value in cell.also.items()}
    return Cell(cell.value, cell.text, cell.sub if test and test.low is not None else "", also, cell.tone)


def images(result: ExternalResult) -> Part:
    """Return how the classes were mapped, how many images of each class there are, and which were left out."""
    data, own = result.data, result.internal
    columns = [Column("class", "in the data", numeric=False), Column("model", "for the model", numeric=False)]
    rows = [
        [text_cell(theirs), text_cell("left out" if ours is None else ours)]
        for theirs, ours in data.mapping.targets.items()
    ]
    mapped = Table("class-map", "Classes of the data and of the model", columns, rows)
    counts = [Column("class", "class", numeric=False), Column("images", result.dataset)]
    counts += [Column("own", result.own_name)] if own else []
    of_own = own.evaluation.per_class if own else {}
    amounts = [
        [
            text_cell(label),
            _count_cell(scores_of["support"], result.evaluation.n),
            *([_count_cell(of_own[label]["support"], own.evaluation.n)] if own else []),
        ]
        for label, scores_of in result.evaluation.per_class.items()
    ]
    lead = [result.overlap.sentence() or "None of the images is among those the model was made with."]
    if data.skipped:
        lead.append(f"{number(len(data.skipped), 'image')} could not be decoded: {listed(list(data.skipped), 5)}.")
    tables = [mapped, Table("images", "Images of each class", counts, amounts)]
    return Part("images", "Images and classes", lead, tables, template=_PLAIN)


def _count_cell(count: int, of: int) -> Cell:
    return Cell(count, f"{count:,} ({count / max(of, 1):.0%})")


def made(result: ExternalResult) -> Part:
    """Return how the validation was made: the model, the data and the settings."""
    manifest, own = result.data.manifest, result.own.record
    facts = {
        "model": result.model,
        "model saved": manifest.created,
        "head": own.head if own else manifest.steps[-1].type,
        "network": listed([str(place_name(one.backbone)) for one in manifest.extractors]),
        "fitted to": own.dataset if own else manifest.dataset.get("name", "not known"),
        "data": place_name(result.data.dataset.source),
        "images": f"{len(result.data):,} of the {len(result.data.dataset):,} images of the data",
        "split": result.split or "all images",
        "level of the intervals": f"{result.evaluation.level:.0%}",
        "hybrid, when the model was saved": manifest.versions.get("hybrid", "not known"),
    }
    rows = [[text_cell(name), text_cell(value)] for name, value in facts.items()]
    columns = [Column("what", "what", numeric=False), Column("value", "value", numeric=False)]
    return Part("made", "How this was made", (), [Table("made", "Model, data and settings", columns, rows)],
                template=_PLAIN)  # fmt: skip
