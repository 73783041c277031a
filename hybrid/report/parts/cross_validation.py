"""The part of the report on the cross-validation: means, spread over folds and seeds, and paired tests."""

from typing import TYPE_CHECKING

from hybrid import plots
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.report.elements import tables
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.pair_tables import paired_table
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.words import capitalized, listed, metric_name, score, seconds, spoken, with_interval
from hybrid.report.parts.differences import compared
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.comparison.cross_validation_result import CrossValidation

FLATTERED = "flattered"
_MOST_DESCRIBED = 12


def cross_validation(leaderboard: "Leaderboard") -> Part | None:
    """Return the cross-validated scores of the models; None if there was no cross-validation."""
    crossed = leaderboard.crossed
    if crossed is None:
        return None
    names = {row["model"]: leaderboard.label(row["model"]) for row in crossed.rows}
    shown, drawings, saved, block = [_table(crossed, names, leaderboard)], [], [], None
    if pairs := crossed.pairs:
        scores = dict(zip(names, crossed.means, strict=True))
        block = compared(
            "cross-validation-differences", pairs, names, crossed.metric, crossed.tested_against, scores,
            leaderboard.chosen,
        )  # fmt: skip
        shown.append(block.table)
        drawings += [block.drawing] if block.drawing else []
        saved.append(paired_table("cross-validation-tests", pairs))
    drawings.append(_drawing(crossed, names, leaderboard))
    domains = _domain_table(crossed, names) if crossed.domains else None
    shown += [domains] if domains else []
    content = {"scores": shown[0], "domains": domains, "block": block, "drawing": drawings[-1], "how": _how(crossed)}
    return Part("cross", "Cross-validation", _lead(crossed), shown, drawings, saved, content)


def cross_words(leaderboard: "Leaderboard", model: str) -> str:
    """Return a sentence with the cross-validated score of a model; "" if the model was not cross-validated."""
    crossed = leaderboard.crossed
    names = [row["model"] for row in crossed.rows] if crossed else []
    if crossed is None or model not in names:
        return ""
    row, mean = crossed.rows[names.index(model)], crossed.means[names.index(model)]
    folds = f"{crossed.division} of the {crossed.images_of_groups} of train and validation"
    spread = f"SD over folds {score(row['sd_folds'])}, over seeds {score(row['sd_seeds'])}"
    flattered = f" ({FLATTERED})" if row["flattered"] else ""
    return f"Cross-validated, {folds}: {metric_name(crossed.metric)} {with_interval(mean)}, {spread}{flattered}."


def _lead(crossed: "CrossValidation") -> list[str]:
    if crossed.domains:
        return [
            f"Each {crossed.domain} was left out once: every model was fitted to the others of the "
            f"{crossed.images_of_groups} of train and validation, with its threshold and calibration, and scored on "
            "the one that was left out. Test was not used.",
            *map(spoken, crossed.notes),
        ]
    often = {1: "once", 2: "twice"}.get(crossed.repeats, f"{crossed.repeats} times")
    return [
        f"The {crossed.images_of_groups} of train and validation together were divided into {crossed.folds} folds "
        f"{often}. Every model was fitted again for each fold, with its threshold and calibration chosen in the fold. "
        "Test was not used.",
        *map(spoken, crossed.notes),
    ]


def _how(crossed: "CrossValidation") -> list[str]:
    """Return how to read the standard deviations and how the models were compared."""
    spreads = (
        "The SD over folds shows how much the score depends on the images that a model is scored on. The SD over "
        "seeds, which is that of the means of the repeats, shows how much the score depends on the division into folds "
        "and on the seed of the head."
    )
    tests = (
        f"{crossed.tested_against or 'Each model'} is compared with every other by the corrected resampled t-test, "
        f"which accounts for folds that share training images. Holm's correction is for {len(crossed.pairs)} tests."
    )
    return [spreads, *([tests] if len(crossed.models) > 1 else [])]


def _table(crossed: "CrossValidation", names: dict[str, str], leaderboard: "Leaderboard") -> Table:
    others = [name for name in TASKS[crossed.task].report if name != crossed.metric and name in crossed.rows[0]]
    columns = [
        Column("model", "model", numeric=False),
        Column(crossed.metric, f"{metric_name(crossed.metric)}, mean"),
        Column("sd_folds", "SD over folds"),
        Column("sd_seeds", "SD over seeds"),
        *(Column(name, f"{metric_name(name)}, mean") for name in others),
        Column("seconds", "wall-clock time"),
    ]
    notes = Footnotes()
    rows = [
        [
            Cell(row["model"], names[row["model"]], FLATTERED if row["flattered"] else "",
                 {"flattered": row["flattered"]}),
            tables.metric_cell(crossed.metric, mean, notes),
            *(Cell(row[key], score(row[key])) for key in ("sd_folds", "sd_seeds", *others)),
            Cell(row["seconds"], seconds(row["seconds"])),
        ]
        for row, mean in zip(crossed.rows, crossed.means, strict=True)
    ]  # fmt: skip
    over = f"the {len(crossed.domains)} folds, {crossed.division}" if crossed.domains else crossed.division
    caption = f"Means over {over}, with 95% intervals"
    marked = next((number for number, row in enumerate(crossed.rows) if row["model"] == leaderboard.chosen), None)
    return Table("cross-validation", caption, columns, rows, sortable=True, marked=marked, notes=notes.lines)


def _domain_table(crossed: "CrossValidation", names: dict[str, str]) -> Table:
    columns = [Column("model", "model", numeric=False)]
    columns += [Column(f"{crossed.metric}_{name}", name) for name in crossed.domains]
    rows = []
    for model in crossed.models:
        worst = crossed.worst_domain(model, crossed.metric)
        cells = [Cell(model.name, names[model.name])]
        for name, value in zip(crossed.domains, model.scores[crossed.metric].ravel().tolist(), strict=True):
            known = None if value != value else value
            cells.append(Cell(known, score(known), "lowest" if worst and worst[0] == name else ""))
        rows.append(cells)
    caption = f"{capitalized(metric_name(crossed.metric))} on each {crossed.domain} that was left out"
    return Table("cross-validation-domains", caption, columns, rows, sortable=True)


def _drawing(crossed: "CrossValidation", names: dict[str, str], leaderboard: "Leaderboard") -> Drawing:
    rows, metrics, label = crossed.rows, crossed.means, metric_name(crossed.metric)
    labels = [names[row["model"]] for row in rows]
    described = [f"{name} {with_interval(m)}" for name, m in zip(labels, metrics, strict=True)]
    words = f"{label} of each model over the folds with its 95% interval: {listed(described, _MOST_DESCRIBED)}."
    marked = next((number for number, row in enumerate(rows) if row["model"] == leaderboard.chosen), None)
    figure = plots.interval_chart(
        labels,
        [metric.value for metric in metrics],
        [metric.interval for metric in metrics],
        label=label,
        chosen=marked,
    )
    return Drawing("cross-validation", f"{capitalized(label)}, cross-validated, with 95% intervals", words, figure)
