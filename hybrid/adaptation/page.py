"""The report on an adapted model: one HTML page, with its figures and tables as files beside it."""

from pathlib import Path

from hybrid.adaptation.figures import curve_figure
from hybrid.adaptation.methods import METHODS, NONE
from hybrid.adaptation.result import AdaptationResult
from hybrid.evaluation import CalibrationLine, Evaluation, PairedTest
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.words import capitalized, interval, metric_name, plural, score, spoken
from hybrid.report.page_files import PageSection, write_section
from hybrid.report.parts.part import Part
from hybrid.wording import plural_of
from hybrid.workspace.private_paths import without_places

_CURVE = (
    "In each draw, the model is adapted to images that are drawn at random and judged on images of other groups; the "
    "smaller numbers of images are parts of the larger ones. Marks are means over the draws, bars go from the lowest "
    "to the highest draw. The draws share images, so the bars are no confidence intervals; they show how much depends "
    "on which images happen to be labelled."
)
_FIGURES = 3  # scores with a figure of their own


def write_page(result: AdaptationResult, path: Path) -> list[Path]:
    """Write the page and its files; return their paths, the page first."""
    parts = (_scores(result), *([_curve(result)] if result.curve else []), _origin(result))
    section = PageSection(
        "adapted",
        result.ancestry.data,
        spoken(result.answer),
        _intro(result),
        tuple(without_places(text) for text in result.warnings),
        parts,
    )
    title = f"{result.ancestry.parent}, adapted to {result.ancestry.data}"
    return write_section(title, section, path)


def _intro(result: AdaptationResult) -> str:
    """Return how many images there are, and what they are used for."""
    origin = result.ancestry
    others = f"of other {plural_of(origin.group_name)}" if origin.groups else "others"
    return (
        f"{origin.data} has {plural(result.available, 'labelled image')} that are new to {origin.parent}: "
        f"{origin.images:,} to adapt to, and {result.judging:,} {others} to judge on."
    )


def _scores(result: AdaptationResult) -> Part:
    """Return the part with the scores of both models on the judging images."""
    first = next(iter(result.evaluations.values()))
    lead = [
        f"Scores with {first.level:.0%} intervals on {first.images} that the model was not adapted to. Differences are "
        "those of the two models on the same images; of shares, in percentage points."
    ]
    return Part("adapted-scores", "Before and after", lead, [_score_table(result), _line_table(result.lines)])


def _score_table(result: AdaptationResult) -> Table:
    names = list(result.evaluations)[::-1]
    tests = {test.metric: test for test in result.tests}
    columns = [Column("metric", "score", numeric=False), *(Column(name, name) for name in names)]
    columns += [Column("difference", "difference"), Column("p", "p")] if tests else []
    rows = [
        [
            Cell(metric, capitalized(metric_name(metric))),
            *(_score_cell(name, result.evaluations[name], metric) for name in names),
            *(_difference_cells(tests[metric]) if metric in tests else []),
        ]
        for metric in result.metrics
    ]
    return Table("scores", "Scores on the judging images", columns, rows)


def _score_cell(name: str, result: Evaluation, metric: str) -> Cell:
    found = result.metrics[metric]
    return Cell(
        found.value, score(found.value), interval(found), {f"{name}_low": found.low, f"{name}_high": found.high}
    )


def _difference_cells(test: PairedTest) -> list[Cell]:
    also = {"difference_low": test.low, "difference_high": test.high, "test": test.test}
    return [
        Cell(test.difference, test.figure(test.difference, "+"), test.between(test.low, test.high), also),
        Cell(test.p_value, test.probability.removeprefix("= ")),
    ]


def _line_table(lines: dict[str, CalibrationLine]) -> Table:
    columns = [Column("model", "model", numeric=False), Column("slope", "slope"), Column("intercept", "intercept")]
    rows = [
        [
            text_cell(name),
            _line_cell("slope", line.slope, line.slope_low, line.slope_high),
            _line_cell("intercept", line.intercept, line.intercept_low, line.intercept_high),
        ]
        for name, line in list(lines.items())[::-1]
    ]
    notes = [
        "A slope of 1 and an intercept of 0 are those of calibrated probabilities; see the guide on probabilities."
    ]
    return Table("calibration-line", "Calibration on the judging images", columns, rows, notes=notes)


def _line_cell(key: str, value: float | None, low: float | None, high: float | None) -> Cell:
    sub = "" if low is None else f"{score(low)} to {score(high)}"
    return Cell(value, score(value), sub, {f"{key}_low": low, f"{key}_high": high})


def _curve(result: AdaptationResult) -> Part:
    """Return the part with the scores of each method against the number of labelled images."""
    curve = result.curve
    assert curve is not None
    lead = [*map(spoken, result.advice), _CURVE]
    lead += [f"Not drawn: {method}, because {reason}." for method, reason in result.unavailable.items()]
    drawings = [
        Drawing(
            f"curve-{metric}",
            f"{capitalized(metric_name(metric))} against labelled images, {plural(curve.draws, 'draw')}",
            _described(result, metric),
            curve_figure(curve, metric),
        )
        for metric in _drawn(curve.metrics)
    ]
    return Part("adapted-curve", "How many labelled images", lead, [_curve_table(result)], drawings)


def _drawn(metrics: tuple[str, ...]) -> list[str]:
    """Return the metrics with figures: the main one, the log loss, and others."""
    return sorted(metrics, key=lambda name: (name != metrics[0], name != "log_loss", "auc" not in name))[:_FIGURES]


def _described(result: AdaptationResult, metric: str) -> str:
    curve = result.curve
    assert curve is not None
    last = curve.sizes[-1]
    shown = [f"{method} {score(curve.point(method, last, metric).mean)}" for method in curve.methods]
    return f"Mean {metric_name(metric)} with {last} labelled images: {', '.join(shown)}."


def _curve_table(result: AdaptationResult) -> Table:
    curve = result.curve
    assert curve is not None
    columns = [Column("method", "method", numeric=False), Column("images", "images")]
    columns += [Column(metric, capitalized(metric_name(metric))) for metric in curve.metrics]
    rows = []
    for method in curve.methods:
        for size in curve.sizes if method != NONE else curve.sizes[:1]:
            cells = []
            for metric in curve.metrics:
                point = curve.point(method, size, metric)
                also = {f"{metric}_sd": point.sd, f"{metric}_low": point.low, f"{metric}_high": point.high,
                        f"{metric}_gain": point.gain, f"{metric}_better": point.better}  # fmt: skip
                cells.append(Cell(point.mean, score(point.mean), f"± {score(point.sd)}", also))
            images = Cell(None, "–") if method == NONE else Cell(size, f"{size:,}")
            rows.append([Cell(method, method), images, *cells])
    notes = [f"{name}: {words}." for name, words in METHODS.items() if name in curve.methods]
    notes.append(
        "auto: what a cross-validation within the adapting images chooses of none, intercept, calibration and refit."
    )
    return Table("curve", "Means and standard deviations over the draws", columns, rows, sortable=True, notes=notes)


def _origin(result: AdaptationResult) -> Part:
    origin = result.ancestry
    pairs = [
        ("model", result.model or "nothing was saved"),
        ("parent", origin.parent),
        ("SHA-256 of the parent's manifest", origin.parent_sha256),
        ("method", f"{origin.method}: {METHODS[origin.method]}"),
        (
            "adapting images",
            f"{origin.images} of {origin.data}, "
            + (f"split {origin.split}" if origin.split else f"drawn with seed {origin.seed}"),
        ),
        ("judging images", str(result.judging)),
    ]
    rows = [[text_cell(name), text_cell(value)] for name, value in pairs]
    table = Table(
        "origin", "The adapted model and its parent", [Column("what", ""), Column("value", "", numeric=False)], rows
    )
    return Part("adapted-origin", "Origin", list(result.notes), [table])
