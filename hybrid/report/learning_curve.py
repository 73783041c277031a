"""Write a learning curve as a small report: one HTML page, with its figures, tables and JSON beside it."""

from pathlib import Path

from hybrid import plots
from hybrid._version import __version__
from hybrid.files import replace_folder, write_json, write_output
from hybrid.planning import LearningCurve, ScoreCurve
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.words import capitalized, count, metric_name, score
from hybrid.report.page import render
from hybrid.report.page_files import PageSection, save_parts
from hybrid.report.parts.part import Part
from hybrid.wording import number, plural_of

PAGE, JSON = "report.html", "learning-curve.json"


def write_learning_curve(curve: LearningCurve, folder: Path) -> list[Path]:
    """Write the page, its figures, tables and JSON into a folder, which is replaced as a whole; return the paths."""
    parts = [_training(curve), _test(curve)]
    section = PageSection("curve", curve.model, " ".join(curve.sentences()), _intro(curve), (), parts)
    page = render("How many images?", [section], (), f"Written by hybrid {__version__}.")
    with replace_folder(folder) as new:
        write_output(new / PAGE, lambda file: file.write(page.encode()))
        write_json(new / JSON, curve.to_dict())
        written = [new / PAGE, new / JSON, *save_parts(parts, new)]
        names = [path.relative_to(new) for path in written]
    return [folder / name for name in names]


def _intro(curve: LearningCurve) -> str:
    groups = "" if curve.n_groups is None else f" of {number(curve.n_groups, curve.group_name)}"
    return (
        f"{curve.n:,} training images{groups}; scores on {curve.where}. Test was not used. Each of {curve.repeats} "
        "repeats fitted the model to nested shares of the training images, in which the classes are as frequent as in "
        f"all of them and no {curve.group_name} is divided."
    )


def _training(curve: LearningCurve) -> Part:
    level = f"{curve.overall.fit.level:.0%}"
    meaning = (
        f"In {level} of the cases, the band should contain the score of a model that is fitted to so many images, "
        "computed on the same images as here; in a check with real images it did so somewhat less often. It does not "
        "include that other validation images would give another score, and it holds for more images from the same "
        "source only."
    )
    drawings = [_drawing(curve, one, name) for one, name in ((curve.overall, "overall"), (curve.rarest, "rarest"))]
    lead = [meaning, *curve.notes]
    return Part("learning-curve", "Training images", lead, [_scores(curve)], drawings)


def _drawing(curve: LearningCurve, one: ScoreCurve, name: str) -> Drawing:
    fit, label = one.fit, one.title
    fitted = None if fit.reason else (fit.sizes, fit.value, fit.low, fit.high)
    figure = plots.learning_curve_chart(
        curve.sizes, one.scores, fitted, label=label, now=curve.n, band=f"{fit.level:.0%} band"
    )
    words = f"{capitalized(label)} against the number of training images; the dotted line is at all {curve.n:,} images"
    return Drawing(f"learning-curve-{name}", words, f"{words}. {curve.sentences()[name == 'rarest']}", figure)


def _scores(curve: LearningCurve) -> Table:
    columns = [Column("images", "training images")]
    columns += [Column("groups", plural_of(curve.group_name))] if curve.groups is not None else []
    for name, one in (("overall", curve.overall), ("rarest", curve.rarest)):
        columns += [Column(f"{name}_mean", f"{one.title}, mean"), Column(f"{name}_fit", "fitted curve")]
    rows = []
    for record in curve.table().to_dict("records"):
        cells = [Cell(int(record[key]), count(record[key])) for key in ("images", "groups") if key in record]
        for name in ("overall", "rarest"):
            mean, low, high, fit = (float(record[f"{name}_{part}"]) for part in ("mean", "low", "high", "fit"))
            cells += [
                Cell(mean, score(mean), f"{score(low)}–{score(high)}", {f"{name}_low": low, f"{name}_high": high}),
                Cell(fit, score(fit)),
            ]
        rows.append(cells)
    return Table("scores", f"Scores of {curve.repeats} repeats: mean, lowest and highest", columns, rows)


def _test(curve: LearningCurve) -> Part:
    widths = curve.interval_widths
    titles = {name: metric_name(name) for name in widths.widths}
    columns = [Column("images", "test images")]
    columns += [Column("groups", plural_of(widths.group_name))] if widths.groups is not None else []
    columns += [Column(name, titles[name]) for name in widths.widths]
    rows = []
    for record in widths.table().to_dict("records"):
        cells = [Cell(int(record[key]), count(record[key])) for key in ("images", "groups") if key in record]
        rows.append([*cells, *(Cell(float(record[name]), score(float(record[name]))) for name in widths.widths)])
    caption = f"Width of the {widths.level:.0%} interval, at the scores and shares of the classes of {curve.where}"
    lead = [
        "More training images make a model better; more test images make its score more certain. "
        + " ".join(widths.sentence(name, titles[name]) for name in list(widths.widths)[:1])
    ]
    drawings = []
    if widths.widths:
        figure = plots.interval_width_chart(
            widths.images, {titles[name]: width for name, width in widths.widths.items()}
        )
        drawings = [Drawing("interval-widths", caption, f"{caption}. {lead[0]}", figure)]
    return Part("test-images", "Test images", lead, [Table("interval-widths", caption, columns, rows)], drawings)
